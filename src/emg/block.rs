//! A run of consecutive rows as the device sent them, and the value types they come in.
//!
//! Rows are row-major: all channels of the first row, then of the second. Nothing here converts units.

use super::Stamp;

/// The number type of a recording, fixed from its first row to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleType {
    /// 16-bit counts (framed boards, the simulated face).
    I16,
    /// 32-bit counts (text lines of whole numbers, 24-bit converters).
    I32,
    /// 32-bit floats.
    F32,
    /// 64-bit floats (text lines with decimals, imports).
    F64,
}

/// Values of one of the four types, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Samples {
    /// 16-bit counts.
    I16(Vec<i16>),
    /// 32-bit counts.
    I32(Vec<i32>),
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
}

/// Runs the same expression over whichever vector a [`Samples`] holds.
macro_rules! each {
    ($samples:expr, $values:ident => $body:expr) => {
        match $samples {
            Samples::I16($values) => $body,
            Samples::I32($values) => $body,
            Samples::F32($values) => $body,
            Samples::F64($values) => $body,
        }
    };
}

impl Samples {
    /// No values yet, of the given type.
    #[must_use]
    pub fn empty(sample_type: SampleType) -> Self {
        match sample_type {
            SampleType::I16 => Self::I16(Vec::new()),
            SampleType::I32 => Self::I32(Vec::new()),
            SampleType::F32 => Self::F32(Vec::new()),
            SampleType::F64 => Self::F64(Vec::new()),
        }
    }

    /// `values` copies of the value that fills missing rows: the type's minimum, or NaN.
    #[must_use]
    pub fn missing(sample_type: SampleType, values: usize) -> Self {
        match sample_type {
            SampleType::I16 => Self::I16(vec![i16::MIN; values]),
            SampleType::I32 => Self::I32(vec![i32::MIN; values]),
            SampleType::F32 => Self::F32(vec![f32::NAN; values]),
            SampleType::F64 => Self::F64(vec![f64::NAN; values]),
        }
    }

    /// The type of these values.
    #[must_use]
    pub fn sample_type(&self) -> SampleType {
        match self {
            Self::I16(_) => SampleType::I16,
            Self::I32(_) => SampleType::I32,
            Self::F32(_) => SampleType::F32,
            Self::F64(_) => SampleType::F64,
        }
    }

    /// How many values (rows times channels).
    #[must_use]
    pub fn len(&self) -> usize {
        each!(self, values => values.len())
    }

    /// Whether there is no value at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Value `at` as f64, exact for every type.
    ///
    /// # Panics
    /// When `at` is not below [`Samples::len`].
    #[must_use]
    pub fn get(&self, at: usize) -> f64 {
        match self {
            Self::I16(values) => f64::from(values[at]),
            Self::I32(values) => f64::from(values[at]),
            Self::F32(values) => f64::from(values[at]),
            Self::F64(values) => values[at],
        }
    }

    /// All values as f64 appended to `out`, in order.
    pub fn widen(&self, out: &mut Vec<f64>) {
        match self {
            Self::I16(values) => out.extend(values.iter().copied().map(f64::from)),
            Self::I32(values) => out.extend(values.iter().copied().map(f64::from)),
            Self::F32(values) => out.extend(values.iter().copied().map(f64::from)),
            Self::F64(values) => out.extend_from_slice(values),
        }
    }

    /// Appends the values of `other`.
    ///
    /// # Panics
    /// When the types differ: a recording never changes its type.
    pub fn append(&mut self, other: &Self) {
        match (self, other) {
            (Self::I16(a), Self::I16(b)) => a.extend_from_slice(b),
            (Self::I32(a), Self::I32(b)) => a.extend_from_slice(b),
            (Self::F32(a), Self::F32(b)) => a.extend_from_slice(b),
            (Self::F64(a), Self::F64(b)) => a.extend_from_slice(b),
            (a, b) => panic!("samples of {:?} appended to {:?}", b.sample_type(), a.sample_type()),
        }
    }

    /// A copy of some of the values.
    ///
    /// # Panics
    /// When they reach beyond the last.
    #[must_use]
    pub fn part(&self, values: std::ops::Range<usize>) -> Self {
        match self {
            Self::I16(v) => Self::I16(v[values].to_vec()),
            Self::I32(v) => Self::I32(v[values].to_vec()),
            Self::F32(v) => Self::F32(v[values].to_vec()),
            Self::F64(v) => Self::F64(v[values].to_vec()),
        }
    }

    /// Takes the first `values` values out, leaving the rest.
    #[must_use]
    pub fn take_front(&mut self, values: usize) -> Self {
        fn front<T>(from: &mut Vec<T>, values: usize) -> Vec<T> {
            let rest = from.split_off(values.min(from.len()));
            std::mem::replace(from, rest)
        }
        match self {
            Self::I16(v) => Self::I16(front(v, values)),
            Self::I32(v) => Self::I32(front(v, values)),
            Self::F32(v) => Self::F32(front(v, values)),
            Self::F64(v) => Self::F64(front(v, values)),
        }
    }
}

/// Consecutive rows of one epoch, at a known place in the recording.
#[derive(Clone, Debug, PartialEq)]
pub struct RawBlock {
    /// Row of the first sample, counted from 0 over the whole recording.
    pub sample: u64,
    /// Channels in a row.
    pub channels: usize,
    /// Epoch the rows belong to: a run without reopen, reset or suspend.
    pub epoch: u32,
    /// The device's own index of the first row, unwrapped.
    pub device_index: u64,
    /// The device's own clock at the first row, microseconds, 0 where it has none.
    pub device_us: u64,
    /// When the host read the last byte of the block.
    pub stamp: Stamp,
    /// `rows x channels` values.
    pub samples: Samples,
    /// One byte of digital inputs per row, or empty where the device sends none.
    pub digital: Vec<u8>,
}

impl RawBlock {
    /// Rows in the block.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.samples.len().checked_div(self.channels).unwrap_or(0)
    }

    /// The row after the last one.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.sample + super::units::wide(self.rows())
    }
}
