//! A TOML text as entries with line numbers, scalars kept as text: every layer's values then go through
//! the same readers, and every refusal names its line. Knows no keys. Used by `resolve` and `montage`.

use super::{Error, Origin};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// No configuration or montage is larger; a device file named by mistake is not read for ever.
const BYTES_MAX: u64 = 1 << 20;

/// A value: anything that is no table or list is text.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Table(Vec<Entry>),
    List(Vec<Entry>),
}

/// A key with its value; list items have an empty key.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) value: Value,
}

impl Value {
    /// The value as the text a variable would hold: a list of texts with colons between them, `none` for an
    /// empty one. None of anything else.
    pub(super) fn one_text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::List(items) if items.is_empty() => Some("none".to_owned()),
            Self::List(items) => {
                let texts: Option<Vec<String>> = items.iter().map(|item| item.value.one_text()).collect();
                texts.map(|texts| texts.join(":"))
            }
            Self::Table(_) => None,
        }
    }

    /// For messages.
    pub(super) fn words(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Table(_) => "{...}",
            Self::List(_) => "[...]",
        }
    }
}

impl Entry {
    /// The entry's place in `path`.
    pub(super) fn origin(&self, path: &Path) -> Origin {
        Origin::File { path: path.to_owned(), line: self.line }
    }

    /// The refusal of this entry's value.
    pub(super) fn refuse(&self, path: &Path, form: &'static str) -> Error {
        refuse(self.origin(path), &self.key, self.value.words(), form)
    }

    /// The refusal of this entry's key.
    pub(super) fn unknown(&self, path: &Path, known: impl Iterator<Item = &'static str>) -> Error {
        let nearest = known.min_by_key(|name| distance(&self.key, name)).unwrap_or_default();
        Error::UnknownKey { origin: self.origin(path), key: printable(&self.key), nearest }
    }
}

/// The refusal of a value.
pub(super) fn refuse(origin: Origin, key: &str, value: &str, form: &'static str) -> Error {
    Error::Value { origin, key: printable(key), value: printable(value), form }
}

/// `text` short and on one line.
fn printable(text: &str) -> String {
    crate::emg::marker::clip(text, 60)
}

/// The text of a file.
pub(super) fn read(what: &'static str, path: &Path) -> Result<String, Error> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(BYTES_MAX + 1).read_to_string(&mut text))
        .and_then(|bytes| match u64::try_from(bytes) {
            Ok(bytes) if bytes <= BYTES_MAX => Ok(text),
            _ => Err(io::Error::other("it is larger than 1 MiB")),
        })
        .map_err(|source| Error::Read { what, path: path.to_owned(), source })
}

/// The entries of a TOML text, in the order they are written.
pub(super) fn parse(text: &str, path: &Path) -> Result<Vec<Entry>, Error> {
    let document = DeTable::parse(text).map_err(|error| Error::Syntax {
        origin: Origin::File {
            path: path.to_owned(),
            line: error.span().map_or(1, |span| line_of(text, span.start)),
        },
        reason: printable(error.message()),
    })?;
    Ok(entries(text, document.into_inner()))
}

fn entries(text: &str, table: DeTable<'_>) -> Vec<Entry> {
    let mut found: Vec<_> = table.into_iter().collect();
    found.sort_by_key(|(key, _)| key.span().start);
    found
        .into_iter()
        .map(|(key, item)| Entry {
            line: line_of(text, key.span().start),
            key: key.into_inner().into_owned(),
            value: value(text, item.into_inner()),
        })
        .collect()
}

fn value(text: &str, value: DeValue<'_>) -> Value {
    let item = |item: Spanned<DeValue<'_>>| Entry {
        key: String::new(),
        line: line_of(text, item.span().start),
        value: self::value(text, item.into_inner()),
    };
    Value::Text(match value {
        DeValue::Table(table) => return Value::Table(entries(text, table)),
        DeValue::Array(items) => return Value::List(items.into_iter().map(item).collect()),
        DeValue::String(text) => text.into_owned(),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => number.to_string(),
            Err(_) => number.as_str().to_owned(),
        },
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
    })
}

/// Line of a byte, counted from 1.
fn line_of(text: &str, byte: usize) -> usize {
    let before = text.as_bytes().get(..byte).unwrap_or(text.as_bytes());
    1 + before.split(|&byte| byte == b'\n').skip(1).count()
}

/// Edits (insert, delete, replace) between two spellings; only the first 64 characters count.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(64).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &to) in b.iter().enumerate() {
            let replace = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
