//! What `doctor` hears before a recording: which mains, how loud, and what kind of signal.

use crate::support::Station;
use serde_json::Value;

/// Lines of `doctor --json` about a simulated face with this script, and its exit code.
fn doctor(script: &str, query: &str, args: &[&str]) -> (Vec<Value>, Option<i32>) {
    let station = Station::new();
    let path = station.root().join("face.toml");
    std::fs::write(&path, script).unwrap();
    let source = format!("sim:?speed=max&script={}{query}", path.display());
    let mut all = vec!["doctor", "--json", "--out", "out", "--source", &source];
    all.extend_from_slice(args);
    let ran = station.run(&all);
    let Value::Array(lines) = ran.json() else { panic!("no array: {ran:?}") };
    (lines, ran.code)
}

fn line<'a>(lines: &'a [Value], check: &str) -> &'a Value {
    lines
        .iter()
        .find(|line| line["check"] == check)
        .unwrap_or_else(|| panic!("no line about {check}: {lines:#?}"))
}

const CALM: &str = "[artefacts]\nblink=false\nswallow=false\nspeech=false\nmotion=false\n";

#[test]
fn doctor_says_which_mains_are_heard_and_what_to_record_with() {
    let abroad = format!("{CALM}hum_uv=20\nhum_hz=60\n");
    let (lines, code) = doctor(&abroad, "", &[]);
    let mains = line(&lines, "mains");
    assert_eq!((&mains["result"], code), (&"warn".into(), Some(1)), "{lines:#?}");
    assert_eq!(mains["advice"], "record with `--line-frequency 60`");
    let (lines, _) = doctor(&abroad, "", &["--line-frequency", "auto"]);
    assert_eq!(line(&lines, "mains")["value"], "60 Hz found");
    let value = line(&lines, "ch ZYG-L")["value"].as_str().unwrap();
    assert!(value.contains("60 Hz") && value.contains("uV rms (+") && value.contains(" dB)"), "{value}");
}

#[test]
fn a_room_without_hum_is_said_to_have_none() {
    let (lines, _) = doctor(&format!("{CALM}hum_uv=0\n"), "", &["--line-frequency", "auto"]);
    let mains = line(&lines, "mains");
    assert!(mains["result"] == "ok" && mains["value"].as_str().unwrap().starts_with("no 50 Hz"), "{mains}");
    assert!(
        line(&lines, "ch ZYG-L")["value"].as_str().unwrap().ends_with("no 50 Hz or 60 Hz hum"),
        "{lines:#?}"
    );
}

#[test]
fn behind_a_rectifier_nobody_listens_for_mains() {
    let (lines, _) = doctor(&format!("{CALM}hum_uv=20\n"), "&kind=envelope", &["--line-frequency", "auto"]);
    assert!(!lines.iter().any(|line| line["check"] == "mains"), "{lines:#?}");
    assert!(!line(&lines, "ch ZYG-L")["value"].as_str().unwrap().contains("Hz"), "{lines:#?}");
}
