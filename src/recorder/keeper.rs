//! Thread `keeper`: a projector process for every journal, started again when it dies, asked how far it is.

use super::acquire::Orders;
use super::alarms::Kind;
use super::vitals::{Shared, Stage};
use crate::emg::Stamp;
use crate::emg::units::seconds;
use crate::store::journal::writer::free_bytes;
use crate::store::naming::projection_path;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

/// How often children are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// First pause before another try, in looks; it doubles with each death.
const PAUSE_LOOKS: u32 = 10;
/// Longest pause: half a minute.
const LONGEST_PAUSE_LOOKS: u32 = 600;
/// A projector that was killed is waited for this many looks: one that hangs in the system dies when it can.
const LAST_LOOKS: u32 = 20;
/// Deaths after the end of the recording before a journal is left to `recover`.
const LAST_TRIES: u32 = 3;
/// A projector speaks once a second; a disk may hold it up for long.
const SILENT_NS: i64 = 30_000_000_000;
/// Below this an unsealed HDF5 file gives its room to the journal it can be rebuilt from.
const ROOM_BYTES: u64 = 32 * 1024 * 1024;

/// Starts a projector on a journal; its standard output must be a pipe.
pub type Spawn = Box<dyn Fn(&Path) -> std::io::Result<Child> + Send>;

/// One journal and its projector.
#[derive(Default)]
struct Job {
    number: usize,
    journal: PathBuf,
    child: Option<Child>,
    listener: Option<JoinHandle<()>>,
    /// When its projector was last heard, or started.
    heard_ns: i64,
    /// It has been reported as silent.
    silent: bool,
    deaths: u32,
    last_tries: u32,
    pause: u32,
}

/// How far a projector is.
struct Progress {
    /// Its job.
    job: usize,
    /// Rows of the whole recording.
    rows: u64,
    /// Bytes of its file.
    bytes: u64,
}

/// Runs until every journal announced on `journals` is sealed, or given up, and no more can come.
pub(super) fn run(journals: &Receiver<PathBuf>, spawn: &Spawn, orders: &Orders, vitals: &Arc<Shared>) {
    // One message a second from at most a few projectors.
    let (progress, heard) = bounded::<Progress>(64);
    let mut jobs: Vec<Job> = Vec::new();
    // Bytes of each file, by the number of its job.
    let mut sizes: Vec<u64> = Vec::new();
    let mut more = true;
    while more || !jobs.is_empty() {
        vitals.beat(Stage::Keeper);
        match journals.recv_timeout(LOOK_EVERY) {
            Ok(journal) => {
                jobs.push(Job { number: sizes.len(), journal, ..Job::default() });
                sizes.push(0);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                more = false;
                std::thread::sleep(LOOK_EVERY);
            }
        }
        let give_up = !more && orders.give_up.load(Ordering::Relaxed);
        let keep = |job: &mut Job| match job.look(spawn, &progress, vitals, more) {
            true if give_up => job.give_up(vitals),
            goes_on => goes_on,
        };
        vitals.guard(Stage::Keeper, || jobs.retain_mut(keep));
        if more {
            report_silence(&mut jobs, vitals);
        }
        while let Ok(Progress { job, rows, bytes }) = heard.try_recv() {
            sizes[job] = bytes;
            let now = Stamp::now().host_ns;
            jobs.iter_mut().filter(|one| one.number == job).for_each(|job| job.heard_ns = now);
            let mut vitals = vitals.lock();
            vitals.projector_heard_ns = now;
            vitals.projected = vitals.projected.max(rows);
            vitals.projected_bytes = sizes.iter().sum();
        }
    }
}

/// The projector of the journal being written says once a second how far it is. One that does not is stuck, on its
/// disk or in its library: it is not killed, since the journal waits for it, but somebody should know.
fn report_silence(jobs: &mut [Job], vitals: &Shared) {
    let Some(job) = jobs.last_mut().filter(|job| job.child.is_some()) else { return };
    let silent_ns = Stamp::now().host_ns - job.heard_ns;
    if silent_ns > SILENT_NS {
        job.silent = true;
        let text = format!("the projector has said nothing for {:.0} s", seconds(silent_ns));
        vitals.report(Kind::Projector, Some(text));
    } else if std::mem::take(&mut job.silent) {
        vitals.report(Kind::Projector, None);
    }
}

