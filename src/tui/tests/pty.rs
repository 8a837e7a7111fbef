//! On a real terminal: taken over, given back, and left at once when it vanishes. The dashboard runs in a
//! child process, which is this test binary again.

use super::fixture::{bins, recording};
use crate::session::{Event, Session};
use crate::tui::{Color, Glyphs, Options, run};
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
                let _ = to_screen.send(Event::Tick(Box::new(recording(seconds))));
                let _ = to_screen.send(Event::Bins(bins(u64::from(tenth) * 25, 25, 8)));
                thread::sleep(Duration::from_millis(100));
                assert!(!(role == "panic" && tenth == 8), "a part of the station fell over");
            }
        })
        .unwrap();
    let options = Options { glyphs: Glyphs::Braille, color: Color::Never, read_only: false };
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
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let test = "exec \"$0\" --exact tui::tests::pty::child --nocapture --test-threads=1";
        let hup = if role == "deaf" { "trap '' HUP; " } else { "" };
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", &format!("{hup}{test}")]);
        command.arg(std::env::current_exe().unwrap());
        command.env(ROLE, role);
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let (keyboard, screen) =
            (pair.master.take_writer().unwrap(), pair.master.try_clone_reader().unwrap());
        let mut desk = Self { master: pair.master, keyboard, screen, child, seen: String::new() };
        desk.read_until("REC");
        desk
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
        assert!(!after.contains("\u{1b}[?1049h"), "it was taken again");
        let flags = self.master.get_termios().expect("a pty has them").local_flags;
        let text = format!("{flags:?}");
        assert!(text.contains("ECHO") && text.contains("ICANON"), "still raw: {text}");
        let _ = self.child.wait();
    }
}

#[test]
fn the_terminal_is_whole_after_q() {
    let mut desk = Desk::open("watch");
    desk.keyboard.write_all(b"q").unwrap();
    desk.assert_whole("ended with Ok(Detached)");
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
