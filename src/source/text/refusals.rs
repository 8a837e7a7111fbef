//! Counts lines that were no row, and keeps the first of them for people.

/// More of a refused line is not shown.
const SHOWN: usize = 48;

/// Lines refused since somebody asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// How many.
    pub lines: u64,
    /// How many of them were printable text.
    pub text: u64,
    /// The first, shortened and made printable.
    pub example: String,
}

impl Refusals {
    /// Counts one line.
    pub(super) fn note(&mut self, line: &[u8]) {
        if self.lines == 0 {
            self.example = printable(line);
        }
        self.lines += 1;
        self.text +=
            u64::from(std::str::from_utf8(line).is_ok_and(|text| !text.chars().any(char::is_control)));
    }
}

/// A line as people can read it.
fn printable(line: &[u8]) -> String {
    let more = if line.len() > SHOWN { "…" } else { "" };
    let shown = &line[..line.len().min(SHOWN)];
    format!("{}{more}", shown.escape_ascii())
}
