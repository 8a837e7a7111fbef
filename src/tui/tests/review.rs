//! A recording looked at again: what is seen of it, and that no key leads out of it.

use super::fixture::{at, marker};
use crate::emg::finding::event::Class;
use crate::emg::marker::Action;
use crate::emg::{Artefact, Cause, Channel, Event, Gap, Kind, Marker, units};
use crate::session::review::{Ask, Line, Picture, Settling, Story, Tell, Timeline, Window};
use crate::tui::app::App;
use crate::tui::app::review::Review;
use crate::tui::keys::Key;
use crate::tui::keys::review::TABLE;
use crate::tui::theme::Theme;
use crate::tui::update::{Input, scramble, update};
use crate::tui::widget::Dots;
use crate::tui::{Color, Look, view};
use insta::assert_snapshot;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Modifier;

const NAMES: [&str; 4] = ["ZYG-L", "COR-L", "ORB-L", "FRO-M"];
const RATE: u64 = 1000;

/// Somebody who looks at a recording that is all in memory.
struct Desk {
    app: App,
    story: Story,
    /// `rows x channels`.
    values: Vec<f32>,
    asked: Vec<Ask>,
}

/// A minute of four muscles: noise, a smile each 5 s, a hole of 1.2 s at 00:00:04.
fn story(rows: u64) -> Story {
    let channel = |(n, name): (usize, &&str)| {
        let mut channel = Channel::new(*name, Kind::Raw);
        channel.unit = "uV".into();
        channel.action_unit = ["AU12", "AU4", "AU6", "AU1+2"][n].into();
        channel
    };
    let about = |id, action, refers_to| Marker { action, refers_to, ..marker(id, 0, "") };
    let settling =
        |rows: std::ops::Range<u64>, reason| move |channel| Settling { channel, rows: rows.clone(), reason };
    Story {
        file: "recordings/sub-01/ses-01/emg/sub-01_ses-01_task-faces_run-01_emg.h5".into(),
        bytes: 2_160_000,
        rows: 0..rows,
        rate_hz: units::float(RATE),
        state: "closed".into(),
        channels: NAMES.iter().enumerate().map(channel).collect(),
        chain: "BP 20-450 | N 50+h Q10".into(),
        markers: vec![
            marker(1, 1_000, "stim_on"),
            marker(2, 3_000, "stim_off"),
            marker(3, 3_500, "a slip"),
            about(4, Action::Retract, 3),
            marker(5, 6_250, "happy"),
        ],
        gaps: vec![Gap {
            sample: 4_000,
            missing: 1_200,
            exact: true,
            epoch: 0,
            cause: Cause::Counter,
            host_ns: 0,
        }],
        settling: (0..4)
            .map(settling(0..400, "start"))
            .chain((0..4).map(settling(5_200..5_600, "gap")))
            .collect(),
        log: vec![
            Line { row: None, utc_ns: 0, level: 3, text: "recording begins".into() },
            Line { row: Some(5_210), utc_ns: 0, level: 1, text: "1200 rows were lost".into() },
        ],
        events: Timeline::new(found(rows)),
        ..Story::default()
    }
}

/// The smiles on their three muscles, and a twitch of the second; one smile ends in the hole.
fn found(rows: u64) -> Vec<Event> {
    let event = |channel, onset, end, class| Event {
        onset,
        apex: onset + 50,
        end,
        channel,
        class,
        peak: 40.0,
        mvc_percent: if channel == 0 { 12.0 } else { f64::NAN },
        ..Event::default()
    };
    let smiles = (0..rows / 5000)
        .flat_map(|n| [0, 2, 3].map(|channel| event(channel, n * 5000 + 900, n * 5000 + 2100, Class::Macro)));
    let mut all: Vec<Event> = smiles.filter(|event| event.end < rows).collect();
    all.push(event(1, 2_500, 2_700, Class::Brief));
    all
}

fn value(row: u64, channel: u64) -> f32 {
    let random = units::float(scramble(row * 8 + channel) >> 40) / 16_777_216.0 - 0.5;
    let smile = (units::float(row % 5000) / 1000.0 - 1.5).abs() < 0.6 && channel != 1;
    units::narrow(random * if smile { 160.0 } else { 12.0 })
}

