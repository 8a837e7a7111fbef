//! What a person sees: ten states at three sizes, small screens, plain characters, any size at all.

use super::fixture::{self, Watched, at, watched};
use crate::session::snapshot::State;
use crate::session::{Alarm, Event, Snapshot};
use crate::tui::keys::Key;
use crate::tui::update::{Input, update};
use crate::tui::view;
use crate::tui::widget::Dots;
use insta::assert_snapshot;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::io::Write;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// An open alarm.
fn alarm(text: &str) -> Alarm {
    Alarm { text: text.to_owned(), ..Alarm::default() }
}

/// The screen as lines of text.
fn screen(watched: &Watched, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view::draw(&watched.app, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..height).map(|y| line(y).trim_end().to_owned() + "\n").collect()
}

fn shoot(name: &str, watched: &Watched) {
    for (width, height) in SIZES {
        assert_snapshot!(format!("{name}_{width}x{height}"), screen(watched, (width, height)));
    }
}

fn well(_: &mut Snapshot) {}

#[test]
fn recording() {
    shoot("recording", &watched(Dots::Braille, well));
}

#[test]
fn monitoring() {
    let mut seen = watched(Dots::Braille, |s| {
        s.state = State::Monitoring;
        s.file.clear();
        s.bytes = 0;
        s.write_age_s = f64::NAN;
        s.disk_seconds_left = f64::NAN;
        s.markers = 0;
    });
    seen.app.marks = crate::tui::app::marks::Marks::default();
    update(&mut seen.app, at(13.3), Input::Key(Key::Char('1')));
    shoot("monitoring", &seen);
}

#[test]
fn settling() {
    let seen = Watched::new(Dots::Braille, 8).until(2.4, |s| {
        s.settled = false;
        s.settling_s = 1.6;
        s.elapsed_s = 2.4;
        s.channels.iter_mut().for_each(|c| c.flags.push("settling".to_owned()));
    });
    shoot("settling", &seen);
}

#[test]
fn a_saturated_channel_and_its_alarm() {
    let seen = watched(Dots::Braille, |s| {
        s.channels[3].flags.push("saturated".to_owned());
        s.channels[6].flags.push("flat".to_owned());
        s.alarms = vec![
            alarm("COR-R is saturated: lower the gain or press the electrode on"),
            alarm("LEV-L is flat: is it plugged in?"),
        ];
    });
    shoot("saturated", &seen);
}

#[test]
fn the_source_is_lost() {
    let mut seen = watched(Dots::Braille, well);
    for _ in 0..20 {
        seen.seconds += 0.1;
        let mut snapshot = fixture::recording(seen.seconds);
        snapshot.source.alive = false;
        snapshot.source.reconnects = 1;
        snapshot.source.lost_samples = 1840;
        snapshot.alarms = vec![alarm("the source is silent: check the cable of /dev/ttyACM0")];
        seen.says(Event::Tick(Box::new(snapshot)));
        update(&mut seen.app, at(seen.seconds), Input::Clock);
    }
    shoot("source_lost", &seen);
}

#[test]
fn the_recorder_is_gone() {
    let mut seen = watched(Dots::Braille, well);
    update(&mut seen.app, at(13.4), Input::Lost);
    update(&mut seen.app, at(20.0), Input::Clock);
    shoot("recorder_gone", &seen);
}

#[test]
fn the_stop_dialog() {
    let mut seen = watched(Dots::Braille, well);
    for key in ['S', 's', 't', 'o'] {
        update(&mut seen.app, at(13.4), Input::Key(Key::Char(key)));
    }
    update(&mut seen.app, at(16.0), Input::Clock);
    shoot("stop", &seen);
}

#[test]
fn help_is_the_live_key_table() {
    let mut seen = watched(Dots::Braille, well);
    update(&mut seen.app, at(13.4), Input::Key(Key::Char('?')));
    shoot("help", &seen);
    for binding in crate::tui::keys::TABLE {
        assert!(screen(&seen, (80, 24)).contains(binding.help), "{} is cut off", binding.name);
    }
}

