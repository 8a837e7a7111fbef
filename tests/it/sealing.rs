//! The end of a recording: the station listens until the file is sealed, and nobody has to wait for what hangs.

use crate::support::{Device, Recorder, Station, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Child;

const FACE: &str = "sim:?seed=7";

/// A recorder that was told to end while its projector hangs.
fn sealing() -> (Station, Recorder, PathBuf, Pid) {
    let station = Station::new();
    let recorder = station.start(&["--source", FACE]);
    station.wait_rows(300);
    let journal = station.journal();
    let projector = station.projector(&journal);
    kill_process(projector, Signal::STOP).unwrap();
    recorder.signal(Signal::INT);
    wait_until("the station drains", || station.status().is_some_and(|status| status["state"] == "draining"));
    (station, recorder, journal, projector)
}

/// The journal that was left behind has everything.
#[track_caller]
fn recovers(station: &Station, journal: &Path) {
    assert!(journal.exists(), "the journal stays");
    let said = station.run(&["recover", journal.to_str().unwrap()]).expect(0).stdout;
    assert!(said.contains("complete"), "{said}");
    let rows = station.intact(&journal.with_extension("h5"))["rows"].as_u64().unwrap();
    assert!(rows >= 300, "{rows} rows");
}

fn state(station: &Station) -> Value {
    station.status().map_or(Value::Null, |mut status| status["state"].take())
}

#[test]
fn a_station_that_seals_listens_and_a_second_signal_gives_a_hung_projector_up() {
    let (station, recorder, journal, _) = sealing();
    let refused = station.run(&["mark", "too late"]).expect(2).stderr;
    assert!(refused.contains("the station is draining"), "{refused}");
    recorder.wait_said("stop once more");
    assert_eq!(state(&station), "draining", "it still answers");
    recorder.signal(Signal::INT);
    let ended = recorder.finish().expect(1).stdout;
    let last = ended.lines().last().unwrap();
    assert!(last.contains("was not projected") && last.contains("myograph recover"), "{ended}");
    assert!(station.processes("project ").is_empty(), "the projector is gone");
    recovers(&station, &journal);
}

#[test]
fn a_second_stop_command_gives_a_hung_projector_up_and_both_hear_how_it_ended() {
    let (station, recorder, journal, _) = sealing();
    recorder.wait_said("stop once more");
    let commands: [Child; 2] = [(); 2].map(|()| station.command(&["stop"]).spawn().unwrap());
    for command in commands {
        let output = command.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        // One of them may find the recorder gone already.
        if output.status.code() != Some(2) {
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(said.contains("was not projected"), "{said}");
        }
    }
    recorder.finish().expect(1);
    recovers(&station, &journal);
}

#[test]
fn hasty_signals_do_not_give_up_a_projector_that_works() {
    let station = Station::new();
    let recorder = station.start(&["--source", FACE]);
    station.wait_rows(300);
    let journal = station.journal();
    for _ in 0..3 {
        recorder.signal(Signal::INT);
    }
    recorder.finish().expect(0);
    assert!(!journal.exists());
    station.intact(&journal.with_extension("h5"));
}

#[test]
fn a_projector_that_comes_back_seals_the_file() {
    let (station, recorder, journal, projector) = sealing();
    kill_process(projector, Signal::CONT).unwrap();
    recorder.finish().expect(0);
    assert!(!journal.exists());
    station.intact(&journal.with_extension("h5"));
}

#[test]
fn a_signal_before_anything_is_recorded_ends_the_program_and_says_so() {
    let station = Station::new();
    let board = Device::new(&station.root().join("silent"));
    let recorder = station.start(&["--source", &board.uri("rate=1000")]);
    let threads = format!("/proc/{}/task", recorder.pid().as_raw_nonzero());
    wait_until("the station catches signals", || {
        std::fs::read_dir(&threads).unwrap().flatten().any(|thread| {
            std::fs::read_to_string(thread.path().join("comm")).is_ok_and(|name| name.trim() == "signals")
        })
    });
    recorder.signal(Signal::TERM);
    let ended = recorder.finish().expect(2);
    assert!(ended.stderr.contains("stopped before anything was recorded"), "{}", ended.stderr);
    assert!(station.journals().is_empty() && station.recordings().is_empty());
}

#[test]
fn a_recorder_whose_dashboard_is_gone_before_it_is_ready_seals_its_file() {
    let station = Station::new();
    let out = station.out();
    let args = ["record", "--serve", "--out", out.to_str().unwrap(), "--source", FACE];
    let mut recorder = station.command(&args).spawn().unwrap();
    drop(recorder.stdout.take());
    let output = recorder.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("nobody waits for the recorder"), "{said}");
    assert!(station.journals().is_empty(), "sealed");
    assert_eq!(station.recordings().len(), 1);
}

#[test]
fn the_last_line_of_a_rotated_recording_speaks_of_all_its_files() {
    let station = Station::new();
    let fast = ["--source", "sim:?seed=7&speed=max", "--duration", "5s", "--rotate", "2s"];
    let said = station.start(&fast).finish().expect(0).stdout;
    assert!(said.contains("3 files, 5000 rows in all"), "{said}");
}
