//! A recording looked at again: closed or still growing, judged into a table beside it, and never touched.

use crate::support::{Desk, Station, python, wait_for, wait_until};
use rustix::process::{Signal, kill_process};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

const LARGE: (u16, u16) = (120, 40);

/// Some seconds of a simulated face with two markers.
fn marked(station: &Station) -> PathBuf {
    let recorder = station.start(&["--source", "sim:", "--rotate", "off"]);
    station.wait_rows(700);
    station.run(&["mark", "stim_on", "--note", "a smile"]).expect(0);
    station.wait_rows(1500);
    station.run(&["mark", "stim_off"]).expect(0);
    station.wait_rows(2500);
    station.run(&["stop"]).expect(0);
    recorder.finish().expect(0);
    station.recordings().remove(0)
}

/// Opens a review of a file.
fn review(station: &Station, file: &Path, args: &[&str]) -> Desk {
    let mut all = vec!["review", file.to_str().unwrap()];
    all.extend_from_slice(args);
    let desk = Desk::open(station, LARGE, &all);
    desk.wait_shows("REVIEW");
    desk
}

fn leave(mut desk: Desk) {
    desk.press("q");
    assert_eq!(desk.wait_end(), 0);
    desk.assert_whole();
}

#[test]
fn a_recording_is_looked_at_judged_and_not_touched() {
    let station = Station::new();
    let file = marked(&station);
    let before = fs::read(&file).unwrap();
    let mut desk = review(&station, &file, &["--code", "anna"]);
    desk.wait_shows("closed");
    desk.press("n");
    desk.wait_shows("> stim_on: a smile");
    desk.press("n");
    desk.wait_shows("> stim_off");
    desk.press("g#500\r");
    desk.wait_shows("00:00:00.500 row 500");
    desk.press("(");
    desk.wait_shows("ARTEFACT from 00:00:00.500");
    desk.press("g0:01\r)");
    desk.wait_shows("kept in sub-test_task-free_run-01_emg.artefacts-anna.tsv");
    desk.wait_shows("artefact by anna");
    desk.press("Nsneezed\r");
    desk.wait_shows("artefact by anna: sneezed");
    desk.press("g1.5\r");
    desk.wait_shows("row 1500");
    desk.press("(g2\r)");
    desk.wait_shows("coder anna, artefacts 2");
    desk.press("x");
    desk.wait_shows("coder anna, artefacts 1");
    leave(desk);

    assert!(fs::read(&file).unwrap() == before, "the recording was touched");
    station.intact(&file);
    let script = "
import csv
with open(sys.argv[1], newline='') as table:
    done(list(csv.DictReader(table, delimiter='\\t')))
";
    let table = file.with_extension("artefacts-anna.tsv");
    let Some(rows) = python(script, &[&table]) else { return };
    let first = json!({
        "onset": "500", "end": "1001", "channels": "255", "rule": "manual", "coder": "anna",
        "onset_s": "0.500000", "end_s": "1.001000", "names": rows[0]["names"], "note": "sneezed", "retracted": "0",
    });
    assert_eq!(rows[0], first);
    assert_eq!(rows[0]["names"].as_str().unwrap().split(',').count(), 8);
    assert_eq!((&rows[1]["onset"], &rows[1]["retracted"]), (&json!("1500"), &json!("1")));

    // Whoever comes later sees it, and another coder does not.
    let mut desk = review(&station, &file, &[]);
    desk.press("\t\t\t\tn");
    desk.wait_shows("ARTEFACTS 1/2");
    leave(desk);
    let desk = review(&station, &file, &["--code", "ben"]);
    desk.wait_shows("coder ben, artefacts 0");
    leave(desk);
    assert!(!file.with_extension("artefacts-ben.tsv").exists(), "looking creates nothing");
}

#[test]
fn what_somebody_else_wrote_into_the_table_stays() {
    let station = Station::new();
    let file = station.record("sim:?speed=max", &["--duration", "5s", "--rotate", "off"]);
    let table = file.with_extension("artefacts-anna.tsv");
    let mut desk = review(&station, &file, &["--code", "anna"]);
    desk.press("(g1\r)");
    desk.wait_shows("coder anna, artefacts 1");
    let mut text = fs::read_to_string(&table).unwrap();
    text += "3000\t3100\t1\tmanual\tanna\t3.0\t3.1\tx\tby hand\t0\n";
    fs::write(&table, text).unwrap();
    desk.press("g4\r(g4.5\r)");
    // It was seen in time and stands beside the new one, or the new one was refused and is judged again.
    let holds_both = || fs::read_to_string(&table).unwrap().contains("4000\t4501");
    desk.wait_screen("a judgement or a refusal", |screen| holds_both() || screen.contains("another program"));
    if !holds_both() {
        desk.press("g4\r(g4.5\r)");
    }
    wait_until("all three judgements", holds_both);
    let text = fs::read_to_string(&table).unwrap();
    assert!(text.contains("by hand") && text.lines().count() == 4, "{text}");
    leave(desk);
}

