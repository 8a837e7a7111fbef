//! FOREIGN TEXT FILES: what other programs saved as text, read into the values a recording is made of.
//!
//! [`read`] goes bytes -> lines -> `head` (what the columns are) -> `table` (their numbers) -> `clock`
//! (what the time column is worth) -> channels, samples, marks, and every doubt in words. Nothing here knows
//! HDF5, a journal or a terminal: `cli` calls this room, writes what it returns and prints the warnings.

mod channels;
mod clock;
mod doubt;
mod head;
mod marks;
mod spec;
mod table;
#[cfg(test)]
mod tests;
mod text;

pub use spec::{ColumnSpec, Format, MarkerSpec, SpecError};

use crate::emg::units::wide;
use crate::emg::{Channel, Samples};
use head::Head;
use std::ops::Range;
use std::path::{Path, PathBuf};
use table::Table;

/// What the user says about the file; everything may be left out.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The format, found from the first lines when not given.
    pub format: Option<Format>,
    /// The columns that become channels; all numeric ones when empty.
    pub columns: Vec<ColumnSpec>,
    /// Columns whose steps become markers.
    pub markers: Vec<MarkerSpec>,
    /// Rows per second: gives way to a usable time column, stands above a rate in the file's header.
    pub rate_hz: Option<f64>,
}

/// A file, read.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The format it was read as.
    pub format: Format,
    /// The columns, in the order of the values in a row.
    pub channels: Vec<Channel>,
    /// The stored rows, row-major, without the missing ones: `I32` if every value is a whole number that
    /// fits, else `F64` with NaN for empty fields.
    pub samples: Samples,
    /// Rows of the recording: the stored ones and the missing ones of exact holes.
    pub rows: u64,
    /// Rows per second, none where neither file nor user said one that can be believed.
    pub nominal_hz: Option<f64>,
    /// The file's own time of each stored row, microseconds; empty without a usable time column.
    pub time_us: Vec<u64>,
    /// Wall clock of the first row, nanoseconds since 1970 UTC, where the time column counts from 1970.
    pub start_utc_ns: Option<i64>,
    /// Marks, in the order of their rows.
    pub marks: Vec<Mark>,
    /// Rows the file lacks, in order.
    pub holes: Vec<Hole>,
    /// One sentence for each thing a reader of the recording must know.
    pub warnings: Vec<String>,
}

/// A label at a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Row of the recording.
    pub sample: u64,
    /// What happened.
    pub label: String,
    /// The label as a number where the file labels by numbers, else 0.
    pub code: i32,
}

/// Rows that are missing between two stored ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// Stored rows before the hole.
    pub at: usize,
    /// First missing row of the recording; for an inexact hole, the row that follows it.
    pub sample: u64,
    /// Rows missing.
    pub missing: u64,
    /// Counted, so that the rows exist in the recording and are filled; else estimated from the clock, and
    /// nothing is filled.
    pub exact: bool,
}

/// Stored rows without a hole between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The hole before them.
    pub after: Option<Hole>,
    /// Row of the recording of the first one.
    pub sample: u64,
    /// Which of the stored rows.
    pub stored: Range<usize>,
}

impl Imported {
    /// Rows in [`Imported::samples`].
    #[must_use]
    pub fn stored(&self) -> usize {
        self.samples.len().checked_div(self.channels.len()).unwrap_or(0)
    }

    /// The rows from hole to hole, in order: what a journal is written from.
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        let starts = std::iter::once(None).chain(self.holes.iter().copied().map(Some));
        let ends = self.holes.iter().map(|hole| hole.at).chain([self.stored()]);
        starts
            .zip(ends)
            .map(|(after, end)| {
                let at = after.map_or(0, |hole: Hole| hole.at);
                Run { after, sample: row_of(&self.holes, at), stored: at..end }
            })
            .collect()
    }
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened or read.
    #[error("{} cannot be read", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file holds bytes no text has.
    #[error("{} is not text (UTF-8 or Latin-1)", path.display())]
    Binary {
        /// The file.
        path: PathBuf,
    },
    /// The file is not in the format it was said to be in.
    #[error("{} is not {format} text: it begins with `{content}`", path.display())]
    NotFormat {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        format: Format,
        /// The first line.
        content: String,
    },
    /// Most of the file, or all of it, is no table of numbers.
    #[error("{} is no table: {read} of {lines} lines are rows of numbers, line {line} reads `{content}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Rows that could be read.
        read: usize,
        /// Lines that should have been rows.
        lines: usize,
        /// The first line that is none.
        line: usize,
        /// What stands there.
        content: String,
    },
    /// `--columns` or `--markers` names a column the file does not have.
    #[error("{} has no column `{column}` (asked for by {flag})", path.display())]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// `--columns` or `--markers`.
        flag: &'static str,
        /// The number or name.
        column: String,
        /// Number and name of each column.
        columns: String,
    },
    /// `--columns` or `--markers` names a column of words.
    #[error("column `{column}` of {} holds text and cannot be used by {flag}", path.display())]
    TextColumn {
        /// The file.
        path: PathBuf,
        /// `--columns` or `--markers`.
        flag: &'static str,
        /// The number or name.
        column: String,
        /// Number and name of each column.
        columns: String,
    },
    /// Two channels of `--columns` have one name.
    #[error("--columns names two channels `{name}`")]
    SameName {
        /// The name.
        name: String,
    },
    /// No column is left to become a channel.
    #[error("{} has no column of numbers beside its time", path.display())]
    NoChannels {
        /// The file.
        path: PathBuf,
        /// Number and name of each column.
        columns: String,
    },
    /// `--rate` is no rate.
    #[error("--rate {rate_hz} is not a rate")]
    Rate {
        /// What was given.
        rate_hz: f64,
    },
}

