//! What the stories share: a station with its own folders, a device on a pseudo-terminal, Python, and waiting.

mod dashboard;
mod device;
mod python;
mod rig;
mod simulated;
mod station;
mod terminal;

pub(crate) use dashboard::Dashboard;
pub(crate) use device::Device;
pub(crate) use python::{Followed, python};
pub(crate) use rig::Rig;
pub(crate) use simulated::Simulated;
pub(crate) use station::{Ran, Recorder, Station};
pub(crate) use terminal::Desk;

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long a story waits for a condition before it fails: generous, because machines are slow and shared.
pub(crate) fn limit() -> Duration {
    let seconds = std::env::var("MYOGRAPH_TEST_LIMIT_S").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(60))
}

/// Waits until `ready`; fails naming what it waited for.
pub(crate) fn wait_until(what: &str, mut ready: impl FnMut() -> bool) {
    wait_for(what, || ready().then_some(()));
}

/// Waits for a value; fails naming what it waited for.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + limit();
    loop {
        if let Some(value) = look() {
            return value;
        }
        assert!(Instant::now() < until, "waited {} s in vain: {what}", limit().as_secs());
        std::thread::sleep(LOOK_EVERY);
    }
}

/// The folder of real recordings, or None with the reason printed.
pub(crate) fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("MYOGRAPH_DATA").map(PathBuf::from).filter(|folder| folder.is_dir());
    if folder.is_none() {
        eprintln!("skipped: set MYOGRAPH_DATA");
    }
    folder
}
