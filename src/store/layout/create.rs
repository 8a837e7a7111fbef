//! Builds the whole structure of a recording before its first sample; afterwards nothing is added or renamed.
//!
//! Called by `projector` alone, on a file that does not exist yet.

use super::attributes::{put, put_label, put_note};
use super::later::{ArtefactRow, AuRow, CalibrationRow, EventRow, PreflightRow, QualityRow, TrialRow};
use super::rows::{
    BlockRow, ChainRow, ChannelRow, ClockOffsetRow, FitRow, GapRow, LogRow, MarkerRow, SpanRow, TruthRow,
};
use super::text::{Note, pieces};
use super::{Cell, FORMAT, FORMAT_VERSION, Row, State, TABLE_CHUNK, envelope_chunk, envelope_row, path};
use crate::emg::SampleType;
use crate::emg::units::index;
use crate::store::journal::Header;
use chrono::{DateTime, SecondsFormat};
use hdf5::file::LibraryVersion;
use hdf5::{Dataset, File, H5Type, Result};
use std::path::Path;

/// Sections in a chunk of filter state.
const STATE_CHUNK: usize = 8;

/// Creates an empty file that every HDF5 from 1.10 on reads; the library's own locks stay off, because the
/// journal is locked by us and a reader must never be kept out.
pub(crate) fn file(path: &Path) -> Result<File> {
    File::with_options()
        .with_fapl(|p| p.libver_bounds(LibraryVersion::V110, LibraryVersion::V110).file_locking(false))
        // All attributes stay in the object header, where a change in place is one checksummed write.
        .with_fcpl(|p| p.attr_phase_change(64, 32))
        .create_excl(path)
}

/// Everything that is known before the first row.
pub(crate) fn structure(file: &File, header: &Header, program: &str) -> Result<()> {
    facts(file, header, program)?;
    let channels = header.channels.len();
    match header.sample_type {
        SampleType::I16 => raw(file, header, i16::MIN)?,
        SampleType::I32 => raw(file, header, i32::MIN)?,
        SampleType::F32 => raw(file, header, f32::NAN)?,
        SampleType::F64 => raw(file, header, f64::NAN)?,
    }
    let rows = chunk_rows(header);
    let digital = file.new_dataset::<u8>().chunk(rows).shape(0..).create(path::DIGITAL)?;
    describe(
        &digital,
        "The board's digital inputs, one byte per row, 0 in lost rows (see /gaps); empty where it sends none",
    )?;
    let clean = matrix::<f32>(file, path::CLEAN, rows, channels)?;
    describe(
        &clean,
        "Filter chain over (raw - offset) x scale, in the channel's unit, not rectified; NaN where raw \
        is missing",
    )?;
    let envelope =
        matrix::<f32>(file, path::ENVELOPE, envelope_chunk(header.chunk_rows, header.decimation), channels)?;
    describe(
        &envelope,
        "Row j of the recording belongs to sample (j + 1) x decimation - 1; the first row here is \
        j = first_row",
    )?;
    put(&envelope, "decimation", header.decimation)?;
    put(&envelope, "first_row", envelope_row(header.first_row, header.decimation))?;
    filters(file, channels)?;
    tables(file)?;
    fill(
        &file.dataset(ChannelRow::PATH)?,
        &header.channels.iter().map(ChannelRow::from).collect::<Vec<_>>(),
    )?;
    text(file, path::CONFIG, "The effective configuration (TOML); join the rows", &header.config)?;
    text(file, path::PROTOCOL, "The protocol as loaded (TOML); join the rows", &header.protocol)?;
    let predictions = file.create_group(path::PREDICTIONS)?;
    put_note(&predictions, "description", "One table per model")?;
    super::predictions::create(file, &header.models)
}

/// Rows in a chunk of samples.
pub(crate) fn chunk_rows(header: &Header) -> usize {
    index(u64::from(header.chunk_rows))
}

/// The name of a recording in attributes.
pub(crate) fn hex(id: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*id))
}

/// The name of a segment in the attributes `previous` and `next`.
pub(crate) fn segment_name(id: &[u8; 16], segment: u32) -> String {
    format!("{}:{segment}", hex(id))
}