impl Desk {
    fn new(dots: Dots, story: Story) -> Self {
        let mut app = App::new(dots, Theme::new(Color::Ansi16, Look::Default), true, at(0.0));
        app.review = Some(Box::new(Review::new()));
        let rows = story.rows.end;
        let lost =
            |row: u64| story.gaps.iter().any(|gap| row >= gap.sample && row - gap.sample < gap.filled());
        let of = |row: u64| (0..4).map(move |channel| (row, channel));
        let values = (0..rows)
            .flat_map(of)
            .map(|(row, channel)| if lost(row) { f32::NAN } else { value(row, channel) })
            .collect();
        let mut desk = Self { app, story: story.clone(), values, asked: Vec::new() };
        desk.tell(Tell::Story(Box::new(story)));
        desk
    }

    fn usual() -> Self {
        Self::new(Dots::Braille, story(60_000))
    }

    fn coder() -> Self {
        Self::new(Dots::Braille, Story { coder: "anna".into(), ..story(60_000) })
    }

    fn tell(&mut self, tell: Tell) {
        update(&mut self.app, at(1.0), Input::Tell(tell));
        self.answer();
    }

    /// Paints what is asked for, and does what is judged.
    fn answer(&mut self) {
        while let Some(ask) = self.review().asks.pop_front() {
            self.asked.push(ask.clone());
            let tell = match ask {
                Ask::Paint(window) => Tell::Picture(self.paint(window)),
                Ask::Keep(one) => {
                    self.story.artefacts.push(one);
                    Tell::Story(Box::new(self.story.clone()))
                }
                Ask::TakeBack(one) => {
                    self.story.artefacts.iter_mut().find(|row| **row == one).unwrap().retracted = true;
                    Tell::Story(Box::new(self.story.clone()))
                }
                Ask::Note(one, note) => {
                    self.story.artefacts.iter_mut().find(|row| **row == one).unwrap().note = note;
                    Tell::Story(Box::new(self.story.clone()))
                }
            };
            update(&mut self.app, at(1.0), Input::Tell(tell));
        }
    }

    fn paint(&self, window: Window) -> Picture {
        let mut values = vec![(f32::NAN, f32::NAN); units::index(window.bins) * 4];
        for row in window.rows() {
            let bin = units::index(row / window.rows_per_bin - window.first);
            for channel in 0..4 {
                if let Some(&value) = self.values.get(units::index(row) * 4 + channel) {
                    let into = &mut values[bin * 4 + channel];
                    *into = (into.0.min(value), into.1.max(value));
                }
            }
        }
        Picture { window, values, read: 1.0 }
    }

    fn review(&mut self) -> &mut Review {
        self.app.review.as_mut().unwrap()
    }

    fn press(&mut self, key: Key) {
        update(&mut self.app, at(1.0), Input::Key(key));
        self.answer();
    }

    fn types(&mut self, text: &str) {
        text.chars().for_each(|c| self.press(Key::Char(c)));
    }

    fn screen(&self, (width, height): (u16, u16)) -> String {
        let buffer = self.drawn((width, height));
        let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..height).map(|y| line(y).trim_end().to_owned() + "\n").collect()
    }

    fn drawn(&self, (width, height): (u16, u16)) -> ratatui::buffer::Buffer {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| view::draw(&self.app, frame)).unwrap();
        terminal.backend().buffer().clone()
    }

    fn cursor(&mut self) -> u64 {
        self.review().cursor
    }

    fn reply(&self) -> &str {
        self.app.reply.as_ref().map_or("", |(_, text)| text)
    }
}

#[test]
fn a_closed_recording_at_usual_sizes() {
    let mut desk = Desk::usual();
    assert_snapshot!("review_80x24", desk.screen((80, 24)));
    desk.press(Key::Char('n'));
    desk.press(Key::Down);
    assert_snapshot!("review_120x40", desk.screen((120, 40)));
    desk.types("]]]]]");
    assert_snapshot!("review_whole_120x40", desk.screen((120, 40)));
}

#[test]
fn a_gap_is_hatched_and_says_its_cause() {
    let mut desk = Desk::usual();
    desk.press(Key::Tab);
    desk.press(Key::Tab);
    desk.press(Key::Char('n'));
    assert_eq!(desk.cursor(), 4_000);
    assert_eq!(desk.reply(), "1200 rows lost: counter");
    desk.press(Key::Char('['));
    let screen = desk.screen((80, 24));
    assert!(screen.contains("GAP 1200 rows: counter"), "{screen}");
    assert_snapshot!("review_gap_80x24", screen);
}

