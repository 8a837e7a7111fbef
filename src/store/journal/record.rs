//! What a journal holds: everything that is not a pure function of earlier records.

use crate::emg::clock::Fit;
use crate::emg::finding::prediction::Participant;
use crate::emg::{
    Calibration, Channel, ClockOffset, Gap, Marker, Prediction, Preflight, RawBlock, SampleType, Truth,
};
use crate::pipeline::{ChainChange, PipelineState};

/// Longest file and folder names are kept short of what file systems allow by limiting each entity.
pub const ENTITY_CHARS: usize = 40;

/// The BIDS entities that name a recording; letters and digits only, empty where not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entities {
    /// `sub-`.
    pub subject: String,
    /// `ses-`.
    pub session: String,
    /// `task-`.
    pub task: String,
    /// `run-`, counted from 1.
    pub run: u32,
    /// `split-`, counted from 1; none where rotation is off or cannot happen.
    pub split: Option<u32>,
}

/// First record of every journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The same in all segments of a recording.
    pub recording_id: [u8; 16],
    /// Counted from 0.
    pub segment: u32,
    /// Row of the whole recording at which this segment starts.
    pub first_row: u64,
    /// `VERSION` of the program that records.
    pub software_version: String,
    /// When the segment began, nanoseconds since 1970 UTC.
    pub created_utc_ns: i64,
    /// `CLOCK_BOOTTIME` of the same moment.
    pub created_host_ns: i64,
    /// The kernel's boot id.
    pub boot_id: String,
    /// Process id of the recorder.
    pub pid: u32,
    /// The recorder's id for `attach` and `stop`.
    pub recorder: String,
    /// Path of the recorder's socket, empty where there is none.
    pub socket: String,
    /// Names.
    pub entities: Entities,
    /// The source's URI.
    pub source: String,
    /// The board or program behind it.
    pub board: String,
    /// Columns.
    pub channels: Vec<Channel>,
    /// Number type of raw values.
    pub sample_type: SampleType,
    /// Whether rows carry a byte of digital inputs.
    pub digital: bool,
    /// Whether losses can be counted.
    pub losses_counted: bool,
    /// Claimed rate; NaN where unknown.
    pub nominal_hz: f64,
    /// Rows per HDF5 chunk: one second, or 1000 where the rate is not known beforehand.
    pub chunk_rows: u32,
    /// Rows per envelope row.
    pub decimation: u32,
    /// The whole effective configuration, TOML.
    pub config: String,
    /// The protocol as loaded, empty without one.
    pub protocol: String,
    /// Name of the montage, empty without one.
    pub montage: String,
    /// Seed of everything random in the session, 0 where nothing is.
    pub seed: u64,
    /// Models whose predictions are recorded.
    pub models: Vec<Participant>,
    /// Ids given to markers in the segments before.
    pub markers: u64,
}

impl Header {
    /// A header that knows its columns and the type of their values, and nothing else.
    #[must_use]
    pub fn of(channels: Vec<Channel>, sample_type: SampleType) -> Self {
        Self {
            recording_id: [0; 16],
            segment: 0,
            first_row: 0,
            software_version: String::new(),
            created_utc_ns: 0,
            created_host_ns: 0,
            boot_id: String::new(),
            pid: 0,
            recorder: String::new(),
            socket: String::new(),
            entities: Entities::default(),
            source: String::new(),
            board: String::new(),
            channels,
            sample_type,
            digital: false,
            losses_counted: false,
            nominal_hz: f64::NAN,
            chunk_rows: 0,
            decimation: 0,
            config: String::new(),
            protocol: String::new(),
            montage: String::new(),
            seed: 0,
            models: Vec::new(),
            markers: 0,
        }
    }
}

/// One record.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// What is recorded; the first record of a segment, repeated nowhere.
    Header(Box<Header>),
    /// The pipeline's state at the segment's first row, none where the filters start afresh; absent in the first
    /// segment. It may come after rows that are filtered from it.
    State(PipelineState),
    /// The observer's state at the same row; see [`crate::face::state`].
    Observer(Vec<u64>),
    /// Rows.
    Rows(RawBlock),
    /// A hole.
    Gap(Gap),
    /// Other chains from a row on.
    Chains(ChainChange),
    /// A marker row.
    Marker(Marker),
    /// A time fit.
    Fit(Fit),
    /// A log line.
    Log {
        /// Wall clock, nanoseconds since 1970 UTC.
        utc_ns: i64,
        /// 1 alarm, 2 warning, 3 information.
        level: u8,
        /// One sentence, at most [`crate::emg::marker::NOTE_BYTES`] bytes.
        text: String,
    },
    /// A movement of a simulated face, in rows of the recording.
    Truth(Truth),
    /// What a sender's clock shows against the host's.
    ClockOffset(ClockOffset),
    /// What a model made of a stretch.
    Prediction(Prediction),
    /// Rest and maximal contraction of a channel, as the operator kept it or took it back.
    Calibration(Calibration),
    /// A line of the pre-flight sheet.
    Preflight(Preflight),
    /// The recording goes on in the next segment; last record of this one.
    Handover {
        /// First row of the next segment.
        next_row: u64,
    },
    /// The recording is over; last record before sealing.
    End {
        /// Rows of the whole recording.
        rows: u64,
        /// When, nanoseconds since 1970 UTC.
        utc_ns: i64,
    },
    /// The HDF5 file holds everything; written by the projector just before it removes the journal.
    Sealed,
}
