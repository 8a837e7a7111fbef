//! After the close: sync, read everything back, compare, sync the folder. Only then may a journal go.

use super::Sealed;
use super::matrix::{Sums, Written};
use crate::emg::units::{index, wide};
use crate::store::StoreError;
use crate::store::journal::writer::sync_folder;
use crate::store::layout::{Cell, checksum, chunks_together, path};
use crate::store::reader::open_plain;
use hdf5::Dataset;
use hdf5::types::{FloatSize, IntSize, TypeDescriptor};
use ndarray::s;
use std::fs::File;
use std::path::Path;

/// Syncs a closed file and proves that it holds what was written.
pub(super) fn seal(path: &Path, written: &[Written]) -> Result<Sealed, StoreError> {
    let fail = |source| StoreError::Write { path: path.to_owned(), source };
    File::open(path).and_then(|file| file.sync_all()).map_err(fail)?;
    let file = open_plain(path).map_err(|source| StoreError::NotHdf5 { path: path.to_owned(), source })?;
    for part in written {
        if !file.dataset(&part.path).and_then(|dataset| is_as_written(&dataset, part)).unwrap_or(false) {
            return Err(StoreError::Differs { path: path.to_owned(), part: part.path.to_string() });
        }
    }
    drop(file);
    let bytes = std::fs::metadata(path).map_err(fail)?.len();
    sync_folder(path).map_err(fail)?;
    let rows = written.iter().find(|part| part.path == path::RAW).map_or(0, |raw| wide(raw.rows));
    Ok(Sealed { path: path.to_owned(), rows, bytes })
}

fn is_as_written(dataset: &Dataset, written: &Written) -> hdf5::Result<bool> {
    if dataset.shape().first() != Some(&written.rows) {
        return Ok(false);
    }
    let Some(sums) = &written.sums else {
        return Ok(true);
    };
    match dataset.dtype()?.to_descriptor()? {
        TypeDescriptor::Unsigned(IntSize::U1) => chunks::<u8>(dataset, written.rows, sums),
        TypeDescriptor::Integer(IntSize::U2) => chunks::<i16>(dataset, written.rows, sums),
        TypeDescriptor::Integer(IntSize::U4) => chunks::<i32>(dataset, written.rows, sums),
        TypeDescriptor::Float(FloatSize::U4) => chunks::<f32>(dataset, written.rows, sums),
        TypeDescriptor::Float(FloatSize::U8) => chunks::<f64>(dataset, written.rows, sums),
        _ => Ok(false),
    }
}

fn chunks<T: Cell>(dataset: &Dataset, rows: usize, sums: &Sums) -> hdf5::Result<bool> {
    if sums.crc.len() != rows.div_ceil(sums.chunk_rows) {
        return Ok(false);
    }
    let chunk = sums.chunk_rows * sums.width;
    let together = index(chunks_together(wide(chunk)));
    for (turn, crc) in sums.crc.chunks(together).enumerate() {
        let first = turn * together * sums.chunk_rows;
        let end = (first + crc.len() * sums.chunk_rows).min(rows);
        let values: Vec<T> = if dataset.ndim() == 1 {
            dataset.read_slice_1d(s![first..end])?.to_vec()
        } else {
            dataset.read_slice_2d(s![first..end, ..])?.into_raw_vec_and_offset().0
        };
        let is_whole = values.len() == (end - first) * sums.width;
        if !is_whole || !values.chunks(chunk).map(checksum).eq(crc.iter().copied()) {
            return Ok(false);
        }
    }
    Ok(true)
}
