//! The state of a recorder as version 1 laid it out; what it did not say is unknown.

use super::emg::{Channel, Marker};
use super::twin::{heard, heard_codes};
use crate::session::{Alarm, System, Viewer, snapshot};

/// Front ends counted one by one at most; version 1 served 16.
const VIEWERS: u32 = 64;
/// A key does not count again for so long, as today where nothing else is configured, milliseconds.
const GUARD_MS: u32 = 700;

heard_codes!(State = snapshot::State { Monitoring, Recording, Draining, Closed });

heard!(
    Source = snapshot::Source {
        uri: String,
        board: String,
        rate_nominal_hz: f64,
        rate_measured_hz: f64,
        lost_samples: u64,
        losses_counted: bool,
        gaps: u64,
        reconnects: u64,
        drift_ppm: f64,
        refused: u64,
        alive: bool,
    } + { residual_us: f64::NAN }
);

heard!(
    ChannelState = snapshot::ChannelState { channel: Channel, level: f64, mvc_percent: f64, flags: [String] }
        + {
            offset: f64::NAN,
            floor: f64::NAN,
            range_percent: f64::NAN,
            line_level: f64::NAN,
            line_hz: f64::NAN
        }
);

/// An open alarm: a sentence.
#[derive(Clone, Debug, serde::Deserialize)]
pub(super) struct Sentence(String);

impl From<Sentence> for Alarm {
    fn from(Sentence(text): Sentence) -> Self {
        Self { text, ..Self::default() }
    }
}

/// A key that sets a marker.
#[derive(Clone, Debug, serde::Deserialize)]
pub(super) struct Key(char, String);

impl From<Key> for snapshot::MarkKey {
    fn from(Key(key, label): Key) -> Self {
        Self { key, label, guard_ms: GUARD_MS, ..Self::default() }
    }
}

/// Front ends that are looking: how many.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
pub(super) struct Clients(u32);

impl From<Clients> for Vec<Viewer> {
    fn from(Clients(count): Clients) -> Self {
        (0..count.min(VIEWERS)).map(|_| Viewer::default()).collect()
    }
}

heard!(
    Snapshot = snapshot::Snapshot {
        id: String,
        state: State,
        file: String,
        elapsed_s: f64,
        rows: u64,
        bytes: u64,
        write_age_s: f64,
        unwritten_ms: f64,
        undurable_ms: f64,
        projected_rows: u64,
        source: Source,
        channels: [ChannelState],
        chain: String,
        settled: bool,
        settling_s: f64,
        design_rate_hz: f64,
        free_bytes: u64,
        disk_seconds_left: f64,
        markers: u64,
        last_markers: [Marker],
        alarms: [Sentence],
        viewers: Clients,
        cpu_percent: f64,
        rss_bytes: u64,
        host_ns: i64,
        keys: [Key],
        skipped_rows: u64,
    } + {
        folder: String::new(),
        preset: String::new(),
        line_hz: f64::NAN,
        order: 0,
        notches: String::new(),
        baseline: String::new(),
        events: 0,
        last_events: Vec::new(),
        active: Vec::new(),
        waiting: Vec::new(),
        models: Vec::new(),
        open_marks: Vec::new(),
        system: System { sync_ms: f64::NAN, sync_worst_ms: f64::NAN, ..System::default() },
        blind: false,
        calibration: None,
    }
);
