//! Bytes in any chunking -> lines. CR and LF both end a line, so CR, LF and CRLF need no telling apart:
//! the empty line between the two bytes of a CRLF is dropped like any other.

/// A longer line is no row of 64 channels; what is beyond is dropped, so that memory stays bounded.
pub(super) const LINE_LIMIT: usize = 1024;

/// One line without its end, not empty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Raw<'a> {
    /// At most [`LINE_LIMIT`] bytes.
    pub(super) bytes: &'a [u8],
    /// The first since the port was opened: perhaps half a line.
    pub(super) first: bool,
    /// Longer than the limit.
    pub(super) too_long: bool,
}

/// Cuts a stream into lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    line: Vec<u8>,
    too_long: bool,
    /// A line end has been seen: what follows is a whole line.
    aligned: bool,
    /// The line handed out last is still in `line`.
    spent: bool,
}

impl Lines {
    /// Takes bytes off the front of `bytes` up to the end of the next line that is not empty.
    pub(super) fn next<'a, 'b: 'a>(&'a mut self, bytes: &mut &'b [u8]) -> Option<Raw<'a>> {
        if std::mem::take(&mut self.spent) {
            self.line.clear();
            self.too_long = false;
        }
        loop {
            let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let (piece, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            if end.is_some() && self.line.is_empty() && !piece.is_empty() && piece.len() <= LINE_LIMIT {
                // A whole line in one read is not copied.
                *bytes = &rest[1..];
                let first = !std::mem::replace(&mut self.aligned, true);
                return Some(Raw { bytes: piece, first, too_long: false });
            }
            let room = LINE_LIMIT - self.line.len();
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            self.too_long |= piece.len() > room;
            *bytes = rest.get(1..).unwrap_or_default();
            end?;
            let first = !std::mem::replace(&mut self.aligned, true);
            if !self.line.is_empty() {
                self.spent = true;
                return Some(Raw { bytes: &self.line, first, too_long: self.too_long });
            }
        }
    }

    /// Forgets the piece of a line that has come so far; the next line may be half a line again.
    pub(super) fn restart(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(stream: &[u8]) -> Vec<(String, bool)> {
        let (mut lines, mut bytes, mut found) = (Lines::default(), stream, Vec::new());
        while let Some(raw) = lines.next(&mut bytes) {
            found.push((String::from_utf8_lossy(raw.bytes).into_owned(), raw.first));
        }
        found
    }

    #[test]
    fn every_line_end_is_one() {
        let wanted = vec![("12".to_owned(), true), ("34".to_owned(), false), ("56".to_owned(), false)];
        for end in ["\r", "\n", "\r\n", "\n\r", "\r\n\r\n"] {
            assert_eq!(cut(format!("12{end}34{end}56{end}7").as_bytes()), wanted, "{end:?}");
        }
    }

    #[test]
    fn a_line_end_at_the_very_start_means_the_next_line_is_whole() {
        assert_eq!(cut(b"\n12\n"), vec![("12".to_owned(), false)]);
    }

    #[test]
    fn an_endless_line_costs_no_memory_and_is_said_to_be_too_long() {
        let mut lines = Lines::default();
        for _ in 0..100 {
            assert_eq!(lines.next(&mut [b'7'; 100].as_slice()), None);
        }
        assert!(lines.line.capacity() <= 2 * LINE_LIMIT);
        let mut end: &[u8] = b"\n5\n";
        assert!(lines.next(&mut end).unwrap().too_long);
        assert_eq!(lines.next(&mut end), Some(Raw { bytes: b"5", first: false, too_long: false }));
    }
}
