//! Everything a screen or a status line may show, bounded in size. Unknown numbers are NaN.

use super::{Alarm, ModelState, System, Viewer};
use crate::emg::{Channel, Event, Marker};
use crate::face::calibration::Progress;
use crate::face::events::{Active, Waiting};

/// The most events that wait for their judgement a screen is told of; more than faces show in three seconds.
pub const MOST_WAITING: usize = 64;

/// What the recorder is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Looking; nothing is written.
    #[default]
    Monitoring,
    /// Writing.
    Recording,
    /// The last rows are on their way into the file.
    Draining,
    /// Sealed.
    Closed,
}

impl State {
    /// All states, in the order of their codes on the wire.
    pub const ALL: [Self; 4] = [Self::Monitoring, Self::Recording, Self::Draining, Self::Closed];

    /// The word in `status --json`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Monitoring => "monitoring",
            Self::Recording => "recording",
            Self::Draining => "draining",
            Self::Closed => "closed",
        }
    }
}

/// The whole state of a recorder at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The recorder's id, for `attach` and `stop`.
    pub id: String,
    /// What it is doing.
    pub state: State,
    /// Path of the HDF5 file, empty while only monitoring.
    pub file: String,
    /// Folder of all recordings of the subject; empty where unknown.
    pub folder: String,
    /// Since the first row.
    pub elapsed_s: f64,
    /// Rows in the journal.
    pub rows: u64,
    /// Bytes of journal and HDF5 file together.
    pub bytes: u64,
    /// Since bytes were last written.
    pub write_age_s: f64,
    /// Age of the oldest row read and not yet written.
    pub unwritten_ms: f64,
    /// Age of the oldest row written and not yet synced.
    pub undurable_ms: f64,
    /// Rows in the HDF5 file.
    pub projected_rows: u64,
    /// The source.
    pub source: Source,
    /// One entry per channel.
    pub channels: Vec<ChannelState>,
    /// The filter preset in force, in the words of the configuration.
    pub preset: String,
    /// Mains frequency of the notches, Hz; NaN where unknown.
    pub line_hz: f64,
    /// Order of the band-pass; 0 where unknown.
    pub order: u32,
    /// Where notches are asked for, in the words of the configuration; empty where unknown.
    pub notches: String,
    /// Edge of the high-pass on the envelope, Hz, or `off`; empty where unknown.
    pub baseline: String,
    /// The filter chain in words, e.g. `BP 20-450 | N 50+h Q10`.
    pub chain: String,
    /// Whether all channels have settled.
    pub settled: bool,
    /// Until they all have, seconds.
    pub settling_s: f64,
    /// Rows per second the chain was designed for.
    pub design_rate_hz: f64,
    /// Free bytes on the recording's file system.
    pub free_bytes: u64,
    /// Until the disk is full at the present pace; NaN before it can be said.
    pub disk_seconds_left: f64,
    /// Markers stored, all actions counted.
    pub markers: u64,
    /// The newest marker rows, oldest first, at most 20.
    pub last_markers: Vec<Marker>,
    /// Muscle events found since the first row.
    pub events: u64,
    /// The newest of them, in the order they ended, at most 20; empty where screens are blind.
    pub last_events: Vec<Event>,
    /// Events that go on, in the order of channels; empty where screens are blind.
    pub active: Vec<Active>,
    /// Events that ended and are not judged yet, at most [`MOST_WAITING`]; empty where screens are blind.
    pub waiting: Vec<Waiting>,
    /// The models that look at the signal; empty where screens are blind.
    pub models: Vec<ModelState>,
    /// Durations that were opened by a key and not ended yet.
    pub open_marks: Vec<OpenMark>,
    /// Open alarms, worst first.
    pub alarms: Vec<Alarm>,
    /// Front ends that are looking.
    pub viewers: Vec<Viewer>,
    /// The inside of the recorder.
    pub system: System,
    /// Processor time of recorder and projector over the last seconds, percent of one core.
    pub cpu_percent: f64,
    /// Resident memory of recorder and projector.
    pub rss_bytes: u64,
    /// Host time of this snapshot, `CLOCK_BOOTTIME` nanoseconds.
    pub host_ns: i64,
    /// Keys that set markers, as configured.
    pub keys: Vec<MarkKey>,
    /// Whether conditions, predictions and labels of events are kept from the screen.
    pub blind: bool,
    /// Rest and maximal contractions, as they are measured and kept; none before anything was.
    pub calibration: Option<Progress>,
    /// Rows the screen's side had to skip because it fell behind; the journal has them.
    pub skipped_rows: u64,
}

/// What is known of the source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source {
    /// As opened.
    pub uri: String,
    /// In words.
    pub board: String,
    /// Claimed rate, NaN where nobody said one.
    pub rate_nominal_hz: f64,
    /// Measured rate, NaN before it is known.
    pub rate_measured_hz: f64,
    /// Samples missing per channel, exact ones and estimates together.
    pub lost_samples: u64,
    /// Whether losses can be counted at all.
    pub losses_counted: bool,
    /// Gap rows.
    pub gaps: u64,
    /// Times the device came back.
    pub reconnects: u64,
    /// Clock drift, NaN where unknown.
    pub drift_ppm: f64,
    /// How far the earliest arrivals lie from the line between rows and time, rms microseconds; NaN without a line.
    pub residual_us: f64,
    /// Lines or frames that were no row.
    pub refused: u64,
    /// Whether rows arrive at present.
    pub alive: bool,
}

/// One channel at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelState {
    /// What it is.
    pub channel: Channel,
    /// Mean of the envelope over the last second, in the channel's unit.
    pub level: f64,
    /// Percent of the maximum voluntary contraction; NaN without calibration.
    pub mvc_percent: f64,
    /// Mean of the raw signal over the last second, in the channel's unit: what the electrode sits at.
    pub offset: f64,
    /// The lowest level of the last minute, in the channel's unit: how quiet it can be.
    pub floor: f64,
    /// Share of the converter's range that the last second reached, percent; NaN where the range is unknown.
    pub range_percent: f64,
    /// Rms of the mains in the raw signal, in the channel's unit; NaN where it cannot be told.
    pub line_level: f64,
    /// Mains frequency found; NaN for none.
    pub line_hz: f64,
    /// Short words, those of [`crate::emg::finding::quality::flag`] among them.
    pub flags: Vec<String>,
}

impl ChannelState {
    /// A channel of which nothing is known yet.
    #[must_use]
    pub fn of(channel: Channel) -> Self {
        let nan = f64::NAN;
        Self {
            channel,
            level: nan,
            mvc_percent: nan,
            offset: nan,
            floor: nan,
            range_percent: nan,
            line_level: nan,
            line_hz: nan,
            flags: Vec::new(),
        }
    }
}

/// A key that sets a marker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarkKey {
    /// The character typed.
    pub key: char,
    /// The marker's label.
    pub label: String,
    /// The marker's number in the recording, 0 for none.
    pub code: i32,
    /// Whether the first press opens a duration and the second one ends it.
    pub duration: bool,
    /// The same key does not count again for so long, milliseconds; 0 for tapping tasks.
    pub guard_ms: u32,
}

/// A duration that was opened and not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenMark {
    /// The marker that opened it.
    pub id: u64,
    /// Its label.
    pub label: String,
    /// Its number in the recording, 0 for none.
    pub code: i32,
    /// When it was opened, `CLOCK_BOOTTIME` nanoseconds.
    pub since_host_ns: i64,
}
