//! WHICH KEY DOES WHAT, once: the table that `update` obeys is the table that help prints.
//!
//! Upper case and signs act on the station and stand here; lower case and digits mark data and come from
//! the recorder's configuration. Also the guard that tells a press from a held key.

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
    /// Select the channel below (`true`) or above.
    Select(bool),
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
pub(crate) const TABLE: [Binding; 19] = [
    on(Key::Char(' '), "Space", Act::Mark, "set a marker `mark`", "Space mark"),
    on(
        Key::Backspace,
        "BkSp",
        Act::Retract,
        "take this screen's last marker back (both stay in the file)",
        "BkSp take back",
    ),
    on(Key::Char('N'), "N", Act::Note, "write a note to the last marker", "N note"),
    on(Key::Char('M'), "M", Act::Record, "begin to record, while only monitoring", "M record"),
    on(Key::Char('S'), "S", Act::Stop, "stop the recording: asks for the word stop", "S stop"),
    on(Key::Char('+'), "+", Act::Gain(true), "draw the selected channel larger, or all", "+ - = gain"),
    on(Key::Char('-'), "-", Act::Gain(false), "draw it smaller", ""),
    on(Key::Char('='), "=", Act::Fit, "let it find its scale again", ""),
    on(Key::Char('['), "[", Act::Window(false), "show less time (2 to 32 s)", "[ ] window"),
    on(Key::Char(']'), "]", Act::Window(true), "show more time", ""),
    on(Key::Up, "Up", Act::Select(false), "select a channel", ""),
    on(Key::Down, "Down", Act::Select(true), "", ""),
    on(Key::Char('Z'), "Z", Act::Zoom, "show the selected channel alone", "Z zoom"),
    on(Key::Char(','), ",", Act::Freeze, "hold the picture; the recording goes on", ", freeze"),
    on(Key::Char('?'), "?", Act::Help, "this table", "? help"),
    on(Key::Esc, "Esc", Act::Close, "close what is open, select nothing", ""),
    on(Key::Char('q'), "q", Act::Detach, "leave; the recording goes on", "q leave"),
    on(Key::Ctrl('c'), "Ctrl-C", Act::Detach, "", ""),
    on(Key::Ctrl('d'), "Ctrl-D", Act::Detach, "", ""),
];

/// What a key does on the station, if it does anything.
pub(crate) fn act_of(key: Key) -> Option<Act> {
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
