//! Stored marker rows, and what remains of them once retractions and notes are applied.

use crate::emg::Marker;
use crate::emg::marker::Action;
use std::collections::VecDeque;

/// Rows kept: more than the longest list on any screen.
const KEPT: usize = 256;

/// Marker rows in the order of their ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    rows: VecDeque<Marker>,
}

/// One marker as a list shows it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shown<'a> {
    /// The row that set it.
    pub(crate) marker: &'a Marker,
    /// Its label after relabelling.
    pub(crate) label: &'a str,
    /// Its newest note.
    pub(crate) note: &'a str,
    /// Whether it was taken back.
    pub(crate) retracted: bool,
}

impl Marks {
    /// Takes a row; one that is known by its id is not taken again.
    pub(crate) fn insert(&mut self, marker: Marker) {
        let at = self.rows.partition_point(|row| row.id < marker.id);
        if self.rows.get(at).is_some_and(|row| row.id == marker.id) {
            return;
        }
        self.rows.insert(at, marker);
        if self.rows.len() > KEPT {
            self.rows.pop_front();
        }
    }

    /// The markers that were set, oldest first, with what later rows say of them.
    pub(crate) fn shown(&self) -> impl DoubleEndedIterator<Item = Shown<'_>> {
        let set = |row: &&Marker| matches!(row.action, Action::Add | Action::End);
        self.rows.iter().filter(set).map(|marker| {
            let about = |action| {
                let speaks = move |row: &&Marker| row.refers_to == marker.id && row.action == action;
                self.rows.iter().rev().find(speaks)
            };
            Shown {
                marker,
                label: about(Action::Relabel).map_or(&marker.label, |row| &row.label),
                note: about(Action::Note).map_or(&marker.note, |row| &row.note),
                retracted: about(Action::Retract).is_some(),
            }
        })
    }

    /// The newest marker that stands.
    pub(crate) fn last(&self) -> Option<Shown<'_>> {
        self.shown().rfind(|shown| !shown.retracted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::tests::fixture::marker;

    #[test]
    fn later_rows_change_what_is_shown_of_a_marker_but_never_the_marker() {
        let mut marks = Marks::default();
        marks.insert(marker(2, 900, "stim_off"));
        marks.insert(marker(1, 500, "stim_on"));
        marks.insert(Marker {
            action: Action::Note,
            refers_to: 1,
            note: "late".into(),
            ..marker(3, 950, "note")
        });
        marks.insert(Marker { action: Action::Retract, refers_to: 2, ..marker(4, 990, "") });
        marks.insert(marker(2, 0, "a copy that must not count"));
        let shown: Vec<_> = marks.shown().map(|s| (s.label, s.note, s.retracted)).collect();
        assert_eq!(shown, [("stim_on", "late", false), ("stim_off", "", true)]);
        assert_eq!(marks.last().map(|s| s.marker.id), Some(1), "the retracted one is not the last");
    }
}
