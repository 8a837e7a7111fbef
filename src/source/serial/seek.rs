//! Where a lost board may be now: under its USB serial number, at its old path, behind a bridge of the same make.
//!
//! CH340 clones have no serial number, and a port's number may change when a board returns; who a board is, only its
//! identity tells, and `board` asks for that. Opening a port resets whatever is behind it, so ports of another make
//! are left alone.

use crate::source::ports::{self, Usb};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Between two looks at the ports.
const RETRY: Duration = Duration::from_millis(200);
/// Where another board was found, which should not be reset all the time.
const RETRY_REFUSED: Duration = Duration::from_secs(2);

/// A search under way.
#[derive(Debug)]
pub(super) struct Search {
    next: Instant,
    candidates: VecDeque<PathBuf>,
    /// The last thing said about a board that is not ours.
    said: String,
    /// Ports that were opened in vain.
    refused: usize,
}

impl Search {
    pub(super) fn new(now: Instant) -> Self {
        Self { next: now + RETRY, candidates: VecDeque::new(), said: String::new(), refused: 0 }
    }

    /// How long to wait before the next look.
    pub(super) fn early(&self, now: Instant) -> Duration {
        self.next.saturating_duration_since(now)
    }

    /// The next port to try; none where this round is over.
    pub(super) fn next(
        &mut self,
        path: &Path,
        usb: Option<&Usb>,
        asks: bool,
        now: Instant,
    ) -> Option<PathBuf> {
        if self.candidates.is_empty() {
            let listed = ports::list().unwrap_or_default();
            self.candidates = candidates(path, usb, asks, &listed);
        }
        let found = self.candidates.pop_front();
        if self.candidates.is_empty() {
            self.next = now + RETRY;
        }
        found
    }

    /// The one of `bauds` to try now: another where the last was of no use.
    pub(super) fn baud(&self, bauds: &[u32]) -> Option<u32> {
        bauds.iter().cycle().nth(self.refused).copied()
    }

    /// Something else answered there; true when that is news.
    pub(super) fn refused(&mut self, sentence: &str, now: Instant) -> bool {
        self.refused += 1;
        self.next = self.next.max(now + RETRY_REFUSED);
        if self.said == sentence {
            return false;
        }
        sentence.clone_into(&mut self.said);
        true
    }
}

/// Ports a board may be at, the likeliest first. `asks`: whatever is there can be asked who it is.
fn candidates(path: &Path, usb: Option<&Usb>, asks: bool, listed: &[ports::Port]) -> VecDeque<PathBuf> {
    let mut found = VecDeque::new();
    let mut add = |path: PathBuf| {
        if !found.contains(&path) {
            found.push_back(path);
        }
    };
    let of = |wanted: &dyn Fn(&Usb) -> bool| {
        let fits = |port: &&ports::Port| port.usb.as_ref().is_some_and(wanted);
        listed.iter().filter(fits).map(|port| PathBuf::from(&port.path)).collect::<Vec<_>>()
    };
    if let Some(usb) = usb.filter(|usb| !usb.serial.is_empty()) {
        of(&|other| (other.vid, other.pid, &other.serial) == (usb.vid, usb.pid, &usb.serial))
            .into_iter()
            .for_each(&mut add);
    }
    add(path.to_owned());
    if let Some(usb) = usb.filter(|_| asks) {
        of(&|other| (other.vid, other.pid) == (usb.vid, usb.pid)).into_iter().for_each(&mut add);
    }
    found
}

/// The USB device behind a path, which may be a link.
pub(super) fn usb_of(path: &Path) -> Option<Usb> {
    let real = path.canonicalize().ok()?;
    let listed = ports::list().ok()?;
    listed.into_iter().find(|port| Path::new(&port.path) == real)?.usb
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(path: &str, pid: u16, serial: &str) -> ports::Port {
        let usb = Usb {
            vid: 0x1a86,
            pid,
            serial: serial.to_owned(),
            manufacturer: String::new(),
            product: String::new(),
        };
        ports::Port { path: path.to_owned(), usb: Some(usb), board: None, hint: "" }
    }

    fn usb_ports<const N: usize>(numbers: [u8; N]) -> [PathBuf; N] {
        numbers.map(|number| PathBuf::from(format!("/dev/ttyUSB{number}")))
    }

    #[test]
    fn the_serial_number_comes_before_the_path_and_the_path_before_its_kind() {
        let listed = [
            port("/dev/ttyUSB1", 0x7523, ""),
            port("/dev/ttyUSB2", 0x7523, "A7"),
            port("/dev/ttyUSB3", 0x0042, "A7"),
        ];
        let old = Path::new("/dev/ttyUSB0");
        let usb = listed[1].usb.as_ref();
        assert_eq!(candidates(old, usb, true, &listed), usb_ports([2, 0, 1]));
        assert_eq!(candidates(old, usb, false, &listed), usb_ports([2, 0]));
        assert_eq!(candidates(old, None, true, &listed), [old]);
        let nameless = listed[0].usb.as_ref();
        assert_eq!(
            candidates(old, nameless, true, &listed),
            usb_ports([0, 1, 2]),
            "two boards without a number: their identity decides"
        );
    }
}
