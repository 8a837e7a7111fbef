//! Stories of markers between two front ends and a journal that stores them or does not.

use super::*;
use crate::emg::marker::Placed;
use crossbeam_channel::{Receiver, bounded};
use proptest::prelude::*;

const DASHBOARD: ClientId = ClientId(1);
const SHELL: ClientId = ClientId(2);

fn station() -> (Markers, Sender<Request>, Receiver<Request>) {
    let hold = MarkKey { key: 'h', label: "hold".to_owned(), duration: true, ..MarkKey::default() };
    let mut markers = Markers::new(&[hold]);
    markers.joined(DASHBOARD, "pts/1".to_owned());
    markers.joined(SHELL, "pts/2".to_owned());
    let (sender, receiver) = bounded(16);
    (markers, sender, receiver)
}

fn wanted(key: u64, label: &str) -> MarkRequest {
    MarkRequest {
        key,
        stamp: Stamp::now(),
        label: label.to_owned(),
        note: String::new(),
        code: 0,
        origin: Origin::Key,
        action: Action::Add,
        refers_to: 0,
        uncertainty_us: 0,
    }
}

fn here() -> Place {
    Place { sample: 700, placed: Placed::Fit, uncertainty_us: 500 }
}

/// The marker that is on its way to the journal.
fn sent(receiver: &Receiver<Request>) -> Option<Marker> {
    match receiver.try_recv() {
        Ok(Request::Marker(marker)) => Some(marker),
        _ => None,
    }
}

/// A key marker that the journal stored.
fn stored(
    markers: &mut Markers,
    key: u64,
    label: &str,
    (sender, receiver): (&Sender<Request>, &Receiver<Request>),
) -> Marker {
    assert_eq!(markers.request(DASHBOARD, key, &wanted(key, label), here(), sender), None);
    let marker = sent(receiver).unwrap();
    markers.stored(&marker);
    markers.waiting(marker.id);
    marker
}

#[test]
fn a_request_sent_twice_is_stored_once_and_both_who_asked_hear_of_it() {
    let (mut markers, sender, receiver) = station();
    assert_eq!(markers.request(DASHBOARD, 10, &wanted(99, "smile"), here(), &sender), None);
    assert_eq!(markers.request(SHELL, 20, &wanted(99, "smile"), here(), &sender), None);
    let marker = sent(&receiver).unwrap();
    assert!(sent(&receiver).is_none(), "one marker only");
    markers.stored(&marker);
    assert_eq!(markers.waiting(marker.id), [(DASHBOARD, 10), (SHELL, 20)]);
    let again = markers.request(DASHBOARD, 11, &wanted(99, "smile"), here(), &sender);
    assert_eq!(again, Some(Answer::Stored { id: marker.id, sample: 700 }), "answered from memory");
    assert!(sent(&receiver).is_none());
    assert_eq!(markers.count, 1);
}

#[test]
fn a_request_that_was_refused_is_tried_again_when_it_comes_again() {
    let (mut markers, sender, receiver) = station();
    assert_eq!(markers.request(DASHBOARD, 10, &wanted(99, "smile"), here(), &sender), None);
    let first = sent(&receiver).unwrap();
    markers.refused(&first);
    assert_eq!(markers.waiting(first.id), [(DASHBOARD, 10)]);
    assert_eq!(markers.request(DASHBOARD, 11, &wanted(99, "smile"), here(), &sender), None, "not stored");
    let second = sent(&receiver).expect("the journal is asked again");
    assert_ne!(second.id, first.id);
    assert_eq!(markers.count, 0);
}

#[test]
fn a_marker_whose_retraction_was_refused_can_still_be_taken_back_and_in_the_old_order() {
    let (mut markers, sender, receiver) = station();
    let journal = (&sender, &receiver);
    let first = stored(&mut markers, 1, "first", journal);
    assert_eq!(markers.retract(DASHBOARD, 2, here(), &sender), None);
    let retraction = sent(&receiver).unwrap();
    let second = stored(&mut markers, 3, "second", journal);
    markers.refused(&retraction);
    for (request, taken_back) in [(4, &second), (5, &first)] {
        assert_eq!(markers.retract(DASHBOARD, request, here(), &sender), None);
        let retraction = sent(&receiver).unwrap();
        assert_eq!((retraction.refers_to, &retraction.label), (taken_back.id, &taken_back.label));
    }
    assert!(markers.retract(DASHBOARD, 6, here(), &sender).is_some(), "nothing is left to take back");
}

#[test]
fn whoever_waits_when_the_journal_closes_is_found() {
    let (mut markers, sender, _receiver) = station();
    markers.request(DASHBOARD, 10, &wanted(1, "late"), here(), &sender);
    markers.request(SHELL, 20, &wanted(2, "later"), here(), &sender);
    let mut waiting = markers.all_waiting();
    waiting.sort_unstable();
    assert_eq!(waiting, [(DASHBOARD, 10), (SHELL, 20)]);
    assert!(markers.all_waiting().is_empty());
}

#[test]
fn a_key_of_a_duration_opens_it_and_then_ends_it() {
    let (mut markers, sender, receiver) = station();
    let journal = (&sender, &receiver);
    let opened = stored(&mut markers, 1, "hold", journal);
    assert_eq!(opened.action, Action::Add);
    assert_eq!(markers.open().iter().map(|open| open.id).collect::<Vec<_>>(), [opened.id]);
    let ended = stored(&mut markers, 2, "hold", journal);
    assert_eq!((ended.action, ended.refers_to), (Action::End, opened.id));
    assert!(markers.open().is_empty());
    assert_eq!(stored(&mut markers, 3, "hold", journal).action, Action::Add, "and opens another one");
}

