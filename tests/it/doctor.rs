//! What `doctor` finds before a recording, and that it touches nothing a recorder holds.

use crate::support::{Device, Ran, Simulated, Station};
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::process::Signal;
use serde_json::Value;
use std::time::Duration;

/// Lines a board prints at a time.
const BURST: u32 = 10;

/// The lines of `doctor --json`; its exit code is that of the worst.
fn lines(ran: &Ran) -> Vec<Value> {
    let Value::Array(lines) = ran.json() else { panic!("no array: {ran:?}") };
    let worst = lines.iter().map(|line| match line["result"].as_str().unwrap() {
        "ok" | "skip" => 0,
        "warn" => 1,
        "fail" => 2,
        other => panic!("`{other}` is no result"),
    });
    assert_eq!(ran.code, worst.max(), "{ran:?}");
    for line in &lines {
        let troubled = line["result"] == "warn" || line["result"] == "fail";
        assert_eq!(troubled, line["advice"] != "", "what is wrong comes with what to do: {line}");
    }
    lines
}

/// Result and value of one check.
#[track_caller]
fn check<'a>(lines: &'a [Value], name: &str) -> (&'a str, &'a str) {
    let line = lines.iter().find(|line| line["check"] == name);
    let line = line.unwrap_or_else(|| panic!("no line about {name}: {lines:#?}"));
    (line["result"].as_str().unwrap(), line["value"].as_str().unwrap())
}

/// Runs `doctor --json` while a board prints three columns: one that moves, one that never does, noise.
fn doctor_while_playing(station: &Station, device: &Device, source: &str) -> Ran {
    std::thread::scope(|scope| {
        let doctor = scope.spawn(|| station.run(&["doctor", "--json", "--out", "out", "--source", source]));
        let mut at = 0_u32;
        while !doctor.is_finished() {
            let line = |n: u32| format!("{},512,{}\n", n % 700, 500 + n * 7919 % 13);
            device.play((at..at + BURST).map(line).collect::<String>().as_bytes());
            at += BURST;
            std::thread::sleep(Duration::from_millis(10));
        }
        doctor.join().unwrap()
    })
}

#[test]
fn a_simulated_face_is_well() {
    let station = Station::new();
    let ran = station.run(&["doctor", "--json", "--out", "out", "--source", "sim:?speed=max"]);
    let lines = lines(&ran);
    assert_eq!(check(&lines, "port").0, "skip");
    assert_eq!(check(&lines, "board"), ("ok", "simulated face, 8 channels"));
    let (result, value) = check(&lines, "rate");
    assert!(result == "ok" && value.starts_with("1000.0 rows/s"), "{value}");
    let channels = lines.iter().filter(|line| line["check"].as_str().unwrap().starts_with("ch "));
    let well = |line: &Value| {
        let value = line["value"].as_str().unwrap();
        line["result"] == "ok" && value.contains("noise floor") && value.contains("50 Hz")
    };
    assert_eq!(channels.filter(|line| well(line)).count(), 8, "{lines:#?}");
    assert_ne!(check(&lines, "disk").0, "fail");
    assert_eq!(check(&lines, "models").0, "skip");
    check(&lines, "clock");
    check(&lines, "login");
    assert!(station.recordings().is_empty() && station.journals().is_empty(), "looking records nothing");
}

#[test]
fn every_line_says_how_it_is_and_what_to_do() {
    let station = Station::new();
    let ran = station.run(&["doctor", "--out", "out", "--source", "sim:?speed=max&rate=40"]);
    assert!(ran.stdout.lines().count() > 10, "{ran:?}");
    for line in ran.stdout.lines() {
        let word = line.split_whitespace().next().unwrap();
        assert!(["ok", "warn", "fail", "skip"].contains(&word), "{line}");
        assert!(!["warn", "fail"].contains(&word) || line.contains("; "), "{line}");
    }
    assert!(ran.stdout.contains("cannot carry EMG above 18 Hz"), "{ran:?}");
    assert_eq!(ran.code, Some(1), "{ran:?}");
}

#[test]
fn a_recording_is_looked_at_as_if_it_were_live() {
    let station = Station::new();
    let file = station.record("sim:?speed=max", &["--duration", "6s", "--rotate", "off"]);
    let source = format!("replay:{}?speed=max", file.display());
    let lines = lines(&station.run(&["doctor", "--json", "--out", "out", "--source", &source]));
    assert_eq!((check(&lines, "board").0, check(&lines, "rate").0), ("ok", "ok"));
}

#[test]
fn a_board_that_prints_lines_is_read_and_its_dead_channel_found() {
    let station = Station::new();
    let device = Device::new(&station.root().join("board"));
    let lines = lines(&doctor_while_playing(&station, &device, &device.uri("")));
    assert_eq!(check(&lines, "port").0, "ok");
    let (result, value) = check(&lines, "board");
    assert!(
        result == "warn" && value.contains("3 channels") && value.contains("cannot be counted"),
        "{value}"
    );
    let (result, value) = check(&lines, "rate");
    assert!(result == "warn" && value.contains("rows/s") && value.contains("none is declared"), "{value}");
    let flat = lines.iter().filter(|line| line["value"] == "every value is 512").count();
    assert_eq!(flat, 1, "{lines:#?}");
}

