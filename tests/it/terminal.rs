//! The dashboard on real terminals: it shows, marks and ends a recording, gives the terminal back, and whatever
//! happens to it, the recording goes on.

use crate::support::{Desk, Station, python, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs;

const LARGE: (u16, u16) = (120, 40);
const USUAL: (u16, u16) = (80, 24);

/// Opens `record` on a terminal, by default one file of a simulated face, and waits until it records.
fn record(station: &Station, size: (u16, u16), args: &[&str]) -> Desk {
    let desk =
        Desk::open(station, size, &record_args(station, args).iter().map(String::as_str).collect::<Vec<_>>());
    desk.wait_shows("REC");
    desk
}

fn record_args(station: &Station, args: &[&str]) -> Vec<String> {
    let out = station.out();
    let fixed = ["record", "--source", "sim:", "--rotate", "off", "--out", out.to_str().unwrap()];
    fixed.iter().chain(args).map(|arg| (*arg).to_owned()).collect()
}

/// The recorder behind the dashboards.
fn recorder(station: &Station) -> Pid {
    let all = station.processes("--serve");
    let [only] = all.as_slice() else { panic!("not one recorder: {all:?}") };
    *only
}

/// Fails unless the recorder still records; then ends it and fails unless its file is whole.
#[track_caller]
fn goes_on_and_is_whole(station: &Station) -> Value {
    let rows = station.status().expect("no recorder answers")["rows"].as_u64().unwrap();
    station.wait_rows(rows + 200);
    station.run(&["stop"]).expect(0);
    station.intact(&station.recordings()[0])
}

#[test]
fn a_recording_is_watched_marked_left_and_ended() {
    let station = Station::new();
    let mut first = record(&station, LARGE, &[]);
    first.wait_shows("sub-test_task-free_run-01_emg.h5");
    first.wait_shows("SRC OK");
    first.wait_shows("00:00:01");
    first.wait_shows("00:00:02");
    first.press("1");
    first.wait_shows("stored: event-1");
    first.press("q");
    assert_eq!(first.wait_end(), 0);
    first.wait_shows("the recording goes on");
    first.assert_whole();
    station.wait_rows(2500);

    let mut second = Desk::open(&station, LARGE, &["attach"]);
    second.wait_shows("REC");
    second.wait_shows("event-1");
    second.press(" ");
    second.wait_shows("stored: mark");
    second.press("\u{7f}");
    second.wait_shows("(taken back)");
    second.press("S");
    second.wait_shows("Type the word stop");
    second.press("stop\r");
    assert_eq!(second.wait_end(), 0);
    second.assert_whole();
    let report = station.intact(&station.recordings()[0]);
    second.wait_shows(&format!("{} rows", report["rows"]));
    assert!(station.status().is_none() && station.journals().is_empty());

    let script = "
with h5py.File(sys.argv[1], 'r') as h5:
    actions = h5py.check_enum_dtype(h5['markers'].dtype['action'])
    names = {code: word for word, code in actions.items()} if actions else None
    word = lambda value: names[int(value)] if names else value.decode()
    done([[m['label'].decode(), word(m['action']), int(m['id']), int(m['refers_to'])]
          for m in h5['markers'][()]])
";
    let Some(markers) = python(script, &[&station.recordings()[0]]) else { return };
    assert_eq!(markers.as_array().unwrap().len(), 3, "{markers}");
    assert_eq!(markers[0], json!(["event-1", "add", 1, 0]));
    assert_eq!(markers[1], json!(["mark", "add", 2, 0]));
    assert_eq!((&markers[2][1], &markers[2][3]), (&json!("retract"), &json!(2)));
}

#[test]
fn the_stop_dialog_stops_only_for_the_word() {
    let station = Station::new();
    let mut desk = record(&station, USUAL, &[]);
    desk.press("S");
    desk.wait_shows("Type the word stop");
    desk.press("halt\r");
    desk.wait_screen("an empty line", |screen| screen.contains("then Enter: _"));
    desk.press("\u{1b}");
    desk.wait_shows("not stopped");
    goes_on_and_is_whole(&station);
}

#[test]
fn the_terminal_is_whole_after_sigterm_and_the_recording_goes_on() {
    let station = Station::new();
    let mut desk = record(&station, USUAL, &[]);
    desk.signal(Signal::TERM);
    assert_eq!(desk.wait_end(), 0);
    desk.assert_whole();
    goes_on_and_is_whole(&station);
}

#[test]
fn a_vanished_terminal_ends_the_dashboard_alone() {
    let station = Station::new();
    let mut desk = record(&station, USUAL, &[]);
    wait_until("one viewer", || station.status().unwrap()["clients"] == 1);
    desk.vanish();
    desk.wait_end();
    wait_until("no viewer", || station.status().unwrap()["clients"] == 0);
    goes_on_and_is_whole(&station);
}

#[test]
fn a_killed_dashboard_loses_nothing() {
    let station = Station::new();
    let mut desk = record(&station, USUAL, &[]);
    desk.press("1");
    desk.wait_shows("stored: event-1");
    desk.signal(Signal::KILL);
    desk.wait_end();
    let report = goes_on_and_is_whole(&station);
    assert_eq!((&report["markers"], &report["samples_lost"]), (&json!(1), &json!(0)));
}

#[test]
fn the_recorder_has_no_terminal_and_hears_no_hangup() {
    let station = Station::new();
    let mut desk = record(&station, USUAL, &[]);
    let pid = recorder(&station);
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap();
    // After the name: state, parent, group, session, terminal.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    assert_eq!(fields[3], pid.as_raw_nonzero().to_string(), "it leads a session of its own");
    assert_eq!(fields[4], "0", "it has no terminal");
    kill_process(pid, Signal::HUP).unwrap();
    let rows = station.status().unwrap()["rows"].as_u64().unwrap();
    station.wait_rows(rows + 500);
    desk.press("q");
    desk.wait_end();
    goes_on_and_is_whole(&station);
}

#[test]
fn a_monitor_records_when_it_is_told_to() {
    let station = Station::new();
    let args = record_args(&station, &["--monitor"]);
    let mut desk = Desk::open(&station, LARGE, &args.iter().map(String::as_str).collect::<Vec<_>>());
    desk.wait_shows("MON");
    desk.wait_shows("SRC OK");
    wait_until("it monitors", || station.status().is_some_and(|status| status["state"] == "monitoring"));
    desk.press("1");
    desk.wait_shows("not stored");
    assert!(station.recordings().is_empty() && station.journals().is_empty());
    desk.press("M");
    desk.wait_shows("REC");
    wait_until("it records", || station.status().unwrap()["state"] == "recording");
    let report = goes_on_and_is_whole(&station);
    assert_eq!(report["markers"], 0);
}

#[test]
fn two_people_watch_and_mark_and_a_third_may_only_look() {
    let station = Station::new();
    let mut first = record(&station, LARGE, &[]);
    let mut second = Desk::open(&station, LARGE, &["attach"]);
    let mut third = Desk::open(&station, LARGE, &["attach", "--read-only"]);
    for desk in [&second, &third] {
        desk.wait_shows("REC");
    }
    wait_until("three viewers", || station.status().unwrap()["clients"] == 3);
    first.press("1");
    second.press("2");
    third.press("3");
    third.wait_shows("read-only");
    for desk in [&first, &second, &third] {
        desk.wait_screen("both markers", |screen| screen.contains("event-1") && screen.contains("event-2"));
    }
    for desk in [&mut first, &mut second, &mut third] {
        desk.press("q");
        assert_eq!(desk.wait_end(), 0);
        desk.assert_whole();
    }
    assert_eq!(goes_on_and_is_whole(&station)["markers"], 2);
}

#[test]
fn the_end_of_the_recording_ends_every_dashboard_with_what_was_stored() {
    let station = Station::new();
    let mut first = record(&station, USUAL, &[]);
    let mut second = Desk::open(&station, USUAL, &["attach"]);
    second.wait_shows("REC");
    let stopped = station.run(&["stop"]).expect(0);
    let rows = stopped.stdout.split(": ").nth(1).unwrap().split(',').next().unwrap();
    for desk in [&mut first, &mut second] {
        assert_eq!(desk.wait_end(), 0);
        desk.wait_shows(rows);
        desk.assert_whole();
    }
}

/// Whether a colour was ever set.
fn is_coloured(desk: &Desk) -> bool {
    let bytes = desk.bytes();
    let styles = bytes.split("\u{1b}[").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == ';'))?;
        rest[end..].starts_with('m').then(|| rest[..end].to_owned())
    });
    let sets = |code: &str| {
        code.parse::<u8>().is_ok_and(|code| matches!(code, 30..=38 | 40..=48 | 90..=97 | 100..=107))
    };
    styles.into_iter().any(|style| style.split(';').any(sets))
}

