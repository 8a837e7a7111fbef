//! Filters that change while rows come: from one row on, in every file, whatever happens to the processes.

use crate::support::{Dashboard, Station, python, wait_until};
use myograph::session::Answer;
use myograph::session::command::{Action, FilterRequest};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const FACE: &str = "sim:?seed=7&channels=3";

/// What the segments of a recording say of their filters: the chains in words, the rows at which another was chosen,
/// how many channels it holds on, lines of the log about it, and whether the cleaned signal is SciPy's.
const FILTERS: &str = r#"
words_of, changes, said, filtered = [], {}, [], []
for name in sys.argv[1:]:
    with h5py.File(name, "r") as h5:
        words_of.append([chain["words"].decode() for chain in h5["filter/chains"][()]])
        for span in h5["filter/spans"][()]:
            if span["reason"] == b"change":
                changes.setdefault(int(span["sample"]), set()).add(int(span["channel"]))
        said += [text for text in words(h5["log"][()], "text") if "set the filters" in text]
        filtered.append(max(deviation(h5)) <= 1)
done({"chains": words_of, "changes": [[row, len(channels)] for row, channels in sorted(changes.items())],
      "said": said, "filtered": filtered})
"#;

fn filters(files: &[PathBuf]) -> Option<Value> {
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    python(FILTERS, &files)
}

#[test]
fn other_filters_hold_from_one_row_on_across_segments_and_back_again() {
    let station = Station::new();
    let recorder = station.start(&["--source", FACE, "--rotate", "2s"]);
    let mut desk = Dashboard::open(&station, "pts/7", false);
    station.wait_rows(1000);
    assert_eq!(desk.filter("30-200", 60.0), Answer::Done);
    let now = desk.look();
    assert_eq!((now.preset.as_str(), now.line_hz), ("30-200", 60.0));
    let Answer::Refused(why) = desk.filter("20-900", 60.0) else { panic!("1000 rows/s carry no 900 Hz") };
    assert!(why.contains("1000 rows/s, which cannot carry EMG above 450 Hz"), "{why}");
    let Answer::Refused(why) = desk.filter("wide", 60.0) else { panic!("`wide` is no preset") };
    assert!(why.contains("`wide`") && why.contains("startle-28"), "{why}");
    station.wait_rows(3000);
    assert_eq!(desk.filter("default", 50.0), Answer::Done);
    assert_eq!(desk.filter("default", 50.0), Answer::Done, "nothing to change");
    station.wait_rows(4500);
    recorder.signal(Signal::INT);
    recorder.finish().expect(0);
    let files = station.recordings();
    assert!(files.len() >= 3, "{files:?}");
    for file in &files {
        station.intact(file);
    }
    let Some(found) = filters(&files) else { return };
    assert!(found["filtered"].as_array().unwrap().iter().all(|same| *same == true), "{found:#}");
    let changes: Vec<(u64, u64)> = serde_json::from_value(found["changes"].clone()).unwrap();
    let [(first, 3), (second, 3)] = changes[..] else {
        panic!("two changes, each on three channels: {found:#}")
    };
    assert!((1000..3000).contains(&first) && second >= 3000, "{found:#}");
    let said = [
        format!("pts/7 set the filters to 30-200, mains 60 Hz from row {first} on"),
        format!("pts/7 set the filters to default, mains 50 Hz from row {second} on"),
    ];
    assert_eq!(found["said"], json!(said));
    let last = found["chains"].as_array().unwrap().last().unwrap();
    assert_eq!(
        *last,
        json!(["BP20-450 N50+h Q10", "BP30-200 N60+h Q10"]),
        "a chain used again is no third one"
    );
}

