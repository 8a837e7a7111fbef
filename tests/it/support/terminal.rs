//! A person at a terminal: a real pseudo-terminal with the program on it, a screen that can be read, keys to press.

use super::{Station, limit, wait_until};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

/// What the terminal showed: every byte, and the screen they make.
struct Shown {
    bytes: Vec<u8>,
    screen: vt100::Parser,
}

/// A program on a terminal of its own; the terminal vanishes and the program is killed when dropped.
pub(crate) struct Desk {
    master: Option<Box<dyn MasterPty + Send>>,
    keyboard: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    shown: Arc<Mutex<Shown>>,
    /// Reads what is shown until it is told that nobody looks any more; it holds the terminal open.
    reader: JoinHandle<()>,
    looked_at: Arc<AtomicBool>,
    /// The link has stalled: nothing is read from it.
    stalled: Arc<AtomicBool>,
}

/// An empty screen; the emulator knows none without a row or a column.
#[expect(clippy::disallowed_methods, reason = "the sizes are guarded here, once for all stories")]
fn screen(columns: u16, rows: u16) -> vt100::Parser {
    let at_least_one = |count| NonZeroU16::new(count).unwrap_or(NonZeroU16::MIN);
    vt100::Parser::new(at_least_one(rows), at_least_one(columns), 0)
}

impl Desk {
    /// Runs `myograph` with `args` on a terminal of that many columns and rows.
    pub(crate) fn open(station: &Station, size: (u16, u16), args: &[&str]) -> Self {
        Self::open_with(station, size, args, &[("TERM", "xterm-256color")])
    }

    /// The same with more environment.
    pub(crate) fn open_with(
        station: &Station,
        (columns, rows): (u16, u16),
        args: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let plain = station.command(args);
        let mut command = CommandBuilder::new(plain.get_program());
        command.args(args);
        command.cwd(station.root());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            }
        }
        // A colourless or plain environment of whoever runs the stories must not reach the screen.
        command.env_remove("NO_COLOR");
        command.env("LC_ALL", "C.UTF-8");
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let shown = Arc::new(Mutex::new(Shown { bytes: Vec::new(), screen: screen(columns, rows) }));
        let looked_at = Arc::new(AtomicBool::new(true));
        let mut output = pair.master.try_clone_reader().unwrap();
        let stalled = Arc::new(AtomicBool::new(false));
        let (kept, looks, waits) = (shown.clone(), looked_at.clone(), stalled.clone());
        let read = move || {
            let mut buffer = [0; 4096];
            while looks.load(Ordering::Relaxed)
                && let Ok(count @ 1..) = output.read(&mut buffer)
            {
                let mut shown = kept.lock().unwrap();
                shown.bytes.extend_from_slice(&buffer[..count]);
                shown.screen.process(&buffer[..count]);
                drop(shown);
                while waits.load(Ordering::Relaxed) && looks.load(Ordering::Relaxed) {
                    std::thread::sleep(super::LOOK_EVERY);
                }
            }
        };
        let reader = std::thread::Builder::new().name("screen".to_owned()).spawn(read).unwrap();
        let keyboard = Some(pair.master.take_writer().unwrap());
        Self { master: Some(pair.master), keyboard, child, shown, reader, looked_at, stalled }
    }

    /// Presses keys, each on its own.
    pub(crate) fn press(&mut self, keys: &str) {
        let keyboard = self.keyboard.as_mut().expect("the terminal is gone");
        for key in keys.chars() {
            keyboard.write_all(key.to_string().as_bytes()).unwrap();
            keyboard.flush().unwrap();
        }
    }

    /// Stalls the link (nothing more is read from it), or lets it go on.
    pub(crate) fn stall(&self, stalled: bool) {
        self.stalled.store(stalled, Ordering::Relaxed);
    }

    /// What stands on the screen.
    pub(crate) fn screen(&self) -> String {
        self.shown.lock().unwrap().screen.screen().contents()
    }

    /// Everything that was ever sent to the terminal.
    pub(crate) fn bytes(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap().bytes).into_owned()
    }

    /// Waits until `words` stand on the screen.
    #[track_caller]
    pub(crate) fn wait_shows(&self, words: &str) {
        self.wait_screen(words, |screen| screen.contains(words));
    }

    /// Waits until the screen is as wanted; fails with the last screen.
    #[track_caller]
    pub(crate) fn wait_screen(&self, what: &str, wanted: impl Fn(&str) -> bool) {
        let until = Instant::now() + limit();
        while !wanted(&self.screen()) {
            assert!(Instant::now() < until, "the screen never shows `{what}`:\n{}", self.screen());
            std::thread::sleep(super::LOOK_EVERY);
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        self.child.process_id().and_then(|pid| Pid::from_raw(pid.cast_signed())).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for the end of the program; gives its exit code.
    pub(crate) fn wait_end(&mut self) -> u32 {
        let mut code = None;
        wait_until("the end of the program on the terminal", || {
            code = self.child.try_wait().unwrap().map(|status| status.exit_code());
            code.is_some()
        });
        code.unwrap()
    }

    /// Takes the terminal away, as a closed window or a dead link does.
    pub(crate) fn vanish(&mut self) {
        self.keyboard = None;
        self.master = None;
        self.looked_at.store(false, Ordering::Relaxed);
        wait_until("the last picture before the terminal vanishes", || self.reader.is_finished());
    }

    /// Fails unless the terminal is as the program found it: first screen, cursor, echo, lines.
    #[track_caller]
    pub(crate) fn assert_whole(&self) {
        let flags = self.master.as_ref().and_then(|master| master.get_termios()).unwrap().local_flags;
        let flags = format!("{flags:?}");
        assert!(flags.contains("ECHO") && flags.contains("ICANON"), "still raw: {flags}");
        // The program's last bytes may still be on their way when it has ended.
        let holds = |what, check: fn(&vt100::Screen) -> bool| {
            wait_until(what, || check(self.shown.lock().unwrap().screen.screen()));
        };
        holds("the first screen is back", |screen| !screen.alternate_screen());
        holds("the cursor is back", |screen| !screen.hide_cursor());
        holds("pastes are plain again", |screen| !screen.bracketed_paste());
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