#[test]
fn what_the_detector_finds_is_seen_on_the_trace_while_it_happens_and_after_it() {
    let station = Station::new();
    let mut desk = record(&station, USUAL, &[]);
    // Left of the bar stand the labels, right of it the traces.
    let sides = |screen: &str, side: fn(&(&str, &str)) -> bool| {
        screen.lines().filter_map(|line| line.split_once('│')).any(|sides| side(&sides))
    };
    desk.wait_screen("an event that goes on", |screen| {
        sides(screen, |(label, _)| label.contains("* AU")) && sides(screen, |(_, trace)| trace.contains('*'))
    });
    desk.wait_screen("one that ended and is not judged yet", |screen| {
        sides(screen, |(_, trace)| trace.contains('+'))
    });
    desk.wait_screen("what it was", |screen| {
        sides(screen, |(_, trace)| trace.contains(['B', 'M', 'S', 'K', '?']))
    });
    desk.press("q");
    assert_eq!(desk.wait_end(), 0);
    goes_on_and_is_whole(&station);

    let blind = Station::new();
    let desk = record(&blind, USUAL, &["--blind"]);
    desk.wait_shows("00:00:06");
    assert!(!sides(&desk.screen(), |(label, trace)| label.contains('*') || trace.contains(['*', 'M', 'B'])));
    goes_on_and_is_whole(&blind);
}

