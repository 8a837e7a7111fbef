//! A recording of a simulated face: as many rows as asked, the same for the same seed, and read by others.

use crate::support::{Station, python};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Every dataset of format 1.0 with its columns; no columns where it is no table.
const LAYOUT: &str = r#"
layout = {
    "raw/samples": "", "raw/digital": "", "clean/samples": "", "clean/envelope": "",
    "channels": "name kind muscle side action_unit unit scale offset gain adc_bits reference_v skew_us sensor "
                "sensor_tau_s electrode size_mm spacing_mm impedance_kohm position",
    "time/blocks": "sample count epoch device_index device_us host_ns utc_ns",
    "time/fit": "epoch sample origin_ns rate_hz drift_ppm residual_us",
    "gaps": "sample missing exact epoch cause host_ns",
    "markers": "id sample host_ns utc_ns label note code source client latency_us uncertainty_us placed action "
               "refers_to",
    "artefacts": "onset end channels rule coder",
    "quality": "sample channel level floor line_level line_hz flags",
    "filter/sections": "", "filter/envelope_sections": "", "filter/state": "",
    "filter/chains": "id first_section count envelope_first envelope_count design_rate_hz words delay_samples",
    "filter/spans": "sample channel chain settled_sample reason",
    "events": "onset apex end channel action_unit class peak mvc_percent snr_db rise_us onset_uncertainty_us "
              "duration_corrected_us duration_low_us duration_high_us verdict",
    "calibration": "channel rest_mean rest_sd mvc trials spread sample accepted_by valid",
    "protocol/text": "", "protocol/trials": "", "config": "",
    "truth": "onset end channel expression level",
    "preflight": "check result value advice",
    "aus": "", "clock_offsets": "",
    "log": "utc_ns level text",
}
attributes = "format format_version recording_id segment first_row previous next software_version created_utc " \
             "state subject session task run clean_recomputed_by"
with h5py.File(sys.argv[1], "r") as h5:
    wrong = [name for name in layout if not isinstance(h5.get(name), h5py.Dataset)]
    wrong += [name for name in ["predictions"] if not isinstance(h5.get(name), h5py.Group)]
    wrong += [name for name in attributes.split() if name not in h5.attrs]
    wrong += [name for name in ["missing"] if name not in h5["raw/samples"].attrs]
    wrong += [name for name in ["decimation"] if name not in h5["clean/envelope"].attrs]
    for name, fields in layout.items():
        missing = [field for field in fields.split() if field not in (h5[name].dtype.names or ())]
        wrong += [f"{name}.{field}" for field in missing]
    utc, sizes = h5.attrs["created_utc"], [h5["channels"].dtype["name"], h5["markers"].dtype["placed"]]
    done({
        "wrong": wrong,
        "format": h5.attrs["format"].decode(),
        "state": h5.attrs["state"].decode(),
        "types": [str(h5[name].dtype) for name in SIGNALS],
        "strings": [str(size) for size in sizes],
        "filters": [h5["raw/samples"].compression, h5["raw/samples"].shuffle, h5["raw/samples"].fletcher32,
                    h5["clean/samples"].compression],
    })
"#;

const SEEDED: &str = "sim:?seed=7&speed=max";

fn seven(station: &Station) -> PathBuf {
    station.record(SEEDED, &["--duration", "10s"])
}

/// Whether raw, clean and envelope of two recordings are equal to the bit; a recording may be in segments.
fn alike(one: &[&Path], other: &[&Path]) -> Option<serde_json::Value> {
    let split = format!(
        "done([same(a, b) for a, b in zip(rows(*sys.argv[1:{0}]), rows(*sys.argv[{0}:]))])",
        one.len() + 1
    );
    python(&split, &[one, other].concat())
}

#[test]
fn ten_seconds_are_ten_thousand_rows_and_the_same_for_the_same_seed() {
    let station = Station::new();
    let (file, again) = (seven(&station), seven(&station));
    let other = station.record("sim:?seed=8&speed=max", &["--duration", "10s"]);
    for file in [&file, &again, &other] {
        let report = station.intact(file);
        assert_eq!((&report["rows"], &report["gaps"]), (&json!(10_000), &json!(0)));
        assert_eq!(report["sampling_rate_hz"], 1000.0);
    }
    if let Some(same) = alike(&[&file], &[&again]) {
        assert_eq!(same, json!([true, true, true]));
        assert_eq!(alike(&[&file], &[&other]), Some(json!([false, false, false])));
    }
}

