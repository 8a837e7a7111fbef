//! Thread `hooks`: the operator's own commands, run one at a time when something happens, told of it in one JSON
//! object on standard input.
//!
//! Never in the way of a recording: what it cannot begin is left out, what takes too long is ended, and both are said.
//! Each command is a line for `/bin/sh`, so that a filter may stand between the object and what it is for.

use crate::emg::marker::{NOTE_BYTES, clip};
use crate::recorder::{MANAGER_VARIABLES, Outcome};
use crate::session::Alarm;
use crate::session::alarm::Priority;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{PipeReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A command may take this long.
const LIMIT: Duration = Duration::from_secs(10);
/// Commands that may wait; a station at which more goes wrong in ten seconds has been heard.
const WAITING: usize = 16;
/// Sentences about commands that may wait for `control`.
const SAID: usize = 2 * WAITING;
/// How often a running command is looked at.
const LOOK_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
/// Bytes kept of what a command says: more than fits into a line of the log.
const KEPT: usize = 1024;

/// A command and what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The configuration's name for it: `on-alarm`.
    pub name: &'static str,
    /// A line for the shell.
    pub command: String,
    /// One JSON object.
    pub input: String,
}

/// An alarm that a command hears of.
#[derive(Clone, Copy, Debug)]
pub struct News<'a> {
    /// The recorder's id.
    pub id: &'a str,
    /// The file being recorded, empty while only monitoring.
    pub file: &'a str,
    /// Whether it is open now; else it is over.
    pub raised: bool,
    /// The alarm.
    pub alarm: &'a Alarm,
}