#[test]
fn a_growing_recording_is_looked_at_while_the_recorder_goes_on() {
    let station = Station::new();
    let recorder = station.start(&["--source", "sim:", "--rotate", "off"]);
    station.wait_rows(2500);
    let file = wait_for("the file", || station.recordings().pop());
    wait_until("something in the file", || station.run(&["inspect", file.to_str().unwrap()]).code == Some(0));
    let mut desk = review(&station, &file, &[]);
    desk.wait_shows("REVIEW live");
    station.run(&["mark", "during"]).expect(0);
    desk.wait_shows("MARKERS 0/1");
    desk.press("n");
    desk.wait_shows("> during");
    desk.press("R]]][R");
    let rows = station.status().unwrap()["rows"].as_u64().unwrap();
    station.wait_rows(rows + 2000);
    desk.press("g9:59\r");
    desk.wait_shows("went to its edge");
    station.run(&["stop"]).expect(0);
    recorder.finish().expect(0);
    desk.wait_screen("a closed file", |screen| screen.contains("closed") && !screen.contains("live"));
    let report = station.intact(&file);
    let seconds = format!("00:00:{:06.3}", report["rows"].as_f64().unwrap() / 1000.0);
    desk.wait_shows(&seconds);
    leave(desk);
}

#[test]
fn a_blind_review_never_shows_a_label() {
    let station = Station::new();
    let file = marked(&station);
    let mut desk = review(&station, &file, &["--blind"]);
    desk.wait_shows("BLIND");
    desk.press("n");
    desk.wait_shows("> marker");
    desk.press("n?");
    desk.wait_shows("KEYS OF A REVIEW");
    desk.press("q");
    desk.wait_shows("MARKERS 2/2");
    let bytes = desk.bytes();
    assert!(!bytes.contains("stim") && !bytes.contains("smile"));
    leave(desk);
}

#[test]
fn a_recording_made_blind_is_reviewed_blind_until_it_is_closed() {
    let station = Station::new();
    fs::write(station.root().join("myograph.toml"), "blind = true\n").unwrap();
    let recorder = station.start(&["--source", "sim:", "--rotate", "off"]);
    station.wait_rows(2500);
    let file = wait_for("the file", || station.recordings().pop());
    wait_until("something in the file", || station.run(&["inspect", file.to_str().unwrap()]).code == Some(0));
    let mut desk = review(&station, &file, &[]);
    desk.wait_shows("BLIND");
    station.run(&["mark", "stim_on"]).expect(0);
    desk.wait_shows("MARKERS 0/1");
    desk.press("n");
    desk.wait_shows("> marker");
    assert!(!desk.bytes().contains("stim"));
    station.run(&["stop"]).expect(0);
    recorder.finish().expect(0);
    desk.wait_screen("labels", |screen| screen.contains("stim_on") && !screen.contains("BLIND"));
    leave(desk);
}

/// Onset, end, channel and class of each event in a file, in the order of onsets; none without Python.
fn events(file: &Path) -> Option<Vec<(u64, u64, u64, String)>> {
    let script = "
import h5py
with h5py.File(sys.argv[1]) as f:
    rows = [(int(e['onset']), int(e['end']), int(e['channel']), e['class'].decode()) for e in f['events'][:]]
    done(sorted(rows))
";
    let Some(serde_json::Value::Array(rows)) = python(script, &[file]) else { return None };
    let of = |row: &serde_json::Value| {
        let at = |n: usize| row[n].as_u64().unwrap();
        (at(0), at(1), at(2), row[3].as_str().unwrap().to_owned())
    };
    Some(rows.iter().map(of).collect())
}