#[test]
fn a_note_is_being_typed() {
    let mut seen = watched(Dots::Braille, well);
    for key in "Nsneezed".chars() {
        update(&mut seen.app, at(13.4), Input::Key(Key::Char(key)));
    }
    assert_snapshot!("note_80x24", screen(&seen, (80, 24)));
}

#[test]
fn one_channel_zoomed_and_frozen() {
    let mut seen = watched(Dots::Braille, well);
    for key in [Key::Down, Key::Char('Z'), Key::Char(',')] {
        update(&mut seen.app, at(13.4), Input::Key(key));
    }
    assert_snapshot!("zoom_80x24", screen(&seen, (80, 24)));
}

#[test]
fn small_screens_say_the_most_important_first() {
    let seen = watched(Dots::Braille, |s| s.channels[3].flags.push("saturated".to_owned()));
    assert_snapshot!("small_40x12", screen(&seen, (40, 12)));
    assert_snapshot!("small_20x4", screen(&seen, (20, 4)));
    assert_eq!(screen(&seen, (1, 1)), "●\n");
}

#[test]
fn plain_characters_are_enough() {
    let seen = watched(Dots::Ascii, |s| s.channels[3].flags.push("saturated".to_owned()));
    assert_snapshot!("ascii_80x24", screen(&seen, (80, 24)));
    assert_snapshot!("block_80x24", screen(&watched(Dots::Block, well), (80, 24)));
    let mut seen = seen;
    for key in ['?', 'S'] {
        for size in SIZES.into_iter().chain([(40, 12), (60, 16)]) {
            assert!(screen(&seen, size).is_ascii(), "{key} at {size:?}");
        }
        update(&mut seen.app, at(14.0), Input::Key(Key::Char(key)));
    }
}

#[test]
fn the_six_first_facts_are_never_dropped() {
    let seen = watched(Dots::Braille, |s| {
        s.source.losses_counted = false;
        s.source.reconnects = 12;
    });
    for width in 60..200 {
        let text = screen(&seen, (width, 24));
        for fact in ["REC", "03:12:58", "mg.h5", "416.8 MB +0.", "disk 212 h", "SRC OK", "cannot be counted"]
        {
            assert!(text.contains(fact), "{fact} is missing at width {width}:\n{text}");
        }
    }
}

/// For the eye: writes the picture where `MYOGRAPH_SHOTS` says, with one line of styles per line of text.
#[test]
fn pictures_for_the_eye() {
    let Ok(folder) = std::env::var("MYOGRAPH_SHOTS") else {
        return;
    };
    let mut help = watched(Dots::Braille, well);
    update(&mut help.app, at(13.4), Input::Key(Key::Char('?')));
    let sick = watched(Dots::Braille, |s| {
        s.channels[3].flags.push("saturated".to_owned());
        s.alarms = vec![alarm("COR-R is saturated: lower the gain or press the electrode on")];
    });
    for (name, seen) in [("recording", &watched(Dots::Braille, well)), ("help", &help), ("sick", &sick)] {
        for (width, height) in SIZES {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
            terminal.draw(|frame| view::draw(&seen.app, frame)).unwrap();
            let cells = terminal.backend().buffer().content();
            let mut file = std::fs::File::create(format!("{folder}/{name}_{width}x{height}.tsv")).unwrap();
            for cell in cells {
                writeln!(file, "{}\t{:?}\t{:?}", cell.symbol(), cell.fg, cell.modifier).unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_size_panics(width in 0_u16..300, height in 0_u16..300, channels in 0_usize..40, key in "[?SNZ,]") {
        let mut seen = Watched::new(Dots::Braille, channels).until(1.3, well);
        update(&mut seen.app, at(1.4), Input::Key(Key::Char(key.chars().next().unwrap())));
        screen(&seen, (width, height));
    }

    #[test]
    fn no_size_at_the_edge_panics(width in 0_u16..70, height in 0_u16..26, key in "[?SN]") {
        let mut seen = Watched::new(Dots::Ascii, 8).until(1.3, well);
        update(&mut seen.app, at(1.4), Input::Key(Key::Char(key.chars().next().unwrap())));
        screen(&seen, (width, height));
    }
}
