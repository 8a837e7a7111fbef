//! READING A RECORDING BACK: facts, rows and tables of one segment, as the station's own values.
//!
//! Opens sealed files plainly and files still being written as a live reader (SWMR). Nothing in a file is trusted:
//! types, shapes and sizes are checked before memory is asked for, texts are repaired. Callers: `cli`, `verify`,
//! `inspect`; `source/replay` is handed a [`Recording`] by `cli`. Rows count over the whole recording everywhere.

mod facts;
pub mod inspect;
mod joined;
pub mod outline;
mod records;
pub mod replay;
mod tables;

pub use tables::Block;

pub use facts::Facts;
pub(in crate::store) use joined::neighbours;
pub use joined::{Again, Joined};
pub use records::Pieces;
pub use replay::Replay;

use super::StoreError;
use super::error::Problem;
use super::layout::{State, bytes_of, envelope_row, path};
use crate::emg::units::{index, wide};
use crate::emg::{Channel, SampleType, Samples};
use hdf5::file::OpenMode;
use hdf5::{Dataset, File, H5Type};
use ndarray::s;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Deflate never shrinks anything more than this.
const DEFLATE_LIMIT: u64 = 1032;

/// Bytes a growing file may lag behind what it says it holds.
const SLACK: u64 = 1 << 20;

/// A live reader that finds a torn piece of metadata waits 1, 2, 4 ... nanoseconds and looks again: 17 ms in all.
/// The library's own 100 attempts would wait for minutes on every damaged piece.
const READ_ATTEMPTS: u32 = 24;

/// No recording has more rows; keeps sums of rows from a damaged file within `u64`.
const ROWS_LIMIT: u64 = 1 << 48;

/// One segment of a recording, open for reading.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    file: File,
    facts: Facts,
    channels: Vec<Channel>,
    raw: Dataset,
    clean: Dataset,
    envelope: Dataset,
    digital: Dataset,
}

/// Opens a file that nobody writes.
pub(super) fn open_plain(path: &Path) -> hdf5::Result<File> {
    open_as(path, OpenMode::Read)
}

fn open_as(path: &Path, mode: OpenMode) -> hdf5::Result<File> {
    File::with_options()
        .with_fapl(|p| p.file_locking(false).metadata_read_attempts(READ_ATTEMPTS))
        .open_as(path, mode)
}

impl Recording {
    /// Opens a recording, sealed or still growing.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Open { path: path.to_owned(), source };
        // HDF5 would say of a folder what no user can read.
        if !std::fs::File::open(path).and_then(|file| file.metadata()).map_err(failed)?.is_file() {
            return Err(failed(std::io::Error::other("it is not a file")));
        }
        let file = open_plain(path)
            .or_else(|_| open_as(path, OpenMode::ReadSWMR))
            .map_err(|source| StoreError::NotHdf5 { path: path.to_owned(), source })?;
        let facts = Facts::read(path, &file)?;
        let part = |part: &str| {
            file.dataset(part).map_err(|source| StoreError::Unreadable {
                path: path.to_owned(),
                part: format!("/{part}"),
                source,
            })
        };
        let mut recording = Self {
            path: path.to_owned(),
            raw: part(path::RAW)?,
            clean: part(path::CLEAN)?,
            envelope: part(path::ENVELOPE)?,
            digital: part(path::DIGITAL)?,
            channels: Vec::new(),
            file,
            facts,
        };
        recording.channels = recording.read_channels()?;
        recording.check_shapes()?;
        Ok(recording)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is known of the whole recording.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Its columns.
    #[must_use]
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// Rows of raw samples in this file.
    #[must_use]
    pub fn rows(&self) -> u64 {
        length(&self.raw)
    }

    /// The rows of the recording that lie in this file.
    #[must_use]
    pub fn span(&self) -> Range<u64> {
        self.facts.first_row..self.facts.first_row.saturating_add(self.rows())
    }

    /// The rows of the recording whose clean samples lie in this file; a live file may have fewer than of raw ones.
    #[must_use]
    pub fn clean_span(&self) -> Range<u64> {
        self.facts.first_row..self.facts.first_row.saturating_add(length(&self.clean))
    }

    /// The envelope rows of the recording that lie in this file: row j belongs to sample
    /// `(j + 1) x decimation - 1`.
    #[must_use]
    pub fn envelope_span(&self) -> Range<u64> {
        let first = envelope_row(self.facts.first_row, self.facts.decimation);
        first..first.saturating_add(length(&self.envelope))
    }

    /// Raw values of these rows, row-major; rows outside the file are left out.
    pub fn raw(&self, rows: Range<u64>) -> Result<Samples, StoreError> {
        let rows = local(&rows, &self.span());
        Ok(match self.facts.sample_type {
            SampleType::I16 => Samples::I16(self.matrix(&self.raw, path::RAW, rows)?),
            SampleType::I32 => Samples::I32(self.matrix(&self.raw, path::RAW, rows)?),
            SampleType::F32 => Samples::F32(self.matrix(&self.raw, path::RAW, rows)?),
            SampleType::F64 => Samples::F64(self.matrix(&self.raw, path::RAW, rows)?),
        })
    }

