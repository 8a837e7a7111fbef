//! `myograph simulate`: a board of ours on a pseudo-terminal, with a pattern on its electrodes that can be checked.

use super::{Station, wait_until};
use std::path::PathBuf;
use std::process::{Child, Stdio};

/// A simulated board; unplugged for good when dropped.
pub(crate) struct Simulated {
    child: Child,
    link: PathBuf,
}

impl Simulated {
    /// A board plugged in at the station's port `board`.
    pub(crate) fn new(station: &Station, args: &[&str]) -> Self {
        let link = station.root().join("board");
        let mut all = vec!["simulate", "--pattern", "--link", link.to_str().unwrap()];
        all.extend_from_slice(args);
        let mut command = station.command(&all);
        let child = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
        wait_until("the simulated board is plugged in", || link.exists());
        Self { child, link }
    }

    /// The source URI of the board, e.g. with `rate=1000`.
    pub(crate) fn uri(&self, query: &str) -> String {
        format!("serial:{}?{query}", self.link.display())
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
