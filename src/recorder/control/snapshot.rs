//! Vitals, picture and markers as one [`Snapshot`], with what must be asked of the system.

use super::load::Load;
use super::markers::Markers;
use crate::emg::finding::quality::flag;
use crate::emg::units::{float, seconds, wide};
use crate::emg::{Channel, Stamp};
use crate::pipeline::preset;
use crate::recorder::process::predict::SharedModels;
use crate::recorder::process::{Picture, SharedPicture, Standing};
use crate::recorder::vitals::{self, Shared, Vitals};
use crate::recorder::{BYTES_PER_VALUE, PIECES, REQUESTS, SCREEN_PIECES, STEPS};
use crate::session::command::FilterRequest;
use crate::session::snapshot::{ChannelState, MarkKey, Source, State};
use crate::session::system::Stage;
use crate::session::{Alarm, Snapshot, System, Viewer};
use crate::source::Description;
use crate::store::naming;
use std::sync::Arc;

/// The pace of writing is believed after this long; before, the nominal rate serves.
const PACE_AFTER_S: f64 = 60.0;

/// Place of the thread `process` along the flow.
const PROCESS: usize = 2;

/// What does not change, and what was last asked.
pub(in crate::recorder) struct Gauge {
    pub(in crate::recorder) id: String,
    /// Folder of the subject's recordings.
    folder: String,
    pub(super) channels: Vec<Channel>,
    pub(super) description: Description,
    pub(super) keys: Vec<MarkKey>,
    pub(super) blind: bool,
    /// Filters in force.
    pub(super) filter: preset::Options,
    pub(super) auto_mains: bool,
    load: Load,
    models: Arc<SharedModels>,
}

/// What changes, as others know it.
pub(super) struct Facts<'a> {
    pub(super) state: State,
    pub(super) shared: &'a Shared,
    pub(super) picture: &'a SharedPicture,
    pub(super) markers: &'a Markers,
    /// Worst first.
    pub(super) alarms: Vec<Alarm>,
    pub(super) viewers: &'a [Viewer],
    /// Markers and log lines on their way to the journal.
    pub(super) requests: usize,
}

impl Gauge {
    pub(in crate::recorder) fn new(
        plan: &crate::recorder::Plan,
        vitals: Arc<Shared>,
        models: Arc<SharedModels>,
    ) -> Self {
        Self {
            id: plan.id.clone(),
            folder: naming::subject_folder(&plan.out, &plan.header.entities).display().to_string(),
            channels: plan.channels.clone(),
            description: plan.description.clone(),
            keys: plan.keys.clone(),
            blind: plan.blind,
            filter: plan.filter,
            auto_mains: plan.auto_mains,
            load: Load::watch(plan.out.clone(), vitals),
            models,
        }
    }

    /// The whole state.
    pub(super) fn read(&mut self, facts: &Facts<'_>) -> Snapshot {
        let now = Stamp::now().host_ns;
        let vitals = facts.shared.lock().clone();
        let load = self.load.figures();
        let age = |since: i64| {
            if since == 0 { 0.0 } else { seconds((now - since).max(0)) }
        };
        let picture = facts.picture.lock();
        let nominal = self.description.nominal_hz;
        let rate = nominal.unwrap_or(picture.design_rate_hz);
        let settling = picture.settled_at.saturating_sub(picture.row);
        let elapsed_s = self.elapsed_s(&vitals);
        let filter = FilterRequest::of(&self.filter);
        Snapshot {
            id: self.id.clone(),
            state: facts.state,
            file: vitals.files.last().cloned().unwrap_or_default(),
            folder: self.folder.clone(),
            elapsed_s,
            rows: vitals.journalled,
            bytes: vitals.journal_bytes + vitals.projected_bytes,
            write_age_s: age(vitals.written_ns),
            unwritten_ms: age(vitals.unwritten_since_ns) * 1e3,
            undurable_ms: age(vitals.undurable_since_ns) * 1e3,
            projected_rows: vitals.projected,
            source: self.source(&vitals),
            channels: self.channel_states(&picture),
            preset: filter.preset,
            line_hz: filter.line_hz,
            order: filter.order,
            notches: filter.notches,
            baseline: filter.baseline,
            chain: picture.chain.clone(),
            settled: settling == 0,
            settling_s: if rate > 0.0 { float(settling) / rate } else { 0.0 },
            design_rate_hz: picture.design_rate_hz,
            free_bytes: load.free_bytes,
            disk_seconds_left: self.disk_seconds_left(&vitals, load.free_bytes, (elapsed_s, rate)),
            markers: facts.markers.count,
            last_markers: facts.markers.last.iter().cloned().collect(),
            events: picture.events,
            last_events: if self.blind { Vec::new() } else { picture.last_events.iter().cloned().collect() },
            active: if self.blind { Vec::new() } else { picture.active.clone() },
            waiting: if self.blind { Vec::new() } else { picture.waiting.clone() },
            models: if self.blind { Vec::new() } else { self.models.lock().clone() },
            open_marks: facts.markers.open().to_vec(),
            alarms: facts.alarms.clone(),
            viewers: facts.viewers.to_vec(),
            system: system(facts, &vitals, now, !self.models.lock().is_empty()),
            cpu_percent: load.cpu_percent,
            rss_bytes: load.rss_bytes,
            host_ns: now,
            keys: self.keys.clone(),
            blind: self.blind,
            calibration: picture.calibrator.progress(),
            skipped_rows: vitals.skipped_rows,
        }
    }