#[test]
fn plain_characters_without_colours_are_enough() {
    let mut desk = Desk::new(Dots::Ascii, Story { coder: "anna".into(), ..story(60_000) });
    desk.app.theme = Theme::new(Color::Never, Look::Default);
    for key in [Key::Char('n'), Key::Char('('), Key::Right] {
        desk.press(key);
    }
    for size in [(80, 24), (120, 40), (60, 16), (40, 12), (20, 4)] {
        assert!(desk.screen(size).is_ascii(), "{size:?}");
    }
    assert_snapshot!("review_ascii_80x24", desk.screen((80, 24)));
    assert_snapshot!("review_40x12", desk.screen((40, 12)));
    desk.press(Key::Char('?'));
    assert!(desk.screen((80, 24)).is_ascii());
}

#[test]
fn a_blind_review_shows_no_label() {
    let mut desk = Desk::new(Dots::Braille, story(60_000).blinded());
    desk.press(Key::Char('n'));
    for size in [(80, 24), (120, 40), (200, 60)] {
        let screen = desk.screen(size);
        for label in ["stim", "happy", "slip", "macro"] {
            assert!(!screen.contains(label), "{label} at {size:?}:\n{screen}");
        }
        assert!(screen.contains("BLIND") && screen.contains("marker"));
    }
    assert_snapshot!("review_blind_80x24", desk.screen((80, 24)));
}

#[test]
fn a_growing_recording_is_followed_from_its_end() {
    let grows = |rows| Story { growing: true, state: "open".into(), ..story(rows) };
    let mut desk = Desk::new(Dots::Braille, grows(20_000));
    desk.press(Key::End);
    assert_eq!(desk.cursor(), 19_999);
    desk.tell(Tell::Story(Box::new(grows(21_000))));
    assert_eq!(desk.cursor(), 20_999, "it stays at the end");
    assert_eq!(desk.review().window(), 13_000..21_000);
    assert_snapshot!("review_live_80x24", desk.screen((80, 24)));
    desk.press(Key::Left);
    let before = desk.review().window();
    desk.tell(Tell::Story(Box::new(grows(30_000))));
    assert_eq!(desk.review().window(), before, "whoever looks back is left in peace");
    let ended = Story {
        trouble: "its recorder is gone: q leaves, then `myograph recover x.wal`".into(),
        ..story(30_000)
    };
    desk.tell(Tell::Story(Box::new(ended)));
    let screen = desk.screen((80, 24));
    assert!(screen.contains("its recorder is gone") && !screen.contains("live"), "{screen}");
}

#[test]
fn jumps_go_by_what_stands() {
    let mut desk = Desk::usual();
    let mut seen = Vec::new();
    for _ in 0..4 {
        desk.press(Key::Char('n'));
        seen.push((desk.cursor(), desk.reply().to_owned()));
    }
    assert_eq!(seen[0], (1_000, "stim_on".to_owned()));
    assert_eq!(seen[1], (3_000, "stim_off".to_owned()));
    assert_eq!(seen[2], (6_250, "happy".to_owned()), "what was taken back is passed by");
    assert_eq!(seen[3], (6_250, "markers after this: none (Tab chooses others)".to_owned()));
    desk.press(Key::Char('p'));
    assert_eq!(desk.cursor(), 3_000);
    for (text, row) in [("g0:07\n", 7_000), (":#1234\n", 1_234), ("g99:00\n", 59_999), ("gsoon\n", 59_999)] {
        for c in text.chars() {
            desk.press(if c == '\n' { Key::Enter } else { Key::Char(c) });
        }
        assert_eq!(desk.cursor(), row, "{text}");
    }
    assert!(desk.reply().starts_with("`soon` is no time"));
}

