//! WHERE SAMPLES COME FROM: one trait, one file per kind of source.
//!
//! A source says what it is, then hands over packets with the device's own index. It does not count rows,
//! fill gaps or decide what is recorded: `recorder` does. Bytes become rows in `framed`, `chords` and `text`, which do
//! no I/O; `board` speaks the other end of `framed`. Only `serial` and `ports` name serialport, and nothing
//! here knows HDF5: `replay` is given its reader by `cli`.

pub mod board;
pub mod chords;
pub mod framed;
pub mod ports;
pub mod replay;
pub mod serial;
pub mod sim;
pub mod text;
pub mod uri;

use crate::emg::{Cause, Channel, SampleType, Samples, Stamp, Truth};

/// What a source is, known once it has been opened and before its first row.
#[derive(Clone, Debug)]
pub struct Description {
    /// The URI it was opened by, as shown and stored.
    pub uri: String,
    /// The board or program behind it, in words.
    pub board: String,
    /// Its columns, in the order of the values in a row.
    pub channels: Vec<Channel>,
    /// The number type of its values.
    pub sample_type: SampleType,
    /// The rate it claims, rows per second; none where nobody said one.
    pub nominal_hz: Option<f64>,
    /// Whether lost rows can be counted (a sequence number is sent) or cannot.
    pub losses_counted: bool,
    /// Whether each row carries a byte of digital inputs; bits of inputs that mean nothing are 0.
    pub digital: bool,
    /// Whether the source can be made to wait: sim, replay and import can, a live device cannot.
    pub can_wait: bool,
    /// Sentences about what was found while opening, for the log (banners, guesses, warnings).
    pub remarks: Vec<String>,
}

/// Consecutive rows as the device sent them. One without rows only tells that the device counted up to its index.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Counts up at every reopen, reset, backward index or suspend.
    pub epoch: u32,
    /// The device's own index of the first row, unwrapped; counts lost rows too where the device does.
    pub index: u64,
    /// The device's clock at the first row, microseconds, 0 where it has none.
    pub device_us: u64,
    /// When the last byte of the packet was read.
    pub stamp: Stamp,
    /// `rows x channels` values, row-major.
    pub samples: Samples,
    /// One byte per row where [`Description::digital`], else empty.
    pub digital: Vec<u8>,
    /// Why rows before this packet are missing, should the index show that some are.
    pub cause: Cause,
}

/// What one call of [`Source::read`] brought.
#[derive(Clone, Debug)]
pub enum Reading {
    /// Rows.
    Rows(Packet),
    /// What the simulated face is going to do; rows of the current epoch counted from its first.
    Truth(Vec<Truth>),
    /// Nothing for now; not an error.
    Idle,
    /// The device went away; later reads try to find it again and go on with a new epoch.
    Gone {
        /// Why.
        cause: Cause,
        /// What happened, in one sentence.
        sentence: String,
    },
    /// The device is back under the epoch of the next packet.
    Back(String),
    /// Something worth a line in the log, e.g. bytes that were no row; the count is of refused lines or frames.
    Refused {
        /// How many since the last report.
        lines: u64,
        /// The first of them, shortened and made printable.
        example: String,
    },
    /// There will never be another row.
    Ended,
}

/// A stream of rows. Reads return within about 50 ms so that a recorder can stop at any time.
pub trait Source: Send {
    /// Finds out what the source is. A device is waited for as long as its kind allows.
    fn open(&mut self) -> Result<Description, Error>;

    /// The next reading.
    fn read(&mut self) -> Result<Reading, Error>;
}

/// Why a source cannot be used. Each message says what happened to what; [`Error::advice`] says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URI cannot be understood.
    #[error("the source `{uri}` cannot be used: {reason}")]
    Uri {
        /// As typed.
        uri: String,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// The port or file cannot be opened.
    #[error("{subject} cannot be opened: {reason}")]
    Open {
        /// Port or file.
        subject: String,
        /// What is wrong.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// Nothing usable arrives.
    #[error("{subject} sends nothing this station can read: {reason}")]
    Unreadable {
        /// Port or file.
        subject: String,
        /// What was seen instead.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// Somebody stopped the recording before the source was ready.
    #[error("{subject} was still being opened when the recording was stopped")]
    Stopped {
        /// Port or file.
        subject: String,
    },
}

impl Error {
    /// What the user should do next, one sentence.
    #[must_use]
    pub fn advice(&self) -> &str {
        match self {
            Self::Uri { advice, .. } | Self::Open { advice, .. } | Self::Unreadable { advice, .. } => advice,
            Self::Stopped { .. } => "nothing was recorded; start again once the board sends",
        }
    }
}
