//! What a person sees: ten states, five of them with a fault, over sizes, characters and colours combined in
//! pairs; every view and every panel; screens too small for any of it.

use super::fixture::{self, Watched, at, watched};
use crate::face::events::{Active, Waiting};
use crate::session::alarm::Priority;
use crate::session::earlier::Earlier;
use crate::session::snapshot::{OpenMark, State};
use crate::session::{Alarm, Event, Role, Snapshot};
use crate::tui::app::Link;
use crate::tui::keys::{Key, TABLE, View, command};
use crate::tui::theme::Theme;
use crate::tui::update::{Input, update};
use crate::tui::widget::Dots;
use crate::tui::{Color, Look, view};
use insta::assert_snapshot;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Modifier, Style};

pub(super) const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];
const GLYPHS: [Dots; 3] = [Dots::Braille, Dots::Ascii, Dots::Block];
const COLOURS: [(Color, Look); 3] =
    [(Color::Never, Look::Default), (Color::Ansi16, Look::Default), (Color::Ansi256, Look::ColourBlind)];

/// An open alarm, raised 9 s before the usual picture.
pub(super) fn alarm(priority: Priority, channel: Option<u16>, text: &str, advice: &str) -> Alarm {
    Alarm {
        id: 7,
        kind: text.split(' ').next().unwrap().to_owned(),
        channel,
        priority,
        since_utc_ns: at(4.3).utc_ns,
        text: text.to_owned(),
        advice: advice.to_owned(),
        acknowledged_by: String::new(),
    }
}