#[test]
fn a_recording_replayed_is_the_same_recording() {
    let station = Station::new();
    let file = seven(&station);
    let replayed = station.record(&format!("replay:{}?speed=max", file.display()), &[]);
    assert_eq!(station.intact(&replayed)["rows"], 10_000);
    if let Some(same) = alike(&[&file], &[&replayed]) {
        assert_eq!(same, json!([true, true, true]));
    }
}

#[test]
fn a_recording_cut_into_segments_joins_to_the_uncut_one() {
    let station = Station::new();
    let whole = station.record(SEEDED, &["--duration", "5s", "--rotate", "off"]);
    assert!(!whole.to_string_lossy().contains("split"), "{}", whole.display());
    let rotated = ["--source", SEEDED, "--duration", "5s", "--rotate", "2s"];
    station.start(&rotated).finish().expect(0);
    let files = station.recordings();
    let segments: Vec<&Path> = files.iter().filter(|file| **file != whole).map(PathBuf::as_path).collect();
    for (segment, wanted) in segments.iter().zip(["run-02_split-01", "run-02_split-02", "run-02_split-03"]) {
        assert!(segment.to_string_lossy().contains(wanted), "{}", segment.display());
        station.intact(segment);
    }
    let script = r#"
facts = []
for file in sys.argv[1:]:
    with h5py.File(file, "r") as h5:
        facts.append([int(h5.attrs["segment"]), int(h5.attrs["first_row"]), len(h5["raw/samples"]),
                      h5.attrs["previous"].decode(), h5.attrs["next"].decode()])
        name = lambda segment: f'{h5.attrs["recording_id"].decode()}:{segment}'
        facts[-1][3:] = [facts[-1][3] == name(len(facts) - 2), facts[-1][4] == name(len(facts))]
        facts[-1].append(max(deviation(h5)) <= 1)
done(facts)
"#;
    if let Some(facts) = python(script, &segments) {
        let wanted = json!([
            [0, 0, 2000, false, true, true],
            [1, 2000, 2000, true, true, true],
            [2, 4000, 1000, true, false, true]
        ]);
        assert_eq!(facts, wanted, "segment, first row, rows, previous, next, filtered as SciPy does");
        assert_eq!(alike(&[&whole], &segments), Some(json!([true, true, true])));
    }
}

#[test]
fn runs_count_up_and_nothing_is_ever_overwritten() {
    let station = Station::new();
    let short = ["--duration", "100ms", "--subject", "01", "--session", "02", "--task", "faces"];
    let record = |more: &[&str]| station.record("sim:?speed=max", &[&short, more].concat());
    let first = record(&[]);
    assert_eq!(
        first.strip_prefix(station.out()).unwrap(),
        Path::new("sub-01/ses-02/emg/sub-01_ses-02_task-faces_run-01_emg.h5")
    );
    assert!(record(&[]).to_string_lossy().contains("run-02"));
    assert!(record(&["--run", "7"]).to_string_lossy().contains("run-07"));
    assert!(record(&[]).to_string_lossy().contains("run-08"));
    let bytes = std::fs::read(&first).unwrap();
    let refused =
        station.start(&[&["--source", "sim:?speed=max", "--run", "1"], &short[..]].concat()).finish();
    let said = refused.expect(2).stderr;
    assert!(said.contains("run-01") && !said.contains("panicked"), "{said}");
    assert_eq!(std::fs::read(&first).unwrap(), bytes);
    assert!(station.journals().is_empty());
}

