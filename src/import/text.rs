//! From bytes to lines, from a line to fields, from a field to a number; nothing here knows a format.

use std::borrow::Cow;

/// What stands between two fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delimiter {
    Semicolon,
    Tab,
    Comma,
    /// Any run of blanks.
    Spaces,
}

/// Words other programs write where they have no value.
const MISSING: [&str; 7] = ["na", "n/a", "#n/a", "null", "none", "-", "--"];

/// Share of the lines with numbers in them that must agree on the number of fields.
const AGREE: f64 = 0.8;

/// The text in the bytes, or none where they are no text. A byte order mark is dropped; bytes that are no
/// UTF-8 are taken as Latin-1, where a `µ` of older programs is one byte.
pub(super) fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.contains(&0) {
        return None;
    }
    Some(match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    })
}

/// The lines of a text, ended by LF, CRLF, or CR where there is no LF at all.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let end = if text.contains('\n') { '\n' } else { '\r' };
    text.split(end).map(|line| line.strip_suffix('\r').unwrap_or(line))
}

/// The text behind a comment sign, or none where the line is no comment.
pub(super) fn comment(line: &str) -> Option<&str> {
    let line = line.trim_start();
    ["#", "%", "//"].iter().find_map(|sign| line.strip_prefix(sign)).map(str::trim)
}

/// The beginning of a line, to be shown to somebody.
pub(super) fn excerpt(line: &str) -> String {
    let shown = crate::emg::marker::clip(line.trim(), 60);
    if shown.len() < line.trim().len() { format!("{shown}...") } else { shown }
}

impl Delimiter {
    /// The delimiter most of the lines with numbers agree on; comma where there is one column.
    pub(super) fn sniff(lines: &[&str]) -> Self {
        let agreed = |delimiter: &Self| {
            let counts = delimiter.widths(lines);
            let (width, agreeing) = most_common(&counts);
            width >= 2 && f64::from(agreeing) >= AGREE * crate::emg::units::float_len(counts.len())
        };
        [Self::Semicolon, Self::Tab, Self::Comma, Self::Spaces]
            .into_iter()
            .find(agreed)
            .unwrap_or(Self::Comma)
    }

    /// Fields in most of the lines with numbers, 0 where no line has one.
    pub(super) fn width(self, lines: &[&str]) -> usize {
        most_common(&self.widths(lines)).0
    }

    fn widths(self, lines: &[&str]) -> Vec<usize> {
        let mut fields = Vec::new();
        let mut counts = Vec::new();
        for line in lines {
            self.split(line, &mut fields);
            if self.has_number(&fields) {
                counts.push(fields.len());
            }
        }
        counts
    }

    /// Puts the fields of a line into `fields`, without the blanks and quotes around them.
    pub(super) fn split<'a>(self, line: &'a str, fields: &mut Vec<&'a str>) {
        fields.clear();
        if !line.contains('"') {
            match self.sign() {
                Some(sign) => fields.extend(line.split(sign).map(str::trim)),
                None => fields.extend(line.split_whitespace()),
            }
            return;
        }
        let mut quoted = false;
        let outside = |c: char| {
            quoted ^= c == '"';
            !quoted && self.sign().map_or(c.is_whitespace(), |sign| c == sign)
        };
        fields.extend(line.split(outside).map(unquoted));
        if self == Self::Spaces {
            fields.retain(|field| !field.is_empty());
        }
    }

    fn sign(self) -> Option<char> {
        match self {
            Self::Semicolon => Some(';'),
            Self::Tab => Some('\t'),
            Self::Comma => Some(','),
            Self::Spaces => None,
        }
    }

    /// The number in a field: NaN where it is empty, infinite or says that nothing was measured, none where it is
    /// a word. A comma is a decimal sign only between semicolons.
    pub(super) fn number(self, field: &str) -> Option<f64> {
        if let Ok(value) = field.parse::<f64>() {
            return Some(if value.is_finite() { value } else { f64::NAN });
        }
        if field.is_empty() || MISSING.iter().any(|word| word.eq_ignore_ascii_case(field)) {
            return Some(f64::NAN);
        }
        let decimal = self == Self::Semicolon && !field.contains('.');
        decimal.then(|| field.replacen(',', ".", 1).parse().ok().filter(|v: &f64| v.is_finite())).flatten()
    }

    /// Whether a field is a number that was measured.
    pub(super) fn has_number(self, fields: &[&str]) -> bool {
        fields.iter().any(|field| self.number(field).is_some_and(f64::is_finite))
    }
}

fn unquoted(field: &str) -> &str {
    let field = field.trim();
    field.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(field).trim()
}

/// The most common value, the larger of two as common, and how often it comes; (0, 0) of nothing.
fn most_common(counts: &[usize]) -> (usize, u32) {
    let mut tally = std::collections::BTreeMap::new();
    for count in counts {
        *tally.entry(*count).or_insert(0_u32) += 1;
    }
    tally.into_iter().max_by_key(|(_, times)| *times).unwrap_or((0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(delimiter: Delimiter, line: &str) -> Vec<&str> {
        let mut fields = Vec::new();
        delimiter.split(line, &mut fields);
        fields
    }

    #[test]
    fn quotes_keep_a_delimiter_inside_a_field() {
        assert_eq!(split(Delimiter::Comma, r#"1, 2 ,"a, b",3"#), ["1", "2", "a, b", "3"]);
        assert_eq!(split(Delimiter::Spaces, r#"  1   "a b" 3 "#), ["1", "a b", "3"]);
        assert_eq!(split(Delimiter::Comma, r#"1,"open, 2"#), ["1", "\"open, 2"]);
    }

    #[test]
    fn the_delimiter_is_the_one_most_lines_agree_on() {
        assert_eq!(Delimiter::sniff(&["t;a", "0,1;2,5", "0,2;3,5"]), Delimiter::Semicolon);
        assert_eq!(Delimiter::sniff(&["1.5, 2", "3, 4"]), Delimiter::Comma);
        assert_eq!(Delimiter::sniff(&["1\t2", "3\t4"]), Delimiter::Tab);
        assert_eq!(Delimiter::sniff(&[" 1    2", " 3   44"]), Delimiter::Spaces);
        assert_eq!(Delimiter::sniff(&["512", "513"]), Delimiter::Comma);
    }

    #[test]
    fn a_number_is_a_value_a_missing_value_or_no_number() {
        assert_eq!(Delimiter::Comma.number("-1.5e-3"), Some(-0.0015));
        assert_eq!(Delimiter::Semicolon.number("1,25"), Some(1.25));
        assert_eq!(Delimiter::Semicolon.number("1.234,5"), None);
        assert_eq!(Delimiter::Comma.number("happy"), None);
        for missing in ["", "NaN", "inf", "-inf", "1e999", "NA", "n/a"] {
            assert!(Delimiter::Comma.number(missing).is_some_and(f64::is_nan), "{missing}");
        }
    }

    #[test]
    fn any_line_end_ends_a_line_and_latin_1_is_text() {
        for text in ["a\nb", "a\r\nb", "a\rb"] {
            assert_eq!(lines(text).collect::<Vec<_>>(), ["a", "b"], "{text:?}");
        }
        assert_eq!(decode(b"\xef\xbb\xbft,x").as_deref(), Some("t,x"));
        assert_eq!(decode(b"EMG \xb5V").as_deref(), Some("EMG µV"));
        assert_eq!(decode(b"PK\x03\x04\0"), None);
    }
}