pub(super) fn buffer(watched: &Watched, (width, height): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view::draw(&watched.app, frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// The screen as lines of text.
pub(super) fn screen(watched: &Watched, size: (u16, u16)) -> String {
    let buffer = buffer(watched, size);
    let line = |y| (0..size.0).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..size.1).map(|y| line(y).trim_end().to_owned() + "\n").collect()
}

/// The styles on a screen, each with the first words drawn in it.
fn styles(watched: &Watched, size: (u16, u16)) -> String {
    let buffer = buffer(watched, size);
    let mut seen: Vec<(Style, String)> = Vec::new();
    for y in 0..size.1 {
        let mut x = 0;
        while x < size.0 {
            let style = buffer[(x, y)].style();
            let run: String = (x..size.0)
                .take_while(|x| buffer[(*x, y)].style() == style)
                .map(|x| buffer[(x, y)].symbol())
                .collect();
            x += u16::try_from(run.chars().count()).unwrap();
            if !seen.iter().any(|(known, _)| *known == style) {
                seen.push((style, run.trim().chars().take(24).collect()));
            }
        }
    }
    let line = |(style, text): &(Style, String)| {
        let ink = style.fg.unwrap_or_default();
        let how = style.add_modifier;
        let how = if how == Modifier::empty() { String::new() } else { format!(" {how:?}") };
        format!("{ink:?}{how}: {text}\n")
    };
    seen.iter().map(line).collect()
}

/// The states and what they are called.
fn states() -> Vec<(&'static str, Watched)> {
    vec![
        ("recording", watched(Dots::Braille, well)),
        ("monitoring", monitoring()),
        ("settling", settling()),
        ("blind", blind()),
        ("filter", pressed(well, View::Live, &[Key::Char('F'), Key::Down])),
        ("fault_saturated", saturated(View::Electrodes)),
        ("fault_source_lost", source_lost()),
        ("fault_recorder_gone", recorder_gone()),
        ("fault_not_written", not_written()),
        ("fault_stage_late", stage_late()),
    ]
}

pub(super) fn well(_: &mut Snapshot) {}

/// The usual picture in a view, after some keys.
pub(super) fn pressed(change: impl Fn(&mut Snapshot), view: View, keys: &[Key]) -> Watched {
    let mut seen = watched(Dots::Braille, change);
    seen.app.view = view;
    for key in keys {
        update(&mut seen.app, at(13.4), Input::Key(*key));
    }
    seen
}

fn typed(text: &str) -> Watched {
    let keys: Vec<Key> = text.chars().map(Key::Char).collect();
    pressed(well, View::Live, &keys)
}

fn monitoring() -> Watched {
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
    seen
}

fn settling() -> Watched {
    Watched::new(Dots::Braille, 8).until(2.4, |s| {
        s.settled = false;
        s.settling_s = 1.6;
        s.elapsed_s = 2.4;
        s.channels.iter_mut().for_each(|c| c.flags.push("settling".to_owned()));
    })
}

/// A second technician on a slow link, who must not see conditions.
fn blind() -> Watched {
    let mut seen = watched(Dots::Braille, |s| {
        s.blind = true;
        (s.last_events, s.active, s.waiting) = (Vec::new(), Vec::new(), Vec::new());
        let since_host_ns = at(1.2).host_ns;
        s.open_marks = vec![OpenMark { id: 9, label: "hold".to_owned(), code: 5, since_host_ns }];
    });
    seen.app.client = Some(4);
    seen.app.link = Link { bytes_per_s: 2_100, slowed_to: Some(2) };
    let mut told = fixture::marker(13, fixture::BEFORE_ROWS + 12_700, "happy_07");
    told.origin = crate::emg::marker::Origin::Network;
    seen.says(Event::Marked(told));
    seen
}

fn saturated(view: View) -> Watched {
    let change = |s: &mut Snapshot| {
        s.channels[3].flags.push("saturated".to_owned());
        s.channels[3].range_percent = 100.0;
        s.channels[6].flags.push("flat".to_owned());
        let advice = "lower the gain or press the electrode on";
        s.alarms = vec![
            alarm(Priority::Second, Some(3), "COR-R is saturated", advice),
            alarm(Priority::Second, Some(6), "LEV-L is flat", "see whether its cable is plugged in"),
        ];
    };
    pressed(change, view, &[])
}

fn source_lost() -> Watched {
    let mut seen = watched(Dots::Braille, well);
    for _ in 0..20 {
        seen.seconds += 0.1;
        let mut snapshot = fixture::recording(seen.seconds);
        snapshot.source.alive = false;
        snapshot.source.reconnects = 1;
        snapshot.source.lost_samples = 1840;
        snapshot.alarms =
            vec![alarm(Priority::First, None, "the source is silent", "check the cable of /dev/ttyACM0")];
        seen.says(Event::Tick(Box::new(snapshot)));
        update(&mut seen.app, at(seen.seconds), Input::Clock);
    }
    seen
}

fn recorder_gone() -> Watched {
    let mut seen = watched(Dots::Braille, well);
    update(&mut seen.app, at(13.4), Input::Lost);
    update(&mut seen.app, at(20.0), Input::Clock);
    seen
}

/// Nothing reaches the disk, and one of two alarms was seen by somebody.
fn not_written() -> Watched {
    let change = |s: &mut Snapshot| {
        s.write_age_s = 9.0;
        let advice = "free space or move the folder: rows are kept in memory for another 20 s";
        let low = alarm(Priority::First, None, "the disk is nearly full", "delete what is not needed");
        s.alarms = vec![
            alarm(Priority::First, None, "no bytes were written for 9 s", advice),
            Alarm { id: 3, acknowledged_by: "attach@tty2".to_owned(), ..low },
        ];
    };
    pressed(change, View::Log, &[])
}

fn stage_late() -> Watched {
    let change = |s: &mut Snapshot| {
        s.system.stages[1].beat_age_ms = 2300.0;
        s.system.stages[2].queued = 480;
        let advice = "end other programs, or use a faster disk";
        s.alarms = vec![alarm(Priority::First, None, "the journal's queue is 94 % full", advice)];
    };
    pressed(change, View::System, &[])
}

#[test]
fn ten_states_over_sizes_characters_and_colours() {
    for (n, (name, mut seen)) in states().into_iter().enumerate() {
        // Each state meets every size, every set of characters and every colour, and these meet each other.
        for (m, size) in SIZES.into_iter().enumerate() {
            let (glyphs, colours) = ((n + m) % 3, (n + m + n / 3 * (m + 1)) % 3);
            seen.app.dots = GLYPHS[glyphs];
            let (color, look) = COLOURS[colours];
            seen.app.theme = Theme::new(color, look);
            let text = screen(&seen, size);
            assert!(glyphs != 1 || text.is_ascii(), "{name} at {size:?} is not plain");
            let label = format!("{name}_{}x{}_{:?}_{color:?}", size.0, size.1, seen.app.dots).to_lowercase();
            assert_snapshot!(label, format!("{text}\n{}", styles(&seen, size)));
        }
    }
}

#[test]
fn the_pairs_are_all_there() {
    let mut pairs = std::collections::BTreeSet::new();
    for n in 0..10 {
        for m in 0..3 {
            let (glyphs, colours) = ((n + m) % 3, (n + m + n / 3 * (m + 1)) % 3);
            pairs.extend([(0, m, glyphs), (1, m, colours), (2, glyphs, colours)]);
        }
    }
    assert_eq!(pairs.len(), 27, "size with characters, size with colours, characters with colours");
}

#[test]
fn every_view_in_health() {
    for (view, _, name) in View::TABLE {
        let seen = pressed(well, view, &[]);
        for size in SIZES {
            if view != View::Live {
                assert_snapshot!(format!("view_{name}_{}x{}", size.0, size.1), screen(&seen, size));
            }
        }
    }
    let many = Watched::new(Dots::Braille, 16).until(13.3, |s| s.channels[12].flags.push("flat".to_owned()));
    let mut many = many;
    assert_snapshot!("view_live_16_80x24", screen(&many, (80, 24)));
    many.app.view = View::Electrodes;
    assert_snapshot!("view_electrodes_16_80x24", screen(&many, (80, 24)));
}

#[test]
fn panels_and_lines() {
    let size = (80, 24);
    let mut stop = typed("Ssto");
    update(&mut stop.app, at(16.0), Input::Clock);
    assert_snapshot!("stop_80x24", screen(&stop, size));
    assert_snapshot!("note_80x24", screen(&typed("Nsneezed"), size));
    assert_snapshot!("command_80x24", screen(&typed(":th"), size));
    let mut found = typed("/stim");
    update(&mut found.app, at(13.5), Input::Key(Key::Enter));
    assert_snapshot!("search_80x24", screen(&found, size));
    let keys = [Key::Down, Key::Char('Z'), Key::Char(',')];
    assert_snapshot!("zoom_80x24", screen(&pressed(well, View::Live, &keys), size));
}

#[test]
fn help_is_the_live_tables() {
    let keys = screen(&typed("?"), (80, 24));
    assert_snapshot!("help_keys_80x24", keys);
    for binding in TABLE {
        assert!(keys.contains(binding.help), "{} is cut off", binding.name);
    }
    let commands = screen(&typed("??"), (80, 24));
    assert_snapshot!("help_commands_80x24", commands);
    for command in command::TABLE {
        assert!(
            commands.contains(command.help) && commands.contains(command.name),
            "{} is cut off",
            command.name
        );
    }
    assert!(!screen(&typed("???"), (80, 24)).contains("Esc closes"));
}

#[test]
fn small_screens_say_the_most_important_first() {
    let seen = saturated(View::Live);
    assert_snapshot!("small_40x12", screen(&seen, (40, 12)));
    assert_snapshot!("small_20x4", screen(&seen, (20, 4)));
    assert_eq!(screen(&seen, (1, 1)), "●\n");
    for (name, seen) in states() {
        assert!(screen(&seen, (20, 4)).lines().count() == 4, "{name}");
    }
    assert_snapshot!("small_command_40x12", screen(&typed(":th"), (40, 12)));
}

#[test]
fn events_stand_on_their_traces_in_letters_and_lines() {
    let active = |s: &mut Snapshot| {
        let onset = s.rows - 300;
        s.active = vec![Active { channel: 1, onset, peak: 80.0 }];
        s.waiting = vec![Waiting { channel: 5, onset: onset - 1000, end: onset - 200 }];
    };
    for dots in GLYPHS {
        let mut seen = pressed(active, View::Live, &[]);
        seen.app.dots = dots;
        seen.app.theme = Theme::new(Color::Never, Look::Mono);
        let text = screen(&seen, (80, 24));
        let of =
            |n: usize| text.lines().skip(2 + 2 * n).take(2).map(|l| l.split_at(l.find(['|', '│']).unwrap()));
        let (labels, traces): (Vec<_>, Vec<_>) = of(1).unzip();
        assert!(labels[0].contains("* AU12") && traces[1].contains(['*']), "{text}");
        assert!(of(0).any(|(_, trace)| trace.contains('M')) && of(2).any(|(_, trace)| trace.contains('B')));
        assert!(!of(2).any(|(_, trace)| trace.contains('M')), "nothing of the neighbours:\n{text}");
        assert!(of(5).any(|(_, trace)| trace.contains('+')), "what ended waits in sight:\n{text}");
        assert_snapshot!(
            format!("events_80x24_{dots:?}").to_lowercase(),
            format!("{text}\n{}", styles(&seen, (80, 24)))
        );
    }
}

#[test]
fn what_is_blinded_stands_nowhere() {
    let mut seen = blind();
    for (view, ..) in View::TABLE {
        seen.app.view = view;
        for size in SIZES.into_iter().chain([(40, 12)]) {
            let text = screen(&seen, size);
            assert!(!text.contains("happy"), "{view:?} at {size:?}:\n{text}");
            assert!(size.0 < 60 || text.contains("BLIND"), "{view:?} at {size:?}");
        }
    }
    assert!(screen(&seen, (120, 40)).contains("stim_on"), "what was typed here is known here");
}

/// A calibration in its second round.
fn calibrating(snapshot: &mut Snapshot) {
    use crate::face::calibration::{Muscle, Phase, Progress, Verdict};
    let muscle = |(channel, rest, trials, verdict): (u16, f64, &[f64], Verdict)| Muscle {
        channel,
        rest_mean: rest,
        rest_sd: rest / 8.0,
        trials: trials.to_vec(),
        verdict,
        kept: false,
    };
    let muscles = [
        (0, 2.4, &[128.0, 131.0][..], Verdict::Ok),
        (1, 2.8, &[112.0, 80.5], Verdict::Differ),
        (2, 3.2, &[48.0], Verdict::Ok),
        (3, 9.6, &[52.0], Verdict::Noisy),
        (4, 2.4, &[2.6], Verdict::NoRise),
        (5, 2.0, &[620.0], Verdict::Rail),
        (6, 2.4, &[12.0], Verdict::Small),
        (7, 4.0, &[88.0], Verdict::Ok),
    ];
    snapshot.calibration = Some(Progress {
        phase: Phase::Contract,
        channel: Some(2),
        round: 2,
        left_s: 1.4,
        to_end_s: 79.4,
        settling: false,
        level: 41.0,
        best: 44.0,
        muscles: muscles.into_iter().map(muscle).collect(),
    });
}

/// The same, over and partly kept.
fn calibrated(snapshot: &mut Snapshot) {
    use crate::face::calibration::Phase;
    calibrating(snapshot);
    let progress = snapshot.calibration.as_mut().unwrap();
    (progress.phase, progress.channel) = (Phase::Judge, None);
    (progress.level, progress.best) = (f64::NAN, f64::NAN);
    progress.muscles[0].kept = true;
    progress.muscles[1].kept = true;
    snapshot.channels[0].mvc_percent = 34.2;
    snapshot.channels[1].mvc_percent = 107.0;
}

/// With two earlier recordings of the subject read.
fn compared(seen: Watched) -> Watched {
    let of = |(at, mvc, day, recording): (usize, f64, &str, &str)| {
        let channel = seen.app.snapshot.channels[at].channel.clone();
        let [day, recording] = [day, recording].map(str::to_owned);
        let (unit, muscle, side) = (channel.unit, channel.muscle, channel.side);
        Earlier { recording, day, channel: channel.name, muscle, side, unit, rest: 2.0, mvc }
    };
    let (new, old) = ("ses-01 task-faces run-02", "ses-01 task-faces run-01");
    let all = [(0, 128.0, "2026-11-02", new), (1, 117.5, "2026-11-02", new), (0, 96.0, "2026-10-30", old)];
    seen.app.earlier.set(all.into_iter().map(of).collect()).unwrap();
    seen
}

#[test]
fn a_calibration_is_led_on_any_screen() {
    let seen = pressed(calibrating, View::Calibration, &[]);
    assert_snapshot!("calibrating_80x24", screen(&seen, (80, 24)));
    assert_snapshot!("calibrating_120x40", screen(&seen, (120, 40)));
    let seen = pressed(calibrated, View::Calibration, &[Key::Down, Key::Down]);
    assert_snapshot!("calibrated_80x24", screen(&seen, (80, 24)));
    let seen = compared(pressed(calibrating, View::Calibration, &[Key::Down]));
    assert_snapshot!("calibrating_compared_80x24", screen(&seen, (80, 24)));
    let seen = compared(pressed(well, View::Calibration, &[]));
    assert_snapshot!("calibration_compared_80x24", screen(&seen, (80, 24)));
    let mut seen = pressed(calibrated, View::Live, &[]);
    assert_snapshot!("calibrated_live_80x24", screen(&seen, (80, 24)));
    assert_snapshot!("calibrated_live_120x40", screen(&seen, (120, 40)));
    seen.app.view = View::Calibration;
    for (width, height) in [(60, 16), (200, 60)] {
        seen.app.dots = Dots::Ascii;
        assert!(screen(&seen, (width, height)).is_ascii());
    }
}

#[test]
fn every_role_is_named() {
    let named = |client: u64, change: &dyn Fn(&mut Snapshot)| {
        let mut seen = watched(Dots::Braille, change);
        seen.app.client = Some(client);
        screen(&seen, (80, 24))
    };
    assert!(named(1, &well).contains(" control\n"));
    assert!(named(4, &well).contains(" viewer (attach@tty1 has control)\n"));
    let nobody = |s: &mut Snapshot| s.viewers[0].role = Role::Viewer;
    assert!(named(4, &nobody).contains(" viewer (nobody has control)\n"));
    let mut seen = watched(Dots::Braille, well);
    seen.app.read_only = true;
    assert!(screen(&seen, (80, 24)).contains(" read-only\n"));
}

#[test]
fn the_six_first_facts_are_never_dropped() {
    let mut seen = watched(Dots::Braille, |s| {
        s.source.losses_counted = false;
        s.source.reconnects = 12;
        s.blind = true;
    });
    for (view, ..) in View::TABLE {
        seen.app.view = view;
        for width in 60..200 {
            let text = screen(&seen, (width, 24));
            let facts =
                ["REC", "03:12:58", "mg.h5", "416.8 MB +0.", "disk 212 h", "SRC OK", "cannot be counted"];
            for fact in facts {
                assert!(text.contains(fact), "{fact} is missing at width {width}:\n{text}");
            }
        }
    }
}
