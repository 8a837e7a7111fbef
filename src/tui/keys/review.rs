//! The keys of a review. Nothing marks data here, so lower case letters are free.

use super::Key;

/// What a key does in a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Go on (`true`) or back by half a window.
    Half(bool),
    /// Go on (`true`) or back by a window.
    Page(bool),
    /// Go to the last (`true`) or the first row.
    Edge(bool),
    /// Move the cursor on (`true`) or back.
    Cursor(bool),
    /// Go to the next place (`true`) or the one before.
    Jump(bool),
    /// Go to the next (`true`) event or the one before, and by events from now on.
    Event(bool),
    /// Go by other places.
    Sort,
    /// Type where to go.
    Goto,
    /// Show more (`true`) or less time.
    Window(bool),
    /// Select the channel below (`true`) or above.
    Select(bool),
    /// Show the selected channel alone.
    Zoom,
    /// Show raw or clean samples.
    Raw,
    /// Draw the selected channel, or all, larger (`true`) or smaller.
    Gain(bool),
    /// Let it find its scale again.
    Fit,
    /// A stretch begins at the cursor.
    Onset,
    /// It ends at the cursor.
    End,
    /// Take back the judgement under the cursor.
    TakeBack,
    /// Write a note to it.
    Note,
    /// Show this table.
    Help,
    /// Close what is open, select nothing.
    Close,
    /// Draw everything anew.
    Repaint,
    /// Stop this program, as a job of the shell.
    Suspend,
    /// Leave.
    Leave,
}

impl Step {
    /// Whether only a coder has use for it.
    pub(crate) fn judges(self) -> bool {
        matches!(self, Self::Onset | Self::End | Self::TakeBack | Self::Note)
    }
}

/// One line of the table, as for the station's keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding {
    /// The key.
    pub(crate) key: Key,
    /// How help writes it.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) step: Step,
    /// What help says; empty where the line above says it too.
    pub(crate) help: &'static str,
    /// What the key line at the foot says, key included; empty for keys that are only in help.
    pub(crate) hint: &'static str,
}

const fn on(key: Key, name: &'static str, step: Step, help: &'static str, hint: &'static str) -> Binding {
    Binding { key, name, step, help, hint }
}

/// All keys of a review.
pub(crate) const TABLE: [Binding; 36] = [
    on(
        Key::Char('('),
        "(",
        Step::Onset,
        "an artefact begins or ends here: on the selected channel, or all",
        "( ) artefact",
    ),
    on(Key::Char(')'), ")", Step::End, "", ""),
    on(
        Key::Char('x'),
        "x",
        Step::TakeBack,
        "take back the artefact under the cursor (it stays in the table)",
        "x take back",
    ),
    on(Key::Backspace, "BkSp", Step::TakeBack, "", ""),
    on(Key::Char('N'), "N", Step::Note, "write a note to it", "N note"),
    on(Key::Left, "Left", Step::Half(false), "go by half a window", "<- -> go"),
    on(Key::Right, "Right", Step::Half(true), "", ""),
    on(Key::PageUp, "PgUp", Step::Page(false), "go by a window", ""),
    on(Key::PageDown, "PgDn", Step::Page(true), "", ""),
    on(
        Key::Home,
        "Home",
        Step::Edge(false),
        "go to the first row; to the last one, and stay there while it grows",
        "",
    ),
    on(Key::End, "End", Step::Edge(true), "", ""),
    on(
        Key::Char('n'),
        "n",
        Step::Jump(true),
        "go to the next place of those Tab chose; to the one before",
        "n p next",
    ),
    on(Key::Char('p'), "p", Step::Jump(false), "", ""),
    on(Key::Tab, "Tab", Step::Sort, "choose markers, events, gaps, log or artefacts", "Tab which"),
    on(
        Key::Char('e'),
        "e",
        Step::Event(true),
        "go to the next muscle event (of the selected channel), or back",
        "e E event",
    ),
    on(Key::Char('E'), "E", Step::Event(false), "", ""),
    on(Key::Char('g'), "g", Step::Goto, "go to a time (h:m:s or seconds) or a row (#1234)", "g goto"),
    on(Key::Char(':'), ":", Step::Goto, "", ""),
    on(
        Key::Char('['),
        "[",
        Step::Window(false),
        "show less or more time, from 0.5 s to the whole file",
        "[ ] window",
    ),
    on(Key::Char(']'), "]", Step::Window(true), "", ""),
    on(
        Key::Char('h'),
        "h",
        Step::Cursor(false),
        "move the cursor by a hundredth of the window",
        "h l cursor",
    ),
    on(Key::Char('l'), "l", Step::Cursor(true), "", ""),
    on(Key::Up, "Up", Step::Select(false), "select a channel", ""),
    on(Key::Down, "Down", Step::Select(true), "", ""),
    on(Key::Char('Z'), "Z", Step::Zoom, "show the selected channel alone", "Z zoom"),
    on(Key::Char('R'), "R", Step::Raw, "show raw or clean samples", "R raw"),
    on(
        Key::Char('+'),
        "+",
        Step::Gain(true),
        "draw the selected channel, or all, larger, smaller, to fit",
        "+ - = gain",
    ),
    on(Key::Char('-'), "-", Step::Gain(false), "", ""),
    on(Key::Char('='), "=", Step::Fit, "", ""),
    on(Key::Char('?'), "?", Step::Help, "this table", "? help"),
    on(Key::Esc, "Esc", Step::Close, "close what is open, select nothing", ""),
    on(Key::Ctrl('l'), "Ctrl-L", Step::Repaint, "draw everything anew", ""),
    on(Key::Ctrl('z'), "Ctrl-Z", Step::Suspend, "back to the shell; `fg` shows this again", ""),
    on(Key::Char('q'), "q", Step::Leave, "leave; a recorder behind it goes on", "q leave"),
    on(Key::Ctrl('c'), "Ctrl-C", Step::Leave, "", ""),
    on(Key::Ctrl('d'), "Ctrl-D", Step::Leave, "", ""),
];

/// What a key does, if it does anything.
pub(crate) fn step_of(key: Key) -> Option<Step> {
    TABLE.iter().find(|binding| binding.key == key).map(|binding| binding.step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_bound_twice() {
        for (n, one) in TABLE.iter().enumerate() {
            assert!(TABLE[n + 1..].iter().all(|other| other.key != one.key), "{}", one.name);
        }
    }
}
