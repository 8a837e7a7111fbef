//! A line of text being typed: a note, a command, or what to search for.

/// What a line is typed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A note to the last marker.
    Note,
    /// A command after `:`.
    Command,
    /// Words to search for after `/`.
    Search,
}

/// Commands remembered.
const KEPT: usize = 50;

/// The line as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// What for.
    pub(crate) purpose: Purpose,
    /// What was typed.
    pub(crate) text: String,
    /// How many commands back `text` was recalled from; 0 for what is typed now.
    back: usize,
}

impl Line {
    /// An empty line.
    pub(crate) fn new(purpose: Purpose) -> Self {
        Self { purpose, text: String::new(), back: 0 }
    }

    /// Puts an older or newer command of `past` (oldest first) into the line.
    pub(crate) fn recall(&mut self, past: &[String], older: bool) {
        self.back = if older { (self.back + 1).min(past.len()) } else { self.back.saturating_sub(1) };
        self.text = match self.back {
            0 => String::new(),
            back => past[past.len() - back].clone(),
        };
    }
}

/// Adds a command to those that were typed, the newest last, no two alike in a row.
pub(crate) fn remember(past: &mut Vec<String>, text: &str) {
    if past.last().is_none_or(|last| last != text) {
        past.push(text.to_owned());
    }
    if past.len() > KEPT {
        past.remove(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_come_back_in_the_order_they_were_typed() {
        let mut past = Vec::new();
        for text in ["bell off", "take", "take", "window 4"] {
            remember(&mut past, text);
        }
        let mut line = Line::new(Purpose::Command);
        let mut seen = Vec::new();
        for older in [true, true, true, true, false, false, false] {
            line.recall(&past, older);
            seen.push(line.text.clone());
        }
        assert_eq!(seen, ["window 4", "take", "bell off", "bell off", "take", "window 4", ""]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut past = Vec::new();
        for n in 0..200 {
            remember(&mut past, &n.to_string());
        }
        assert_eq!((past.len(), past.last().map(String::as_str)), (KEPT, Some("199")));
    }
}
