//! WHICH KEY DOES WHAT, once: the tables that `update` obeys are the tables that help prints.
//!
//! Upper case and signs act on the station and stand here; lower case and digits mark data and come from
//! the recorder's configuration; words after `:` are in `keys/command`. Also the views, each with its
//! function key, and the guard that tells a press from a held key.

pub(crate) mod calibration;
pub(crate) mod command;
pub(crate) mod review;

use crate::emg::Stamp;

/// A key press, as far as the dashboard tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// A printable character.
    Char(char),
    /// A letter with Ctrl.
    Ctrl(char),
    /// Rub out.
    Backspace,
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow to the left.
    Left,
    /// Arrow to the right.
    Right,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// To the first.
    Home,
    /// To the last.
    End,
    /// Tabulator.
    Tab,
    /// Tabulator with Shift.
    BackTab,
    /// A function key by its number.
    F(u8),
}

/// What fills the screen between the header and the foot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum View {
    /// The traces.
    #[default]
    Live,
    /// Rest and maximal contractions.
    Calibration,
    /// Each electrode in numbers, and what it needs.
    Electrodes,
    /// What is wrong, and what happened.
    Log,
    /// The inside of the recorder, and who looks at it.
    System,
}

impl View {
    /// All views in the order of Tab: the number of its function key, which never changes, and its name.
    pub(crate) const TABLE: [(Self, u8, &'static str); 5] = [
        (Self::Live, 1, "live"),
        (Self::Calibration, 3, "calibration"),
        (Self::Electrodes, 4, "electrodes"),
        (Self::Log, 6, "log"),
        (Self::System, 7, "system"),
    ];

    /// The view with this name, or one that begins so.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let of = |row: &&(Self, u8, &str)| !name.is_empty() && row.2.starts_with(name);
        Self::TABLE.iter().find(of).map(|row| row.0)
    }

    /// The view after this one, or before it.
    pub(crate) fn turn(self, forward: bool) -> Self {
        let count = Self::TABLE.len();
        let at = Self::TABLE.iter().position(|row| row.0 == self).unwrap_or(0);
        Self::TABLE[(at + if forward { 1 } else { count - 1 }) % count].0
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Char(' ') => f.write_str("Space"),
            Self::Char(c) => write!(f, "{c}"),
            Self::Ctrl(c) => write!(f, "Ctrl-{}", c.to_ascii_uppercase()),
            other => write!(f, "{other:?}"),
        }
    }
}

/// What a station key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Set a marker without a meaning of its own.
    Mark,
    /// Take the last key marker back.
    Retract,
    /// Write a note to the last marker.
    Note,
    /// Ask whether to stop.
    Stop,
    /// Begin to record.
    Record,
    /// Draw the selected channel, or all, larger (`true`) or smaller.
    Gain(bool),
    /// Let the selected channel, or all, find its scale again.
    Fit,
    /// Show more (`true`) or less time.
    Window(bool),
    /// Show the selected channel alone.
    Zoom,
    /// Go down (`true`) or up by one: to another channel, or another line of the log.
    Step(bool),
    /// Go down (`true`) or up by a page of the log.
    Page(bool),
    /// Go to the newest (`true`) or the oldest line of the log.
    Edge(bool),
    /// Show a view.
    Show(View),
    /// Show the next view (`true`) or the one before.
    Turn(bool),
    /// Say that the open alarms were seen.
    Acknowledge,
    /// Show the filters, and choose others.
    Filter,
    /// Type a command.
    Command,
    /// Type what to search for.
    Search,
    /// Draw everything anew.
    Repaint,
    /// Stop this program, as a job of the shell.
    Suspend,
    /// Hold the picture.
    Freeze,
    /// Show this table.
    Help,
    /// Close what is open, select nothing.
    Close,
    /// Leave; the recording goes on.
    Detach,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding {
    /// The key.
    pub(crate) key: Key,
    /// How help writes it.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) act: Act,
    /// What help says; empty where the line above says it too.
    pub(crate) help: &'static str,
    /// What the key line at the foot says, key included; empty for keys that are only in help.
    pub(crate) hint: &'static str,
}

const fn on(key: Key, name: &'static str, act: Act, help: &'static str, hint: &'static str) -> Binding {
    Binding { key, name, act, help, hint }
}