#[test]
fn a_port_that_is_not_there_fails_and_the_rest_is_looked_at() {
    let station = Station::new();
    let lines = lines(&station.run(&["doctor", "--json", "--source", "serial:/dev/ttyNONE7"]));
    let (result, value) = check(&lines, "port");
    assert!(result == "fail" && value.contains("/dev/ttyNONE7"), "{value}");
    assert!(!lines.iter().any(|line| line["check"] == "board"), "nobody was asked");
    check(&lines, "disk");
}

#[test]
fn a_port_another_program_holds_fails_with_its_name() {
    let station = Station::new();
    let device = Device::new(&station.root().join("board"));
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let held = rustix::fs::open(station.root().join("board"), flags, Mode::empty()).unwrap();
    flock(&held, FlockOperation::NonBlockingLockExclusive).unwrap();
    let lines = lines(&station.run(&["doctor", "--json", "--source", &device.uri("")]));
    let (result, value) = check(&lines, "port");
    assert!(result == "fail" && value.contains("another program holds it"), "{value}");
    assert_eq!(lines.iter().filter(|line| line["check"] == "port").count(), 1, "{lines:#?}");
}

#[test]
fn a_port_a_recorder_holds_is_not_touched() {
    let station = Station::new();
    let device = Device::new(&station.root().join("board"));
    let recorder = station.start(&["--source", &device.uri("rate=1000")]);
    let play =
        |rows: std::ops::Range<u32>| rows.for_each(|n| device.play(format!("{},{n}\n", n % 7).as_bytes()));
    play(0..400);
    station.wait_rows(399);
    // The same port by its other name.
    let path = std::fs::canonicalize(station.root().join("board")).unwrap();
    let id = station.status().unwrap()["id"].as_str().unwrap().to_owned();
    for source in [device.uri(""), format!("serial:{}", path.display())] {
        let ran = station.run(&["doctor", "--json", "--out", "out", "--source", &source]);
        let lines = lines(&ran);
        let (result, value) = check(&lines, "port");
        assert!(result == "ok" && value.contains(&id) && value.contains("recording"), "{value}");
        assert!(check(&lines, "board").1.contains("2 channels"));
    }
    play(400..800);
    station.wait_rows(799);
    let status = station.status().unwrap();
    assert_eq!((&status["source"]["reconnects"], &status["source"]["gaps"]), (&0.into(), &0.into()));
    recorder.signal(Signal::INT);
    recorder.finish().expect(0);
}

#[test]
fn a_board_of_ours_says_who_it_is_and_keeps_its_rate() {
    let station = Station::new();
    let board = Simulated::new(&station, &["--name", "lab-1"]);
    let lines = lines(&station.run(&["doctor", "--json", "--out", "out", "--source", &board.uri("")]));
    assert_eq!(check(&lines, "port").0, "ok");
    let (result, value) = check(&lines, "board");
    assert!(value.starts_with("simulated board `lab-1`, firmware 0.1, on ") && result == "ok", "{value}");
    assert!(value.ends_with("at 500000 baud, 8 channels"), "{value}");
    let (_, value) = check(&lines, "rate");
    assert!(value.contains("rows/s") && value.ends_with("of 1000"), "none is lost: {value}");
}

#[test]
fn a_line_too_slow_for_a_board_s_rows_says_what_to_change() {
    let station = Station::new();
    let board = Simulated::new(&station, &[]);
    let lines =
        lines(&station.run(&["doctor", "--json", "--out", "out", "--source", &board.uri("baud=115200")]));
    let (result, value) = check(&lines, "port");
    assert!(result == "fail" && value.contains("8 channels at 1000 Hz take 12900 bytes a second"), "{value}");
    let advice = lines.iter().find(|line| line["check"] == "port").unwrap()["advice"].as_str().unwrap();
    assert!(advice.contains("`channels=`") && advice.contains("`baud=`"), "{advice}");
}

#[test]
fn a_wrong_baud_rate_and_a_board_without_a_name_are_told_apart() {
    let station = Station::new();
    let board = Simulated::new(&station, &[]);
    let source = board.uri("format=csv&baud=9600");
    let garbled = lines(&station.run(&["doctor", "--json", "--out", "out", "--source", &source]));
    let (result, value) = check(&garbled, "board");
    assert!(result == "fail" && value.contains("at 9600 baud") && value.contains("(hex)"), "{value}");
    let advice = garbled.iter().find(|line| line["check"] == "board").unwrap()["advice"].as_str().unwrap();
    assert!(advice.contains("check the baud rate"), "{advice}");
    drop(board);

    let device = Device::new(&station.root().join("sketch"));
    let lines = lines(&doctor_while_playing(&station, &device, &device.uri("format=myograph")));
    let (result, value) = check(&lines, "board");
    assert!(result == "fail" && value.contains("tried: myograph"), "no identity came: {value}");
}