#[test]
fn an_end_that_is_taken_back_leaves_its_duration_open() {
    let (mut markers, sender, receiver) = station();
    let journal = (&sender, &receiver);
    let opened = stored(&mut markers, 1, "hold", journal);
    let ended = stored(&mut markers, 2, "hold", journal);
    assert_eq!(markers.retract(DASHBOARD, 3, here(), &sender), None);
    let retraction = sent(&receiver).unwrap();
    assert_eq!(retraction.refers_to, ended.id);
    assert_eq!(markers.open()[0].id, opened.id);
    markers.refused(&retraction);
    assert!(markers.open().is_empty(), "the end stands after all");
}

#[test]
fn a_retraction_sent_twice_takes_one_marker_back() {
    let (mut markers, sender, receiver) = station();
    let journal = (&sender, &receiver);
    stored(&mut markers, 1, "first", journal);
    let second = stored(&mut markers, 2, "second", journal);
    assert_eq!(markers.retract(DASHBOARD, 9, here(), &sender), None);
    assert_eq!(markers.retract(DASHBOARD, 9, here(), &sender), None, "the journal still has to answer");
    let retraction = sent(&receiver).unwrap();
    assert_eq!(retraction.refers_to, second.id);
    assert!(sent(&receiver).is_none());
    markers.stored(&retraction);
    assert_eq!(markers.waiting(retraction.id), [(DASHBOARD, 9)]);
    let again = markers.retract(DASHBOARD, 9, here(), &sender);
    assert_eq!(again, Some(Answer::Stored { id: retraction.id, sample: 700 }));
}

#[test]
fn what_speaks_of_a_marker_that_is_not_there_is_refused_and_stores_nothing() {
    let (mut markers, sender, receiver) = station();
    let smile = stored(&mut markers, 1, "smile", (&sender, &receiver));
    let about = |action, refers_to, label: &str| MarkRequest {
        action,
        refers_to,
        ..wanted(action as u64 * 100 + refers_to, label)
    };
    let cases = [
        (about(Action::Note, 77, "n"), "no marker 77"),
        (about(Action::Relabel, smile.id, ""), "needs a label"),
        (about(Action::End, smile.id, ""), "no open duration"),
    ];
    for (wanted, sentence) in cases {
        match markers.request(DASHBOARD, 5, &wanted, here(), &sender) {
            Some(Answer::Refused(why)) => assert!(why.contains(sentence), "{why}"),
            other => panic!("{other:?}"),
        }
        assert!(sent(&receiver).is_none());
    }
    let relabel = about(Action::Relabel, smile.id, "frown");
    assert_eq!(markers.request(DASHBOARD, 6, &relabel, here(), &sender), None);
    assert!(sent(&receiver).is_some());
    assert_eq!(markers.request(DASHBOARD, 7, &about(Action::Retract, smile.id, ""), here(), &sender), None);
    let again = about(Action::Note, smile.id, "too late");
    assert!(matches!(markers.request(DASHBOARD, 8, &again, here(), &sender), Some(Answer::Refused(_))));
}

proptest! {
    /// Whatever is asked, in whatever order, and whatever the journal refuses: rows that were stored add up.
    #[test]
    fn stored_rows_speak_of_stored_rows(
        steps in proptest::collection::vec((0_u8..6, 0_u64..12, any::<bool>()), 0..60),
    ) {
        let (mut markers, sender, receiver) = station();
        let mut rows: Vec<Marker> = Vec::new();
        for (number, (what, about, journal_takes_it)) in (1..).zip(steps) {
            let request = |action, label: &str| MarkRequest { action, refers_to: about, ..wanted(number, label) };
            let answer = match what {
                0 => markers.request(DASHBOARD, number, &request(Action::Add, "hold"), here(), &sender),
                1 => markers.request(SHELL, number, &request(Action::Add, "smile"), here(), &sender),
                2 => markers.retract(DASHBOARD, number, here(), &sender),
                3 => markers.request(SHELL, number, &request(Action::Retract, ""), here(), &sender),
                4 => markers.request(SHELL, number, &request(Action::End, ""), here(), &sender),
                _ => markers.request(DASHBOARD, number, &request(Action::Note, "note"), here(), &sender),
            };
            let is_stored = matches!(answer, Some(Answer::Stored { .. }));
            prop_assert!(!is_stored);
            let Some(marker) = sent(&receiver) else { continue };
            if journal_takes_it {
                markers.stored(&marker);
                rows.push(marker);
            } else {
                markers.refused(&marker);
            }
        }
        let set = |id: u64| rows.iter().find(|row| row.id == id && matches!(row.action, Action::Add | Action::End));
        for row in rows.iter().filter(|row| row.action != Action::Add) {
            prop_assert!(set(row.refers_to).is_some(), "{row:?}");
        }
        for row in rows.iter().filter(|row| row.action == Action::Retract) {
            let twice = rows.iter().filter(|r| r.action == Action::Retract && r.refers_to == row.refers_to);
            prop_assert_eq!(twice.count(), 1);
        }
        let taken_back = |id: u64| rows.iter().any(|row| row.action == Action::Retract && row.refers_to == id);
        let ended = |id: u64| rows.iter().any(|row| row.action == Action::End && row.refers_to == id && !taken_back(row.id));
        let open: Vec<u64> = rows
            .iter()
            .filter(|row| row.action == Action::Add && row.label == "hold" && !taken_back(row.id) && !ended(row.id))
            .map(|row| row.id)
            .collect();
        prop_assert_eq!(markers.open().iter().map(|open| open.id).collect::<Vec<_>>(), open);
    }
}
