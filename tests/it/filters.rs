//! Filters that change while rows come: from one row on, in every file, whatever happens to the processes.

use crate::support::{Dashboard, Station, python};
use myograph::session::Answer;
use myograph::session::command::Action;
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
