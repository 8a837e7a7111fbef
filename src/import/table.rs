//! The rows of a file: every line from the head on, read or refused; nothing is chosen or judged here.

use super::head::{Content, Head};
use super::{Error, Hole, placed, text};
use crate::emg::Samples;
use crate::emg::units::{float_len, int32, wide};
use std::path::Path;

/// Fewer readable lines than this share, and the file is something else.
const READABLE: f64 = 0.5;

/// The numbers of a file.
#[derive(Debug)]
pub(super) struct Table {
    /// `rows x columns`, row-major; NaN in columns of words and where a value is missing.
    values: Vec<f64>,
    columns: usize,
    names: Vec<String>,
    /// Where the label column changes, first row included.
    pub(super) labels: Vec<(usize, String)>,
    refused: Vec<Refused>,
}

/// A line that is no row.
#[derive(Debug)]
struct Refused {
    /// Counted from 1.
    line: usize,
    /// Rows read before it.
    at: usize,
    /// Whether it holds a number: a damaged row, which the recording lacks, and not a remark.
    row: bool,
    content: String,
}

impl Table {
    /// Reads all rows. Empty lines and comments are no rows; a line with another number of fields, or a word where
    /// a number belongs, is refused.
    pub(super) fn read(path: &Path, text: &str, head: &Head) -> Result<Self, Error> {
        let mut table = Self {
            values: Vec::new(),
            columns: head.columns.len(),
            names: head.columns.iter().map(|column| column.channel.name.clone()).collect(),
            labels: Vec::new(),
            refused: Vec::new(),
        };
        let mut fields = Vec::new();
        for (at, line) in text::lines(text).enumerate().skip(head.skip) {
            if line.trim().is_empty() || text::comment(line).is_some() {
                continue;
            }
            head.delimiter.split(line, &mut fields);
            if !table.take(&fields, head) {
                let row = head.delimiter.has_number(&fields);
                let content = if table.refused.is_empty() { text::excerpt(line) } else { String::new() };
                table.refused.push(Refused { line: at + 1, at: table.rows(), row, content });
            }
        }
        let (read, lines) = (table.rows(), table.rows() + table.refused.len());
        if read > 0 && float_len(read) >= READABLE * float_len(lines) {
            return Ok(table);
        }
        let (line, content) = table
            .refused
            .into_iter()
            .next()
            .map_or((head.skip + 1, String::new()), |it| (it.line, it.content));
        Err(Error::Unreadable { path: path.to_owned(), read, lines, line, content })
    }

    /// Appends a row, or nothing where the fields are none.
    fn take(&mut self, fields: &[&str], head: &Head) -> bool {
        let trailing = fields.len() == self.columns + 1 && fields.last() == Some(&"");
        if fields.len() != self.columns && !trailing {
            return false;
        }
        let (start, row) = (self.values.len(), self.rows());
        let mut label = None;
        for (field, column) in fields.iter().zip(&head.columns) {
            let value = match column.content {
                Content::Number => head.delimiter.number(field),
                Content::Text => Some(f64::NAN),
                Content::Label => {
                    label = Some(*field);
                    Some(f64::NAN)
                }
            };
            if let Some(value) = value {
                self.values.push(value);
            } else {
                self.values.truncate(start);
                return false;
            }
        }
        if let Some(label) = label
            && self.labels.last().is_none_or(|(_, last)| last != label)
        {
            self.labels.push((row, label.to_owned()));
        }
        true
    }

    pub(super) fn rows(&self) -> usize {
        self.values.len().checked_div(self.columns).unwrap_or(0)
    }

    /// The values of one column, from row to row.
    pub(super) fn column(&self, column: usize) -> impl Iterator<Item = f64> + '_ {
        self.values.iter().skip(column).step_by(self.columns).copied()
    }

    /// The name of a column.
    pub(super) fn name(&self, column: usize) -> &str {
        &self.names[column]
    }

    /// One missing row for each damaged line between two rows.
    pub(super) fn holes(&self) -> Vec<Hole> {
        let mut found: Vec<(usize, u64, bool)> = Vec::new();
        let inside = |at: usize| at > 0 && at < self.rows();
        for refused in self.refused.iter().filter(|refused| refused.row && inside(refused.at)) {
            match found.last_mut() {
                Some((at, missing, _)) if *at == refused.at => *missing += 1,
                _ => found.push((refused.at, 1, true)),
            }
        }
        placed(found)
    }

    /// The rows of some columns, as whole numbers if they all are.
    pub(super) fn samples(&self, columns: &[usize]) -> Samples {
        let rows = || self.values.chunks_exact(self.columns);
        let chosen = || rows().flat_map(|row| columns.iter().map(|column| row[*column]));
        // The smallest i32 stands for a missing row.
        let fits =
            |value: f64| value.fract() == 0.0 && value > f64::from(i32::MIN) && value <= f64::from(i32::MAX);
        if chosen().all(fits) {
            Samples::I32(chosen().map(int32).collect())
        } else {
            Samples::F64(chosen().collect())
        }
    }

    /// What was refused, and how far the file is from what its header announces.
    pub(super) fn remarks(&self, announced: Option<u64>) -> Vec<String> {
        let mut said = Vec::new();
        if let Some(first) = self.refused.first() {
            let lines: Vec<String> = self.refused.iter().take(10).map(|it| it.line.to_string()).collect();
            let more = if self.refused.len() > 10 { ", ..." } else { "" };
            let damaged = self.refused.iter().filter(|it| it.row).count();
            said.push(format!(
                "{} lines are no rows and were refused, {damaged} of them damaged rows: lines {}{more}; line {} \
                 reads `{}`",
                self.refused.len(),
                lines.join(", "),
                first.line,
                first.content
            ));
        }
        let rows = wide(self.rows());
        if let Some(announced) = announced.filter(|announced| *announced != rows) {
            said.push(format!(
                "the header announces {announced} rows, the file holds {rows}: it is an excerpt"
            ));
        }
        said
    }
}
