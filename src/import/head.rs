//! What a file says before its first row: format, columns, rate. One file per format below; rows are read by
//! `table`.

mod acqknowledge;
mod csv;
mod opensignals;

use super::text::{self, Delimiter};
use super::{Error, Format};
use crate::emg::{Channel, Kind};
use std::path::Path;

/// Lines that are looked at to find out what the rest is.
const PREVIEW: usize = 1000;

/// All that is known of a file before its rows are read.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) format: Format,
    pub(super) delimiter: Delimiter,
    /// Every column of the table, also those that become no channel.
    pub(super) columns: Vec<Column>,
    /// Lines before the first row.
    pub(super) skip: usize,
    /// The rate the header states.
    pub(super) nominal_hz: Option<f64>,
    /// The number of rows the header states.
    pub(super) announced_rows: Option<u64>,
    pub(super) warnings: Vec<String>,
}

/// One column of the table.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) content: Content,
    /// The channel it becomes unless somebody says otherwise.
    pub(super) channel: Channel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Number,
    /// Words, and no channel.
    Text,
    /// Words whose changes are markers.
    Label,
}

impl Column {
    /// A column of numbers, of which only name and kind are known.
    fn number(name: &str, kind: Kind) -> Self {
        Self { content: Content::Number, channel: Channel::new(name, kind) }
    }
}

impl Head {
    /// Number and name of each column, for somebody who has to choose.
    pub(super) fn listing(&self) -> String {
        let word = |(at, column): (usize, &Column)| format!("{} `{}`", at + 1, column.channel.name);
        let shown: Vec<String> = self.columns.iter().enumerate().take(40).map(word).collect();
        shown.join(", ") + if self.columns.len() > 40 { ", ..." } else { "" }
    }
}

/// Finds out what a text is, or believes `format`.
pub(super) fn find(path: &Path, text: &str, format: Option<Format>) -> Result<Head, Error> {
    let preview: Vec<&str> = text::lines(text).take(PREVIEW).collect();
    let as_format = |format| match format {
        Format::AcqKnowledge => acqknowledge::head(&preview),
        Format::OpenSignals => opensignals::head(&preview),
        Format::Csv => csv::head(&preview),
    };
    let found = match format {
        Some(format) => as_format(format),
        None => [Format::AcqKnowledge, Format::OpenSignals, Format::Csv].into_iter().find_map(as_format),
    };
    let (line, content) = preview
        .iter()
        .enumerate()
        .find(|(_, line)| !line.trim().is_empty())
        .map_or((1, String::new()), |(at, line)| (at + 1, text::excerpt(line)));
    let mut head = found.ok_or_else(|| match format {
        Some(format @ (Format::AcqKnowledge | Format::OpenSignals)) => {
            Error::NotFormat { path: path.to_owned(), format, content }
        }
        _ => Error::Unreadable {
            path: path.to_owned(),
            read: 0,
            lines: text::lines(text).count(),
            line,
            content,
        },
    })?;
    name_apart(&mut head.columns);
    Ok(head)
}

/// Gives columns without a name their number, and equal names a number behind them.
fn name_apart(columns: &mut [Column]) {
    let mut seen = std::collections::HashSet::new();
    for (at, column) in columns.iter_mut().enumerate() {
        let name = crate::emg::marker::clip(column.channel.name.trim(), 56);
        let name = if name.is_empty() { format!("col{}", at + 1) } else { name };
        let again = (2..).map(|count: u32| format!("{name} {count}"));
        let free = std::iter::once(name.clone()).chain(again).find(|name| seen.insert(name.clone()));
        column.channel.name = free.unwrap_or(name);
    }
}

/// A unit as recordings write it; other words stay as they are.
fn unit_word(word: &str) -> String {
    match word.trim().to_lowercase().as_str() {
        "v" | "volt" | "volts" => "V".to_owned(),
        "mv" | "millivolt" | "millivolts" => "mV".to_owned(),
        "uv" | "µv" | "μv" | "microvolt" | "microvolts" => "uV".to_owned(),
        "" => "count".to_owned(),
        _ => word.trim().to_owned(),
    }
}

/// Whether a channel of this unit can be a muscle's voltage.
fn may_be_emg(unit: &str) -> bool {
    ["V", "mV", "uV", "count"].contains(&unit)
}