impl Error {
    /// What the user should do next, one sentence.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::Open { .. } => "check its name and permissions".to_owned(),
            Self::Binary { .. } => "export it as text from the program that made it".to_owned(),
            Self::NotFormat { .. } => "leave --format out to have it found".to_owned(),
            Self::Unreadable { .. } => "export a plain table with one row per sample".to_owned(),
            Self::NoColumn { columns, .. }
            | Self::TextColumn { columns, .. }
            | Self::NoChannels { columns, .. } => format!("its columns are {columns}"),
            Self::SameName { .. } => "give each its own name".to_owned(),
            Self::Rate { .. } => "give rows per second, above 0".to_owned(),
        }
    }
}

/// Reads the text file at `path`; memory grows with its size.
pub fn read(path: &Path, options: &Options) -> Result<Imported, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::Open { path: path.to_owned(), source })?;
    parse(path, &bytes, options)
}

/// Reads the bytes of a text file; `path` is only for what is said about it.
pub fn parse(path: &Path, bytes: &[u8], options: &Options) -> Result<Imported, Error> {
    if let Some(rate_hz) = options.rate_hz.filter(|rate| !rate.is_finite() || *rate <= 0.0) {
        return Err(Error::Rate { rate_hz });
    }
    let text = text::decode(bytes).ok_or_else(|| Error::Binary { path: path.to_owned() })?;
    let head = head::find(path, &text, options.format)?;
    let choice = channels::choose(path, &head, options)?;
    let table = Table::read(path, &text, &head)?;
    Ok(assemble(head, choice, &table, options))
}

/// Puts the parts together and collects what is doubtful about them.
fn assemble(head: Head, choice: channels::Choice, table: &Table, options: &Options) -> Imported {
    let mut warnings = head.warnings;
    warnings.extend(choice.warnings);
    warnings.extend(table.remarks(head.announced_rows));
    let axis = choice.time.and_then(|(column, unit)| {
        let values: Vec<f64> = table.column(column).collect();
        let name = &head.columns[column].channel.name;
        clock::axis(name, &values, unit, options.rate_hz)
            .map_err(|why| warnings.push(format!("time column `{name}` cannot be used: {why}")))
            .ok()
    });
    let regular = axis.as_ref().is_some_and(|axis| axis.regular);
    let axis = axis.unwrap_or_default();
    let holes = if regular { axis.holes } else { table.holes() };
    warnings.extend(axis.warnings);
    let nominal_hz = clock::rate(axis.rate_hz, options.rate_hz, head.nominal_hz, &mut warnings);
    let marks = marks::all(table, options, &choice.markers, &holes, &mut warnings);
    warnings.extend(doubt::all(table, &choice.columns, &choice.channels, nominal_hz));
    Imported {
        format: head.format,
        samples: table.samples(&choice.columns),
        rows: row_of(&holes, table.rows()),
        channels: choice.channels,
        nominal_hz,
        time_us: axis.time_us,
        start_utc_ns: axis.start_utc_ns,
        marks,
        holes,
        warnings,
    }
}

/// The row of the recording that stored row `at` becomes.
fn row_of(holes: &[Hole], at: usize) -> u64 {
    let before = holes.partition_point(|hole| hole.at <= at);
    holes[..before].last().map_or(wide(at), |hole| {
        let filled = if hole.exact { hole.missing } else { 0 };
        hole.sample + filled + wide(at - hole.at)
    })
}

/// Holes from (stored rows before, missing, exact), with the rows of the recording filled in.
fn placed(found: impl IntoIterator<Item = (usize, u64, bool)>) -> Vec<Hole> {
    let mut filled = 0;
    let place = |(at, missing, exact)| {
        let sample = wide(at) + filled;
        filled += if exact { missing } else { 0 };
        Hole { at, sample, missing, exact }
    };
    found.into_iter().map(place).collect()
}
