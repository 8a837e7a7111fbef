//! Wire twins of the state a screen or a status line shows.

use super::emg::{Channel, Marker};
use super::twin::{codes, twin};
use crate::session::snapshot;

codes!(State = snapshot::State { Monitoring, Recording, Draining, Closed });

twin!(
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
    }
);

twin!(
    ChannelState = snapshot::ChannelState { channel: Channel, level: f64, mvc_percent: f64, flags: [String] }
);

twin!(
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
        alarms: [String],
        clients: u32,
        cpu_percent: f64,
        rss_bytes: u64,
        host_ns: i64,
        keys: [(char, String)],
        skipped_rows: u64,
    }
);
