//! Samples known to be missing, and why.

/// Why samples are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The device's counter jumped.
    Counter,
    /// A frame failed its checksum.
    Checksum,
    /// The converter was overrun.
    Overrun,
    /// The board dropped a frame and said so.
    Board,
    /// The source said nothing for longer than it may.
    Stall,
    /// The device went away.
    Unplugged,
    /// The device started again.
    Restart,
    /// The host was suspended.
    Suspend,
    /// The journal could not take rows: a full disk or a queue at its limit.
    Writer,
    /// A hole in a damaged journal.
    Journal,
    /// Nobody knows.
    Unknown,
}

impl Cause {
    /// All causes, in the order of their codes in the journal.
    pub const ALL: [Self; 11] = [
        Self::Counter,
        Self::Checksum,
        Self::Overrun,
        Self::Board,
        Self::Stall,
        Self::Unplugged,
        Self::Restart,
        Self::Suspend,
        Self::Writer,
        Self::Journal,
        Self::Unknown,
    ];

    /// The word in files and on screens.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Checksum => "checksum",
            Self::Overrun => "overrun",
            Self::Board => "board",
            Self::Stall => "stall",
            Self::Unplugged => "unplugged",
            Self::Restart => "restart",
            Self::Suspend => "suspend",
            Self::Writer => "writer",
            Self::Journal => "journal",
            Self::Unknown => "unknown",
        }
    }
}

/// A hole in the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// First missing row; for an inexact gap, the row that follows the hole.
    pub sample: u64,
    /// Samples missing per channel.
    pub missing: u64,
    /// Counted by sequence inside one epoch, so that the rows exist and are filled; otherwise estimated
    /// from the clock between two epochs, and nothing is filled.
    pub exact: bool,
    /// Epoch of the first row after the gap.
    pub epoch: u32,
    /// Why.
    pub cause: Cause,
    /// When the host noticed, `CLOCK_BOOTTIME` nanoseconds.
    pub host_ns: i64,
}

impl Gap {
    /// Rows of the recording that stand for the gap: all of an exact one, none of an estimated one.
    #[must_use]
    pub fn filled(&self) -> u64 {
        if self.exact { self.missing } else { 0 }
    }
}
