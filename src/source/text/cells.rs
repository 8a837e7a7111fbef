//! One line -> its cells: whole numbers, decimals, a wall-clock time, each perhaps with a label.
//!
//! The separator is the first of `;` `,` tab and space that occurs; blanks around a cell are ignored, so
//! `1, 2` and `a:1,<tab>b:2` read well, while `1,43;2,50` (decimal commas) is refused rather than misread.

use super::plain;
use crate::source::uri::{Format, MAX_CHANNELS};

/// A time column and the channels.
pub(super) const MAX_CELLS: usize = MAX_CHANNELS as usize + 1;
/// A longer name is no name.
const MAX_NAME: usize = 32;

/// One number of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell {
    /// Digits only.
    Int(i64),
    /// With a decimal point or an exponent, or `nan`.
    Float(f64),
    /// `HH:MM:SS` with or without decimals, microseconds since midnight.
    Clock(f64),
}

impl Cell {
    /// The number, whatever it was written as.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counters beyond 2^53 do not occur; rows of i32 never pass here"
    )]
    pub(super) fn float(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) | Self::Clock(value) => value,
        }
    }
}

/// The cells of one line.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Cells {
    /// One per cell, or none at all.
    pub(super) labels: Vec<String>,
    /// At least one.
    pub(super) values: Vec<Cell>,
}

impl Cells {
    /// Reads a line, or finds that it is no row.
    pub(super) fn parse(line: &[u8], format: Format) -> Option<Self> {
        let mut cells = Self::default();
        cells.read(line, format).then_some(cells)
    }

    /// Reads another line in place of the one before; `false`, with anything in it, where it is no row.
    pub(super) fn read(&mut self, line: &[u8], format: Format) -> bool {
        self.labels.clear();
        self.values.clear();
        plain::read(line, &mut self.values) || self.read_any(line, format)
    }

    /// Reads a line of any kind.
    pub(super) fn read_any(&mut self, line: &[u8], format: Format) -> bool {
        self.values.clear();
        let Some(pieces) = std::str::from_utf8(line).ok().and_then(split) else { return false };
        for piece in pieces {
            let Some((label, value)) = labelled(piece, format) else { return false };
            self.labels.extend(label);
            self.values.push(value);
        }
        // Some with a label and some without are two programs talking at once.
        let even = self.labels.is_empty() || self.labels.len() == self.values.len();
        let clock_leads = !self.values.iter().skip(1).any(|value| matches!(value, Cell::Clock(_)));
        even && clock_leads
    }
}

/// A number, perhaps with a label before it.
fn labelled(piece: &str, format: Format) -> Option<(Option<String>, Cell)> {
    match (number(piece), piece.split_once(':')) {
        (Some(value), _) => Some((None, value)),
        (None, Some((label, value))) if format != Format::Csv => {
            Some((Some(name(label)?), number(value.trim())?))
        }
        _ => None,
    }
}

/// Reads a line of column names, as in `timestamp_us,adc`; words with blanks between them are a banner.
pub(super) fn header(line: &[u8]) -> Option<Vec<String>> {
    let line = std::str::from_utf8(line).ok()?.trim_start_matches(['#', '%', ' ']);
    separator(line)?;
    split(line)?.into_iter().map(name).collect()
}

/// What stands between the cells, unless it is blanks.
fn separator(line: &str) -> Option<char> {
    [';', ',', '\t'].into_iter().find(|separator| line.contains(*separator))
}

/// The trimmed pieces between separators; one separator may trail.
fn split(line: &str) -> Option<Vec<&str>> {
    let line = line.trim();
    let mut pieces: Vec<&str> = match separator(line) {
        Some(separator) => line.split(separator).map(str::trim).collect(),
        None => words(line),
    };
    pieces.pop_if(|last| last.is_empty());
    (!pieces.is_empty() && pieces.len() <= MAX_CELLS).then_some(pieces)
}

/// Pieces between blanks, where a blank behind a colon (`EMG: 512`) separates nothing.
fn words(line: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let blank = rest.char_indices().find(|(at, c)| *c == ' ' && !rest[..*at].trim_end().ends_with(':'));
        let (piece, behind) = rest.split_at(blank.map_or(rest.len(), |(at, _)| at));
        pieces.push(piece);
        rest = behind.trim_start();
    }
    pieces
}

