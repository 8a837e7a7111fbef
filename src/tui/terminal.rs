//! THE TERMINAL IS BORROWED: taken over whole, and given back whole after quit, panic and signals.
//!
//! `input` reads keys and signals, `job` stops and goes on, `guard` ends the process when the terminal
//! vanishes, `painter` draws and `meter` counts. Nothing here knows what is drawn. Measured reasons for each
//! part: crossterm spins for ever on a vanished terminal, and a stalled link blocks whoever writes.

mod guard;
pub(crate) mod input;
pub(crate) mod job;
mod meter;
pub(crate) mod painter;

use super::Error;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{self, EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{cursor, execute};
use std::io::{self, IsTerminal};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the terminal is ours at the moment.
static BORROWED: AtomicBool = AtomicBool::new(false);
/// Whether a thread panicked while the terminal was ours.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// The terminal in raw mode on its alternate screen, for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Screen(());

impl Screen {
    /// Takes the terminal over and watches it; plain errors where there is none.
    pub(crate) fn enter() -> Result<Self, Error> {
        if !io::stdout().is_terminal() {
            return Err(Error::NoTerminal);
        }
        hook_panics();
        // In the background this stops the process, until it is brought to the front.
        let screen = Self(());
        enter()?;
        if job::in_background() {
            return Err(Error::Background);
        }
        guard::watch()?;
        Ok(screen)
    }
}

/// Raw mode, second screen, no cursor; where they are ours already, only the mode is set again.
fn enter() -> Result<(), Error> {
    let again = BORROWED.load(Ordering::SeqCst);
    if again {
        // Whoever had the terminal meanwhile may have changed its mode: begin from the one to be given back.
        let _ = terminal::disable_raw_mode();
    }
    terminal::enable_raw_mode().map_err(|source| Error::Terminal { attempt: "put into raw mode", source })?;
    BORROWED.store(true, Ordering::SeqCst);
    let failed = |source| Error::Terminal { attempt: "switched to its second screen", source };
    if !again {
        execute!(io::stdout(), EnterAlternateScreen).map_err(failed)?;
    }
    execute!(io::stdout(), EnableBracketedPaste, cursor::Hide).map_err(failed)
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back, once; failures are nobody's business any more.
pub(super) fn restore() {
    if BORROWED.swap(false, Ordering::SeqCst) {
        let _ = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
        let _ = terminal::disable_raw_mode();
    }
}

/// Whether a thread panicked since the terminal was taken over, so that the dashboard must end.
pub(crate) fn panicked() -> bool {
    PANICKED.load(Ordering::SeqCst)
}

/// Makes a panic in any thread give the terminal back before its message is printed.
fn hook_panics() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if BORROWED.load(Ordering::SeqCst) {
                PANICKED.store(true, Ordering::SeqCst);
                restore();
            }
            before(info);
        }));
    });
}
