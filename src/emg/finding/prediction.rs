//! What a model made of a stretch of signal.

/// Why a prediction is to be trusted less, one bit each; the numbers are part of the file format.
pub mod flag {
    /// Rows of its window are missing.
    pub const GAP: u32 = 1;
    /// Filters were settling in its window, or a step model had not yet seen as many rows as shape its answer.
    pub const SETTLING: u32 = 1 << 1;
    /// One of its channels was bad in its window.
    pub const BAD_CHANNEL: u32 = 1 << 2;
    /// It came later than two strides after its last row.
    pub const LATE: u32 = 1 << 3;
}

/// What a recording says of a model that took part.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Participant {
    /// Its base name, unique in the recording; the name of its table.
    pub name: String,
    /// The file it was read from.
    pub file: String,
    /// SHA-256 of that file, hexadecimal.
    pub sha256: String,
    /// Its classes, in the order of its probabilities.
    pub classes: Vec<String>,
    /// `window` or `step`.
    pub mode: String,
    /// Rows it looks at: its window, or a step model's receptive field.
    pub window: u32,
    /// Rows from one prediction to the next.
    pub stride: u32,
}

/// One prediction of one model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prediction {
    /// The model, counted from 0 in the order they were named.
    pub model: u16,
    /// First row that it is made of.
    pub first: u64,
    /// The row after the last.
    pub end: u64,
    /// The class, counted from 0 in the model's order.
    pub label: u16,
    /// One probability per class.
    pub probabilities: Vec<f32>,
    /// Time it took, microseconds; 0 where it was computed offline.
    pub took_us: u32,
    /// Bits of [`flag`].
    pub flags: u32,
}
