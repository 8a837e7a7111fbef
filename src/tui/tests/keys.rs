//! Keys and answers as stories: what is sent, what is said, what is not.

use super::fixture::{Watched, at, marker, watched};
use crate::emg::marker as mark;
use crate::session::command::Action;
use crate::session::snapshot::{MarkKey, State};
use crate::session::{Answer, Command, Event, MarkRequest, Snapshot};
use crate::tui::Exit;
use crate::tui::app::Mode;
use crate::tui::keys::Key;
use crate::tui::update::{Input, update};
use crate::tui::widget::Dots;

fn well(_: &mut Snapshot) {}

/// A station being watched, and keys that are pressed one second apart.
struct Desk {
    seen: Watched,
    seconds: f64,
}

impl Desk {
    fn new() -> Self {
        Self::with(well)
    }

    fn with(change: impl Fn(&mut Snapshot)) -> Self {
        let seen = watched(Dots::Braille, change);
        Self { seconds: seen.seconds, seen }
    }

    fn input(&mut self, input: Input) -> Vec<Command> {
        self.seconds += 1.0;
        update(&mut self.seen.app, at(self.seconds), input)
    }

    fn key(&mut self, key: Key) -> Vec<Command> {
        self.input(Input::Key(key))
    }

    fn types(&mut self, text: &str) -> Vec<Command> {
        text.chars()
            .flat_map(|c| update(&mut self.seen.app, at(self.seconds), Input::Key(Key::Char(c))))
            .collect()
    }

    fn one_mark(&mut self, key: Key) -> (u64, MarkRequest) {
        match self.key(key).as_slice() {
            [Command { request, action: Action::Mark(mark) }] => (*request, mark.clone()),
            other => panic!("{key:?} sent {other:?}"),
        }
    }

    fn reply(&self) -> &str {
        self.seen.app.reply.as_ref().map_or("", |(_, text)| text)
    }
}

#[test]
fn a_marker_is_stamped_sent_and_stored() {
    let mut desk = Desk::new();
    let (request, sent) = desk.one_mark(Key::Char('2'));
    assert_eq!((sent.label.as_str(), sent.code, sent.stamp), ("stim_off", 2, at(desk.seconds)));
    assert_eq!((sent.origin, sent.action), (mark::Origin::Key, mark::Action::Add));
    assert_eq!(desk.reply(), "sent: stim_off");
    let answer = Event::Answer { request, answer: Answer::Stored { id: 13, sample: 14_300 } };
    desk.input(Input::Event(answer));
    assert_eq!(desk.reply(), "stored: stim_off");
    assert!(desk.seen.app.asked.is_empty());
    desk.input(Input::Event(Event::Marked(marker(13, 14_300, "stim_off"))));
    assert_eq!(desk.seen.app.marks.shown().filter(|s| s.marker.id == 13).count(), 1, "shown once");
}

#[test]
fn every_marker_has_a_key_of_its_own() {
    let mut desk = Desk::new();
    let keys: Vec<u64> = ['1', '2', '3', '1'].map(|c| desk.one_mark(Key::Char(c)).1.key).to_vec();
    let mut unique = keys.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), keys.len());
}

#[test]
fn a_marker_without_an_answer_is_an_alarm() {
    let mut desk = Desk::new();
    desk.one_mark(Key::Char('1'));
    update(&mut desk.seen.app, at(desk.seconds + 0.4), Input::Clock);
    assert!(desk.seen.app.alarms().is_empty());
    update(&mut desk.seen.app, at(desk.seconds + 0.6), Input::Clock);
    let texts: Vec<_> = desk.seen.app.alarms().into_iter().map(|alarm| alarm.text).collect();
    assert_eq!(texts, ["marker `stim_on` was sent and is not confirmed"]);
}

#[test]
fn a_marker_without_an_answer_is_sent_again_with_its_stamp_and_key_until_it_is_stored() {
    let mut desk = Desk::new();
    let (request, sent) = desk.one_mark(Key::Char('1'));
    let pressed = desk.seconds;
    let clock = |desk: &mut Desk, s: f64| update(&mut desk.seen.app, at(pressed + s), Input::Clock);
    assert!(clock(&mut desk, 0.9).is_empty());
    for second in [1.0, 2.1] {
        let again = clock(&mut desk, second);
        assert_eq!(again, [Command { request, action: Action::Mark(sent.clone()) }]);
        assert!(clock(&mut desk, second + 0.1).is_empty(), "once a second");
    }
    desk.input(Input::Event(Event::Answer { request, answer: Answer::Stored { id: 13, sample: 14_300 } }));
    assert!(clock(&mut desk, 9.0).is_empty());
    assert_eq!(desk.seen.app.marks.shown().filter(|shown| shown.label == "stim_on").count(), 2);
}

#[test]
fn a_recorder_that_never_answers_is_not_asked_for_ever() {
    let mut desk = Desk::new();
    desk.key(Key::Backspace);
    let pressed = desk.seconds;
    let tries = (1..100).map(|s| update(&mut desk.seen.app, at(pressed + f64::from(s)), Input::Clock).len());
    assert_eq!(tries.sum::<usize>(), 9, "ten in all");
}

