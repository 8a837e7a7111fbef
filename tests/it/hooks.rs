//! The operator's own commands hear of alarms and of the end, and never stand in the way.

use crate::support::{Device, Station, wait_until};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fmt::Write as _;

fn rows(count: u32) -> String {
    (0..count).fold(String::new(), |mut text, at| {
        writeln!(text, "{},{}", 500 + at % 7, 300 - at % 11).unwrap();
        text
    })
}

/// A station whose configuration is this.
fn configured(text: &str) -> Station {
    let station = Station::new();
    std::fs::write(station.root().join("myograph.toml"), text).unwrap();
    station
}

#[test]
fn commands_hear_of_an_alarm_of_its_end_and_of_the_end_of_the_recording() {
    let station = configured(
        "on-alarm = \"cat >> alarms; echo the lab was told; echo in two lines\"\non-close = \"cat > closed\"\n",
    );
    let mut device = Device::new(&station.root().join("board"));
    let recorder = station.start(&["--source", &device.uri("rate=1000")]);
    device.play(rows(1000).as_bytes());
    station.wait_rows(999);
    device.unplug();
    recorder.wait_said("on-alarm: the lab was told");
    device.plug_in();
    wait_until("the board is found again", || {
        station.status().is_some_and(|status| status["source"]["reconnects"] == 1)
    });
    device.play(rows(1000).as_bytes());
    recorder.wait_said("went away (");
    wait_until("the command has heard that it is over", || {
        let told = std::fs::read_to_string(station.root().join("alarms")).unwrap_or_default();
        told.lines().any(|line| line.contains("\"over\"") && line.contains("went away"))
    });
    recorder.signal(Signal::INT);
    let ended = recorder.finish().expect(1);
    assert!(!ended.stderr.contains("in two lines"), "at most one line of it: {}", ended.stderr);
    let read = |name: &str| std::fs::read_to_string(station.root().join(name)).unwrap();
    let told: Vec<Value> = read("alarms").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_source: Vec<&Value> = told.iter().filter(|news| news["alarm"]["kind"] == "away").collect();
    let [raised, over] = of_source[..] else { panic!("{told:#?}") };
    assert_eq!((&raised["event"], &over["event"]), (&json!("raised"), &json!("over")));
    assert_eq!((&raised["alarm"]["priority"], &raised["alarm"]["id"]), (&json!("P1"), &over["alarm"]["id"]));
    assert!(raised["alarm"]["advice"].as_str().unwrap().contains("cable"), "{raised:#}");
    let file = station.recordings()[0].display().to_string();
    assert!(file.ends_with(raised["file"].as_str().unwrap()), "{raised:#}");
    let closed: Value = serde_json::from_str(&read("closed")).unwrap();
    assert_eq!((&closed["code"], &closed["files"]), (&json!(1), &json!([raised["file"]])));
    assert_eq!(closed["id"], raised["id"]);
    assert!(closed["lines"][0].as_str().unwrap().contains("1998 rows"), "{closed:#}");
}

#[test]
fn a_command_that_fails_changes_nothing_but_the_log() {
    let station = configured("on-close = \"echo the archive is full >&2; exit 4\"\n");
    let ended = station.start(&["--source", "sim:?speed=max", "--duration", "1s"]).finish().expect(0);
    assert!(
        ended.stderr.contains("on-close ended with exit status: 4: the archive is full"),
        "{}",
        ended.stderr
    );
    station.intact(&station.recordings()[0]);
}

#[test]
fn commands_do_not_speak_for_the_station_to_its_service_manager() {
    let station = configured("on-close = \"env > heard\"\n");
    let manager = [("NOTIFY_SOCKET", "/run/nobody"), ("WATCHDOG_USEC", "400000"), ("LAB", "faces")];
    let source = ["--source", "sim:?seed=7&speed=max", "--duration", "1s"];
    station.start_with(&source, &manager).finish().expect(0);
    let heard = std::fs::read_to_string(station.root().join("heard")).unwrap();
    assert!(heard.contains("LAB=faces"), "{heard}");
    assert!(!heard.contains("NOTIFY_SOCKET") && !heard.contains("WATCHDOG"), "{heard}");
}
