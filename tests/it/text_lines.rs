//! A board that prints lines of numbers, on a real serial port.

use crate::support::{Device, Station, data, python, wait_until};
use rustix::process::Signal;
use serde_json::json;
use std::fmt::Write as _;
use std::process::Command;

/// The unit of the recorded faces' converter, per mV; the text has six digits of it.
const COUNTS_PER_MV: f64 = 16_384.0;

/// The raw channels of a recorded face in counts of its converter.
fn face() -> Option<Vec<[i32; 3]>> {
    let file = data()?.join("face_countenance/femg_raw_exported_sample.txt");
    let text = std::fs::read_to_string(file).unwrap();
    // Behind the names comes a line of lengths.
    let lines = text.lines().skip_while(|line| !line.starts_with("CH1,")).skip(2);
    let row = |line: &str| {
        let mut cells = line.split(',').map(|cell| {
            let counts = cell.parse::<f64>().unwrap() * COUNTS_PER_MV;
            assert!((counts - counts.round()).abs() < 0.01, "{cell} mV is no whole count");
            format!("{counts:.0}").parse().unwrap()
        });
        [(); 3].map(|()| cells.next().unwrap())
    };
    Some(lines.map(row).collect())
}

fn text(rows: &[[i32; 3]], end: &str) -> String {
    rows.iter().fold(String::new(), |mut text, [a, b, c]| {
        write!(text, "{a},{b},{c}{end}").unwrap();
        text
    })
}

/// Rows no two of which are alike; their first column is no clock.
fn made_up(count: i32) -> Vec<[i32; 3]> {
    (0..count).map(|at| [500 + at % 7, at, 300 - at % 11]).collect()
}

/// Writes rows as a file Python reads: three columns of text.
fn keep(station: &Station, rows: &[[i32; 3]]) -> std::path::PathBuf {
    let path = station.root().join("played.csv");
    std::fs::write(&path, text(rows, "\n")).unwrap();
    path
}

/// Raw values that differ from what was played, and how far the cleaned signal is from SciPy's.
const COMPARE: &str = r#"
played = np.loadtxt(sys.argv[2], delimiter=",", dtype=int)
with h5py.File(sys.argv[1], "r") as h5:
    raw = h5["raw/samples"][()]
    done({"type": str(raw.dtype), "equal": bool(np.array_equal(raw, played)),
          "filtered": max(deviation(h5)) <= 1, "rate": float(h5.attrs["sampling_rate_hz"])})
"#;

#[test]
fn a_recorded_face_played_as_text_is_recorded_to_the_last_digit() {
    let Some(rows) = face() else { return };
    assert_eq!(rows.len(), 13_150);
    let station = Station::new();
    let device = Device::new(&station.root().join("board"));
    let recorder = station.start(&["--source", &device.uri("rate=1000")]);
    device.play(text(&rows, "\r\n").as_bytes());
    station.wait_rows(13_149);
    recorder.signal(Signal::INT);
    recorder.finish().expect(0);
    let file = station.recordings().remove(0);
    let report = station.intact(&file);
    assert_eq!(report["rows"], 13_149, "every line but the first, which may be half of one, is a row");
    assert_eq!((&report["channels"], &report["gaps"]), (&json!(3), &json!(0)));
    if let Some(found) = python(COMPARE, &[&file, &keep(&station, &rows[1..])]) {
        assert_eq!(found, json!({"type": "int32", "equal": true, "filtered": true, "rate": 1000.0}));
    }
    match Command::new("h5dump").args(["-H"]).arg(&file).output() {
        Ok(said) => {
            let header = String::from_utf8_lossy(&said.stdout);
            assert!(said.status.success() && header.contains("DATASET \"samples\""), "{said:?}");
        }
        Err(_) => eprintln!("skipped: there is no h5dump"),
    }
}

#[test]
fn lines_that_end_in_a_bare_carriage_return_are_lines() {
    let station = Station::new();
    let device = Device::new(&station.root().join("board"));
    let recorder = station.start(&["--source", &device.uri("rate=1000"), "--duration", "1s"]);
    let rows = made_up(1500);
    device.play(text(&rows, "\r").as_bytes());
    recorder.finish().expect(0);
    let file = station.recordings().remove(0);
    assert_eq!(station.intact(&file)["rows"], 1000);
    if let Some(found) = python(COMPARE, &[&file, &keep(&station, &rows[1..1001])]) {
        assert_eq!(found["equal"], true);
    }
}