/// Attributes of `/`.
fn facts(file: &File, header: &Header, program: &str) -> Result<()> {
    let names = &header.entities;
    let previous = header.segment.checked_sub(1).map(|s| segment_name(&header.recording_id, s));
    let recomputed = if program == header.software_version { "" } else { program };
    let number = |number: u32| {
        if number == 0 { String::new() } else { format!("{number:02}") }
    };
    put_label(file, "format", FORMAT)?;
    put_label(file, "format_version", FORMAT_VERSION)?;
    put_label(file, "recording_id", &hex(&header.recording_id))?;
    put(file, "segment", header.segment)?;
    put(file, "first_row", header.first_row)?;
    put_label(file, "previous", &previous.unwrap_or_default())?;
    put_label(file, "next", "")?;
    put_label(file, "state", State::Open.word())?;
    put_label(file, "software_version", &header.software_version)?;
    put_label(file, "clean_recomputed_by", recomputed)?;
    put_label(file, "created_utc", &iso(header.created_utc_ns))?;
    put(file, "created_host_ns", header.created_host_ns)?;
    put_label(file, "boot_id", &header.boot_id)?;
    put_label(file, "recorder", &header.recorder)?;
    for (name, entity) in [("subject", &names.subject), ("session", &names.session), ("task", &names.task)] {
        put_label(file, name, entity)?;
    }
    put_label(file, "run", &number(names.run))?;
    put_label(file, "split", &number(names.split.unwrap_or(0)))?;
    put_note(file, "source", &header.source)?;
    put_note(file, "board", &header.board)?;
    put_note(file, "montage", &header.montage)?;
    put(file, "losses_counted", u8::from(header.losses_counted))?;
    put(file, "digital_inputs", u8::from(header.digital))?;
    put(file, "nominal_rate_hz", header.nominal_hz)?;
    put(file, "sampling_rate_hz", header.nominal_hz)?;
    put(file, "seed", header.seed)
}

/// A moment as ISO 8601 in UTC.
fn iso(utc_ns: i64) -> String {
    DateTime::from_timestamp_nanos(utc_ns).to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn raw<T: Cell>(file: &File, header: &Header, missing: T) -> Result<()> {
    let channels = header.channels.len();
    let raw = file
        .new_dataset::<T>()
        .chunk((chunk_rows(header), channels))
        .shape((0.., channels))
        .shuffle()
        .deflate(1)
        .fletcher32()
        .fill_value(missing)
        .create(path::RAW)?;
    put(&raw, "missing", missing)?;
    describe(
        &raw,
        "As the device sent it, one column per row of /channels; lost rows hold `missing`, and what is \
        missing is defined by /gaps alone",
    )
}

fn matrix<T: H5Type>(file: &File, path: &str, rows: usize, width: usize) -> Result<Dataset> {
    file.new_dataset::<T>().chunk((rows, width)).shape((0.., width)).create(path)
}

fn filters(file: &File, channels: usize) -> Result<()> {
    for (path, what) in [
        (path::SECTIONS, "Second-order sections before rectification, rows as SciPy's sos: b0 b1 b2 1 a1 a2"),
        (path::ENVELOPE_SECTIONS, "Second-order sections after rectification, rows as SciPy's sos"),
    ] {
        describe(&matrix::<f64>(file, path, TABLE_CHUNK, 6)?, what)?;
    }
    for (path, what) in [
        (
            path::STATE,
            "Filter state before first_row: [channel, section, 2] as SciPy's zi; NaN = no such section",
        ),
        (
            path::ENVELOPE_STATE,
            "The same for /filter/envelope_sections; behind them [mean, floor] of a tracked baseline",
        ),
    ] {
        let state = file
            .new_dataset::<f64>()
            .chunk((channels, STATE_CHUNK, 2))
            .shape((channels, 0.., 2))
            .fill_value(f64::NAN)
            .create(path)?;
        describe(&state, what)?;
    }
    Ok(())
}

fn tables(file: &File) -> Result<()> {
    table::<ChannelRow>(file)?;
    table::<BlockRow>(file)?;
    table::<FitRow>(file)?;
    table::<GapRow>(file)?;
    table::<MarkerRow>(file)?;
    table::<ArtefactRow>(file)?;
    table::<QualityRow>(file)?;
    table::<ChainRow>(file)?;
    table::<SpanRow>(file)?;
    table::<EventRow>(file)?;
    table::<CalibrationRow>(file)?;
    table::<TrialRow>(file)?;
    table::<TruthRow>(file)?;
    table::<PreflightRow>(file)?;
    table::<AuRow>(file)?;
    table::<ClockOffsetRow>(file)?;
    table::<LogRow>(file)
}

fn table<R: Row>(file: &File) -> Result<()> {
    let table =
        file.new_dataset_builder().packed(true).empty::<R>().chunk(TABLE_CHUNK).shape(0..).create(R::PATH)?;
    describe(&table, R::DESCRIPTION)
}

fn text(file: &File, path: &str, what: &str, text: &str) -> Result<()> {
    let table = file.new_dataset::<Note>().chunk(TABLE_CHUNK).shape(0..).create(path)?;
    describe(&table, what)?;
    fill(&table, &pieces(text))
}

fn fill<T: H5Type>(table: &Dataset, rows: &[T]) -> Result<()> {
    table.resize(rows.len())?;
    table.write_slice(rows, ndarray::s![0..rows.len()])
}

fn describe(dataset: &Dataset, what: &str) -> Result<()> {
    put_note(dataset, "description", what)
}
