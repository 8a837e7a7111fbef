//! The attributes of `/`: what is known of a recording before a single row is read.

use super::ROWS_LIMIT;
use crate::emg::SampleType;
use crate::store::StoreError;
use crate::store::error::Problem;
use crate::store::journal::Entities;
use crate::store::layout::attributes::{number, text};
use crate::store::layout::{FORMAT, FORMAT_VERSION, State, path, words};
use hdf5::types::{FloatSize, IntSize, TypeDescriptor};
use hdf5::{Dataset, File, H5Type};
use std::path::Path;

/// What is known of a recording as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Version of the file format.
    pub format_version: String,
    /// The same in all segments, 32 hexadecimal digits.
    pub recording_id: String,
    /// Segment, counted from 0.
    pub segment: u32,
    /// Row of the recording that is the file's first.
    pub first_row: u64,
    /// `recording id:segment` before this one, empty in the first.
    pub previous: String,
    /// `recording id:segment` after this one, empty in the last.
    pub next: String,
    /// Version of the program that recorded.
    pub software_version: String,
    /// Version of the program that computed the clean samples, where that was another one.
    pub clean_recomputed_by: String,
    /// When the segment began, ISO 8601.
    pub created_utc: String,
    /// Whether it is whole.
    pub state: State,
    /// The BIDS entities of its name.
    pub entities: Entities,
    /// The source's URI.
    pub source: String,
    /// The board or program behind it.
    pub board: String,
    /// Name of the montage.
    pub montage: String,
    /// Whether losses could be counted.
    pub losses_counted: bool,
    /// Rate the filters are designed for, else the claimed one; NaN where neither is known.
    pub sampling_rate_hz: f64,
    /// Rate the source claimed; NaN where it did not.
    pub nominal_rate_hz: f64,
    /// Number type of raw values.
    pub sample_type: SampleType,
    /// Whether there is a byte of digital inputs per row.
    pub digital: bool,
    /// Rows in a chunk of samples.
    pub chunk_rows: u64,
    /// Rows per envelope row.
    pub decimation: u32,
}

impl Facts {
    pub(super) fn read(path: &Path, file: &File) -> Result<Self, StoreError> {
        let foreign = |_| StoreError::NotARecording { path: path.to_owned() };
        if text(file, "format").map_err(foreign)? != FORMAT {
            return Err(StoreError::NotARecording { path: path.to_owned() });
        }
        let find = Finder { path, file };
        let format_version = find.text("format_version")?;
        if major(&format_version) > major(FORMAT_VERSION) {
            return Err(StoreError::NewerRecording { path: path.to_owned(), version: format_version });
        }
        let raw = find.dataset(path::RAW)?;
        let envelope = find.dataset(path::ENVELOPE)?;
        let wrong = |part: &str, problem| StoreError::Damaged {
            path: path.to_owned(),
            part: part.to_owned(),
            problem,
        };
        let chunk_rows = raw.chunk().and_then(|chunk| chunk.first().copied()).filter(|rows| *rows > 0);
        let decimation = number(&envelope, "decimation").map_err(|source| find.lost("decimation", source))?;
        if decimation == 0 {
            return Err(wrong("decimation", Problem::Value));
        }
        let first_row = find.number("first_row")?;
        if first_row > ROWS_LIMIT {
            return Err(wrong("first_row", Problem::Value));
        }
        Ok(Self {
            recording_id: find.text("recording_id")?,
            segment: find.number("segment")?,
            first_row,
            previous: find.text("previous")?,
            next: find.text("next")?,
            software_version: find.text("software_version")?,
            clean_recomputed_by: find.text("clean_recomputed_by")?,
            created_utc: find.text("created_utc")?,
            state: words::state(&find.text("state")?).ok_or_else(|| wrong("state", Problem::Value))?,
            entities: Entities {
                subject: find.text("subject")?,
                session: find.text("session")?,
                task: find.text("task")?,
                run: find.text("run")?.parse().unwrap_or(0),
                split: find.text("split")?.parse().ok(),
            },
            source: find.text("source")?,
            board: find.text("board")?,
            montage: find.text("montage")?,
            losses_counted: find.number::<u8>("losses_counted")? != 0,
            sampling_rate_hz: find.number("sampling_rate_hz")?,
            nominal_rate_hz: find.number("nominal_rate_hz")?,
            sample_type: sample_type(&raw).ok_or_else(|| wrong("/raw/samples", Problem::Type))?,
            digital: find.number::<u8>("digital_inputs")? != 0,
            chunk_rows: chunk_rows
                .map(crate::emg::units::wide)
                .ok_or_else(|| wrong("/raw/samples", Problem::Shape))?,
            decimation,
            format_version,
        })
    }
}

/// Looks things up in a file and names what is not there.
struct Finder<'a> {
    path: &'a Path,
    file: &'a File,
}

impl Finder<'_> {
    fn lost(&self, part: &str, source: hdf5::Error) -> StoreError {
        StoreError::Unreadable { path: self.path.to_owned(), part: part.to_owned(), source }
    }

    fn text(&self, name: &str) -> Result<String, StoreError> {
        text(self.file, name).map_err(|source| self.lost(name, source))
    }

    fn number<T: H5Type>(&self, name: &str) -> Result<T, StoreError> {
        number(self.file, name).map_err(|source| self.lost(name, source))
    }

    fn dataset(&self, name: &str) -> Result<Dataset, StoreError> {
        self.file.dataset(name).map_err(|source| self.lost(name, source))
    }
}

/// The number before the point; 0 where there is none.
fn major(version: &str) -> u32 {
    version.split('.').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The sample type a dataset's numbers have.
pub(super) fn sample_type(dataset: &Dataset) -> Option<SampleType> {
    match dataset.dtype().ok()?.to_descriptor().ok()? {
        TypeDescriptor::Integer(IntSize::U2) => Some(SampleType::I16),
        TypeDescriptor::Integer(IntSize::U4) => Some(SampleType::I32),
        TypeDescriptor::Float(FloatSize::U4) => Some(SampleType::F32),
        TypeDescriptor::Float(FloatSize::U8) => Some(SampleType::F64),
        _ => None,
    }
}