#[test]
fn a_board_unplugged_and_plugged_in_goes_on_in_the_same_recording() {
    let station = Station::new();
    let mut device = Device::new(&station.root().join("board"));
    let recorder = station.start(&["--source", &device.uri("rate=1000")]);
    let rows = made_up(2000);
    device.play(text(&rows[..1000], "\n").as_bytes());
    station.wait_rows(999);
    device.unplug();
    recorder.wait_said("went away");
    wait_until("an alarm in the status", || {
        station.status().is_some_and(|status| status["alarms"][0]["kind"] == "away")
    });
    device.plug_in();
    wait_until("the board is found again", || {
        station.status().is_some_and(|status| status["source"]["reconnects"] == 1)
    });
    device.play(text(&rows[1000..], "\n").as_bytes());
    station.wait_rows(999 + 999);
    recorder.wait_said("over: ");
    recorder.signal(Signal::INT);
    let ended = recorder.finish().expect(1);
    assert!(ended.stdout.contains("1 gap"), "{}", ended.stdout);
    let file = station.recordings().remove(0);
    let (code, report) = station.verify(&file);
    assert_eq!(code, 1, "{report:#}");
    assert_eq!((&report["rows"], &report["epochs"], &report["gaps"]), (&json!(1998), &json!(2), &json!(1)));
    // The first line after either opening may be half of one.
    let kept = [&rows[1..1000], &rows[1001..]].concat();
    let script = r#"
with h5py.File(sys.argv[1], "r") as h5:
    gap = h5["gaps"][0]
    blocks = h5["time/blocks"][()]
    before, after = (blocks[blocks["epoch"] == epoch] for epoch in (0, 1))
    away_s = (int(after["host_ns"][0]) - int(before["host_ns"][-1])) * 1e-9
    played = np.loadtxt(sys.argv[2], delimiter=",", dtype=int)
    done({"equal": bool(np.array_equal(h5["raw/samples"][()], played)), "filtered": max(deviation(h5)) <= 1,
          "log": [line for line in words(h5["log"][()], "text") if "board" in line],
          "spans": sorted(set(h5["filter/spans"]["sample"].tolist())),
          "gap": [int(gap["sample"]), int(gap["exact"]), int(gap["epoch"]), gap["cause"].decode()],
          "estimate_off_s": abs(int(gap["missing"]) / 1000 - away_s)})
"#;
    let Some(found) = python(script, &[&file, &keep(&station, &kept)]) else { return };
    assert_eq!((&found["equal"], &found["filtered"]), (&json!(true), &json!(true)));
    assert_eq!(found["spans"], json!([0, 999]), "the filters start afresh behind the gap");
    assert_eq!(found["gap"], json!([999, 0, 1, "unplugged"]));
    let log = found["log"].to_string();
    assert!(log.contains("went away") && log.contains("is back after"), "{log}");
    assert!(found["estimate_off_s"].as_f64().unwrap() < 0.1, "{found}");
}

/// Flips, drops and repeats one byte in two hundred; gives how many.
fn damage(clean: &[u8]) -> (Vec<u8>, u32) {
    let (mut dice, mut faults) = (1_u64, 0);
    let mut damaged = Vec::with_capacity(clean.len());
    for byte in clean {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let [kind, bit, a, b, ..] = dice.to_be_bytes().map(u32::from);
        if (a << 8 | b) >= 328 {
            damaged.push(*byte);
            continue;
        }
        faults += 1;
        match kind % 3 {
            0 => damaged.push(byte ^ (1 << (bit % 8))),
            1 => damaged.extend([*byte; 2]),
            _ => {}
        }
    }
    (damaged, faults)
}

#[test]
fn of_damaged_lines_the_recording_claims_nothing_it_cannot_know() {
    let station = Station::new();
    let device = Device::new(&station.root().join("board"));
    let recorder = station.start(&["--source", &device.uri("rate=1000"), "--rotate", "off"]);
    let rows = made_up(100_000);
    // The first lines are whole, so that their shape is found.
    device.play(text(&rows[..100], "\r\n").as_bytes());
    station.wait_rows(99);
    let (damaged, faults) = damage(text(&rows[100..], "\r\n").as_bytes());
    assert!(faults > 5000, "{faults} faults");
    device.play(&damaged);
    wait_until("all is read", || device.unread() == 0);
    let status = station.status().unwrap();
    assert_eq!((&status["source"]["losses_counted"], &status["source"]["gaps"]), (&json!(false), &json!(0)));
    recorder.wait_said("losses cannot be counted");
    recorder.signal(Signal::INT);
    let ended = recorder.finish();
    assert!(matches!(ended.code, Some(0 | 1)), "{ended:?}");
    let file = station.recordings().remove(0);
    let inspected = station.run(&["inspect", file.to_str().unwrap()]);
    assert!(inspected.stdout.contains("losses cannot be counted"), "{inspected:?}");
    let inspected = station.run(&["inspect", "--json", file.to_str().unwrap()]).json();
    assert_eq!((&inspected[0]["losses_counted"], &inspected[0]["gaps"]), (&json!(false), &json!(0)));
    assert!(station.verify(&file).1["checks"].to_string().contains("this source cannot count its losses"));
    let script = r#"
with h5py.File(sys.argv[1], "r") as h5:
    played = set(map(tuple, np.loadtxt(sys.argv[2], delimiter=",", dtype=int).tolist()))
    raw = h5["raw/samples"][()]
    done({"counted": int(h5.attrs["losses_counted"]), "gaps": len(h5["gaps"]), "rows": len(raw),
          "wrong": sum(tuple(row) not in played for row in raw.tolist()), "log": words(h5["log"][()], "text")})
"#;
    let Some(found) = python(script, &[&file, &keep(&station, &rows)]) else { return };
    assert_eq!((&found["counted"], &found["gaps"]), (&json!(0), &json!(0)));
    let log = found["log"].to_string();
    assert!(log.contains("losses cannot be counted") && log.contains("lines were no row"), "{log}");
    // Why it says so: lines are gone, and values are wrong, and nothing in the lines tells.
    assert!(found["rows"].as_u64().unwrap() < 99_999, "{found}");
    assert!(found["wrong"].as_u64().unwrap() > 1000, "{found}");
}
