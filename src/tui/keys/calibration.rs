//! The keys of the calibration view, which go before the station's while it is shown. None of them takes anything
//! back that was kept: for that a command is typed.

use super::Key;
use crate::session::command::CalibrateStep;

/// One line of the table: the key, what it does, and what the view says of it.
pub(crate) type Row = (Key, CalibrateStep, &'static str);

/// All keys of the view. Those that are about a channel take the selected one.
pub(crate) const TABLE: [Row; 6] = [
    (Key::Char('B'), CalibrateStep::Start, "B begin"),
    (Key::Enter, CalibrateStep::Next, "Enter go on now"),
    (Key::Char('X'), CalibrateStep::Skip, "X leave out"),
    (Key::Char('R'), CalibrateStep::Redo, "R redo"),
    (Key::Char('K'), CalibrateStep::Keep, "K keep"),
    (Key::Char('D'), CalibrateStep::Discard, "D discard"),
];

/// What a key does here, if it does anything.
pub(crate) fn step_of(key: Key) -> Option<CalibrateStep> {
    TABLE.iter().find(|row| row.0 == key).map(|row| row.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_of_the_view_is_one_of_the_station() {
        for (key, ..) in TABLE {
            assert!(super::super::TABLE.iter().all(|binding| binding.key != key), "{key}");
        }
    }
}
