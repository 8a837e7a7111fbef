//! A plain table: banner lines or none, one line of names or none, then rows.

use super::super::clock;
use super::super::text::{Delimiter, comment};
use super::{Column, Content, Format, Head, unit_word};
use crate::emg::Kind;

/// The one text column whose words are markers: the emotion a row was recorded under.
const LABEL_COLUMN: &str = "emotion_label";

/// What the first lines say, or none where no line holds a number.
pub(super) fn head(preview: &[&str]) -> Option<Head> {
    let rows: Vec<&str> =
        preview.iter().copied().filter(|line| !line.trim().is_empty() && comment(line).is_none()).collect();
    let delimiter = Delimiter::sniff(&rows);
    let mut width = delimiter.width(&rows);
    let skip = first_row(preview, delimiter, width)?;
    let names = names(&preview[..skip], delimiter);
    let rows = Rows { lines: &preview[skip..], delimiter };
    // A delimiter behind the last value makes an empty field and no column.
    let named_last = names.len() == width && names.last().is_some_and(|name| !name.is_empty());
    if width > 1 && !named_last && rows.share(width, width - 1, str::is_empty) > 0.99 {
        width -= 1;
    }
    let mut warnings = Vec::new();
    let used = names.len() == width || (names.len() == width + 1 && names[width].is_empty());
    if !names.is_empty() && !used {
        warnings.push(format!(
            "the line before the first row holds {} names for {width} columns and is not used; the columns are \
             named by number",
            names.len()
        ));
    }
    let names = if used { names } else { Vec::new() };
    let column = |at: usize| rows.column(width, at, names.get(at).copied().unwrap_or_default());
    Some(Head {
        format: Format::Csv,
        delimiter,
        columns: (0..width).map(column).collect(),
        skip,
        nominal_hz: None,
        announced_rows: None,
        warnings,
    })
}

/// Index of the first line with a number and the usual number of fields.
fn first_row(preview: &[&str], delimiter: Delimiter, width: usize) -> Option<usize> {
    let mut fields = Vec::new();
    preview.iter().position(|line| {
        delimiter.split(line, &mut fields);
        comment(line).is_none() && fields.len() == width && delimiter.has_number(&fields)
    })
}

/// The names in the last line before the rows that is not empty, behind a comment sign or not; none where that
/// line holds a number or is a banner of one word above many columns.
fn names<'a>(before: &[&'a str], delimiter: Delimiter) -> Vec<&'a str> {
    let mut fields = Vec::new();
    if let Some(line) = before.iter().rev().find(|line| !line.trim().is_empty()) {
        delimiter.split(comment(line).unwrap_or(line), &mut fields);
    }
    if delimiter.has_number(&fields) { Vec::new() } else { fields }
}

/// The rows of the preview.
struct Rows<'a> {
    lines: &'a [&'a str],
    delimiter: Delimiter,
}

impl Rows<'_> {
    /// Share of the rows of `width` fields whose field `at` is as asked; 1 of no rows.
    fn share(&self, width: usize, at: usize, is: impl Fn(&str) -> bool) -> f64 {
        let (mut rows, mut hits) = (0_u32, 0_u32);
        let mut fields = Vec::new();
        for line in self.lines {
            self.delimiter.split(line, &mut fields);
            if fields.len() >= width {
                rows += 1;
                hits += u32::from(is(fields[at]));
            }
        }
        if rows == 0 { 1.0 } else { f64::from(hits) / f64::from(rows) }
    }

    fn column(&self, width: usize, at: usize, name: &str) -> Column {
        let mut column = Column::number(name, Kind::Raw);
        let plain = clock::plain(name);
        column.channel.unit = unit_of(&plain);
        if plain == LABEL_COLUMN {
            column.content = Content::Label;
        } else if self.share(width, at, |field| self.delimiter.number(field).is_none()) > 0.5 {
            column.content = Content::Text;
        }
        column
    }
}

/// The unit at the end of a name: `zyg_uv`, `EMG (mV)`.
fn unit_of(plain: &str) -> String {
    match plain.rsplit_once('_') {
        Some((stem, unit @ ("uv" | "µv" | "μv" | "mv" | "v"))) if !stem.is_empty() => unit_word(unit),
        _ => unit_word(""),
    }
}
