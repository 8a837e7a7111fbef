//! On a real terminal: taken over, given back, and left at once when it vanishes. The dashboard runs in a
//! child process, which is this test binary again.

use super::fixture::{bins, recording};
use super::screens::alarm;
use crate::session::alarm::Priority;
use crate::session::{Event, Session};
use crate::tui::{Color, Glyphs, Look, Options, run};
use crossbeam_channel::bounded;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

/// Names what the child is to do; without it, the child's test does nothing.
const ROLE: &str = "MYOGRAPH_TUI_CHILD";
const LEAVE_ALTERNATE: &str = "\u{1b}[?1049l";
const SHOW_CURSOR: &str = "\u{1b}[?25h";
const ENTER_ALTERNATE: &str = "\u{1b}[?1049h";
/// How a shell starts the child.
const CHILD: &str = "\"$0\" --exact tui::tests::pty::child --nocapture --test-threads=1";

/// The dashboard in the child: a station that ticks, and in one role a thread that panics.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let (to_screen, events) = bounded(64);
    let (commands, _asked) = bounded(64);
    thread::Builder::new()
        .spawn(move || {
            for tenth in 0_u32..600 {
                let seconds = f64::from(tenth) / 10.0;
                let mut snapshot = recording(seconds);
                if role == "alarm" {
                    snapshot.alarms = vec![alarm(Priority::First, None, "the source is silent", "look")];
                }
                let _ = to_screen.send(Event::Tick(Box::new(snapshot)));
                let _ = to_screen.send(Event::Bins(bins(u64::from(tenth) * 25, 25, 8)));
                thread::sleep(Duration::from_millis(100));
                assert!(!(role == "panic" && tenth == 8), "a part of the station fell over");
            }
        })
        .unwrap();
    let options =
        Options { glyphs: Glyphs::Braille, color: Color::Never, look: Look::Default, ..Options::default() };
    println!("ended with {:?}", run(Session { commands, events }, options));
}

struct Desk {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    screen: Box<dyn Read + Send>,
    child: Box<dyn Child + Send + Sync>,
    seen: String,
}

impl Desk {
    /// A dashboard on a pty, drawn at least once.
    fn open(role: &str) -> Self {
        let hup = if role == "deaf" { "trap '' HUP; " } else { "" };
        let mut desk = Self::shell(role, &format!("{hup}exec {CHILD}"));
        desk.read_until("REC");
        desk
    }

    /// A shell on a pty that runs a script.
    fn shell(role: &str, script: &str) -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", script]);
        command.arg(std::env::current_exe().unwrap());
        command.env(ROLE, role);
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let (keyboard, screen) =
            (pair.master.take_writer().unwrap(), pair.master.try_clone_reader().unwrap());
        Self { master: pair.master, keyboard, screen, child, seen: String::new() }
    }

    fn read_until(&mut self, text: &str) {
        let mut bytes = [0; 4096];
        while !self.seen.contains(text) {
            match self.screen.read(&mut bytes) {
                Ok(0) | Err(_) => panic!("`{text}` never came: {}", self.seen),
                Ok(n) => self.seen.push_str(&String::from_utf8_lossy(&bytes[..n])),
            }
        }
    }

    /// Reads to the end and tells whether the terminal is as it was.
    fn assert_whole(mut self, ending: &str) {
        self.read_until(ending);
        let after = self.seen.split(LEAVE_ALTERNATE).nth(1).expect("the second screen was left");
        assert!(after.contains(SHOW_CURSOR), "the cursor is hidden");
        assert!(!after.contains(ENTER_ALTERNATE), "it was taken again");
        self.assert_lines();
        let _ = self.child.wait();
    }

    /// Fails unless the terminal gives lines and shows what is typed.
    fn assert_lines(&self) {
        let flags = self.master.get_termios().expect("a pty has them").local_flags;
        let text = format!("{flags:?}");
        assert!(text.contains("ECHO") && text.contains("ICANON"), "still raw: {text}");
    }

    fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }
}

#[test]
fn the_terminal_is_whole_after_q() {
    let mut desk = Desk::open("watch");
    desk.keyboard.write_all(b"q").unwrap();
    desk.assert_whole("ended with Ok(Detached)");
}