/// All station keys.
pub(crate) const TABLE: [Binding; 31] = [
    on(Key::Char(' '), "Space", Act::Mark, "set a marker `mark`", "Space mark"),
    on(
        Key::Backspace,
        "BkSp",
        Act::Retract,
        "take this screen's last marker back (both stay in file)",
        "BkSp take back",
    ),
    on(Key::Char('N'), "N", Act::Note, "write a note to the last marker", "N note"),
    on(Key::Char('M'), "M", Act::Record, "begin to record, while only monitoring", "M record"),
    on(Key::Char('S'), "S", Act::Stop, "stop the recording: asks for the word stop", "S stop"),
    on(
        Key::Char('+'),
        "+",
        Act::Gain(true),
        "draw larger, smaller, as it fits (selected or all)",
        "+ - = gain",
    ),
    on(Key::Char('-'), "-", Act::Gain(false), "", ""),
    on(Key::Char('='), "=", Act::Fit, "", ""),
    on(Key::Char('['), "[", Act::Window(false), "show less or more time (2 to 32 s)", "[ ] window"),
    on(Key::Char(']'), "]", Act::Window(true), "", ""),
    on(Key::Up, "Up", Act::Step(false), "select a channel; scroll the log", ""),
    on(Key::Down, "Down", Act::Step(true), "", ""),
    on(Key::PageUp, "PgUp", Act::Page(false), "scroll the log by a page, to its ends", ""),
    on(Key::PageDown, "PgDn", Act::Page(true), "", ""),
    on(Key::Home, "Home", Act::Edge(false), "", ""),
    on(Key::End, "End", Act::Edge(true), "", ""),
    on(Key::Char('Z'), "Z", Act::Zoom, "show the selected channel alone", "Z zoom"),
    on(Key::Char(','), ",", Act::Freeze, "hold the picture; the recording goes on", ", freeze"),
    on(Key::Tab, "Tab", Act::Turn(true), "show the next view", "Tab view"),
    on(Key::BackTab, "Shift-Tab", Act::Turn(false), "", ""),
    on(Key::Char('A'), "A", Act::Acknowledge, "say that the open alarms were seen; the bell stops", "A seen"),
    on(Key::Char('F'), "F", Act::Filter, "show the filters, choose others", "F filter"),
    on(Key::Char(':'), ":", Act::Command, "type a command", ": command"),
    on(Key::Char('/'), "/", Act::Search, "search log and markers", "/ search"),
    on(Key::Char('?'), "?", Act::Help, "these keys, then the commands; Esc closes what is open", "? help"),
    on(Key::Esc, "Esc", Act::Close, "", ""),
    on(Key::Ctrl('l'), "Ctrl-L", Act::Repaint, "draw everything anew", ""),
    on(Key::Ctrl('z'), "Ctrl-Z", Act::Suspend, "back to the shell; `fg` shows this again", ""),
    on(Key::Char('q'), "q", Act::Detach, "leave; the recording goes on", "q leave"),
    on(Key::Ctrl('c'), "Ctrl-C", Act::Detach, "", ""),
    on(Key::Ctrl('d'), "Ctrl-D", Act::Detach, "", ""),
];

/// What a key does on the station, if it does anything.
pub(crate) fn act_of(key: Key) -> Option<Act> {
    if let Key::F(number) = key {
        return View::TABLE.iter().find(|row| row.1 == number).map(|row| Act::Show(row.0));
    }
    TABLE.iter().find(|binding| binding.key == key).map(|binding| binding.act)
}

/// How long a station key that changes the recording guards against its own repeats, milliseconds: longer than
/// the delay before a held key begins to repeat on usual terminals (250 to 660 ms).
pub(crate) const GUARD_MS: u32 = 700;
/// Longer than the distance of two repeats, shorter than two presses by hand.
const REPEAT_GAP_NS: i64 = 60_000_000;
/// A train of repeats is over after this much silence.
const TRAIN_NS: i64 = 1_000_000_000;

/// Tells a press from the repeats of a held key: there is no key release on a terminal.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RepeatGuard {
    last: Option<Train>,
    /// A train that is over and has not been told.
    over: Option<(Key, u32)>,
}