#[test]
fn a_journal_in_which_filters_change_is_recovered_to_the_bit() {
    let station = Station::new();
    let recorder = station.start(&["--source", FACE, "--rotate", "off"]);
    let mut desk = Dashboard::open(&station, "pts/7", false);
    station.wait_rows(700);
    assert_eq!(desk.filter("off", 50.0), Answer::Done);
    station.wait_rows(1400);
    assert_eq!(desk.filter("28-350", 50.0), Answer::Done);
    station.wait_rows(2100);
    let journal = station.journal();
    let copy = station.out().join("copy").join(journal.file_name().unwrap());
    std::fs::create_dir(copy.parent().unwrap()).unwrap();
    std::fs::copy(&journal, &copy).unwrap();
    // A projector that has to begin again makes the same file.
    kill_process(station.projector(&journal), Signal::KILL).unwrap();
    recorder.wait_said("projector ended");
    station.wait_rows(2800);
    recorder.signal(Signal::INT);
    recorder.finish().expect(0);
    let file = journal.with_extension("h5");
    station.intact(&file);
    station.run(&["recover", copy.to_str().unwrap()]).expect(1);
    let recovered = copy.with_extension("h5");
    let (code, report) = station.verify(&recovered);
    assert_eq!(code, 1, "cut off, and nothing else: {report:#}");
    let script = "
cut, whole = rows(sys.argv[1]), rows(sys.argv[2])
done([len(part) > 0 and same(part, all[: len(part)]) for part, all in zip(cut, whole)])
";
    if let Some(same) = python(script, &[&recovered, &file]) {
        assert_eq!(same, json!([true, true, true]), "raw, clean, envelope");
        let found = filters(&[file]).unwrap();
        assert_eq!(
            (&found["filtered"], &found["chains"][0][1]),
            (&json!([true]), &json!("no filter")),
            "{found:#}"
        );
    }
}

#[test]
fn a_list_of_notches_holds_from_one_row_on_and_settles_again() {
    let station = Station::new();
    let recorder = station.start(&["--source", FACE, "--rotate", "off"]);
    let mut desk = Dashboard::open(&station, "pts/7", false);
    station.wait_rows(1500);
    let notches = |list: &str| Action::Filter(FilterRequest { notches: list.into(), ..Default::default() });
    let why = desk.refused(notches("50,loud"));
    assert!(why.contains("stay as they are: `50,loud` is no list of notches; say auto, off, or"), "{why}");
    assert_eq!(desk.ask(notches("50,150,600")), Answer::Done);
    wait_until("the countdown", || !desk.look().settled);
    wait_until("settled filters", || desk.look().settled);
    let now = desk.look();
    assert_eq!((now.notches.as_str(), now.chain.as_str()), ("50,150,600", "BP20-450 N50,150 Q10"));
    let request = FilterRequest { order: 2, notches: "off".into(), ..FilterRequest::default() };
    assert_eq!(desk.ask(Action::Filter(request)), Answer::Done);
    let row = desk.look().rows;
    station.wait_rows(row + 500);
    recorder.signal(Signal::INT);
    recorder.finish().expect(0);
    let files = station.recordings();
    station.intact(&files[0]);
    assert_eq!(station.run(&["verify", "--recompute", files[0].to_str().unwrap()]).code, Some(0));
    let Some(found) = filters(&files) else { return };
    let chains = ["BP20-450 N50+h Q10", "BP20-450 N50,150 Q10", "BP20-450 order 2"];
    assert_eq!((&found["chains"], &found["filtered"]), (&json!([chains]), &json!([true])), "{found:#}");
    let changes: Vec<(u64, u64)> = serde_json::from_value(found["changes"].clone()).unwrap();
    let [(first, 3), (second, 3)] = changes[..] else { panic!("two changes on three channels: {found:#}") };
    let said = [
        format!("pts/7 set the filters to default, mains 50 Hz, notches 50,150,600 from row {first} on"),
        format!("pts/7 set the filters to default, mains 50 Hz, order 2, notches off from row {second} on"),
    ];
    assert_eq!(found["said"], json!(said));
}

#[test]
fn filters_chosen_while_looking_are_those_of_the_recording() {
    let station = Station::new();
    let recorder = station.start(&["--source", FACE, "--monitor"]);
    let mut desk = Dashboard::open(&station, "pts/7", false);
    assert_eq!(desk.filter("40-300", 0.0), Answer::Done);
    assert_eq!(desk.ask(Action::Record), Answer::Done);
    station.wait_rows(500);
    assert_eq!(desk.look().chain, "BP40-300");
    recorder.signal(Signal::INT);
    recorder.finish().expect(0);
    let files = station.recordings();
    station.intact(&files[0]);
    if let Some(found) = filters(&files) {
        assert_eq!(found["chains"], json!([["BP40-300"]]));
        assert_eq!((&found["changes"], &found["filtered"]), (&json!([]), &json!([true])));
        assert_eq!(found["said"], json!(["pts/7 set the filters to 40-300, mains 0 Hz"]));
    }
}