#[test]
fn the_bell_is_rung_for_an_alarm_and_for_nothing_else() {
    let mut ill = Desk::open("alarm");
    ill.read_until("\u{7}");
    ill.types("q");
    ill.assert_whole("ended with Ok(Detached)");
    let mut well = Desk::open("watch");
    well.read_until("AU17");
    well.types("q");
    well.read_until("ended with");
    assert!(!well.seen.contains('\u{7}'));
}

#[test]
fn the_terminal_is_whole_after_sigterm() {
    let desk = Desk::open("watch");
    let pid = desk.child.process_id().and_then(|pid| Pid::from_raw(pid.cast_signed())).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    desk.assert_whole("ended with Ok(Detached)");
}

#[test]
fn the_terminal_is_whole_after_a_panic_in_any_thread() {
    Desk::open("panic").assert_whole("ended with Err(Failed)");
}

#[test]
fn a_vanished_terminal_ends_the_dashboard_even_if_it_hears_no_hangup() {
    for role in ["watch", "deaf"] {
        let Desk { master, keyboard, screen, mut child, .. } = Desk::open(role);
        drop((master, keyboard, screen));
        let ended = (0..100).any(|_| {
            thread::sleep(Duration::from_millis(50));
            child.try_wait().unwrap().is_some()
        });
        if !ended {
            let _ = child.kill();
        }
        assert!(ended, "{role}: still running without a terminal");
    }
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_shows_the_picture_whole() {
    let script = format!("set -m; {CHILD}; echo back in the shell; read go; fg; echo all done");
    let mut desk = Desk::shell("watch", &script);
    desk.read_until("REC");
    desk.types("\u{1a}");
    desk.read_until("back in the shell");
    assert!(desk.seen.contains(LEAVE_ALTERNATE) && desk.seen.contains(SHOW_CURSOR));
    desk.assert_lines();
    desk.seen.clear();
    desk.types("go\n");
    desk.read_until(ENTER_ALTERNATE);
    for words in ["REC", "MEN", "help"] {
        desk.read_until(words);
    }
    desk.seen.clear();
    desk.types("q");
    desk.read_until("all done");
    assert!(desk.seen.contains("ended with Ok(Detached)"), "{}", desk.seen);
    desk.assert_lines();
}

#[test]
fn ctrl_z_without_a_shell_to_go_back_to_stops_nothing() {
    let mut desk = Desk::open("watch");
    desk.types("\u{1a}");
    desk.read_until("no shell");
    desk.types("q");
    desk.assert_whole("ended with Ok(Detached)");
}

#[test]
fn a_dashboard_started_in_the_background_waits_for_the_front() {
    let script = format!("set -m; {CHILD} & echo in the shell; read go; fg; echo all done");
    let mut desk = Desk::shell("watch", &script);
    desk.read_until("in the shell");
    desk.assert_lines();
    assert!(!desk.seen.contains(ENTER_ALTERNATE), "it drew over the shell");
    desk.types("go\n");
    desk.read_until("REC");
    desk.types("q");
    desk.read_until("all done");
}

#[test]
fn in_a_background_where_nobody_stops_it_the_dashboard_ends() {
    let script = format!("trap '' TTOU TTIN; set -m; {CHILD} & wait; echo all done");
    let mut desk = Desk::shell("watch", &script);
    desk.read_until("all done");
    assert!(desk.seen.contains("ended with Err(Background)"), "{}", desk.seen);
    desk.assert_lines();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the size is not zero")]
fn a_link_that_cannot_keep_up_gets_fewer_pictures_and_says_so() {
    let mut desk = Desk::open("watch");
    let [rows, columns] = [24, 80].map(|n| std::num::NonZeroU16::new(n).unwrap());
    let mut screen = vt100::Parser::new(rows, columns, 0);
    screen.process(desk.seen.as_bytes());
    let mut bytes = [0; 256];
    let slowed = (0..600).any(|_| {
        thread::sleep(Duration::from_millis(100));
        let count = desk.screen.read(&mut bytes).unwrap();
        screen.process(&bytes[..count]);
        screen.screen().contents().contains("link slow")
    });
    assert!(slowed, "{}", screen.screen().contents());
    desk.types("q");
    desk.assert_whole("ended with Ok(Detached)");
}