    /// Clean values of these rows, row-major; rows outside the file are left out.
    pub fn clean(&self, rows: Range<u64>) -> Result<Vec<f32>, StoreError> {
        self.matrix(&self.clean, path::CLEAN, local(&rows, &self.clean_span()))
    }

    /// Envelope values of these envelope rows, row-major; rows outside the file are left out.
    pub fn envelope(&self, rows: Range<u64>) -> Result<Vec<f32>, StoreError> {
        self.matrix(&self.envelope, path::ENVELOPE, local(&rows, &self.envelope_span()))
    }

    /// Digital inputs of these rows, or nothing where the board has none.
    pub fn digital(&self, rows: Range<u64>) -> Result<Vec<u8>, StoreError> {
        let span = self.facts.first_row..self.facts.first_row.saturating_add(length(&self.digital));
        self.matrix(&self.digital, path::DIGITAL, local(&rows, &span))
    }

    /// Rows of digital inputs in this file.
    pub(super) fn digital_rows(&self) -> u64 {
        length(&self.digital)
    }

    /// Looks again how far a growing file has come.
    pub fn refresh(&mut self) -> Result<(), StoreError> {
        if self.facts.state == State::Open {
            for dataset in [&self.raw, &self.clean, &self.envelope, &self.digital] {
                dataset.refresh().map_err(|source| self.unreadable(path::RAW, source))?;
            }
        }
        Ok(())
    }

    fn matrix<T: H5Type>(
        &self,
        dataset: &Dataset,
        part: &str,
        rows: Range<u64>,
    ) -> Result<Vec<T>, StoreError> {
        let (start, end) = (index(rows.start), index(rows.end));
        let values = if start == end {
            Ok(Vec::new())
        } else if dataset.ndim() == 1 {
            dataset.read_slice_1d(s![start..end]).map(|values| values.into_raw_vec_and_offset().0)
        } else {
            dataset.read_slice_2d(s![start..end, ..]).map(|values| values.into_raw_vec_and_offset().0)
        };
        values.map_err(|source| self.unreadable(part, source))
    }

    /// Matrices of which chunks are missing: HDF5 reads such rows as fill values without a word.
    pub(super) fn lost_chunks(&self) -> Vec<&'static str> {
        let parts = [
            (&self.raw, "/raw/samples"),
            (&self.clean, "/clean/samples"),
            (&self.envelope, "/clean/envelope"),
            (&self.digital, "/raw/digital"),
        ];
        let lost = |dataset: &Dataset| {
            let rows = dataset.chunk().and_then(|chunk| chunk.first().copied()).unwrap_or(1).max(1);
            dataset.num_chunks() != Some(index(length(dataset)).div_ceil(rows))
        };
        parts.into_iter().filter_map(|(dataset, part)| lost(dataset).then_some(part)).collect()
    }

    /// Sample matrices are as wide as there are channels, and their values have the types the format says.
    fn check_shapes(&self) -> Result<(), StoreError> {
        let width = self.channels.len();
        for (dataset, part) in
            [(&self.raw, path::RAW), (&self.clean, path::CLEAN), (&self.envelope, path::ENVELOPE)]
        {
            if !matches!(dataset.shape()[..], [_, columns] if columns == width) {
                return Err(self.damaged(part, Problem::Shape));
            }
        }
        if self.digital.ndim() != 1 {
            return Err(self.damaged(path::DIGITAL, Problem::Shape));
        }
        for (dataset, part) in [(&self.clean, path::CLEAN), (&self.envelope, path::ENVELOPE)] {
            if facts::sample_type(dataset) != Some(SampleType::F32) {
                return Err(self.damaged(part, Problem::Type));
            }
            self.check_size(part, length(dataset).saturating_mul(wide(width) * 4))?;
        }
        let raw = self.rows().saturating_mul(wide(width) * bytes_of(self.facts.sample_type));
        self.check_size(path::RAW, raw / DEFLATE_LIMIT)?;
        self.check_size(path::DIGITAL, length(&self.digital))
    }

    /// Refuses to believe in more bytes than a file of this size can hold.
    fn check_size(&self, part: &str, bytes: u64) -> Result<(), StoreError> {
        let file = std::fs::metadata(&self.path).map_or(0, |meta| meta.len());
        if bytes > file.saturating_add(SLACK) { Err(self.damaged(part, Problem::Size)) } else { Ok(()) }
    }

    fn unreadable(&self, part: &str, source: hdf5::Error) -> StoreError {
        StoreError::Unreadable { path: self.path.clone(), part: format!("/{part}"), source }
    }

    fn damaged(&self, part: &str, problem: Problem) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), part: format!("/{part}"), problem }
    }
}

/// Those of `rows` that lie in `span`, counted from its start.
fn local(rows: &Range<u64>, span: &Range<u64>) -> Range<u64> {
    let start = rows.start.clamp(span.start, span.end) - span.start;
    start..(rows.end.clamp(span.start, span.end) - span.start).max(start)
}

/// Rows of a dataset.
fn length(dataset: &Dataset) -> u64 {
    dataset.shape().first().map_or(0, |&rows| wide(rows))
}