#[test]
fn events_stand_on_the_traces_and_are_gone_through() {
    let mut desk = Desk::usual();
    desk.types("e");
    assert_eq!((desk.cursor(), desk.reply()), (900, "macro ZYG-L 1200 ms"));
    assert_snapshot!("review_events_80x24", desk.screen((80, 24)));
    desk.types("e");
    assert_eq!((desk.cursor(), desk.reply()), (2_500, "brief COR-L 200 ms"));
    desk.types("e");
    assert_eq!((desk.cursor(), desk.reply()), (5_900, "macro ZYG-L 1200 ms"));
    desk.types("EE");
    assert_eq!(desk.cursor(), 900);
    desk.press(Key::Down);
    desk.press(Key::Down);
    desk.types("e");
    assert_eq!((desk.cursor(), desk.reply()), (2_500, "brief COR-L 200 ms"), "of the selected channel alone");
    assert_snapshot!("review_events_120x40", desk.screen((120, 40)));
    desk.types("n");
    assert_eq!(desk.reply(), "events on COR-L after this: none (Tab chooses others)");
    let text = desk.screen((120, 40));
    let trace = |n: usize| text.lines().skip(2 + 9 * n).take(9).map(|line| line.split_once('│').unwrap().1);
    assert!(trace(0).any(|line| line.contains('M')) && trace(1).any(|line| line.contains('B')), "{text}");
    assert!(!trace(1).any(|line| line.contains('M')), "nothing of the neighbours:\n{text}");
}

#[test]
fn where_no_event_is_to_be_had_it_is_said_why() {
    let without = |change: fn(Story) -> Story| {
        let mut desk =
            Desk::new(Dots::Braille, change(Story { events: Timeline::default(), ..story(60_000) }));
        desk.types("e");
        desk.reply().to_owned()
    };
    assert!(without(|story| story).starts_with("this file holds no muscle events"));
    assert!(without(|story| Story { growing: true, ..story }).starts_with("no muscle event was found yet"));
    assert!(without(Story::blinded).contains("the review is blind"));
    let mut desk = Desk::new(Dots::Braille, Story { goes_on: true, ..story(60_000) });
    desk.press(Key::End);
    desk.types("e");
    assert_eq!(desk.reply(), "events after this in this segment: none (Tab chooses others)");
}

/// Three days of twitches: what is asked for each frame is the cells, not the events.
#[test]
fn tens_of_thousands_of_events_are_gone_through() {
    let twitch = |n: u64| Event {
        onset: 3000 * n,
        end: 3000 * n + 200,
        channel: u16::try_from(n % 4).unwrap(),
        class: Class::Brief,
        ..Event::default()
    };
    let rows = 3 * 86_400_000;
    let mut desk = Desk::new(Dots::Braille, Story { gaps: Vec::new(), ..story(1000) });
    let events = Timeline::new((0..rows / 3000).map(twitch).collect());
    desk.tell(Tell::Story(Box::new(Story { rows: 0..rows, events, ..story(1000) })));
    desk.types("g71:59:00");
    desk.press(Key::Enter);
    desk.types("e");
    assert_eq!(desk.cursor(), 259_143_000);
    let screen = desk.screen((120, 40));
    assert!(screen.contains("EVENTS 86382/86400") && screen.contains("brief ORB-L 200 ms"), "{screen}");
}

#[test]
fn a_stretch_is_judged_noted_and_taken_back() {
    let mut desk = Desk::coder();
    desk.types("g2");
    desk.press(Key::Enter);
    desk.types(")");
    assert_eq!(desk.reply(), "no artefact was begun: ( begins one");
    desk.types("(");
    desk.press(Key::Down);
    desk.press(Key::Right);
    assert!(desk.screen((80, 24)).contains("ARTEFACT from 00:00:02.000: ) ends it"));
    desk.types(")");
    let kept = Artefact {
        onset: 2_000,
        end: 6_001,
        channels: 1,
        rule: "manual".into(),
        coder: "anna".into(),
        ..Artefact::default()
    };
    assert_eq!(desk.story.artefacts, [kept]);
    desk.types("Nsneezed");
    assert_snapshot!("review_note_80x24", desk.screen((80, 24)));
    desk.press(Key::Enter);
    assert!(desk.screen((80, 24)).contains("artefact by anna: sneezed"));
    let reversed = |desk: &Desk| {
        let drawn = desk.drawn((80, 24));
        (20..80).filter(|x| drawn[(*x, 2)].modifier.contains(Modifier::REVERSED)).count()
    };
    assert!(reversed(&desk) > 10, "it is seen without colours");
    desk.types("x");
    assert!(desk.story.artefacts[0].retracted && desk.story.artefacts.len() == 1);
    assert_eq!(reversed(&desk), 0);
    desk.types("x");
    assert_eq!(desk.reply(), "no artefact under the cursor");
}

#[test]
fn nobody_judges_unless_they_came_to() {
    let mut desk = Desk::usual();
    for key in ['(', ')', 'x', 'N'] {
        desk.press(Key::Char(key));
        assert!(desk.reply().contains("--code NAME"), "{key}");
    }
    assert!(desk.asked.iter().all(|ask| matches!(ask, Ask::Paint(_))));
    assert!(!desk.screen((200, 30)).contains("artefact"));
}

