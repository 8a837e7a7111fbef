//! What each thread of the recorder knows of itself, for whoever draws a picture of the whole.
//!
//! One small lock, held for a copy: no thread ever waits here for another's work.

use crate::emg::Gap;
use crate::emg::clock::Fit;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counts and ages; times are `CLOCK_BOOTTIME` nanoseconds, 0 = never.
#[derive(Clone, Debug, Default)]
pub(super) struct Vitals {
    /// First row's arrival.
    pub(super) first_ns: i64,
    /// Newest row's arrival.
    pub(super) newest_ns: i64,
    /// Row after the newest.
    pub(super) next_row: u64,
    /// The line that places markers.
    pub(super) fit: Option<Fit>,
    /// The source is there.
    pub(super) alive: bool,
    /// It came back this often.
    pub(super) reconnects: u64,
    /// Lines or frames that were no row.
    pub(super) refused: u64,
    /// The newest gap.
    pub(super) last_gap: Option<Gap>,
    /// Process id of the newest projector.
    pub(super) projector_pid: Option<u32>,
    /// Gap rows, all causes.
    pub(super) gaps: u64,
    /// Samples missing, exact and estimated.
    pub(super) lost_samples: u64,
    /// Rows the screen's side never saw.
    pub(super) skipped_rows: u64,
    /// Rows in the journal.
    pub(super) journalled: u64,
    /// Bytes of the journal being written; those before it go with their sealing.
    pub(super) journal_bytes: u64,
    /// Last completed write.
    pub(super) written_ns: i64,
    /// Arrival of the oldest row not yet written.
    pub(super) unwritten_since_ns: i64,
    /// Write time of the oldest row not yet synced.
    pub(super) undurable_since_ns: i64,
    /// The space ahead of the journal could not be allocated.
    pub(super) short_of_space: bool,
    /// Rows in the HDF5 files.
    pub(super) projected: u64,
    /// Journals begun, each of which becomes a file.
    pub(super) files: usize,
    /// Bytes of the HDF5 files.
    pub(super) projected_bytes: u64,
    /// The file being written.
    pub(super) file: String,
    /// What the operator must know and has not gone away, by its kind.
    pub(super) alarms: BTreeMap<Alarm, String>,
    /// Something was lost or repaired: the exit code will be 1, and this says why.
    pub(super) blemishes: Vec<String>,
}

/// Kinds of alarms, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alarm {
    /// The journal cannot be written.
    Write,
    /// It can, but rows wait too long for it.
    Late,
    /// A sync failed.
    Sync,
    /// Space is short.
    Disk,
    /// The source is silent or away.
    Source,
    /// A queue is nearly full.
    Queue,
    /// The projector does not run.
    Projector,
}

/// The shared vitals.
#[derive(Debug, Default)]
pub(super) struct Shared(Mutex<Vitals>);

impl Shared {
    /// A look, or a change; keep it short.
    pub(super) fn lock(&self) -> MutexGuard<'_, Vitals> {
        // A thread that panicked half-way through a change left numbers, not an invariant.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Raises or clears an alarm; true when that changed anything.
    pub(super) fn alarm(&self, kind: Alarm, sentence: Option<String>) -> bool {
        let mut vitals = self.lock();
        match sentence {
            Some(text) => vitals.alarms.insert(kind, text).is_none(),
            None => vitals.alarms.remove(&kind).is_some(),
        }
    }

    /// Remembers a reason for exit code 1, once, and few.
    pub(super) fn blemish(&self, sentence: &str) {
        let mut vitals = self.lock();
        if vitals.blemishes.len() < 20 && !vitals.blemishes.iter().any(|known| known == sentence) {
            vitals.blemishes.push(sentence.to_owned());
        }
    }
}
