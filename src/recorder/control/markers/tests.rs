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

/// The marker that is on its way to the journal, with its ticket.
fn sent(receiver: &Receiver<Request>) -> Option<(u64, Marker)> {
    match receiver.try_recv() {
        Ok(Request::Marker(ticket, marker)) => Some((ticket, marker)),
        _ => None,
    }
}

/// A desk at which a journal gives ids and stores what it is sent.
struct Desk {
    markers: Markers,
    sender: Sender<Request>,
    receiver: Receiver<Request>,
    next_id: u64,
}

impl Desk {
    fn new() -> Self {
        let (markers, sender, receiver) = station();
        Self { markers, sender, receiver, next_id: 1 }
    }

    fn ask(&mut self, from: Asker, wanted: MarkRequest) -> Option<Answer> {
        self.markers.request(from, Wanted::Marker(wanted), here(), &self.sender)
    }

    fn take_back(&mut self, from: Asker) -> Option<Answer> {
        self.markers.request(from, Wanted::Retraction, here(), &self.sender)
    }

    /// The journal stores the next marker it was sent; the marker and who asked.
    fn store(&mut self) -> Option<(Marker, Vec<Asker>)> {
        let (ticket, marker) = sent(&self.receiver)?;
        let marker = Marker { id: self.next_id, ..marker };
        self.next_id += 1;
        let askers = self.markers.stored(Some(ticket), &marker);
        Some((marker, askers))
    }

    /// The journal refuses the next marker; who asked.
    fn refuse(&mut self) -> Option<Vec<Asker>> {
        let (ticket, _) = sent(&self.receiver)?;
        Some(self.markers.refused(ticket))
    }

    fn resume(&mut self) -> Vec<(Asker, Answer)> {
        self.markers.resume(&self.sender)
    }

    /// A key pressed on the dashboard and stored.
    fn press(&mut self, key: u64, label: &str) -> Marker {
        assert_eq!(self.ask((DASHBOARD, key), wanted(key, label)), None);
        self.store().unwrap().0
    }
}

#[test]
fn a_request_sent_twice_is_stored_once_and_both_who_asked_hear_of_it() {
    let mut desk = Desk::new();
    assert_eq!(desk.ask((DASHBOARD, 10), wanted(99, "smile")), None);
    assert_eq!(desk.ask((SHELL, 20), wanted(99, "smile")), None);
    let (marker, askers) = desk.store().unwrap();
    assert_eq!(askers, [(DASHBOARD, 10), (SHELL, 20)]);
    assert!(desk.store().is_none(), "one marker only");
    let again = desk.ask((DASHBOARD, 11), wanted(99, "smile"));
    assert_eq!(again, Some(Answer::Stored { id: marker.id, sample: 700 }), "answered from memory");
    assert!(desk.store().is_none());
    assert_eq!(desk.markers.count, 1);
}

#[test]
fn a_request_that_was_refused_is_tried_again_when_it_comes_again() {
    let mut desk = Desk::new();
    assert_eq!(desk.ask((DASHBOARD, 10), wanted(99, "smile")), None);
    assert_eq!(desk.refuse(), Some(vec![(DASHBOARD, 10)]));
    assert_eq!(desk.ask((DASHBOARD, 11), wanted(99, "smile")), None, "not stored");
    assert!(desk.store().is_some(), "the journal is asked again");
    assert_eq!(desk.markers.count, 1);
}

#[test]
fn a_marker_whose_retraction_was_refused_can_still_be_taken_back_and_in_the_old_order() {
    let mut desk = Desk::new();
    let first = desk.press(1, "first");
    assert_eq!(desk.take_back((DASHBOARD, 2)), None);
    desk.refuse();
    let second = desk.press(3, "second");
    for (request, taken_back) in [(4, &second), (5, &first)] {
        assert_eq!(desk.take_back((DASHBOARD, request)), None);
        let (retraction, _) = desk.store().unwrap();
        assert_eq!((retraction.refers_to, &retraction.label), (taken_back.id, &taken_back.label));
    }
    assert!(desk.take_back((DASHBOARD, 6)).is_some(), "nothing is left to take back");
}