    /// Signal time where a rate was declared, host time since the first row otherwise.
    fn elapsed_s(&self, vitals: &Vitals) -> f64 {
        match self.description.nominal_hz {
            Some(rate) if self.description.can_wait => float(vitals.next_row) / rate,
            _ if vitals.first_ns == 0 => 0.0,
            _ => seconds(vitals.newest_ns - vitals.first_ns),
        }
    }

    fn source(&self, vitals: &Vitals) -> Source {
        let fit = vitals.fit;
        Source {
            uri: self.description.uri.clone(),
            board: self.description.board.clone(),
            rate_nominal_hz: self.description.nominal_hz.unwrap_or(f64::NAN),
            rate_measured_hz: fit.map_or(f64::NAN, |fit| fit.rate_hz),
            lost_samples: vitals.lost_samples,
            losses_counted: self.description.losses_counted,
            gaps: vitals.gaps,
            reconnects: vitals.reconnects,
            drift_ppm: fit.map_or(f64::NAN, |fit| fit.drift_ppm),
            residual_us: fit.map_or(f64::NAN, |fit| fit.residual_us),
            refused: vitals.refused,
            alive: vitals.alive,
        }
    }

    fn channel_states(&self, picture: &Picture) -> Vec<ChannelState> {
        let state = |(at, (channel, standing)): (usize, (&Channel, &Standing))| {
            let quality = picture.quality.get(at).copied().flatten();
            let flags = quality.into_iter().flat_map(|quality| flag::words(quality.flags));
            ChannelState {
                channel: channel.clone(),
                level: standing.level,
                mvc_percent: picture.calibrator.percent(at, standing.level),
                offset: standing.offset,
                floor: quality.map_or(f64::NAN, |quality| quality.floor),
                range_percent: standing.range_percent,
                line_level: quality.map_or(f64::NAN, |quality| quality.line_level),
                line_hz: quality.map_or(f64::NAN, |quality| quality.line_hz),
                flags: flags.map(str::to_owned).collect(),
            }
        };
        self.channels.iter().zip(&picture.standings).enumerate().map(state).collect()
    }

    fn disk_seconds_left(&self, vitals: &Vitals, free_bytes: u64, (elapsed_s, rate_hz): (f64, f64)) -> f64 {
        let written = float(vitals.journal_bytes + vitals.projected_bytes);
        let nominal = rate_hz * crate::emg::units::float_len(self.channels.len()) * BYTES_PER_VALUE;
        let pace = if elapsed_s > PACE_AFTER_S { written / elapsed_s } else { nominal };
        if pace > 0.0 { float(free_bytes) / pace } else { f64::NAN }
    }
}

/// Threads and projector along the flow of data, each with its last sign of life and what waits in front of it.
fn system(facts: &Facts<'_>, vitals: &Vitals, now: i64, predicts: bool) -> System {
    use vitals::Stage::{Acquire, Control, Journal, Keeper, Predict, Process, Sync};
    let stage = |name: &str, stage: vitals::Stage, capacity: usize| Stage {
        name: name.to_owned(),
        beat_age_ms: facts.shared.beat_age_ms(stage, now),
        queued: facts.shared.queued(stage),
        capacity: wide(capacity),
    };
    let heard = |ns: i64| if ns == 0 { f64::NAN } else { seconds((now - ns).max(0)) * 1e3 };
    let projector = Stage {
        name: "projector".to_owned(),
        beat_age_ms: heard(vitals.projector_heard_ns),
        ..Stage::default()
    };
    let (sync_ms, sync_worst_ms) = vitals.sync_ms.unwrap_or((f64::NAN, f64::NAN));
    let mut stages = vec![
        stage("acquire", Acquire, 0),
        stage("journal", Journal, PIECES),
        stage("process", Process, SCREEN_PIECES),
        stage("sync", Sync, 0),
        stage("keeper", Keeper, 0),
        projector,
        Stage { queued: wide(facts.requests), ..stage("control", Control, REQUESTS) },
    ];
    if predicts {
        stages.insert(PROCESS + 1, stage("predict", Predict, STEPS));
    }
    System {
        stages,
        sync_ms,
        sync_worst_ms,
        pid: std::process::id(),
        projector_pid: vitals.projector_pid.unwrap_or(0),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        listens: String::new(),
    }
}
