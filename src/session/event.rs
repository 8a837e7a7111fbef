//! What a recorder tells its front ends.

use super::Snapshot;
use crate::emg::Marker;

/// One message from the recorder.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The state as it stands, at most ten a second; a slow viewer may miss some.
    Tick(Box<Snapshot>),
    /// Trace bins that follow the ones sent before; a viewer that missed some sees it by `first`.
    Bins(Bins),
    /// A marker row was stored.
    Marked(Marker),
    /// A line for the log view.
    Notice {
        /// Wall clock, nanoseconds since 1970 UTC.
        utc_ns: i64,
        /// 1 alarm, 2 warning, 3 information.
        level: u8,
        /// One sentence.
        text: String,
    },
    /// The answer to a command.
    Answer {
        /// The command's number.
        request: u64,
        /// What came of it.
        answer: Answer,
    },
    /// The recording is sealed, or could not be; nothing follows.
    Finished {
        /// Exit code of the recorder.
        code: u8,
        /// What was stored, or what was lost.
        text: String,
    },
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Done; for a marker, its row after it was written to the journal.
    Stored {
        /// Marker id.
        id: u64,
        /// Row of the recording.
        sample: u64,
    },
    /// Done, or on its way.
    Done,
    /// Pictures follow; this front end goes by this number among the viewers.
    Subscribed {
        /// The number.
        client: u64,
    },
    /// The state.
    Status(Box<Snapshot>),
    /// Not done, and why.
    Refused(String),
}

/// Minima and maxima of fixed runs of rows, aligned to row 0, for all channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    /// Number of the first bin: bin `b` holds rows `b x rows_per_bin ..`.
    pub first: u64,
    /// Rows in a bin.
    pub rows_per_bin: u32,
    /// Channels in a bin.
    pub channels: u16,
    /// `bins x channels` pairs (min, max) of the cleaned signal; NaN where rows are missing.
    pub clean: Vec<(f32, f32)>,
    /// The same of the raw signal, in the channel's unit.
    pub raw: Vec<(f32, f32)>,
}

impl Bins {
    /// How many bins.
    #[must_use]
    pub fn len(&self) -> usize {
        self.clean.len().checked_div(usize::from(self.channels)).unwrap_or(0)
    }

    /// Whether there is no bin.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clean.is_empty()
    }
}
