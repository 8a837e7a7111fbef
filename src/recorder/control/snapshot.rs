//! Vitals, picture and markers as one [`Snapshot`], with what must be asked of the system.

use super::markers::Markers;
use crate::emg::units::{count, float, seconds};
use crate::emg::{Channel, Stamp};
use crate::recorder::BYTES_PER_VALUE;
use crate::recorder::process::SharedPicture;
use crate::recorder::vitals::{Shared, Vitals};
use crate::session::snapshot::{ChannelState, MarkKey, Source, State};
use crate::session::{Alarm, Snapshot, System, Viewer};
use crate::source::Description;
use crate::store::journal::writer::free_bytes;
use std::path::PathBuf;

/// The system is asked this often.
const ASK_EVERY_NS: i64 = 1_000_000_000;
/// The pace of writing is believed after this long; before, the nominal rate serves.
const PACE_AFTER_S: f64 = 60.0;

/// What does not change, and what was last asked.
pub(in crate::recorder) struct Gauge {
    pub(super) id: String,
    pub(super) out: PathBuf,
    pub(super) channels: Vec<Channel>,
    pub(super) description: Description,
    pub(super) keys: Vec<MarkKey>,
    asked_ns: i64,
    free_bytes: u64,
    cpu_s: f64,
    cpu_percent: f64,
    rss_bytes: u64,
}

impl Gauge {
    pub(in crate::recorder) fn new(
        id: String,
        out: PathBuf,
        channels: Vec<Channel>,
        description: Description,
        keys: Vec<MarkKey>,
    ) -> Self {
        let free_bytes = free_bytes(&out).unwrap_or(0);
        Self {
            id,
            out,
            channels,
            description,
            keys,
            asked_ns: 0,
            free_bytes,
            cpu_s: 0.0,
            cpu_percent: 0.0,
            rss_bytes: 0,
        }
    }

    /// The whole state.
    pub(super) fn read(
        &mut self,
        state: State,
        shared: &Shared,
        picture: &SharedPicture,
        markers: &Markers,
        clients: u32,
    ) -> Snapshot {
        let now = Stamp::now().host_ns;
        let vitals = shared.lock().clone();
        self.ask(now, &vitals);
        let age = |since: i64| {
            if since == 0 { 0.0 } else { seconds((now - since).max(0)) }
        };
        let picture = picture.lock();
        let nominal = self.description.nominal_hz;
        let rate = nominal.unwrap_or(picture.design_rate_hz);
        let settling = picture.settled_at.saturating_sub(picture.row);
        let elapsed_s = self.elapsed_s(&vitals);
        Snapshot {
            id: self.id.clone(),
            state,
            file: vitals.file.clone(),
            elapsed_s,
            rows: vitals.journalled,
            bytes: vitals.journal_bytes + vitals.projected_bytes,
            write_age_s: age(vitals.written_ns),
            unwritten_ms: age(vitals.unwritten_since_ns) * 1e3,
            undurable_ms: age(vitals.undurable_since_ns) * 1e3,
            projected_rows: vitals.projected,
            source: self.source(&vitals),
            channels: self.channel_states(&picture.levels, &picture.flags),
            preset: String::new(),
            line_hz: f64::NAN,
            chain: picture.chain.clone(),
            settled: settling == 0,
            settling_s: if rate > 0.0 { float(settling) / rate } else { 0.0 },
            design_rate_hz: picture.design_rate_hz,
            free_bytes: self.free_bytes,
            disk_seconds_left: self.disk_seconds_left(&vitals, elapsed_s, rate),
            markers: markers.count,
            last_markers: markers.last.iter().cloned().collect(),
            open_marks: markers.open().to_vec(),
            alarms: vitals
                .alarms
                .values()
                .map(|text| Alarm { text: text.clone(), ..Alarm::default() })
                .collect(),
            viewers: vec![Viewer::default(); crate::emg::units::index(u64::from(clients))],
            system: System::default(),
            cpu_percent: self.cpu_percent,
            rss_bytes: self.rss_bytes,
            host_ns: now,
            keys: self.keys.clone(),
            blind: false,
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

    fn channel_states(&self, levels: &[f64], flags: &[Vec<String>]) -> Vec<ChannelState> {
        let state = |(at, channel): (usize, &Channel)| ChannelState {
            channel: channel.clone(),
            level: levels.get(at).copied().unwrap_or(f64::NAN),
            mvc_percent: f64::NAN,
            offset: f64::NAN,
            floor: f64::NAN,
            range_percent: f64::NAN,
            flags: flags.get(at).cloned().unwrap_or_default(),
        };
        self.channels.iter().enumerate().map(state).collect()
    }

    fn disk_seconds_left(&self, vitals: &Vitals, elapsed_s: f64, rate_hz: f64) -> f64 {
        let written = float(vitals.journal_bytes + vitals.projected_bytes);
        let nominal = rate_hz * crate::emg::units::float_len(self.channels.len()) * BYTES_PER_VALUE;
        let pace = if elapsed_s > PACE_AFTER_S { written / elapsed_s } else { nominal };
        if pace > 0.0 { float(self.free_bytes) / pace } else { f64::NAN }
    }

    /// Disk, processor and memory, once a second.
    fn ask(&mut self, now: i64, vitals: &Vitals) {
        if self.asked_ns != 0 && now - self.asked_ns < ASK_EVERY_NS {
            return;
        }
        self.free_bytes = free_bytes(&self.out).unwrap_or(self.free_bytes);
        let pids = [Some(std::process::id()), vitals.projector_pid];
        let (cpu_s, rss) =
            pids.into_iter().flatten().map(usage).fold((0.0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        if self.asked_ns != 0 {
            self.cpu_percent = ((cpu_s - self.cpu_s) / seconds(now - self.asked_ns) * 100.0).max(0.0);
        }
        (self.asked_ns, self.cpu_s, self.rss_bytes) = (now, cpu_s, rss);
    }
}

/// Processor seconds and resident bytes of a process, zero when it is gone.
fn usage(pid: u32) -> (f64, u64) {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let stat = read("stat");
    // The name in parentheses may hold spaces; fields are counted after it.
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 =
        after.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<f64>().ok()).sum();
    let pages: f64 =
        read("statm").split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0.0);
    let page_bytes = crate::emg::units::float_len(rustix::param::page_size());
    let per_second = float(rustix::param::clock_ticks_per_second());
    (ticks / per_second, count(pages * page_bytes))
}