/// Makes the job of an alarm's beginning or end.
pub type OnAlarm = Box<dyn Fn(&News<'_>) -> Job + Send>;
/// Makes the job of a recording's end.
pub type OnClose = Box<dyn Fn(&Outcome) -> Job + Send>;

/// What is to be run when; nothing where nothing was configured.
#[derive(Default)]
pub struct Hooks {
    /// When an alarm that somebody must act on (P1, P2) begins and when it is over.
    pub on_alarm: Option<OnAlarm>,
    /// When a recording is sealed, or could not be.
    pub on_close: Option<OnClose>,
}

/// The thread that runs jobs.
pub struct Runner {
    hooks: Hooks,
    jobs: Sender<Job>,
    said: Receiver<(u8, String)>,
    /// Only the end is still told of.
    closing: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Runner {
    /// Starts the thread.
    pub(in crate::recorder) fn start(hooks: Hooks) -> Self {
        let (jobs, waiting) = bounded::<Job>(WAITING);
        let (say, said) = bounded(SAID);
        let closing = Arc::new(AtomicBool::new(false));
        let only_last = closing.clone();
        let run = move || {
            for job in &waiting {
                if only_last.load(Ordering::Relaxed) && !waiting.is_empty() {
                    continue;
                }
                if let Some(sentence) = run(&job, LIMIT) {
                    // Nobody waits for what a command says.
                    let _ = say.try_send(sentence);
                }
            }
        };
        Self { hooks, jobs, said, closing, thread: crate::recorder::spawn("hooks", run) }
    }

    /// What commands say: a level of the log, and a sentence.
    pub(super) fn said(&self) -> Receiver<(u8, String)> {
        self.said.clone()
    }

    /// Tells of an alarm when its turn comes; the command's name when too many wait.
    pub(super) fn alarm(&self, news: &News<'_>) -> Result<(), &'static str> {
        let wanted = self.hooks.on_alarm.as_ref().filter(|_| news.alarm.priority != Priority::Third);
        match wanted.map(|on_alarm| self.jobs.try_send(on_alarm(news))) {
            Some(Err(TrySendError::Full(job))) => Err(job.name),
            _ => Ok(()),
        }
    }

    /// Tells of the end; alarms that wait before it are left out.
    pub(in crate::recorder) fn close(&self, outcome: &Outcome) {
        self.closing.store(true, Ordering::Relaxed);
        if let Some(on_close) = &self.hooks.on_close {
            // The thread only leaves jobs out from now on; it takes this one within the time one job has.
            let _ = self.jobs.send(on_close(outcome));
        }
    }

    /// Waits for the commands under way, no longer than two of them may take; gives what they said.
    #[must_use]
    pub fn finish(self) -> Vec<String> {
        let Self { jobs, said, closing, thread, .. } = self;
        closing.store(true, Ordering::Relaxed);
        drop(jobs);
        // A panic there has been reported by its own thread.
        let _ = thread.join();
        said.try_iter().map(|(_, sentence)| sentence).collect()
    }
}

/// Runs a job to its end or the limit; a sentence where there is something to say.
fn run(Job { name, command, input }: &Job, limit: Duration) -> Option<(u8, String)> {
    let until = Instant::now() + limit;
    let (output, mut child) = match begin(command) {
        Ok(begun) => begun,
        Err(error) => return Some((2, format!("{name} could not be run: {error}"))),
    };
    if let Some(mut stdin) = child.stdin.take() {
        // Less than a pipe holds, so this never waits; a command need not listen.
        let _ = writeln!(stdin, "{input}");
    }
    let (status, said) = attend(&mut child, output, until);
    let first = String::from_utf8_lossy(&said).lines().next().unwrap_or_default().trim().to_owned();
    let tail = if first.is_empty() { String::new() } else { format!(": {first}") };
    let sentence = match status {
        Some(status) if status.success() && first.is_empty() => return None,
        Some(status) if status.success() => (3, format!("{name}{tail}")),
        Some(status) => (2, format!("{name} ended with {status}{tail}")),
        None => (2, format!("{name} took longer than {} s and was ended{tail}", limit.as_secs())),
    };
    Some((sentence.0, clip(&sentence.1, NOTE_BYTES)))
}

/// A shell in a group of its own, so that it can be ended with all it started; what it says comes out of one pipe.
fn begin(command: &str) -> std::io::Result<(PipeReader, Child)> {
    let (output, input) = std::io::pipe()?;
    let mut shell = Command::new("/bin/sh");
    for name in MANAGER_VARIABLES {
        shell.env_remove(name);
    }
    let child = shell
        .args(["-c", command])
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(input.try_clone()?)
        .stderr(input)
        .spawn()?;
    Ok((output, child))
}

/// Listens until the command has ended, or ends it; none when it was ended.
fn attend(child: &mut Child, mut output: PipeReader, until: Instant) -> (Option<ExitStatus>, Vec<u8>) {
    let mut said = Vec::new();
    let mut open = true;
    loop {
        let ended = child.try_wait().ok().flatten();
        while open && readable(&output, if ended.is_some() { Timespec::default() } else { LOOK_EVERY }) {
            let mut buffer = [0; 512];
            match output.read(&mut buffer) {
                Ok(count @ 1..) if said.len() < KEPT => said.extend_from_slice(&buffer[..count]),
                Ok(1..) => {}
                Ok(0) | Err(_) => open = false,
            }
            if Instant::now() >= until {
                break;
            }
        }
        if ended.is_some() {
            return (ended, said);
        }
        if Instant::now() >= until {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                // Fails only where it has just ended.
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = child.wait();
            return (None, said);
        }
        if !open {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn readable(output: &PipeReader, patience: Timespec) -> bool {
    let mut waiting = [PollFd::new(output, PollFlags::IN)];
    poll(&mut waiting, Some(&patience)).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(command: &str) -> Job {
        Job { name: "on-alarm", command: command.to_owned(), input: r#"{"raised":true}"#.to_owned() }
    }

    #[test]
    fn a_command_is_told_and_its_first_line_is_said() {
        assert_eq!(run(&job("cat; echo more"), LIMIT), Some((3, r#"on-alarm: {"raised":true}"#.to_owned())));
        assert_eq!(run(&job("cat > /dev/null"), LIMIT), None, "silence says nothing");
        let (level, said) = run(&job("echo no >&2; exit 3"), LIMIT).unwrap();
        assert_eq!((level, said.as_str()), (2, "on-alarm ended with exit status: 3: no"));
        assert_eq!(run(&job("exec < /dev/null; sleep 0.1"), LIMIT), None, "it need not listen");
        let (_, said) = run(&job("yes | head -c 1000000"), LIMIT).unwrap();
        assert_eq!(said, "on-alarm: y", "whatever it says, its pipe never fills");
    }

    #[test]
    fn a_command_that_takes_too_long_is_ended_with_all_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("late");
        let line = format!("(sleep 3; touch {}) & sleep 60", mark.display());
        let (level, said) = run(&job(&line), Duration::from_millis(300)).unwrap();
        assert_eq!((level, said.as_str()), (2, "on-alarm took longer than 0 s and was ended"));
        std::thread::sleep(Duration::from_millis(3300));
        assert!(!mark.exists(), "what it left in the background went with it");
    }

    #[test]
    fn what_a_command_leaves_behind_is_not_waited_for() {
        assert_eq!(run(&job("sleep 30 & echo done"), LIMIT), Some((3, "on-alarm: done".to_owned())));
    }

    #[test]
    fn at_the_end_only_the_end_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().display().to_string();
        let say = move |name: &'static str, more: &str| Job {
            name,
            ..job(&format!("cd {here}; echo {name} >> heard; {more}"))
        };
        let end = say("on-close", "");
        let hooks = Hooks {
            on_alarm: Some(Box::new(move |_| say("on-alarm", "while [ ! -e go ]; do sleep 0.05; done"))),
            on_close: Some(Box::new(move |_| end.clone())),
        };
        let runner = Runner::start(hooks);
        let alarm = Alarm::default();
        let news = News { id: "r1", file: "", raised: true, alarm: &alarm };
        assert_eq!(runner.alarm(&news), Ok(()));
        while !folder.path().join("heard").exists() {
            std::thread::yield_now();
        }
        let left_out = (0..WAITING + 5).filter(|_| runner.alarm(&news) == Err("on-alarm")).count();
        assert_eq!(left_out, 5, "so many may wait");
        std::fs::write(folder.path().join("go"), "").unwrap();
        runner.close(&Outcome { id: "r1".to_owned(), code: 0, lines: Vec::new(), files: Vec::new() });
        assert_eq!(runner.finish(), [""; 0]);
        let heard = std::fs::read_to_string(folder.path().join("heard")).unwrap();
        assert_eq!(heard.lines().filter(|line| *line == "on-close").count(), 1);
        assert!(heard.ends_with("on-close\n"), "{heard}");
    }
}
