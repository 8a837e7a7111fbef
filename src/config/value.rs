//! Readers of single values: durations, BIDS entities, words for "none". No keys, no files.

use crate::emg::units;
use crate::store::journal::record::ENTITY_CHARS;
use std::path::PathBuf;
use std::time::Duration;

/// Milliseconds in each unit, largest first.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
/// No recording lasts longer than a leap year.
const LONGEST: Duration = Duration::from_hours(366 * 24);

/// Reads `90s`, `1.5h`, `250ms`: whole milliseconds, more than none, at most a year.
#[must_use]
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (_, unit_ms) = UNITS.iter().find(|(unit, _)| *unit == &text[number.len()..])?;
    let plain = number.chars().all(|c| c.is_ascii_digit() || c == '.');
    let ms = plain.then(|| number.parse::<f64>().ok()).flatten()? * units::float(*unit_ms);
    let whole = units::count(ms);
    let exact = (ms - units::float(whole)).abs() < 1e-6;
    let duration = Duration::from_millis(whole);
    (exact && whole > 0 && duration <= LONGEST).then_some(duration)
}

/// A duration in the largest unit that divides it.
#[must_use]
pub(super) fn show_duration(duration: Duration) -> String {
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let divides = |(_, unit_ms): &&(&str, u64)| ms.is_multiple_of(*unit_ms);
    let (unit, unit_ms) = UNITS.iter().find(divides).unwrap_or(&("ms", 1));
    format!("{}{unit}", ms / unit_ms)
}

/// Reads a value for which `none` is a word.
#[expect(clippy::option_option, reason = "outside: whether it was understood; inside: what it says")]
pub(super) fn unless<T>(none: &str, text: &str, read: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    if text == none { Some(None) } else { read(text).map(Some) }
}

/// A value, or the word for none.
pub(super) fn or<T>(none: &str, value: Option<&T>, show: impl Fn(&T) -> String) -> String {
    value.map_or_else(|| none.to_owned(), show)
}

/// A text that is not empty.
pub(super) fn some(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.to_owned())
}

/// Reads paths with colons between them, as in `PATH`; at least one.
pub(super) fn paths(text: &str) -> Option<Vec<PathBuf>> {
    let paths: Option<Vec<PathBuf>> = text.split(':').map(|path| some(path).map(PathBuf::from)).collect();
    paths.filter(|paths| !paths.is_empty())
}

/// Reads a secret that travels in one line of text.
pub(super) fn secret(text: &str) -> Option<String> {
    let allowed = (8..=128).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic());
    allowed.then(|| text.to_owned())
}

/// Reads the value of a BIDS entity, without its prefix.
pub(super) fn entity(text: &str) -> Option<String> {
    let allowed = (1..=ENTITY_CHARS).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric());
    allowed.then(|| text.to_owned())
}