#[test]
fn whoever_waits_when_the_journal_closes_is_found() {
    let mut desk = Desk::new();
    desk.ask((DASHBOARD, 10), wanted(1, "late"));
    desk.ask((SHELL, 20), wanted(2, "later"));
    desk.take_back((SHELL, 30));
    let mut waiting = desk.markers.all_waiting();
    waiting.sort_unstable();
    assert_eq!(waiting, [(DASHBOARD, 10), (SHELL, 20), (SHELL, 30)]);
    assert!(desk.markers.all_waiting().is_empty());
}

#[test]
fn what_is_taken_back_is_the_marker_pressed_last_even_if_the_disk_is_slow() {
    let mut desk = Desk::new();
    desk.press(1, "first");
    assert_eq!(desk.ask((DASHBOARD, 2), wanted(2, "second")), None);
    assert_eq!(desk.take_back((DASHBOARD, 3)), None);
    assert!(desk.resume().is_empty(), "the second is not stored yet");
    let (second, _) = desk.store().unwrap();
    assert!(desk.store().is_none());
    assert!(desk.resume().is_empty());
    let (retraction, askers) = desk.store().expect("now it is known what was last");
    assert_eq!((retraction.refers_to, askers), (second.id, vec![(DASHBOARD, 3)]));
}

#[test]
fn a_key_of_a_duration_opens_it_and_then_ends_it() {
    let mut desk = Desk::new();
    let opened = desk.press(1, "hold");
    assert_eq!(opened.action, Action::Add);
    assert_eq!(desk.markers.open().iter().map(|open| open.id).collect::<Vec<_>>(), [opened.id]);
    let ended = desk.press(2, "hold");
    assert_eq!((ended.action, ended.refers_to), (Action::End, opened.id));
    assert!(desk.markers.open().is_empty());
    assert_eq!(desk.press(3, "hold").action, Action::Add, "and opens another one");
}

#[test]
fn two_who_press_the_key_of_a_duration_at_once_open_and_end_it() {
    let mut desk = Desk::new();
    let mut other = wanted(2, "hold");
    assert_eq!(desk.ask((DASHBOARD, 1), wanted(1, "hold")), None);
    other.stamp = Stamp::now();
    assert_eq!(desk.ask((SHELL, 2), other), None);
    let (opened, _) = desk.store().unwrap();
    desk.resume();
    let (ended, askers) = desk.store().unwrap();
    assert_eq!((ended.action, ended.refers_to, askers), (Action::End, opened.id, vec![(SHELL, 2)]));
}

#[test]
fn an_end_that_is_taken_back_leaves_its_duration_open() {
    let mut desk = Desk::new();
    let opened = desk.press(1, "hold");
    let ended = desk.press(2, "hold");
    desk.take_back((DASHBOARD, 3));
    assert_eq!(desk.store().unwrap().0.refers_to, ended.id);
    assert_eq!(desk.markers.open()[0].id, opened.id);
}

#[test]
fn a_retraction_sent_twice_takes_one_marker_back() {
    let mut desk = Desk::new();
    desk.press(1, "first");
    let second = desk.press(2, "second");
    assert_eq!(desk.take_back((DASHBOARD, 9)), None);
    assert_eq!(desk.take_back((DASHBOARD, 9)), None, "the journal still has to answer");
    let (retraction, askers) = desk.store().unwrap();
    assert_eq!((retraction.refers_to, askers), (second.id, vec![(DASHBOARD, 9)]));
    assert!(desk.store().is_none());
    assert_eq!(desk.take_back((DASHBOARD, 9)), Some(Answer::Stored { id: retraction.id, sample: 700 }));
}

#[test]
fn what_speaks_of_a_marker_that_is_not_there_is_refused_and_stores_nothing() {
    let mut desk = Desk::new();
    let smile = desk.press(1, "smile");
    let mut key = 100;
    let mut about = |action, refers_to, label: &str| {
        key += 1;
        MarkRequest { action, refers_to, ..wanted(key, label) }
    };
    let cases = [
        (about(Action::Note, 77, "n"), "no marker 77"),
        (about(Action::Relabel, smile.id, ""), "needs a label"),
        (about(Action::End, smile.id, ""), "no open duration"),
    ];
    for (wanted, sentence) in cases {
        match desk.ask((DASHBOARD, 5), wanted) {
            Some(Answer::Refused(why)) => assert!(why.contains(sentence), "{why}"),
            other => panic!("{other:?}"),
        }
        assert!(desk.store().is_none());
    }
    for wanted in [about(Action::Relabel, smile.id, "frown"), about(Action::Retract, smile.id, "")] {
        assert_eq!(desk.ask((DASHBOARD, 6), wanted), None);
        assert!(desk.store().is_some());
    }
    let too_late = about(Action::Note, smile.id, "too late");
    assert!(matches!(desk.ask((DASHBOARD, 8), too_late), Some(Answer::Refused(_))));
}