#[test]
fn a_word_typed_into_the_dashboard_is_kept_and_doubted() {
    let mut desk = Desk::with(|s| {
        let key = |c: char| MarkKey { key: c, label: c.to_string(), guard_ms: 700, ..MarkKey::default() };
        s.keys = "helowrd".chars().map(key).collect();
    });
    let notes: Vec<String> = desk
        .types("helowrd")
        .into_iter()
        .map(|command| match command.action {
            Action::Mark(mark) => mark.note,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(notes, ["", "", "", "", "", "", "typing?"]);
    assert!(desk.seen.app.alarms().iter().any(|alarm| alarm.kind == "typing"));
}

#[test]
fn a_held_key_and_pasted_text_are_no_markers() {
    let mut desk = Desk::new();
    desk.one_mark(Key::Char('1'));
    for n in 0..100 {
        let moment = at(desk.seconds + 0.5 + f64::from(n) * 0.03);
        assert!(update(&mut desk.seen.app, moment, Input::Key(Key::Char('1'))).is_empty());
    }
    assert!(desk.input(Input::Paste("1 2 3 S".to_owned())).is_empty());
    assert_eq!(desk.seen.app.mode, Mode::Keys);
}

#[test]
fn while_monitoring_nothing_is_sent_until_m() {
    let mut desk = Desk::with(|s| s.state = State::Monitoring);
    for key in [Key::Char('1'), Key::Char(' '), Key::Backspace, Key::Char('N')] {
        assert!(desk.key(key).is_empty());
        assert!(desk.reply().starts_with("MON: not stored"), "{key:?}: {}", desk.reply());
    }
    assert!(matches!(desk.key(Key::Char('M')).as_slice(), [Command { action: Action::Record, .. }]));
    assert!(Desk::new().key(Key::Char('M')).is_empty(), "it records already");
}

#[test]
fn space_marks_and_backspace_takes_back() {
    let mut desk = Desk::new();
    assert_eq!(desk.one_mark(Key::Char(' ')).1.label, "mark");
    assert!(matches!(desk.key(Key::Backspace).as_slice(), [Command { action: Action::RetractLast, .. }]));
}

#[test]
fn a_note_belongs_to_the_last_marker_that_stands() {
    let mut desk = Desk::new();
    desk.key(Key::Char('N'));
    assert!(desk.types("1 sneeze q S").is_empty(), "keys are letters now");
    desk.input(Input::Paste("!\nx".to_owned()));
    let (_, note) = desk.one_mark(Key::Enter);
    assert_eq!(
        (note.action, note.refers_to, note.note.as_str()),
        (mark::Action::Note, 12, "1 sneeze q S! x")
    );
    desk.key(Key::Char('N'));
    desk.types("never mind");
    assert!(desk.key(Key::Esc).is_empty());
    assert_eq!(desk.seen.app.mode, Mode::Keys);
}

#[test]
fn a_note_is_cut_where_the_file_would_cut_it() {
    let mut desk = Desk::new();
    desk.key(Key::Char('N'));
    desk.types(&"ä".repeat(200));
    assert_eq!(desk.one_mark(Key::Enter).1.note.len(), mark::NOTE_BYTES);
}

#[test]
fn stopping_takes_the_word() {
    let mut desk = Desk::new();
    desk.key(Key::Char('S'));
    assert!(desk.types("SSSS").is_empty());
    assert!(desk.key(Key::Enter).is_empty(), "the wrong word only empties the line");
    desk.types("stop");
    assert!(matches!(desk.key(Key::Enter).as_slice(), [Command { action: Action::Stop, .. }]));
    desk.key(Key::Char('S'));
    desk.types("stop");
    assert!(desk.key(Key::Esc).is_empty());
    assert_eq!((desk.reply(), &desk.seen.app.mode), ("not stopped", &Mode::Keys));
}

#[test]
fn the_stop_dialog_closes_itself() {
    let mut desk = Desk::new();
    desk.key(Key::Char('S'));
    let opened = desk.seconds;
    update(&mut desk.seen.app, at(opened + 14.9), Input::Clock);
    assert!(matches!(desk.seen.app.mode, Mode::Stop { .. }));
    update(&mut desk.seen.app, at(opened + 15.1), Input::Clock);
    assert_eq!(desk.seen.app.mode, Mode::Keys);
}

#[test]
fn leaving_says_how() {
    for key in [Key::Char('q'), Key::Ctrl('c')] {
        let mut desk = Desk::new();
        assert!(desk.key(key).is_empty());
        assert_eq!(desk.seen.app.wishes.exit, Some(Exit::Detached));
    }
    let mut desk = Desk::new();
    desk.input(Input::Lost);
    assert_eq!(desk.seen.app.wishes.exit, None, "the last picture stays");
    assert!(desk.key(Key::Char('1')).is_empty());
    assert_eq!(desk.reply(), "no recorder: q leaves");
    desk.key(Key::Char('q'));
    assert_eq!(desk.seen.app.wishes.exit, Some(Exit::RecorderGone));
    let mut desk = Desk::new();
    desk.input(Input::Event(Event::Finished { code: 1, text: "12 rows lost".to_owned() }));
    assert_eq!(desk.seen.app.wishes.exit, Some(Exit::Finished { code: 1, text: "12 rows lost".to_owned() }));
}

#[test]
fn ctrl_c_leaves_from_everywhere_and_q_only_from_the_picture() {
    for opener in ['N', 'S'] {
        let mut desk = Desk::new();
        desk.key(Key::Char(opener));
        desk.key(Key::Char('q'));
        assert_eq!(desk.seen.app.wishes.exit, None, "q is a letter after {opener}");
        desk.key(Key::Ctrl('c'));
        assert_eq!(desk.seen.app.wishes.exit, Some(Exit::Detached));
    }
    let mut desk = Desk::new();
    desk.types("?q");
    assert_eq!(
        (&desk.seen.app.mode, &desk.seen.app.wishes.exit),
        (&Mode::Keys, &None),
        "q closes help first"
    );
}

#[test]
fn a_read_only_dashboard_asks_for_nothing() {
    let mut desk = Desk::new();
    desk.seen.app.read_only = true;
    for key in ['1', ' ', 'N', 'S', 'M'].map(Key::Char).into_iter().chain([Key::Backspace]) {
        assert!(desk.key(key).is_empty(), "{key:?}");
        assert!(desk.reply().starts_with("read-only"), "{key:?}: {}", desk.reply());
    }
}

#[test]
fn gain_goes_to_the_selected_channel_or_to_all() {
    let mut desk = Desk::new();
    let spans = |desk: &Desk| desk.seen.app.scales.iter().map(|s| s.span().high).collect::<Vec<_>>();
    let before = spans(&desk);
    desk.key(Key::Char('-'));
    let after = spans(&desk);
    assert!(before.iter().zip(&after).all(|(b, a)| a > b), "all, while none is selected");
    desk.key(Key::Down);
    desk.key(Key::Down);
    desk.key(Key::Char('+'));
    let selected = spans(&desk);
    let expected = [&after[..1], &before[1..2], &after[2..]].concat();
    assert_eq!(selected, expected, "one step up again, on the second channel alone");
    desk.key(Key::Esc);
    desk.key(Key::Char('='));
    assert!(desk.seen.app.scales.iter().all(|scale| !scale.by_hand));
}

#[test]
fn the_window_has_five_lengths() {
    let mut desk = Desk::new();
    let mut lengths = Vec::new();
    for key in ['[', '[', '[', ']', ']', ']', ']', ']'] {
        desk.key(Key::Char(key));
        lengths.push(desk.seen.app.window_s());
    }
    assert_eq!(lengths, [4, 2, 2, 4, 8, 16, 32, 32]);
}

#[test]
fn selection_walks_past_the_ends_and_zoom_follows() {
    let mut desk = Desk::new();
    desk.key(Key::Up);
    assert_eq!(desk.seen.app.selected, Some(7));
    desk.key(Key::Char('Z'));
    assert!(desk.seen.app.zoomed);
    desk.key(Key::Down);
    assert_eq!((desk.seen.app.selected, desk.seen.app.zoomed), (None, false));
    desk.key(Key::Char('Z'));
    assert_eq!((desk.seen.app.selected, desk.seen.app.zoomed), (Some(0), true));
}

#[test]
fn a_frozen_picture_stays_while_the_data_go_on() {
    let mut desk = Desk::new();
    desk.key(Key::Char(','));
    let end = desk.seen.app.picture().end();
    desk.seen.tenth(well);
    assert_eq!(desk.seen.app.picture().end(), end);
    assert!(desk.seen.app.history.end() > end);
    desk.key(Key::Char(','));
    assert!(desk.seen.app.picture().end() > end);
}

#[test]
fn a_refusal_is_said_and_logged() {
    let mut desk = Desk::new();
    let (request, _) = desk.one_mark(Key::Char('1'));
    let answer = Answer::Refused("the journal is closed".to_owned());
    desk.input(Input::Event(Event::Answer { request, answer }));
    assert_eq!(desk.reply(), "marker refused: the journal is closed");
    assert_eq!(desk.seen.app.log.lines.back().map(|line| line.level), Some(2));
}

#[test]
fn numbers_change_five_times_a_second_and_the_state_at_once() {
    let mut desk = Desk::new();
    let mut changes = 0;
    for _ in 0..20 {
        let before = desk.seen.app.snapshot.rows;
        desk.seen.tenth(well);
        changes += usize::from(desk.seen.app.snapshot.rows != before);
    }
    assert_eq!(changes, 10);
    desk.seen.tenth(|s| s.state = State::Draining);
    assert_eq!(desk.seen.app.snapshot.state, State::Draining);
}

#[test]
fn a_late_joiner_knows_the_newest_markers() {
    let mut desk = Desk::new();
    desk.seen.tenth(|s| s.last_markers = vec![marker(4, 100, "before"), marker(5, 200, "too")]);
    desk.seen.tenth(well);
    assert!(desk.seen.app.marks.shown().any(|shown| shown.label == "before"));
}
