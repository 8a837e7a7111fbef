//! Strings of fixed size: what HDF5 can write live (SWMR) and every reader shows.
//!
//! Bytes from a file are never trusted to be ASCII or UTF-8: they are read as bytes and repaired.

use crate::emg::marker::clip;
use hdf5::types::{FixedAscii, FixedUnicode};

/// A word out of a fixed vocabulary, ASCII.
pub(crate) type Code = FixedAscii<16>;
/// A name or label, UTF-8.
pub(crate) type Label = FixedUnicode<64>;
/// A sentence, UTF-8.
pub(crate) type Note = FixedUnicode<256>;

/// Bytes of a [`Note`].
const NOTE: usize = 256;

/// `text` in ASCII, other characters as `?`, cut to 16.
pub(crate) fn code(text: &str) -> Code {
    let ascii = |c: char| u8::try_from(c).ok().filter(|byte| byte.is_ascii() && *byte > 0).unwrap_or(b'?');
    let bytes: Vec<u8> = text.chars().map(ascii).take(16).collect();
    Code::from_ascii(&bytes).unwrap_or_default()
}

/// `text` cut to `N` bytes on a character border, without control characters.
pub(crate) fn fixed<const N: usize>(text: &str) -> FixedUnicode<N> {
    clip(text, N).parse().unwrap_or_default()
}

/// A code as it is in a file.
pub(crate) fn read_code(code: &Code) -> String {
    String::from_utf8_lossy(code.as_bytes()).into_owned()
}

/// A label or note as it is in a file.
pub(crate) fn read<const N: usize>(text: &FixedUnicode<N>) -> String {
    String::from_utf8_lossy(text.as_bytes()).into_owned()
}

/// `text` in pieces that give it again when joined: a line each, longer lines in several.
pub(crate) fn pieces(text: &str) -> Vec<Note> {
    let mut out = Vec::new();
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(rest.floor_char_boundary(NOTE));
            // A NUL would end the string for most readers.
            out.push(piece.replace('\0', " ").parse().unwrap_or_default());
            rest = tail;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_join_to_the_text_again(text in "[^\0]{0,1500}") {
            let joined: String = pieces(&text).iter().map(read).collect();
            prop_assert_eq!(joined, text);
        }

        #[test]
        fn any_text_fits_any_field(text in ".{0,400}") {
            prop_assert!(read(&fixed::<64>(&text)).len() <= 64);
            prop_assert!(read_code(&code(&text)).is_ascii());
        }
    }

    #[test]
    fn labels_keep_their_accents() {
        assert_eq!(read(&fixed::<64>("Lächeln – 微笑")), "Lächeln – 微笑");
        assert_eq!(read_code(&code("µV")), "?V");
    }
}