/// A column's name: short, printable, and not a number.
fn name(text: &str) -> Option<String> {
    let text = text.trim().trim_matches('"');
    let plain = |c: char| c.is_ascii_alphanumeric() || " _-./()[]%".contains(c);
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    (starts_well && text.len() <= MAX_NAME && text.chars().all(plain) && number(text).is_none())
        .then(|| text.to_owned())
}

/// A number as a sketch prints it. Infinity is none: nothing behind the source could use it.
fn number(text: &str) -> Option<Cell> {
    if let Ok(value) = text.parse() {
        return Some(Cell::Int(value));
    }
    if text.trim_start_matches('-').eq_ignore_ascii_case("nan") {
        return Some(Cell::Float(f64::NAN));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) {
        return text.parse().ok().filter(|value: &f64| value.is_finite()).map(Cell::Float);
    }
    wall_clock(text).map(Cell::Clock)
}

/// `HH:MM:SS` or `HH:MM:SS.mmm` as microseconds since midnight.
fn wall_clock(text: &str) -> Option<f64> {
    let mut parts = text.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let whole = seconds.split('.').next().unwrap_or_default();
    if parts.next().is_some() || !digits(hours) || !digits(minutes) || !digits(whole) {
        return None;
    }
    let (hours, minutes, seconds): (f64, f64, f64) =
        (hours.parse().ok()?, minutes.parse().ok()?, seconds.parse().ok()?);
    let in_a_day = hours < 24.0 && minutes < 60.0 && seconds < 61.0;
    in_a_day.then_some(((hours * 60.0 + minutes) * 60.0 + seconds) * 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(line: &str) -> Option<Vec<f64>> {
        Cells::parse(line.as_bytes(), Format::Auto)
            .map(|cells| cells.values.iter().map(|v| v.float()).collect())
    }

    #[test]
    fn separators_in_the_wild() {
        for line in
            ["1,2,3", "1, 2, 3", "1\t2\t3", "1 2  3", "1;2;3;", "1,2,3,", " 1,2,3 ", "1\t2\t3\t", "+1,2,3"]
        {
            assert_eq!(ints(line), Some(vec![1.0, 2.0, 3.0]), "{line:?}");
        }
    }

    #[test]
    fn what_is_no_row_is_refused_rather_than_misread() {
        for line in [
            "1,43;2,50",
            "1,,3",
            ",1,2",
            "ovf",
            "inf,1",
            "1e999",
            "0x1F",
            "12-3",
            "MyoWare EMG Sensor - ESP32",
            "1,a:2",
        ] {
            assert_eq!(ints(line), None, "{line:?}");
        }
        assert_eq!(ints(&"1,".repeat(66)), None);
        assert_eq!(ints(&"1,".repeat(65)).map(|cells| cells.len()), Some(65));
        assert_eq!(Cells::parse(b"a:1", Format::Csv), None);
        assert_eq!(Cells::parse(b"\xff\x00\x12", Format::Auto), None);
    }

    #[test]
    fn labels_are_read_with_and_without_blanks() {
        for line in [
            "EMG:512,ref:7",
            "EMG: 512, ref: 7",
            "EMG:512\tref:7",
            "EMG:512 ref:7",
            "EMG: 512 ref:  7",
            "EMG:512,\tref:7",
        ] {
            let cells = Cells::parse(line.as_bytes(), Format::Auto).expect(line);
            assert_eq!(cells.labels, ["EMG", "ref"], "{line:?}");
            assert_eq!(cells.values, [Cell::Int(512), Cell::Int(7)], "{line:?}");
        }
    }

    #[test]
    fn a_wall_clock_is_not_a_label() {
        let cells = Cells::parse(b"10:00:52.25,4095", Format::Auto).unwrap();
        assert_eq!(cells.values, [Cell::Clock(36_052_250_000.0), Cell::Int(4095)]);
        assert_eq!(ints("24:00:00,1"), None);
        assert_eq!(ints("1:2:3:4,1"), None);
    }

    #[test]
    fn headers_are_told_from_banners() {
        assert_eq!(header(b"timestamp_us,adc"), Some(vec!["timestamp_us".into(), "adc".into()]));
        assert_eq!(header(b"# t\tleft zyg\tright zyg").map(|names| names.len()), Some(3));
        for banner in ["Ready", "MyoWare EMG Sensor", "Hello, world!", "-----, ----", "1,2", "nan,nan"] {
            assert_eq!(header(banner.as_bytes()), None, "{banner}");
        }
    }
}