/// Presses of one key that follow each other.
#[derive(Clone, Copy, Debug)]
struct Train {
    key: Key,
    counted: Stamp,
    seen: Stamp,
    suppressed: u32,
}

impl RepeatGuard {
    /// Whether this press counts. The same key does not count again within `guard_ms` of the press that did,
    /// nor while presses follow each other by less than 60 ms; another key in between ends the train,
    /// because it ends the repeats. With 0 every press counts: for tapping tasks.
    pub(crate) fn counts(&mut self, key: Key, at: Stamp, guard_ms: u32) -> bool {
        let closed_ns = i64::from(guard_ms) * 1_000_000;
        let held = self.last.filter(|last| last.key == key && guard_ms > 0).filter(|last| {
            at.host_ns - last.counted.host_ns < closed_ns || at.host_ns - last.seen.host_ns < REPEAT_GAP_NS
        });
        if let Some(train) = held {
            self.last = Some(Train { seen: at, suppressed: train.suppressed + 1, ..train });
        } else {
            self.end_train();
            self.last = Some(Train { key, counted: at, seen: at, suppressed: 0 });
        }
        held.is_none()
    }

    /// A key and how often it was repeated without counting, once its train is over.
    pub(crate) fn take_suppressed(&mut self, now: Stamp) -> Option<(Key, u32)> {
        if self.last.is_some_and(|last| now.host_ns - last.seen.host_ns > TRAIN_NS) {
            self.end_train();
        }
        self.over.take()
    }

    fn end_train(&mut self) {
        if let Some(train) = self.last.take().filter(|train| train.suppressed > 0) {
            self.over = Some((train.key, train.suppressed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(presses: impl IntoIterator<Item = (char, i64)>) -> usize {
        let mut guard = RepeatGuard::default();
        let at = |ms| Stamp { host_ns: ms * 1_000_000, utc_ns: 0 };
        presses.into_iter().filter(|&(c, ms)| guard.counts(Key::Char(c), at(ms), GUARD_MS)).count()
    }

    #[test]
    fn a_key_held_for_five_seconds_counts_once() {
        let repeats = (0..150).map(|n| ('1', 500 + n * 33));
        assert_eq!(counted(std::iter::once(('1', 0)).chain(repeats)), 1);
    }

    #[test]
    fn presses_by_hand_count() {
        assert_eq!(counted([('1', 0), ('1', 800), ('1', 1600)]), 3);
        assert_eq!(counted([('1', 0), ('2', 100), ('1', 200), ('2', 300)]), 4, "taps that alternate");
        assert_eq!(counted([('1', 0), ('1', 300)]), 1, "too fast to be told from a repeat");
    }

    #[test]
    fn repeats_that_did_not_count_are_told_once_they_are_over() {
        let mut guard = RepeatGuard::default();
        let at = |ms: i64| Stamp { host_ns: ms * 1_000_000, utc_ns: 0 };
        assert!(guard.counts(Key::Char('1'), at(0), GUARD_MS));
        assert!((0..30).all(|n| !guard.counts(Key::Char('1'), at(500 + n * 33), GUARD_MS)));
        assert_eq!(guard.take_suppressed(at(1500)), None, "it may go on");
        assert_eq!(guard.take_suppressed(at(2600)), Some((Key::Char('1'), 30)));
        assert_eq!(guard.take_suppressed(at(2700)), None);
    }

    #[test]
    fn a_key_without_a_guard_counts_each_tap() {
        let mut guard = RepeatGuard::default();
        let at = |ms: i64| Stamp { host_ns: ms * 1_000_000, utc_ns: 0 };
        assert!((0..20).all(|n| guard.counts(Key::Char('t'), at(n * 40), 0)));
    }

    #[test]
    fn no_key_is_bound_twice_and_no_lower_case_letter_but_q() {
        for (n, one) in TABLE.iter().enumerate() {
            assert!(TABLE[n + 1..].iter().all(|other| other.key != one.key), "{}", one.name);
            if let Key::Char(c) = one.key {
                assert!(
                    c == 'q' || !(c.is_ascii_lowercase() || c.is_ascii_digit()),
                    "{c} belongs to markers"
                );
            }
        }
    }
}