#[test]
fn muscle_events_stand_on_the_traces_and_are_jumped_to() {
    let station = Station::new();
    let file = station.record("sim:?seed=7&speed=max", &["--duration", "30s", "--rotate", "off"]);
    let Some(events) = events(&file) else { return };
    let mut onsets: Vec<u64> = events.iter().map(|(onset, ..)| *onset).filter(|onset| *onset > 0).collect();
    onsets.dedup();
    assert!(onsets.len() >= 4, "{events:?}");
    let mut desk = review(&station, &file, &[]);
    for onset in &onsets[..3] {
        desk.press("e");
        desk.wait_shows(&format!("row {onset} "));
    }
    let (_, end, _, class) = events.iter().find(|event| event.0 == onsets[2]).unwrap();
    desk.wait_shows(&format!("{class} "));
    desk.wait_shows(&format!(" {} ms", end - onsets[2]));
    desk.wait_shows(&format!("/{}", events.len()));
    desk.wait_screen("letters on the traces", |screen| {
        screen
            .lines()
            .filter_map(|line| line.split_once('│'))
            .any(|(_, trace)| trace.contains(['B', 'M', 'S', 'K', 'X']))
    });
    desk.press("E");
    desk.wait_shows(&format!("row {} ", onsets[1]));
    desk.press("g0\rn");
    desk.wait_shows(&format!("row {} ", onsets[0]));
    leave(desk);

    let mut desk = review(&station, &file, &["--blind"]);
    desk.press("e");
    desk.wait_shows("events are kept from this screen: the review is blind");
    leave(desk);
    let short = station.record("sim:?seed=7&speed=max", &["--duration", "1s", "--rotate", "off"]);
    let mut desk = review(&station, &short, &[]);
    desk.press("e");
    desk.wait_shows("this file holds no muscle events");
    leave(desk);
}

#[test]
fn a_segment_is_told_of_its_last_events_by_the_next() {
    let station = Station::new();
    let args = ["--source", "sim:?seed=7&speed=max", "--duration", "40s", "--rotate", "8s"];
    station.start(&args).finish().expect(0);
    let files = station.recordings();
    let Some(per_file) = files.iter().map(|file| events(file)).collect::<Option<Vec<_>>>() else { return };
    let late = |n: usize| {
        let border = 8000 * (u64::try_from(n).unwrap() + 1);
        per_file[n + 1].iter().filter(move |event| event.0 < border).count()
    };
    let n = (0..files.len() - 1).find(|n| late(*n) > 0).expect("an event over a border");
    let mut desk = review(&station, &files[n], &[]);
    desk.press("\t");
    desk.wait_shows(&format!("/{}", per_file[n].len() + late(n)));
    let last = per_file[n + 1][0].0;
    assert!(last < 8000 * (u64::try_from(n).unwrap() + 1));
    desk.press(&format!("g#{}\re", last - 1));
    desk.wait_shows(&format!("row {last} "));
    desk.press("g99:00\re");
    desk.wait_shows("events after this in this segment: none");
    leave(desk);
}

#[test]
fn what_cannot_be_reviewed_is_said() {
    let station = Station::new();
    let file = station.record("sim:?speed=max", &["--duration", "2s", "--rotate", "off"]);
    let name = file.to_str().unwrap();
    let ran = station.run(&["review", name]).expect(2);
    assert!(ran.stderr.contains(&format!("myograph inspect {name}")), "{}", ran.stderr);
    for (args, words) in [
        (vec!["review", "nowhere.h5"], "nowhere.h5 could not be read"),
        (vec!["review", name, "--code", "../x"], "cannot be a coder's name"),
    ] {
        let mut desk = Desk::open(&station, LARGE, &args);
        assert_eq!(desk.wait_end(), 2);
        desk.wait_shows(words);
        assert!(!desk.bytes().contains("\u{1b}[?1049h"), "the terminal was taken");
    }
    fs::write(file.with_extension("artefacts-anna.tsv"), "onset\tend\n1\t2\n").unwrap();
    let mut desk = Desk::open(&station, LARGE, &["review", name, "--code", "anna"]);
    assert_eq!(desk.wait_end(), 2);
    desk.wait_shows("is no judged stretch");
}

#[test]
fn what_a_crash_left_is_sent_to_recover() {
    let station = Station::new();
    let recorder = station.start(&["--source", "sim:", "--rotate", "off"]);
    station.wait_rows(1500);
    let journal = station.journal();
    let file = wait_for("the file", || station.recordings().pop());
    let projector = station.projector(&journal);
    for pid in station.processes("record --headless") {
        kill_process(pid, Signal::KILL).unwrap();
    }
    let _ = kill_process(projector, Signal::KILL);
    drop(recorder);
    wait_until("nobody is left", || station.processes("project ").is_empty());
    let mut desk = Desk::open(&station, LARGE, &["review", file.to_str().unwrap()]);
    assert_eq!(desk.wait_end(), 2);
    desk.wait_shows("left by a crash");
    desk.wait_shows("myograph recover");
    // 1: what was under way when it died is lost.
    station.run(&["recover", journal.to_str().unwrap()]).expect(1);
    let desk = review(&station, &file, &[]);
    desk.wait_shows("recovered");
    leave(desk);
}
