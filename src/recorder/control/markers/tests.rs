//! Stories of markers between two front ends and a journal that stores them or does not.

use super::*;
use crossbeam_channel::{Receiver, bounded};

const DASHBOARD: ClientId = ClientId(1);
const SHELL: ClientId = ClientId(2);

fn station() -> (Markers, Sender<Request>, Receiver<Request>) {
    let mut markers = Markers::default();
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
    assert_eq!(again, Some((marker.id, 700)), "answered from memory");
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
    for taken_back in [&second, &first] {
        assert_eq!(markers.retract(DASHBOARD, 4, here(), &sender), None);
        let retraction = sent(&receiver).unwrap();
        assert_eq!((retraction.refers_to, &retraction.label), (taken_back.id, &taken_back.label));
    }
    assert!(markers.retract(DASHBOARD, 5, here(), &sender).is_some(), "nothing is left to take back");
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
