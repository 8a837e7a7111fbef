//! Datasets that only grow: rows of numbers in whole chunks with a checksum each, and tables row by row.
//!
//! One resize and one write per call, because each call costs microseconds and a row costs nothing.

use crate::emg::units::wide;
use crate::emg::{SampleType, Samples};
use crate::store::layout::{Cell, Row, append, checksum, path};
use hdf5::{Dataset, File, Result};
use std::borrow::Cow;

/// What a dataset must read back as.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) path: Cow<'static, str>,
    pub(super) rows: usize,
    /// None are kept for tables.
    pub(super) sums: Option<Sums>,
}

/// Checksums of a matrix.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    pub(super) chunk_rows: usize,
    pub(super) width: usize,
    /// CRC-32C of each chunk's values; the last chunk may be partial.
    pub(super) crc: Vec<u32>,
}

/// Rows of numbers.
#[derive(Debug)]
pub(super) struct Matrix<T> {
    path: &'static str,
    dataset: Dataset,
    chunk_rows: usize,
    width: usize,
    rows: usize,
    pending: Vec<T>,
    sums: Vec<u32>,
    unflushed: bool,
}

impl<T: Cell> Matrix<T> {
    pub(super) fn open(file: &File, path: &'static str, chunk_rows: usize, width: usize) -> Result<Self> {
        Ok(Self {
            path,
            dataset: file.dataset(path)?,
            chunk_rows,
            width,
            rows: 0,
            pending: Vec::new(),
            sums: Vec::new(),
            unflushed: false,
        })
    }

    pub(super) fn push(&mut self, values: &[T]) {
        self.pending.extend_from_slice(values);
    }

    pub(super) fn fill(&mut self, rows: usize, value: T) {
        self.pending.resize(self.pending.len() + rows * self.width, value);
    }

    pub(super) fn rows(&self) -> u64 {
        wide(self.rows)
    }

    pub(super) fn pending_chunks(&self) -> usize {
        self.pending.len() / (self.chunk_rows * self.width)
    }

    /// Writes whole chunks, or with `all` the last partial one too; nothing may follow that.
    pub(super) fn write(&mut self, all: bool) -> Result<()> {
        let chunk = self.chunk_rows * self.width;
        let ready = if all { self.pending.len() } else { self.pending_chunks() * chunk };
        if ready == 0 {
            return Ok(());
        }
        for values in self.pending[..ready].chunks(chunk) {
            self.sums.push(checksum(values));
        }
        self.rows = append(&self.dataset, self.rows, self.width, &self.pending[..ready])?;
        self.pending.drain(..ready);
        self.unflushed = true;
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.write(false)?;
        if std::mem::take(&mut self.unflushed) { self.dataset.flush() } else { Ok(()) }
    }

    pub(super) fn written(&self) -> Written {
        let sums = Sums { chunk_rows: self.chunk_rows, width: self.width, crc: self.sums.clone() };
        Written { path: self.path.into(), rows: self.rows, sums: Some(sums) }
    }
}

/// Rows of raw samples in one of the four types.
#[derive(Debug)]
pub(super) enum RawMatrix {
    I16(Matrix<i16>),
    I32(Matrix<i32>),
    F32(Matrix<f32>),
    F64(Matrix<f64>),
}

/// The same expression over whichever matrix it is.
macro_rules! each {
    ($raw:expr, $matrix:ident => $body:expr) => {
        match $raw {
            RawMatrix::I16($matrix) => $body,
            RawMatrix::I32($matrix) => $body,
            RawMatrix::F32($matrix) => $body,
            RawMatrix::F64($matrix) => $body,
        }
    };
}

impl RawMatrix {
    pub(super) fn open(
        file: &File,
        sample_type: SampleType,
        chunk_rows: usize,
        width: usize,
    ) -> Result<Self> {
        Ok(match sample_type {
            SampleType::I16 => Self::I16(Matrix::open(file, path::RAW, chunk_rows, width)?),
            SampleType::I32 => Self::I32(Matrix::open(file, path::RAW, chunk_rows, width)?),
            SampleType::F32 => Self::F32(Matrix::open(file, path::RAW, chunk_rows, width)?),
            SampleType::F64 => Self::F64(Matrix::open(file, path::RAW, chunk_rows, width)?),
        })
    }

    /// # Panics
    /// When the type is not the recording's; [`super::feed::Feed`] has checked it.
    pub(super) fn push(&mut self, samples: &Samples) {
        match (self, samples) {
            (Self::I16(matrix), Samples::I16(values)) => matrix.push(values),
            (Self::I32(matrix), Samples::I32(values)) => matrix.push(values),
            (Self::F32(matrix), Samples::F32(values)) => matrix.push(values),
            (Self::F64(matrix), Samples::F64(values)) => matrix.push(values),
            (_, samples) => panic!("samples of {:?} in a recording of another type", samples.sample_type()),
        }
    }

    pub(super) fn fill_missing(&mut self, rows: usize) {
        match self {
            Self::I16(matrix) => matrix.fill(rows, i16::MIN),
            Self::I32(matrix) => matrix.fill(rows, i32::MIN),
            Self::F32(matrix) => matrix.fill(rows, f32::NAN),
            Self::F64(matrix) => matrix.fill(rows, f64::NAN),
        }
    }

    pub(super) fn rows(&self) -> u64 {
        each!(self, matrix => matrix.rows())
    }

    pub(super) fn pending_chunks(&self) -> usize {
        each!(self, matrix => matrix.pending_chunks())
    }

    pub(super) fn write(&mut self, all: bool) -> Result<()> {
        each!(self, matrix => matrix.write(all))
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        each!(self, matrix => matrix.flush())
    }

    pub(super) fn written(&self) -> Written {
        each!(self, matrix => matrix.written())
    }
}

/// A table of compound rows.
pub(super) struct Table<R> {
    dataset: Dataset,
    rows: usize,
    pending: Vec<R>,
}

impl<R: Row> std::fmt::Debug for Table<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} with {} rows, {} pending", R::PATH, self.rows, self.pending.len())
    }
}

impl<R: Row> Table<R> {
    pub(super) fn open(file: &File) -> Result<Self> {
        Ok(Self { dataset: file.dataset(R::PATH)?, rows: 0, pending: Vec::new() })
    }

    pub(super) fn push(&mut self, row: R) {
        self.pending.push(row);
    }

    pub(super) fn extend(&mut self, rows: impl IntoIterator<Item = R>) {
        self.pending.extend(rows);
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.rows = append(&self.dataset, self.rows, 1, &self.pending)?;
        self.pending.clear();
        self.dataset.flush()
    }

    /// Rows that are not written yet.
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn written(&self) -> Written {
        Written { path: R::PATH.into(), rows: self.rows, sums: None }
    }
}
