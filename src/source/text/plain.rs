//! The lines nearly every sketch prints, byte by byte: whole numbers and short decimals with one kind of separator.
//!
//! Any other line is left to `cells`, which reads these too and finds the same, but takes three times as long.

use super::cells::{Cell, MAX_CELLS};
use crate::emg::units::float;

/// So many digits are a whole number that `f64` holds exactly, and so are the powers of ten below: their quotient is
/// the decimal correctly rounded (Clinger 1990).
const MOST_DIGITS: usize = 15;
const TENS: [f64; MOST_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Reads a line into `values`, which is empty; `false`, with anything in it, where the line is not as simple as that.
pub(super) fn read(line: &[u8], values: &mut Vec<Cell>) -> bool {
    let mut rest = without_blanks(line);
    let mut separator = None;
    loop {
        let Some((cell, behind)) = number(rest) else { return false };
        values.push(cell);
        let Some((byte, behind)) = behind.split_first() else { break };
        let known = matches!(byte, b',' | b';' | b'\t' | b' ');
        if !known || separator.replace(byte).is_some_and(|before| before != byte) {
            return false;
        }
        rest = without_blanks(behind);
        if rest.is_empty() {
            break;
        }
    }
    values.len() <= MAX_CELLS
}

fn without_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] = text {
        text = rest;
    }
    text
}

/// The number at the start of `text`, and what stands behind it.
fn number(text: &[u8]) -> Option<(Cell, &[u8])> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (mut value, mut digits, mut decimals) = (0_u64, 0, None);
    let mut rest = text;
    while let [byte, behind @ ..] = rest {
        match byte {
            b'0'..=b'9' if digits < MOST_DIGITS => value = value * 10 + u64::from(byte - b'0'),
            b'.' if decimals.is_none() => {
                decimals = Some(digits);
                rest = behind;
                continue;
            }
            b'0'..=b'9' => return None,
            _ => break,
        }
        digits += 1;
        rest = behind;
    }
    if digits == 0 {
        return None;
    }
    let cell = match decimals {
        None => Cell::Int(if negative { -value.cast_signed() } else { value.cast_signed() }),
        Some(whole) => {
            let value = float(value) / TENS[digits - whole];
            Cell::Float(if negative { -value } else { value })
        }
    };
    Some((cell, rest))
}

#[cfg(test)]
mod tests {
    use super::super::cells::Cells;
    use super::*;
    use crate::source::uri::Format;
    use proptest::prelude::*;

    /// What both ways make of a line, as bits: -0 is not 0, and a NaN is itself.
    fn both(line: &str) -> (Option<String>, Option<String>) {
        let bits = |values: &[Cell]| {
            let each = values.iter().map(|cell| match cell {
                Cell::Float(value) => format!("{:x}", value.to_bits()),
                other => format!("{other:?}"),
            });
            each.collect::<Vec<_>>().join(" ")
        };
        let mut values = Vec::new();
        let quick = read(line.as_bytes(), &mut values).then(|| bits(&values));
        let mut cells = Cells::default();
        let slow = cells.read_any(line.as_bytes(), Format::Csv).then(|| bits(&cells.values));
        (quick, slow)
    }

    #[test]
    fn what_sketches_print_is_read_the_quick_way() {
        for line in ["1023", "-5,+7,0", "0.25,-1.5,3.", "  12, 7", "1 2  3 ", "9;8;", "1\t2\t", ".5", "-0.0"]
        {
            let (quick, slow) = both(line);
            assert!(quick.is_some() && quick == slow, "{line:?}: {quick:?}, {slow:?}");
        }
    }

    #[test]
    fn what_is_not_as_simple_is_left_alone() {
        for line in ["", "-", ".", "1,,2", "1e3", "nan", "a:1", "1;2,3", "1 ,2", "1,2 ", "1234567890123456"] {
            assert_eq!(both(line).0, None, "{line:?}");
        }
        assert_eq!(both(&"1,".repeat(66)).0, None);
        assert!(both(&"1,".repeat(65)).0.is_some());
    }

    proptest! {
        #[test]
        fn both_ways_read_the_same(line in "[-+]?[0-9.]{0,17}([,; \t]{1,2}[-+]?[0-9]{0,9}(\\.[0-9]{0,9})?){0,4}[,; ]?") {
            let (quick, slow) = both(&line);
            prop_assert!(quick.is_none() || quick == slow, "{:?}: {:?}, {:?}", line, quick, slow);
        }

        #[test]
        fn decimals_are_those_of_the_standard_library(value in any::<f64>(), digits in 0..9_usize, whole in -1e7..1e7_f64) {
            for line in [format!("{whole:.digits$}"), format!("{value}")] {
                let (quick, slow) = both(&line);
                prop_assert!(quick.is_none() || quick == slow, "{}: {:?}, {:?}", line, quick, slow);
            }
        }
    }
}
