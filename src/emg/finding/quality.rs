//! Signal quality of one channel over one second.

/// What a second was like, one bit each; the numbers are part of the file format.
pub mod flag {
    /// Values at the converter's or the sensor's rail for longer than 50 ms.
    pub const SATURATED: u32 = 1;
    /// All values one and the same.
    pub const FLAT: u32 = 1 << 1;
    /// The electrode seems to have no contact (a guess on envelope sensors).
    pub const OFF: u32 = 1 << 2;
    /// Filters or electrode are still settling.
    pub const SETTLING: u32 = 1 << 3;
    /// Mains hum that disturbs.
    pub const LINE: u32 = 1 << 4;
    /// The head or a cable moved.
    pub const MOTION: u32 = 1 << 5;
    /// The same activity as a neighbouring channel: possibly cross-talk.
    pub const CROSSTALK: u32 = 1 << 6;
    /// The signal looks like another kind than the declared one.
    pub const KIND: u32 = 1 << 7;
    /// Rows are missing in this second.
    pub const GAP: u32 = 1 << 8;

    /// All flags with their words, in the order of their bits.
    pub const WORDS: [(u32, &str); 9] = [
        (SATURATED, "saturated"),
        (FLAT, "flat"),
        (OFF, "off"),
        (SETTLING, "settling"),
        (LINE, "line"),
        (MOTION, "motion"),
        (CROSSTALK, "crosstalk"),
        (KIND, "kind"),
        (GAP, "gap"),
    ];

    /// The words of the flags that are set.
    #[must_use]
    pub fn words(flags: u32) -> Vec<&'static str> {
        WORDS.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, word)| *word).collect()
    }
}

/// One channel over one second. Numbers that are not known are NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// First row of the second.
    pub sample: u64,
    /// The channel.
    pub channel: u16,
    /// Mean of the envelope, in the channel's unit.
    pub level: f64,
    /// How quiet the channel can be, in the channel's unit.
    pub floor: f64,
    /// Rms of the mains and its harmonics before the filter, in the channel's unit.
    pub line_level: f64,
    /// Mains frequency found, 50 or 60; NaN for none.
    pub line_hz: f64,
    /// Bits of [`flag`].
    pub flags: u32,
}
