//! HOW THE FILE IS LAID OUT: every group, dataset, column and attribute of the HDF5 recording, named once.
//!
//! `projector` creates it, `reader` reads it back, `verify` checks that all of it is there. What the fields mean is
//! said in the file itself, in each dataset's `description`. No samples pass through here.

pub(super) mod attributes;
pub(super) mod create;
pub(super) mod later;
pub(super) mod predictions;
pub(super) mod rows;
pub(super) mod text;
pub(super) mod words;

pub use predictions::MOST_CLASSES;

use crate::emg::SampleType;
use crate::emg::units::wide;
use hdf5::{Dataset, H5Type};
use ndarray::{ArrayView1, ArrayView2, s};

/// Attribute `format` of every recording.
pub const FORMAT: &str = "myograph-recording";

/// Version of the layout; a reader refuses a higher number before the point and ignores what a higher number
/// after it adds.
pub const FORMAT_VERSION: &str = "1.0";

/// Whether a recording is whole, as its attribute `state` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Still written, or left by a crash.
    #[default]
    Open,
    /// Sealed while it was recorded.
    Closed,
    /// Sealed later, from the journal a crash left.
    Recovered,
}

impl State {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Open, Self::Closed, Self::Recovered];

    /// The word in the file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Recovered => "recovered",
        }
    }
}

/// Paths of the datasets that are no tables of compound rows, and of the groups.
pub(super) mod path {
    pub(crate) const RAW: &str = "raw/samples";
    pub(crate) const DIGITAL: &str = "raw/digital";
    pub(crate) const CLEAN: &str = "clean/samples";
    pub(crate) const ENVELOPE: &str = "clean/envelope";
    pub(crate) const SECTIONS: &str = "filter/sections";
    pub(crate) const ENVELOPE_SECTIONS: &str = "filter/envelope_sections";
    pub(crate) const STATE: &str = "filter/state";
    pub(crate) const ENVELOPE_STATE: &str = "filter/envelope_state";
    pub(crate) const CONFIG: &str = "config";
    pub(crate) const PROTOCOL: &str = "protocol/text";
    pub(crate) const PREDICTIONS: &str = "predictions";
}

/// Rows in a chunk of every table; small, because a table grows by a few rows a minute.
pub(super) const TABLE_CHUNK: usize = 16;

/// A table of compound rows: where it lies and what its columns mean.
pub(super) trait Row: hdf5::H5Type + Copy {
    /// Path below `/`.
    const PATH: &'static str;
    /// What it holds, with units; the dataset's attribute `description`.
    const DESCRIPTION: &'static str;
}

/// A value of a sample matrix in its types, as little-endian bytes for checksums.
pub(super) trait Cell: hdf5::H5Type + Copy {
    /// Writes the value's bytes over as many.
    fn put(self, bytes: &mut [u8]);
}

macro_rules! cells {
    ($($cell:ty),*) => {$(
        impl Cell for $cell {
            fn put(self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}
cells!(u8, i16, i32, f32, f64);

/// Number of the first envelope row at or after a row: envelope row j belongs to row `(j + 1) x decimation - 1`.
#[must_use]
pub(super) fn envelope_row(row: u64, decimation: u32) -> u64 {
    // Before row r there are r rows, and every `decimation` of them gave one envelope row.
    row / u64::from(decimation.max(1))
}

/// Rows of an envelope chunk: those of one chunk of samples.
#[must_use]
pub(super) fn envelope_chunk(chunk_rows: u32, decimation: u32) -> usize {
    usize::try_from((chunk_rows / decimation.max(1)).max(1)).unwrap_or(1)
}

/// CRC-32C of a chunk's values.
#[must_use]
pub(super) fn checksum<T: Cell>(values: &[T]) -> u32 {
    let mut bytes = [0; 4096];
    values.chunks(bytes.len() / size_of::<T>()).fold(0, |sum, values| {
        let bytes = &mut bytes[..size_of_val(values)];
        bytes.chunks_exact_mut(size_of::<T>()).zip(values).for_each(|(bytes, value)| value.put(bytes));
        crc32c::crc32c_append(sum, bytes)
    })
}

/// How many chunks of so many values are read together: a call costs as much as a chunk, and memory is bounded.
#[must_use]
pub(super) fn chunks_together(values: u64) -> u64 {
    const CHUNKS: u64 = 8;
    const VALUES: u64 = 1 << 20;
    (VALUES / values.max(1)).clamp(1, CHUNKS)
}

/// Bytes of one value.
#[must_use]
pub(super) fn bytes_of(sample_type: SampleType) -> u64 {
    wide(match sample_type {
        SampleType::I16 => 2,
        SampleType::I32 | SampleType::F32 => 4,
        SampleType::F64 => 8,
    })
}

/// Appends whole rows to a dataset of one or two dimensions that has `at` rows of `width` values.
pub(super) fn append<T: H5Type>(
    dataset: &Dataset,
    at: usize,
    width: usize,
    values: &[T],
) -> hdf5::Result<usize> {
    let end = at + values.len() / width;
    if end == at {
        return Ok(at);
    }
    if dataset.ndim() == 1 {
        dataset.resize(end)?;
        dataset.write_slice(ArrayView1::from(values), s![at..end])?;
    } else {
        dataset.resize((end, width))?;
        let rows = ArrayView2::from_shape((end - at, width), values)?;
        dataset.write_slice(rows, s![at..end, ..])?;
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_row_belongs_to_the_last_of_its_rows() {
        for decimation in [1_u32, 3, 10] {
            for row in 0..50 {
                let first = envelope_row(row, decimation);
                let sample = |j: u64| (j + 1) * u64::from(decimation) - 1;
                assert!(sample(first) >= row);
                assert!(first == 0 || sample(first - 1) < row, "row {row}, every {decimation}");
            }
        }
    }

    #[test]
    fn checksums_are_crc_32c() {
        let digits: Vec<u8> = (b'1'..=b'9').collect();
        assert_eq!(checksum(&digits), 0xe306_9283);
        let long: Vec<i16> = (0..5000).collect();
        let bytes: Vec<u8> = long.iter().flat_map(|value| value.to_le_bytes()).collect();
        let table = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);
        assert_eq!(checksum(&long), table.checksum(&bytes), "by another's table");
    }
}
