//! Stretches of time as they are typed: `-1s..0s`, `0..4s`, `500ms`.

use crate::analysis::trials::Span;
use crate::config;

/// Why a stretch of time was not understood.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum Misread {
    #[error("`{0}` is no time; write a number with h, m, s or ms, such as -500ms")]
    Time(String),
    #[error("this is no stretch of time; write two times with `..` between them, such as -1s..0s")]
    NoRange,
    #[error("it ends before it begins, or when it begins; write the earlier time first, such as -1s..0s")]
    Empty,
}

/// Reads `START..END`, both against an onset.
pub(super) fn span(text: &str) -> Result<Span, Misread> {
    let (start, end) = text.split_once("..").ok_or(Misread::NoRange)?;
    let span = time(start)?..time(end)?;
    if span.is_empty() { Err(Misread::Empty) } else { Ok(span) }
}

/// Reads a length of time above 0, as milliseconds.
pub(super) fn width(text: &str) -> Result<i64, Misread> {
    time(text).ok().filter(|ms| *ms > 0).ok_or_else(|| Misread::Time(text.to_owned()))
}

/// Reads a time that may be negative, as milliseconds; only 0 needs no unit.
fn time(text: &str) -> Result<i64, Misread> {
    let plain = text.strip_prefix('-').unwrap_or(text);
    let is_zero = ["0", "0h", "0m", "0s", "0ms"].contains(&plain);
    // `0...4s` is a slip of the finger and not 0.4 seconds.
    let begins_well = plain.starts_with(|c: char| c.is_ascii_digit());
    let duration = config::duration(plain)
        .filter(|_| begins_well)
        .and_then(|duration| i64::try_from(duration.as_millis()).ok());
    let ms = if is_zero { Some(0) } else { duration };
    let ms = ms.ok_or_else(|| Misread::Time(text.to_owned()))?;
    Ok(if plain == text { ms } else { -ms })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, expected) in [
            ("-1s..0s", -1000..0),
            ("0..4s", 0..4000),
            ("-0..1.5s", 0..1500),
            ("-500ms..-250ms", -500..-250),
            ("1s..1m", 1000..60_000),
        ] {
            assert_eq!(span(text), Ok(expected), "{text}");
        }
        assert_eq!((width("500ms"), width("0.25s")), (Ok(500), Ok(250)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let time = |text: &str| Misread::Time(text.to_owned());
        for (text, wrong) in [
            ("-1..0", time("-1")),
            ("0..4", time("4")),
            ("0..", time("")),
            ("0...4s", time(".4s")),
            ("0..1.5ms", time("1.5ms")),
            ("--1s..0", time("--1s")),
            ("1 s..2s", time("1 s")),
            ("4s", Misread::NoRange),
            ("4s..0s", Misread::Empty),
            ("1s..1000ms", Misread::Empty),
        ] {
            assert_eq!(span(text), Err(wrong), "{text}");
        }
        for text in ["0", "0s", "-1s", "", "s", "nan", "1e3s", "inf"] {
            assert_eq!(width(text), Err(time(text)));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,24}") {
            if let Ok(span) = span(&text) {
                prop_assert!(span.start < span.end);
            }
            let _ = width(&text);
        }

        #[test]
        fn what_is_written_is_read_back(start in -100_000_000_i64..100_000_000, ms in 1_i64..100_000_000) {
            let end = start + ms;
            prop_assert_eq!(span(&format!("{start}ms..{end}ms")), Ok(start..end));
            prop_assert_eq!(width(&format!("{ms}ms")), Ok(ms));
        }
    }
}