#[test]
fn notches_are_for_the_mains_that_were_heard_and_the_sheet_is_kept_with_the_recording() {
    let station = Station::new();
    let face = station.root().join("humming.toml");
    std::fs::write(&face, "[artefacts]\nhum_hz = 60\nhum_uv = 40\n").unwrap();
    let source = format!("sim:?seed=7&channels=3&speed=20&script={}", face.display());
    let recorder = station.start(&["--source", &source, "--monitor", "--line-frequency", "auto"]);
    let mut desk = Dashboard::open(&station, "pts/7", false);
    wait_until("hum is heard on every channel", || {
        desk.look().channels.iter().all(|c| (c.line_hz - 60.0).abs() < 0.5)
    });
    assert!((desk.look().line_hz - 50.0).abs() < 0.5, "nobody knew before");
    assert_eq!(desk.ask(Action::Record), Answer::Done);
    station.wait_rows(3000);
    assert!((desk.look().line_hz - 60.0).abs() < 0.5);
    station.run(&["stop"]).expect(0);
    recorder.finish().expect(0);
    let files = station.recordings();
    station.intact(&files[0]);
    let script = r#"
with h5py.File(sys.argv[1], "r") as h5:
    rows = h5["preflight"][()]
    sheet = list(zip(*(words(rows, name) for name in ("check", "result", "value"))))
    chains = [chain["words"].decode() for chain in h5["filter/chains"][()]]
    said = [text for text in words(h5["log"][()], "text") if "mains" in text]
done({"sheet": sheet, "chains": chains, "said": said})
"#;
    let Some(found) = python(script, &[&files[0]]) else { return };
    assert_eq!(found["chains"], json!(["BP20-450 N60+h Q10"]), "{found:#}");
    assert_eq!(found["said"], json!(["60 Hz mains were heard while monitoring: the notches are for them"]));
    let checks: Vec<&str> =
        found["sheet"].as_array().unwrap().iter().map(|row| row[0].as_str().unwrap()).collect();
    for wanted in ["board", "clock", "disk", "models"] {
        assert!(checks.contains(&wanted), "{wanted}: {found:#}");
    }
    assert_eq!(checks.iter().filter(|check| check.starts_with("ch ")).count(), 3, "{found:#}");
}

#[test]
fn orders_notches_and_drift_are_chosen_in_the_configuration() {
    let station = Station::new();
    let settings = station.root().join("filters.toml");
    std::fs::write(&settings, "band-order = 2\nnotches = \"50,150\"\nenvelope-baseline = \"0.1\"\n").unwrap();
    let made = ["--config", settings.to_str().unwrap(), "--duration", "3s"];
    let file = station.record("sim:?seed=3&channels=2&speed=max", &made);
    station.intact(&file);
    let script = r#"
from scipy import signal
with h5py.File(sys.argv[1], "r") as h5:
    chain = h5["filter/chains"][0]
    rows = h5["filter/sections"][chain["first_section"] : chain["first_section"] + chain["count"]]
    band = signal.butter(2, [20, 450], "bandpass", fs=1000, output="sos")
    response = lambda sos, hz: abs(signal.sosfreqz(sos, [hz], fs=1000)[1][0])
    drift = h5["filter/envelope_sections"][chain["envelope_first"] + chain["envelope_count"] - 1]
    notch = [bool(response(rows, hz) < 1e-6) for hz in (50, 150)] + [bool(response(rows, 100) > 0.5)]
    done({"words": chain["words"].decode(), "sections": len(rows), "notch": notch,
          "band": bool(abs(response(rows[:2], 100) - response(band, 100)) < 1e-12),
          "drift": [float(response(drift[None], hz)) for hz in (0.1, 5)]})
"#;
    let Some(found) = python(script, &[&file]) else { return };
    assert_eq!(found["words"], json!("BP20-450 order 2 N50,150 Q10 HP0.1 on the envelope"), "{found:#}");
    assert_eq!(
        (&found["sections"], &found["notch"], &found["band"]),
        (&json!(4), &json!([true, true, true]), &json!(true))
    );
    let gains: Vec<f64> = serde_json::from_value(found["drift"].clone()).unwrap();
    assert!((gains[0] - 0.5_f64.sqrt()).abs() < 1e-6 && gains[1] > 0.999, "{gains:?}");
}