impl Job {
    /// Looks after the child; false when there is nothing more to do for this journal.
    fn look(&mut self, spawn: &Spawn, progress: &Sender<Progress>, vitals: &Shared, recording: bool) -> bool {
        if let Some(child) = &mut self.child {
            match child.try_wait() {
                Ok(None) => return true,
                // A journal goes when its file is sealed, whoever did that and however it ended afterwards.
                Ok(Some(status)) if status.success() || self.is_retired() => return self.done(),
                ended => self.died(ended.ok().flatten(), vitals, recording),
            }
        }
        if self.deaths > 0 && self.is_retired() {
            return self.done();
        }
        if self.last_tries >= LAST_TRIES {
            return self.leave(vitals);
        }
        if self.pause > 0 {
            self.pause = if recording { self.pause - 1 } else { self.pause.min(PAUSE_LOOKS) - 1 };
            return true;
        }
        match spawn(&self.journal) {
            Ok(mut child) => {
                self.listener = listen(&mut child, self.number, progress.clone());
                vitals.lock().projector_pid = Some(child.id());
                self.child = Some(child);
                self.heard_ns = Stamp::now().host_ns;
                vitals.report(Kind::Projector, None);
            }
            Err(error) => {
                self.rest(recording);
                vitals.report(Kind::Projector, Some(format!("the projector cannot be started: {error}")));
            }
        }
        true
    }

    fn is_retired(&self) -> bool {
        self.journal.try_exists().is_ok_and(|exists| !exists)
    }

    /// Nothing more to do: what the projector said last is heard.
    fn done(&mut self) -> bool {
        if let Some(listener) = self.listener.take() {
            // A panic there has been reported by its own thread.
            let _ = listener.join();
        }
        false
    }

    /// Ends a projector that nobody wants to wait for any longer.
    fn give_up(&mut self, vitals: &Shared) -> bool {
        if let Some(child) = &mut self.child {
            // Fails only where it has just ended.
            let _ = child.kill();
            for _ in 0..LAST_LOOKS {
                if !matches!(child.try_wait(), Ok(None)) {
                    break;
                }
                std::thread::sleep(LOOK_EVERY);
            }
        }
        if self.is_retired() { false } else { self.leave(vitals) }
    }

    /// The journal stays behind for `recover`.
    fn leave(&self, vitals: &Shared) -> bool {
        let path = self.journal.display();
        vitals.blemish(&format!("{path} was not projected; nothing is lost, run `myograph recover {path}`"));
        false
    }

    fn died(&mut self, status: Option<ExitStatus>, vitals: &Shared, recording: bool) {
        self.child = None;
        self.rest(recording);
        let how = status.map_or("unknown end".to_owned(), |status| status.to_string());
        let text = format!("the projector ended ({how}) and is started again");
        vitals.report(Kind::Projector, Some(text));
        if free_bytes(&self.journal).is_some_and(|free| free < ROOM_BYTES) {
            let _ = std::fs::remove_file(projection_path(&self.journal));
        }
    }

    fn rest(&mut self, recording: bool) {
        self.pause = (PAUSE_LOOKS << self.deaths.min(6)).min(LONGEST_PAUSE_LOOKS);
        self.deaths += 1;
        self.last_tries += u32::from(!recording);
    }
}

/// Reads `rows bytes` lines from a projector on a thread that ends with it.
fn listen(child: &mut Child, job: usize, progress: Sender<Progress>) -> Option<JoinHandle<()>> {
    let output = child.stdout.take()?;
    let listen = move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let mut words = line.split(' ').map(str::parse::<u64>);
            if let (Some(Ok(rows)), Some(Ok(bytes))) = (words.next(), words.next()) {
                let _ = progress.try_send(Progress { job, rows, bytes });
            }
        }
    };
    std::thread::Builder::new().name("projector-out".into()).spawn(listen).ok()
}

#[cfg(test)]
mod tests;