proptest! {
    /// Whatever is asked, in whatever order, however slow the journal and whatever it refuses: the rows it
    /// stored add up.
    #[test]
    fn stored_rows_speak_of_stored_rows(
        steps in proptest::collection::vec((0_u8..8, 0_u64..12), 0..80),
    ) {
        let mut desk = Desk::new();
        let mut rows: Vec<Marker> = Vec::new();
        for (number, (what, about)) in (1..).zip(steps) {
            let request = |action, label: &str| MarkRequest { action, refers_to: about, ..wanted(number, label) };
            let from = if what % 2 == 0 { (DASHBOARD, number) } else { (SHELL, number) };
            let answer = match what {
                0 => desk.ask(from, request(Action::Add, "hold")),
                1 => desk.ask(from, request(Action::Add, "smile")),
                2 => desk.take_back(from),
                3 => desk.ask(from, request(Action::Retract, "")),
                4 => desk.ask(from, request(Action::End, "")),
                5 => desk.ask(from, request(Action::Note, "note")),
                6 => { desk.refuse(); None }
                _ => { rows.extend(desk.store().map(|stored| stored.0)); None }
            };
            let is_stored = matches!(answer, Some(Answer::Stored { .. }));
            prop_assert!(!is_stored);
            desk.resume();
        }
        while let Some((marker, _)) = desk.store() {
            rows.push(marker);
            desk.resume();
        }
        let is_set = |row: &Marker| matches!(row.action, Action::Add | Action::End);
        for row in rows.iter().filter(|row| row.action != Action::Add) {
            prop_assert!(rows.iter().any(|set| set.id == row.refers_to && is_set(set)), "{:?}", row);
        }
        let retractions = |id: u64| rows.iter().filter(|row| row.action == Action::Retract && row.refers_to == id).count();
        prop_assert!(rows.iter().all(|row| retractions(row.id) <= 1));
        let taken_back = |id: u64| retractions(id) > 0;
        let ended = |id: u64| rows.iter().any(|row| row.action == Action::End && row.refers_to == id && !taken_back(row.id));
        let open: Vec<u64> = rows
            .iter()
            .filter(|row| row.action == Action::Add && row.label == "hold" && !taken_back(row.id) && !ended(row.id))
            .map(|row| row.id)
            .collect();
        prop_assert_eq!(desk.markers.open().iter().map(|open| open.id).collect::<Vec<_>>(), open);
    }
}

#[test]
fn a_camera_that_triggers_all_night_does_not_push_an_open_duration_out() {
    let mut desk = Desk::new();
    let opened = desk.press(1, "hold");
    let edge = Marker { origin: Origin::Ttl, label: "trigger".to_owned(), ..opened.clone() };
    for id in 1000..21_000 {
        desk.markers.stored(None, &Marker { id, ..edge.clone() });
    }
    desk.next_id = 21_000;
    let ended = desk.press(2, "hold");
    assert_eq!((ended.action, ended.refers_to), (Action::End, opened.id));
    let note = MarkRequest { action: Action::Note, refers_to: 20_999, ..wanted(3, "note") };
    assert_eq!(desk.ask((SHELL, 3), note), None, "the newest edges can be spoken of");
}

#[test]
fn a_journal_that_does_not_keep_up_is_said_at_once() {
    let mut desk = Desk::new();
    let answers: Vec<_> = (1..=17).map(|n| desk.ask((DASHBOARD, n), wanted(n, "smile"))).collect();
    assert!(answers[..16].iter().all(Option::is_none), "the queue of this desk takes sixteen");
    assert!(matches!(&answers[16], Some(Answer::Refused(why)) if why.contains("does not keep up")));
    desk.store();
    assert_eq!(desk.ask((DASHBOARD, 18), wanted(17, "smile")), None, "and the same request may come again");
}
