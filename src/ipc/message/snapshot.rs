//! Wire twins of the state a screen or a status line shows.

use super::emg::{Channel, Event, Marker};
use super::twin::{Missing, codes, twin};
use crate::face::{calibration, events};
use crate::session::{alarm, model, snapshot, system};

// What is not known here may well write.
codes!(State = snapshot::State { Monitoring, Recording, Draining, Closed } else Recording);

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
        residual_us: f64,
        refused: u64,
        alive: bool,
    }
);

twin!(
    ChannelState = snapshot::ChannelState {
        channel: Channel,
        level: f64,
        mvc_percent: f64,
        offset: f64,
        floor: f64,
        range_percent: f64,
        line_level: f64,
        line_hz: f64,
        flags: [String]
    }
);

/// A macro takes one token for a type.
type SomeChannel = Option<u16>;

codes!(Priority = alarm::Priority { First, Second, Third } else Second);

twin!(
    Alarm = alarm::Alarm {
        id: u64,
        kind: String,
        channel: SomeChannel,
        priority: Priority,
        since_utc_ns: i64,
        text: String,
        advice: String,
        acknowledged_by: String,
    }
);

codes!(Role = system::Role { ReadOnly, Viewer, Control } else Viewer);

twin!(Viewer = system::Viewer { client: u64, name: String, role: Role });

twin!(Stage = system::Stage { name: String, beat_age_ms: f64, queued: u64, capacity: u64 });

twin!(
    System = system::System {
        stages: [Stage],
        sync_ms: f64,
        sync_worst_ms: f64,
        pid: u32,
        projector_pid: u32,
        version: String,
        listens: String,
    }
);

twin!(MarkKey = snapshot::MarkKey { key: char, label: String, code: i32, duration: bool, guard_ms: u32 });

twin!(OpenMark = snapshot::OpenMark { id: u64, label: String, code: i32, since_host_ns: i64 });

codes!(Phase = calibration::Phase { Idle, Rest, Ready, Contract, Judge } else Idle);

// What is not known here was not found to be well.
codes!(Verdict = calibration::Verdict { Open, NoRise, Small, Rail, Noisy, Differ, Ok } else Noisy);

twin!(
    Muscle = calibration::Muscle {
        channel: u16,
        rest_mean: f64,
        rest_sd: f64,
        trials: [f64],
        verdict: Verdict,
        kept: bool,
    }
);

twin!(
    Progress = calibration::Progress {
        phase: Phase,
        channel: SomeChannel,
        round: u16,
        left_s: f64,
        to_end_s: f64,
        settling: bool,
        level: f64,
        best: f64,
        muscles: [Muscle],
    }
);

/// A calibration, where there is one.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct SomeProgress(Option<Progress>);

impl Missing for SomeProgress {
    fn missing() -> Self {
        Self(None)
    }
}

impl From<Option<calibration::Progress>> for SomeProgress {
    fn from(real: Option<calibration::Progress>) -> Self {
        Self(real.map(Into::into))
    }
}

impl From<SomeProgress> for Option<calibration::Progress> {
    fn from(SomeProgress(twin): SomeProgress) -> Self {
        twin.map(Into::into)
    }
}

twin!(
    ModelState = model::ModelState {
        name: String,
        note: String,
        classes: [String],
        probabilities: [f64],
        label: String,
        probability: f64,
        flags: u32,
        latency_ms: f64,
        late: u64,
        predictions: u64,
        history: [f64],
        trouble: String,
    }
);

twin!(Active = events::Active { channel: u16, onset: u64, peak: f64 });

twin!(Waiting = events::Waiting { channel: u16, onset: u64, end: u64 });

twin!(
    Snapshot = snapshot::Snapshot {
        id: String,
        state: State,
        file: String,
        folder: String,
        elapsed_s: f64,
        rows: u64,
        bytes: u64,
        write_age_s: f64,
        unwritten_ms: f64,
        undurable_ms: f64,
        projected_rows: u64,
        source: Source,
        channels: [ChannelState],
        preset: String,
        line_hz: f64,
        order: u32,
        notches: String,
        baseline: String,
        chain: String,
        settled: bool,
        settling_s: f64,
        design_rate_hz: f64,
        free_bytes: u64,
        disk_seconds_left: f64,
        markers: u64,
        last_markers: [Marker],
        events: u64,
        last_events: [Event],
        active: [Active],
        waiting: [Waiting],
        models: [ModelState],
        open_marks: [OpenMark],
        alarms: [Alarm],
        viewers: [Viewer],
        system: System,
        cpu_percent: f64,
        rss_bytes: u64,
        host_ns: i64,
        keys: [MarkKey],
        blind: bool,
        calibration: SomeProgress,
        skipped_rows: u64,
    }
);
