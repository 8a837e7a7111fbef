//! Markers from keys and shells: stamped when they were made, stored once, and nothing of them lost.

use crate::support::{Desk, Station, python, wait_until};
use serde_json::{Value, json};
use std::fs;

const CONFIG: &str = r#"
[keys]
h = { label = "hold", code = 7, duration = true }
t = { label = "tap", guard = "off" }
1 = { label = "clip on", code = 1 }
"#;

/// A recorded simulated face with a dashboard on it, and the keys of [`CONFIG`].
fn recorded() -> (Station, Desk) {
    let station = Station::new();
    fs::write(station.root().join("myograph.toml"), CONFIG).unwrap();
    let out = station.out();
    let args = ["record", "--source", "sim:", "--rotate", "off", "--out", out.to_str().unwrap()];
    let desk = Desk::open(&station, (120, 40), &args);
    desk.wait_shows("REC");
    (station, desk)
}

/// Waits until so many marker rows are stored.
fn wait_markers(station: &Station, rows: u64) {
    wait_until("the markers", || station.status().unwrap()["markers"] == rows);
}

/// Ends the recording and gives its marker rows.
fn markers(station: &Station) -> Option<Vec<Value>> {
    station.run(&["stop"]).expect(0);
    let file = &station.recordings()[0];
    station.intact(file);
    let script = "
with h5py.File(sys.argv[1], 'r') as h5:
    text = lambda v: v.decode() if isinstance(v, bytes) else v
    rows = h5['markers'][()]
    done([{name: (text(row[name]) if rows.dtype[name].kind == 'S' else int(row[name])) for name in rows.dtype.names}
          for row in rows])
";
    Some(python(script, &[file])?.as_array().unwrap().clone())
}

#[test]
fn a_key_opens_a_duration_and_ends_it_and_the_end_can_be_taken_back() {
    let (station, mut desk) = recorded();
    desk.press("h");
    desk.wait_shows("stored: hold");
    wait_until("the duration is open", || station.status().is_some_and(|status| status["markers"] == 1));
    // The second press counts once the guard of the first is over.
    station.wait_rows(station.status().unwrap()["rows"].as_u64().unwrap() + 1000);
    desk.press("h");
    desk.wait_shows("hold (end)");
    wait_markers(&station, 2);
    desk.press("\u{7f}");
    wait_markers(&station, 3);
    station.wait_rows(station.status().unwrap()["rows"].as_u64().unwrap() + 1000);
    desk.press("h");
    wait_markers(&station, 4);
    let Some(rows) = markers(&station) else { return };
    let told: Vec<Value> =
        rows.iter().map(|row| json!([row["label"], row["action"], row["refers_to"]])).collect();
    let wanted = json!([["hold", "add", 0], ["hold", "end", 1], ["hold", "retract", 2], ["hold", "end", 1]]);
    assert_eq!(Value::from(told), wanted);
    assert!(rows.iter().all(|row| row["code"] == 7 || row["action"] == "retract"), "{rows:?}");
}

#[test]
fn taps_count_each_and_a_held_key_counts_once() {
    let (station, mut desk) = recorded();
    desk.press("tttttttt");
    desk.press("111111111111");
    wait_markers(&station, 9);
    let Some(rows) = markers(&station) else { return };
    let labels: Vec<&str> = rows.iter().map(|row| row["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["tap", "tap", "tap", "tap", "tap", "tap", "tap", "tap", "clip on"]);
}

#[test]
fn a_stalled_screen_does_not_move_a_markers_stamp() {
    let (station, mut desk) = recorded();
    desk.stall(true);
    station.wait_rows(station.status().unwrap()["rows"].as_u64().unwrap() + 3000);
    station.run(&["mark", "before"]).expect(0);
    desk.press("1");
    wait_markers(&station, 2);
    station.run(&["mark", "after"]).expect(0);
    desk.stall(false);
    desk.wait_shows("stored: clip on");
    let Some(rows) = markers(&station) else { return };
    let labels: Vec<&str> = rows.iter().map(|row| row["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["before", "clip on", "after"]);
    let ordered = |name: &str| {
        let of = |at: usize| rows[at][name].as_i64().unwrap();
        assert!(of(0) <= of(1) && of(1) <= of(2), "{name}: {rows:?}");
    };
    ordered("host_ns");
    ordered("sample");
    for row in &rows {
        assert!(row["latency_us"].as_i64().unwrap() > 0, "measured: {row}");
        // Half a row at 1 kHz is the least a key's place is uncertain by.
        assert!(row["uncertainty_us"].as_i64().unwrap() >= 500, "{row}");
    }
}

#[test]
fn a_second_recording_on_the_same_folder_gets_its_own_run_and_both_are_whole() {
    let (station, _desk) = recorded();
    let other = station.start(&["--source", "sim:?seed=9", "--rotate", "off", "--duration", "3s"]);
    other.finish().expect(0);
    station.run(&["mark", "still here"]).expect(0);
    station.run(&["stop"]).expect(0);
    let files = station.recordings();
    let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["sub-test_task-free_run-01_emg.h5", "sub-test_task-free_run-02_emg.h5"]);
    assert_eq!(station.intact(&files[0])["markers"], 1);
    assert_eq!(station.intact(&files[1])["rows"], 3000);
}
