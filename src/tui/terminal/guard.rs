//! Ends the process when its terminal goes away: by SIGHUP, and by looking, because a SIGHUP that was
//! ignored by whoever started us never comes and crossterm would then spin for ever. It also sees to it that
//! nothing is drawn from the background, over somebody else's screen.

use super::{job, restore};
use crate::tui::Error;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGHUP, SIGTTOU};
use signal_hook::iterator::Signals;
use std::thread;

/// How long one look may wait: the process is gone within half a second even if no event comes.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 250_000_000 };

/// Starts both watches; they live as long as the process.
pub(super) fn watch() -> Result<(), Error> {
    let mut hangups = Signals::new([SIGHUP]).map_err(|source| Error::Signals { source })?;
    let spawned = thread::Builder::new().name("tui-hangup".to_owned()).spawn(move || {
        if hangups.forever().next().is_some() {
            restore();
            // As the default disposition does, which may have been taken from us by `nohup`.
            let _ = signal_hook::low_level::emulate_default_handler(SIGHUP);
        }
    });
    spawned.map_err(|source| Error::Thread { name: "tui-hangup", source })?;
    let spawned = thread::Builder::new().name("tui-guard".to_owned()).spawn(look);
    spawned.map(drop).map_err(|source| Error::Thread { name: "tui-guard", source })
}

/// Looks at the terminal until it hangs up, and then ends the process: there is nobody left to tell. Stops
/// in the background, as a write or a read there does.
fn look() {
    let mut deaf = false;
    loop {
        if job::in_background() {
            if deaf {
                // It was not stopped, because somebody ignores the signal for us or nobody could continue us.
                signal_hook::low_level::exit(2);
            }
            deaf = true;
            let _ = signal_hook::low_level::raise(SIGTTOU);
        } else {
            deaf = false;
        }
        let stdout = rustix::stdio::stdout();
        let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
        let polled = poll(&mut fds, Some(&LOOK));
        let gone = fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
        if polled.is_ok() && gone {
            signal_hook::low_level::exit(0);
        }
    }
}
