//! What is wrong stands in the state, is said once, is logged, and may be seen; control over a recording is with one.

use crate::support::{Dashboard, Device, Station, python, wait_for};
use myograph::emg::{Stamp, marker};
use myograph::session::command::Action;
use myograph::session::{Answer, MarkRequest, Role};
use rustix::process::Signal;
use std::fmt::Write as _;

/// Rows of a channel that moves and one that does not.
fn rows(count: u32) -> String {
    (0..count).fold(String::new(), |mut text, at| {
        writeln!(text, "{},512", 500 + at % 7).unwrap();
        text
    })
}

/// Level and text of each line of a recording's log.
const LOG: &str = r#"
with h5py.File(sys.argv[1], "r") as h5:
    done([[int(line["level"]), line["text"].decode()] for line in h5["log"][()]])
"#;

#[test]
fn a_channel_that_stands_still_is_an_alarm_that_is_logged_and_seen() {
    let station = Station::new();
    let device = Device::new(&station.root().join("board"));
    let recorder = station.start(&["--source", &device.uri("rate=1000")]);
    device.play(rows(2500).as_bytes());
    let mut desk = Dashboard::open(&station, "pts/7", false);
    let flat = wait_for("an alarm about the second channel", || {
        desk.look().alarms.into_iter().find(|alarm| alarm.kind == "flat")
    });
    assert_eq!((flat.channel, flat.priority.word()), (Some(1), "P2"));
    let now = desk.look();
    let flags = |channel: usize| {
        let words = now.channels[channel].flags.iter().map(String::as_str);
        words.filter(|word| *word != "settling").collect::<Vec<_>>()
    };
    assert_eq!((flags(0), flags(1)), (vec![], vec!["flat", "off"]));
    assert!((now.channels[1].offset - 512.0).abs() < 1e-9, "where the electrode sits: {:?}", now.channels[1]);
    let kinds: Vec<&str> = now.alarms.iter().map(|alarm| alarm.kind.as_str()).collect();
    assert_eq!(kinds, ["source", "flat"], "the worst first: the board has fallen silent");
    assert_eq!(desk.ask(Action::Acknowledge), Answer::Done);
    assert!(desk.look().alarms.iter().all(|alarm| alarm.acknowledged_by == "pts/7"));
    device.play(b"what is this\n");
    wait_for("an alarm about lines", || desk.look().alarms.into_iter().find(|alarm| alarm.kind == "refused"));
    recorder.wait_said(&format!("warning: {}; {}", flat.text, flat.advice));
    recorder.signal(Signal::INT);
    let ended = recorder.finish().expect(1).stderr;
    assert_eq!(ended.matches("does not move").count(), 2, "raised and seen, each said once: {ended}");
    let Some(log) = python(LOG, &[&station.recordings()[0]]) else { return };
    let log: Vec<(u8, String)> = serde_json::from_value(log).unwrap();
    let has = |level, words: &str| log.iter().any(|(of, text)| *of == level && text.contains(words));
    assert!(has(2, &flat.text) && has(1, "sends nothing; check") && has(2, "were no row"), "{log:#?}");
    assert!(has(3, "pts/7 has control") && has(3, &format!("pts/7 has seen: {}", flat.text)), "{log:#?}");
}

fn mark() -> Action {
    Action::Mark(MarkRequest {
        key: 7,
        stamp: Stamp::now(),
        label: "smile".to_owned(),
        note: String::new(),
        code: 0,
        origin: marker::Origin::Key,
        action: marker::Action::Add,
        refers_to: 0,
        uncertainty_us: 0,
    })
}

#[test]
fn one_dashboard_has_control_until_another_takes_it() {
    let station = Station::new();
    let recorder = station.start(&["--source", "sim:?seed=7"]);
    let mut first = Dashboard::open(&station, "pts/1", false);
    let mut second = Dashboard::open(&station, "pts/2", false);
    let mut looker = Dashboard::open(&station, "pts/3", true);
    let seen: Vec<_> = first.look().viewers.into_iter().map(|viewer| (viewer.name, viewer.role)).collect();
    let named = |name: &str, role| (name.to_owned(), role);
    assert_eq!(
        seen,
        [named("pts/1", Role::Control), named("pts/2", Role::Viewer), named("pts/3", Role::ReadOnly)]
    );
    station.wait_rows(100);
    assert_eq!(second.refused(Action::Stop), "pts/1 has control; :take moves it here");
    assert!(matches!(second.ask(mark()), Answer::Stored { .. }), "everybody may mark");
    assert!(looker.refused(mark()).contains("only looks"));
    assert_eq!(second.ask(Action::Take), Answer::Done);
    assert_eq!(first.refused(Action::Stop), "pts/2 has control; :take moves it here");
    drop(second);
    let left = |desk: &mut Dashboard| desk.look().viewers.len() == 2;
    wait_for("the second to be gone", || left(&mut first).then_some(()));
    assert!(first.look().viewers.iter().all(|viewer| viewer.role != Role::Control));
    assert_eq!(first.ask(Action::Stop), Answer::Done, "who asks first has control");
    recorder.finish().expect(0);
    if let Some(log) = python(LOG, &[&station.recordings()[0]]) {
        let log: Vec<(u8, String)> = serde_json::from_value(log).unwrap();
        let moves = ["pts/1 has control", "pts/2 took control from pts/1", "pts/2 left: nobody has control"];
        for words in moves {
            assert!(log.iter().any(|(level, text)| *level == 3 && text == words), "{words}: {log:#?}");
        }
    }
}

#[test]
fn the_inside_of_the_recorder_shows_and_the_shell_needs_no_control() {
    let station = Station::new();
    let recorder = station.start(&["--source", "sim:?seed=7", "--blind"]);
    let mut desk = Dashboard::open(&station, "pts/1", false);
    station.wait_rows(500);
    let now = wait_for("a sync and a word of the projector", || {
        let now = desk.look();
        let projector = now.system.stages.iter().find(|stage| stage.name == "projector")?.beat_age_ms;
        (now.system.sync_ms.is_finite() && projector.is_finite()).then_some(now)
    });
    assert!(now.blind);
    let names: Vec<&str> = now.system.stages.iter().map(|stage| stage.name.as_str()).collect();
    assert_eq!(names, ["acquire", "journal", "process", "sync", "keeper", "projector", "control"]);
    assert!(now.system.stages.iter().all(|stage| stage.beat_age_ms >= 0.0), "{:#?}", now.system);
    assert!(now.system.sync_worst_ms >= now.system.sync_ms);
    assert_eq!(now.system.pid, u32::try_from(recorder.pid().as_raw_nonzero().get()).unwrap());
    let projector = station.projector(&station.journal());
    assert_eq!(now.system.projector_pid, u32::try_from(projector.as_raw_nonzero().get()).unwrap());
    station.run(&["stop"]).expect(0);
    recorder.finish().expect(0);
}
