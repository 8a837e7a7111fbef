//! What each thread of the recorder knows of itself, for whoever draws a picture of the whole.
//!
//! One small lock, held for a copy, and a few numbers beside it: no thread ever waits here for another's work.

use super::alarms::Kind;
use crate::emg::clock::Fit;
use crate::emg::units::{seconds, wide};
use crate::emg::{Cause, Gap, Stamp};
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
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
    /// The row from which on it holds.
    pub(super) fit_from: u64,
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
    /// Samples missing that the device counted.
    pub(super) lost_counted: u64,
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
    /// The files of the recording, one for each journal begun; the last is being written.
    pub(super) files: Vec<String>,
    /// Bytes of the HDF5 files.
    pub(super) projected_bytes: u64,
    /// A projector was last heard.
    pub(super) projector_heard_ns: i64,
    /// How long the last sync took, and the longest of the last minute, milliseconds.
    pub(super) sync_ms: Option<(f64, f64)>,
    /// What threads found wrong and has not gone away.
    pub(super) wrong: BTreeMap<Kind, String>,
    /// Turns of threads that failed and were caught.
    pub(super) panics: u64,
    /// Something was lost or repaired: the exit code will be 1, and this says why.
    pub(super) blemishes: Vec<String>,
}

impl Vitals {
    /// A hole in the recording, or in what is looked at.
    pub(super) fn saw(&mut self, gap: &Gap) {
        self.gaps += 1;
        self.lost_samples += gap.missing;
        self.last_gap = Some(*gap);
        if gap.exact && gap.cause != Cause::Writer {
            self.lost_counted += gap.missing;
        }
    }
}

/// A thread that has not gone round its loop for so long is stuck; a machine under load stalls for seconds.
const STUCK_S: f64 = 15.0;

/// Threads that say each time they go round their loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Acquire,
    Journal,
    Process,
    Sync,
    Keeper,
    Control,
    Predict,
}

impl Stage {
    const COUNT: usize = 7;
    /// Those whose silence nothing else tells: a journal that does not write is an alarm of its own, and when
    /// `control` is silent, so is the watchdog of the service.
    pub(super) const WATCHED: [Self; 5] =
        [Self::Acquire, Self::Process, Self::Sync, Self::Keeper, Self::Predict];

    /// The thread's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Acquire => "acquire",
            Self::Journal => "journal",
            Self::Process => "process",
            Self::Sync => "sync",
            Self::Keeper => "keeper",
            Self::Control => "control",
            Self::Predict => "predict",
        }
    }
}

/// The shared vitals.
#[derive(Debug, Default)]
pub(super) struct Shared {
    vitals: Mutex<Vitals>,
    beats_ns: [AtomicI64; Stage::COUNT],
    queued: [AtomicU64; Stage::COUNT],
}

impl Shared {
    /// A look, or a change; keep it short.
    pub(super) fn lock(&self) -> MutexGuard<'_, Vitals> {
        // A thread that panicked half-way through a change left numbers, not an invariant.
        self.vitals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something is wrong, in one sentence, or not any more; whether it is an alarm, `control` decides.
    pub(super) fn report(&self, kind: Kind, sentence: Option<String>) {
        let mut vitals = self.lock();
        match sentence {
            Some(text) => vitals.wrong.insert(kind, text),
            None => vitals.wrong.remove(&kind),
        };
    }

    /// A thread went round its loop.
    pub(super) fn beat(&self, stage: Stage) {
        self.beats_ns[stage as usize].store(Stamp::now().host_ns, Ordering::Relaxed);
    }

    /// How long ago a thread went round its loop, milliseconds; NaN where it never did.
    pub(super) fn beat_age_ms(&self, stage: Stage, now_ns: i64) -> f64 {
        match self.beats_ns[stage as usize].load(Ordering::Relaxed) {
            0 => f64::NAN,
            beat_ns => seconds((now_ns - beat_ns).max(0)) * 1e3,
        }
    }

    /// The thread that has not gone round its loop for longest, and for how many seconds, if that is too long.
    /// Behind a source that can wait, those that read and draw do so as long as it takes.
    pub(super) fn stuck(&self, can_wait: bool, now_ns: i64) -> Option<(&'static str, f64)> {
        let watched = Stage::WATCHED
            .into_iter()
            .filter(|stage| !can_wait || !matches!(stage, Stage::Acquire | Stage::Process));
        let ages = watched.map(|stage| (stage.name(), self.beat_age_ms(stage, now_ns) / 1e3));
        ages.filter(|(_, age_s)| *age_s > STUCK_S).max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// So much waits in front of a thread.
    pub(super) fn waits(&self, stage: Stage, queued: usize) {
        self.queued[stage as usize].store(wide(queued), Ordering::Relaxed);
    }

    /// What waits in front of a thread, as far as it is counted.
    pub(super) fn queued(&self, stage: Stage) -> u64 {
        self.queued[stage as usize].load(Ordering::Relaxed)
    }

    /// Runs one turn of a thread. A panic ends that turn alone: it is caught and remembered, and the thread goes on,
    /// whose business it is to see what the turn left undone.
    pub(super) fn guard<T>(&self, stage: Stage, turn: impl FnOnce() -> T) -> Option<T> {
        // What a turn leaves half done is seen by the row numbers of the next.
        std::panic::catch_unwind(AssertUnwindSafe(turn))
            .inspect_err(|panic| {
                self.lock().panics += 1;
                let (name, why) = (stage.name(), words(panic.as_ref()));
                self.blemish(&format!(
                    "the thread `{name}` failed and went on without what it was doing: please report this ({why})"
                ));
            })
            .ok()
    }

    /// Remembers a reason for exit code 1, once, and few.
    pub(super) fn blemish(&self, sentence: &str) {
        let mut vitals = self.lock();
        if vitals.blemishes.len() < 20 && !vitals.blemishes.iter().any(|known| known == sentence) {
            vitals.blemishes.push(sentence.to_owned());
        }
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words")
}