#[test]
fn no_color_is_honoured() {
    let station = Station::new();
    let mut coloured = record(&station, USUAL, &[]);
    wait_until("a colour", || is_coloured(&coloured));
    let environment = [("TERM", "xterm-256color"), ("NO_COLOR", "1")];
    let mut plain = Desk::open_with(&station, USUAL, &["attach"], &environment);
    plain.wait_shows("00:00:03");
    plain.press("1");
    plain.wait_shows("stored: event-1");
    for desk in [&mut coloured, &mut plain] {
        desk.press("q");
        desk.wait_end();
    }
    assert!(!is_coloured(&plain), "{:?}", plain.bytes());
    goes_on_and_is_whole(&station);
}

#[test]
fn small_terminals_show_what_matters() {
    let station = Station::new();
    let mut usual = record(&station, USUAL, &[]);
    usual.wait_shows("SRC OK");
    usual.wait_shows("disk");
    usual.wait_shows("q leave");
    let mut tiny = Desk::open(&station, (20, 4), &["attach"]);
    tiny.wait_shows("REC");
    tiny.wait_shows("emg.h5");
    let mut dot = Desk::open(&station, (1, 1), &["attach"]);
    wait_until("three viewers", || station.status().unwrap()["clients"] == 3);
    for desk in [&mut usual, &mut tiny, &mut dot] {
        // Ctrl-C leaves as `q` does.
        desk.press("\u{3}");
        assert_eq!(desk.wait_end(), 0);
        desk.assert_whole();
    }
    goes_on_and_is_whole(&station);
}

#[test]
fn what_cannot_be_recorded_is_said_on_a_terminal_that_was_never_taken() {
    let station = Station::new();
    let source = ["record", "--source", "serial:/dev/ttyNOWHERE"];
    let mut desk = Desk::open(&station, LARGE, &source);
    assert_eq!(desk.wait_end(), 2);
    desk.wait_shows("/dev/ttyNOWHERE cannot be opened");
    desk.wait_shows("myograph ports");
    desk.assert_whole();
    assert!(!desk.bytes().contains("\u{1b}[?1049h"), "the terminal was taken");
    assert!(station.status().is_none());
    assert!(!station.root().join("recordings").exists());
}