#[test]
fn what_could_not_be_kept_is_said_until_the_next_key() {
    let mut desk = Desk::coder();
    desk.tell(Tell::Refused("x.tsv could not be written: no space left; make room on the disk".into()));
    update(&mut desk.app, at(60.0), Input::Clock);
    let screen = desk.screen((60, 24));
    assert!(screen.contains("could not be written") && screen.contains("the disk"), "{screen}");
    desk.press(Key::Right);
    assert!(!desk.screen((80, 24)).contains("could not be written"));
}

#[test]
fn help_is_the_table() {
    let mut desk = Desk::coder();
    desk.press(Key::Char('?'));
    let screen = desk.screen((80, 24));
    for binding in TABLE.iter().filter(|binding| !binding.help.is_empty()) {
        assert!(screen.contains(binding.help), "{} is cut off:\n{screen}", binding.name);
    }
    assert!(screen.contains("? unsure") && screen.contains("! alarm"), "{screen}");
    desk.press(Key::Char('q'));
    assert!(desk.app.wishes.exit.is_none(), "q closes help first");
    desk.press(Key::Char('q'));
    assert!(desk.app.wishes.exit.is_some());
}

fn any_key() -> impl Strategy<Value = Key> {
    prop_oneof![
        8 => proptest::sample::select(TABLE.iter().map(|binding| binding.key).collect::<Vec<_>>()),
        1 => proptest::char::range(' ', '~').prop_map(Key::Char),
        1 => Just(Key::Enter),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_keys_lead_out_of_the_file_and_nothing_panics(
        rows in prop_oneof![Just(0_u64), Just(1), 2_u64..40, 1000_u64..20_000],
        keys in prop::collection::vec(any_key(), 0..60),
        grown in 0_u64..9000,
        width in 0_u16..140, height in 0_u16..50,
    ) {
        let mut desk = Desk::new(Dots::Braille, Story { coder: "anna".into(), ..story(rows) });
        for (n, key) in keys.into_iter().enumerate() {
            desk.press(key);
            if n == 20 {
                desk.story.rows.end += grown;
                let story = desk.story.clone();
                desk.tell(Tell::Story(Box::new(story)));
            }
            let span = desk.review().span();
            let (window, cursor) = (desk.review().window(), desk.cursor());
            prop_assert!(window.contains(&cursor), "{window:?} {cursor}");
            prop_assert!(span.is_empty() || span.contains(&cursor));
            prop_assert!(span.is_empty() || (window.start >= span.start && window.end <= span.end), "{window:?} {span:?}");
        }
        for one in &desk.story.artefacts {
            prop_assert!(one.onset < one.end && one.end <= desk.story.rows.end.max(1));
        }
        desk.screen((width, height));
    }

    #[test]
    fn one_row_that_stands_out_is_seen_at_every_zoom(
        place in 0.0_f64..1.0, channel in 0_usize..4, zooms in 0_usize..14, longer in any::<bool>(),
        width in 60_u16..200, dots in prop_oneof![Just(Dots::Braille), Just(Dots::Block), Just(Dots::Ascii)],
    ) {
        let rows = 40_000;
        let mut quiet = Desk::new(dots, Story { gaps: Vec::new(), ..story(rows) });
        quiet.values.fill(0.0);
        let row = units::count(place * units::float(rows - 1));
        quiet.press(Key::Home);
        quiet.types(&format!("g#{row}"));
        quiet.press(Key::Enter);
        for _ in 0..zooms {
            quiet.press(Key::Char(if longer { ']' } else { '[' }));
        }
        let glyphs = |desk: &Desk| {
            let drawn = desk.drawn((width, 24));
            let picture = (2..18).flat_map(|y| (18..width).map(move |x| (x, y)));
            picture.map(|place| drawn[place].symbol().to_owned()).collect::<Vec<_>>()
        };
        let without = glyphs(&quiet);
        quiet.values[units::index(row) * 4 + channel] = 90.0;
        quiet.press(Key::Char('R'));
        quiet.press(Key::Char('R'));
        let differs = without != glyphs(&quiet);
        prop_assert!(differs, "row {row} is invisible:\n{}", quiet.screen((width, 24)));
    }
}