#[test]
fn a_marker_lands_on_the_row_of_its_moment() {
    let station = Station::new();
    let recorder = station.start(&["--source", "sim:?seed=7"]);
    let rows = || station.status().map_or(0, |status| status["rows"].as_u64().unwrap());
    let mut marked = Vec::new();
    for (label, note) in [("smile", ""), ("frown", "on the left, äußerst schwach")] {
        station.wait_rows(rows() + 700);
        let before = rows();
        let said = station.run(&["mark", label, "--note", note]).expect(0).stdout;
        // What is not yet in the journal then is younger than the marker or as old as the way there.
        station.wait_rows(before + 1);
        marked.push((before, said));
    }
    let after = rows();
    let stopped = station.run(&["stop"]).expect(0).stdout;
    assert!(stopped.contains("2 markers"), "{stopped}");
    recorder.finish().expect(0);
    let file = station.recordings().remove(0);
    assert_eq!(station.intact(&file)["markers"], 2);
    let script = r#"
with h5py.File(sys.argv[1], "r") as h5:
    m = h5["markers"][()]
    fit = h5["time/fit"][-1]
    rows = int(fit["sample"]) + (m["host_ns"] - int(fit["origin_ns"])) * 1e-9 * fit["rate_hz"]
    done({"label": words(m, "label"), "note": words(m, "note"), "sample": m["sample"].tolist(),
          "action": words(m, "action"), "off": np.abs(rows - m["sample"]).max()})
"#;
    let Some(markers) = python(script, &[&file]) else { return };
    assert_eq!(markers["label"], json!(["smile", "frown"]));
    assert_eq!(markers["note"], json!(["", "on the left, äußerst schwach"]));
    assert_eq!(markers["action"], json!(["add", "add"]));
    assert!(markers["off"].as_f64().unwrap() < 50.0, "rows off its own time: {}", markers["off"]);
    for (at, (before, said)) in marked.iter().enumerate() {
        let sample = markers["sample"][at].as_u64().unwrap();
        assert!(said.contains(&format!("at sample {sample}")), "{said}");
        assert!(*before <= sample && sample <= after + 1000, "{before} <= {sample} <= {after}");
    }
}

#[test]
fn a_paced_recording_has_every_row_and_the_values_of_the_fast_one() {
    let station = Station::new();
    let paced = station.record("sim:?seed=7", &["--duration", "3s"]);
    let fast = station.record(SEEDED, &["--duration", "3s"]);
    assert_eq!(station.intact(&paced)["rows"], 3000);
    if let Some(same) = alike(&[&paced], &[&fast]) {
        assert_eq!(same, json!([true, true, true]));
    }
}

#[test]
fn everything_the_format_names_is_in_the_file() {
    let station = Station::new();
    let file = seven(&station);
    let Some(found) = python(LAYOUT, &[&file]) else { return };
    assert_eq!(found["wrong"], json!([]));
    assert_eq!((&found["format"], &found["state"]), (&json!("myograph-recording"), &json!("closed")));
    assert_eq!(found["types"], json!(["int16", "float32", "float32"]));
    assert_eq!(found["strings"], json!(["|S64", "|S16"]));
    assert_eq!(found["filters"], json!(["gzip", true, true, null]));
}

#[test]
fn every_channel_is_filtered_as_scipy_does_it() {
    let station = Station::new();
    let file = seven(&station);
    // One span: the clean signal in f64 through the envelope's own sections, every `decimation`th row of it.
    let script = r#"
with h5py.File(sys.argv[1], "r") as h5:
    shares, clean, stored = deviation(h5), expected_clean(h5), h5["clean/envelope"]
    assert h5["filter/chains"]["rectify"].tolist() == [1]
    sos, states = h5["filter/envelope_sections"][()], h5["filter/envelope_state"][()]
    for channel in range(clean.shape[1]):
        envelope = signal.sosfilt(sos, np.abs(clean[:, channel]), zi=states[channel])[0]
        envelope = envelope[stored.attrs["decimation"] - 1 :: stored.attrs["decimation"]]
        allowed = 1e-6 * np.sqrt(np.mean(envelope**2)) + 1.2e-7 * np.abs(envelope)
        shares.append(float(np.max(np.abs(stored[:, channel] - envelope) / allowed)))
    done(shares)
"#;
    let Some(shares) = python(script, &[&file]) else { return };
    let shares = shares.as_array().unwrap();
    assert_eq!(shares.len(), 8 + 8, "clean and envelope of eight channels");
    assert!(shares.iter().all(|share| share.as_f64().unwrap() <= 1.0), "shares of the tolerance: {shares:?}");
}
