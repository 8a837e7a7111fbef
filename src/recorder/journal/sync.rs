//! Thread `sync`: makes what is written durable, at an interval, away from everything that must not wait.

use crate::emg::Stamp;
use crate::emg::units::seconds;
use crate::recorder::alarms::Kind;
use crate::recorder::vitals::{Shared, Stage};
use crate::store::journal::Durable;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest sync is that of so long.
const WORST_OF_NS: i64 = 60_000_000_000;

/// What failed, failed lately for so long: its alarm stands, however soon the next sync succeeds.
const LATELY: Duration = Duration::from_secs(10);

/// However seldom it syncs, the thread shows that it lives.
const BEAT_EVERY: Duration = Duration::from_secs(1);

/// Syncs the newest journal each `interval` until the writer is gone.
pub(in crate::recorder) fn run(files: &Receiver<Arc<Durable>>, interval: Duration, vitals: &Arc<Shared>) {
    let mut file: Option<Arc<Durable>> = None;
    let mut past = Past::default();
    let mut due = Instant::now() + interval;
    loop {
        vitals.beat(Stage::Sync);
        match files.recv_timeout(due.saturating_duration_since(Instant::now()).min(BEAT_EVERY)) {
            Ok(next) => {
                // A border: what is written no more is made durable before what follows it. Whether it was is for the
                // writer to see.
                let ended = file.replace(next);
                ended.map(|ended| vitals.guard(Stage::Sync, || finish(&ended, vitals, &mut past)));
                due = Instant::now();
            }
            Err(RecvTimeoutError::Timeout) if Instant::now() < due => {}
            Err(RecvTimeoutError::Timeout) => {
                // After a failure the writer goes on in a new part, which comes here too.
                let current = file.take();
                let synced = || current.filter(|file| sync(file, vitals, &mut past));
                file = vitals.guard(Stage::Sync, synced).flatten();
                due = Instant::now() + interval;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Makes a file durable that is written no more.
fn finish(file: &Durable, vitals: &Shared, past: &mut Past) {
    if let Err(error) = file.sync() {
        past.failed = Some(Instant::now());
        let text = format!("the end of a journal could not be made durable at once: {error}");
        vitals.blemish(&text);
        vitals.report(Kind::Sync, Some(text));
    }
}

/// Whether the file may be trusted further.
fn sync(file: &Durable, vitals: &Shared, past: &mut Past) -> bool {
    let began = Stamp::now().host_ns;
    if vitals.lock().undurable_since_ns == 0 {
        past.forgive(vitals);
        return true;
    }
    match file.sync() {
        Ok(()) => {
            let took_ms = seconds(Stamp::now().host_ns - began) * 1e3;
            // A file that failed is not asked again, so this one is a later part or journal.
            past.forgive(vitals);
            let mut vitals = vitals.lock();
            vitals.sync_ms = Some((took_ms, past.worst.of(took_ms, began)));
            // What was written while the disk worked is not covered: its age counts from the sync's beginning.
            vitals.undurable_since_ns = if vitals.written_ns > began { began } else { 0 };
            true
        }
        Err(error) => {
            past.failed = Some(Instant::now());
            let text = format!("the journal could not be made durable: {error}");
            vitals.blemish(&text);
            vitals.report(Kind::Sync, Some(text));
            false
        }
    }
}

/// How the syncs before went.
#[derive(Debug, Default)]
struct Past {
    worst: Worst,
    failed: Option<Instant>,
}

impl Past {
    /// Ends the alarm of a failure that was some time ago.
    fn forgive(&self, vitals: &Shared) {
        if self.failed.is_none_or(|at| at.elapsed() >= LATELY) {
            vitals.report(Kind::Sync, None);
        }
    }
}

/// The longest syncs of the last minute: none here is shorter than one after it.
#[derive(Debug, Default)]
struct Worst(VecDeque<(i64, f64)>);

impl Worst {
    /// The longest of the last minute, with one that began at `began_ns` and took so long.
    fn of(&mut self, took_ms: f64, began_ns: i64) -> f64 {
        while self.0.back().is_some_and(|(_, shorter)| *shorter <= took_ms) {
            self.0.pop_back();
        }
        self.0.push_back((began_ns, took_ms));
        while self.0.front().is_some_and(|(at, _)| began_ns - at > WORST_OF_NS) {
            self.0.pop_front();
        }
        self.0.front().map_or(took_ms, |(_, longest)| *longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_sync_is_remembered_for_a_minute() {
        const S: i64 = 1_000_000_000;
        let mut worst = Worst::default();
        let seen = [(1, 3.0), (2, 90.0), (3, 5.0), (30, 7.0), (62, 4.0), (63, 4.5), (91, 1.0)];
        let seen = seen.map(|(at_s, took_ms)| worst.of(took_ms, at_s * S)).to_vec();
        assert_eq!(seen, [3.0, 90.0, 90.0, 90.0, 90.0, 7.0, 4.5]);
    }
}
