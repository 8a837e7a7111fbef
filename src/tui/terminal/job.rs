//! The dashboard as a job of a shell: Ctrl-Z gives the terminal back and `fg` shows the picture whole again.
//!
//! SIGTSTP and SIGCONT are caught for that. SIGTTIN and SIGTTOU keep their default, which stops a background
//! job that touches the terminal; `guard` sees to it where somebody ignores them for us. SIGPIPE is ignored, as
//! in every Rust program: the error of the write ends the drawing.

use super::{enter, restore};
use rustix::process::{Signal, kill_current_process_group};
use signal_hook::consts::SIGSTOP;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

/// Held by whoever writes to the terminal, and while it is not ours to write to.
static PEN: Mutex<()> = Mutex::new(());
/// How often, and how many times, a stop waits for a picture on its way: 1 s.
const LOOK: Duration = Duration::from_millis(10);
const LOOKS: u32 = 100;

/// The right to write to the terminal.
pub(super) type Pen = MutexGuard<'static, ()>;

/// Waits until the terminal may be written to.
pub(super) fn pen() -> Pen {
    PEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks this process and its companions in the job to stop; false where no shell could continue them.
pub(crate) fn ask_to_stop() -> bool {
    can_be_continued() && kill_current_process_group(Signal::TSTP).is_ok()
}

/// Gives the terminal back and stops until somebody continues this process. Returns the pen, to be held until
/// [`go_on`] has taken the terminal again; none where it did not stop.
pub(super) fn stop() -> Option<Pen> {
    let pen = (0..LOOKS).find_map(|_| match PEN.try_lock() {
        Ok(pen) => Some(pen),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => {
            thread::sleep(LOOK);
            None
        }
    })?;
    if !can_be_continued() {
        return None;
    }
    restore();
    let _ = signal_hook::low_level::raise(SIGSTOP);
    Some(pen)
}

/// Takes the terminal again after a stop. In the background this stops the process once more, until it is
/// brought to the front; false where the terminal cannot be had.
pub(super) fn go_on() -> bool {
    enter().is_ok()
}

/// Whether this process runs in the background of the terminal it draws on.
pub(super) fn in_background() -> bool {
    let Ok(front) = rustix::termios::tcgetpgrp(rustix::stdio::stdout()) else { return false };
    Place::of("self").is_some_and(|me| me.job != front.as_raw_nonzero().get())
}

/// Whether a shell watches over this job: an ancestor in the same session but not in the job. Without one, a
/// stopped process would stand still for ever (an orphaned process group, in the words of POSIX).
fn can_be_continued() -> bool {
    let Some(me) = Place::of("self") else { return false };
    let mut ancestor = me.parent;
    while let Some(place) = Place::of(&ancestor.to_string()) {
        if place.session != me.session {
            return false;
        }
        if place.job != me.job {
            return true;
        }
        ancestor = place.parent;
    }
    false
}

/// Where a process stands among the others. In a container, a parent, a job or a session from outside is 0,
/// which `getsid` and `getpgrp` of rustix do not expect.
struct Place {
    parent: i32,
    job: i32,
    session: i32,
}

impl Place {
    fn of(pid: &str) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold spaces; fields are counted after it.
        let (_, after) = stat.rsplit_once(')')?;
        let mut fields = after.split_whitespace().skip(1).map(str::parse);
        let mut next = || fields.next()?.ok();
        Some(Self { parent: next()?, job: next()?, session: next()? })
    }
}
