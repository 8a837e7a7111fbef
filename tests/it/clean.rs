//! `clean`: the chain again over the raw signal, to the bit as it was live, without delay, or another one.

use crate::support::{Dashboard, Simulated, Station, python};
use myograph::session::Answer;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const FACE: &str = "sim:?seed=11&channels=3";

/// The first file was made by `clean` from the others: what is equal to the bit, and which tables are.
const COMPARED: &str = r#"
made, *segments = (h5py.File(name, "r") for name in sys.argv[1:])
segments.sort(key=lambda h5: h5.attrs["first_row"])
signals = [same(a, b) for a, b in zip(rows(sys.argv[1]), rows(*sys.argv[2:]))]
tables = {}
for name in ("gaps", "markers", "truth", "time/blocks", "time/fit", "clock_offsets", "channels", "config",
             "quality", "artefacts", "events"):
    parts = [h5[name][()] for h5 in segments]
    parts = parts[:1] if name in ("channels", "config") else parts
    tables[name] = same(np.concatenate(parts), made[name][()])
spans = [h5["filter/spans"][()] for h5 in segments]
begun = np.concatenate([s[s["sample"] >= h5.attrs["first_row"]] for s, h5 in zip(spans, segments)])
tables["filter/spans"] = same(begun, made["filter/spans"][()])
old = np.concatenate([h5["log"][()] for h5 in segments])
log = made["log"][()]
tables["log"] = same(old, log[: len(old)])
done({"signals": signals, "tables": sorted(name for name in tables if not tables[name]),
      "found": len(made["events"]), "spans": len(begun), "gaps": len(made["gaps"]), "markers": len(made["markers"]), "truth": len(made["truth"]),
      "said": words(log[len(old):], "text"), "split": made.attrs["split"].decode() if isinstance(made.attrs["split"], bytes) else str(made.attrs["split"]),
      "another_id": bool(made.attrs["recording_id"] != segments[0].attrs["recording_id"])})
"#;

/// How far a file filtered forward and backward is from SciPy's `sosfiltfilt`: rms of the difference as a share of the
/// signal's, per channel, clean and envelope.
const ZERO_PHASE: &str = r#"
h5 = h5py.File(sys.argv[1], "r")
x = h5["raw/samples"][()].astype(float)
for gap in h5["gaps"][()]:
    if gap["exact"]:
        x[int(gap["sample"]) : int(gap["sample"]) + int(gap["missing"])] = np.nan
channels, chains, spans = h5["channels"][()], h5["filter/chains"][()], h5["filter/spans"][()]
x = (x - channels["offset"]) * channels["scale"]
sections, envelope_sections = h5["filter/sections"][()], h5["filter/envelope_sections"][()]
every = int(h5["clean/envelope"].attrs["decimation"])
clean, envelope = np.full_like(x, np.nan), np.full_like(x, np.nan)
for c in range(x.shape[1]):
    own = spans[spans["channel"] == c]
    for span, end in zip(own, [int(s) for s in own["sample"][1:]] + [len(x)]):
        begin = int(span["sample"])
        missing = np.flatnonzero(np.isnan(x[begin:end, c]))
        end = begin + int(missing[0]) if len(missing) else end
        chain = chains[chains["id"] == span["chain"]][0]
        sos = sections[chain["first_section"] :][: chain["count"]]
        low = envelope_sections[chain["envelope_first"] :][: chain["envelope_count"]]
        pad = lambda sos: min(end - begin - 1, 3 * (2 * len(sos) + 1 - min((sos[:, 2] == 0).sum(), (sos[:, 5] == 0).sum())))
        y = signal.sosfiltfilt(sos, x[begin:end, c], padlen=pad(sos)) if len(sos) else x[begin:end, c]
        clean[begin:end, c] = y
        y = np.abs(y) if chain["rectify"] else y
        envelope[begin:end, c] = signal.sosfiltfilt(low, y, padlen=pad(low)) if len(low) else y
def off(stored, expected):
    assert np.array_equal(np.isnan(stored), np.isnan(expected))
    rms = lambda v: np.sqrt(np.nanmean(v**2, axis=0))
    return (rms(stored - expected) / rms(expected)).max()
done({"clean": float(off(h5["clean/samples"][()].astype(float), clean)),
      "envelope": float(off(h5["clean/envelope"][()].astype(float), envelope[every - 1 :: every])),
      "words": [chain["words"].decode() for chain in chains], "spans": len(spans)})
"#;

/// Runs `clean` with more arguments; gives the new file.
fn clean(station: &Station, file: &Path, name: &str, more: &[&str]) -> PathBuf {
    let output = station.root().join(name);
    let mut args = vec!["clean", file.to_str().unwrap(), "-o", output.to_str().unwrap()];
    args.extend_from_slice(more);
    let ran = station.run(&args).expect(0);
    assert!(ran.stdout.starts_with(output.to_str().unwrap()), "{}", ran.stdout);
    // Rows that are missing are not the copy's fault, and still exit code 1.
    let (_, report) = station.verify(&output);
    assert!(report["checks"].as_array().unwrap().iter().all(|check| check["ok"] == true), "{report:#}");
    output
}

fn compared(made: &Path, from: &[PathBuf]) -> Option<Value> {
    let files: Vec<&Path> = std::iter::once(made).chain(from.iter().map(PathBuf::as_path)).collect();
    python(COMPARED, &files)
}

#[test]
fn a_recording_in_segments_becomes_one_file_with_the_same_bits() {
    let station = Station::new();
    let recorder = station.start(&["--source", FACE, "--rotate", "2s"]);
    let mut desk = Dashboard::open(&station, "pts/7", false);
    station.wait_rows(500);
    station.run(&["mark", "happy"]).expect(0);
    assert_eq!(desk.filter("30-200", 60.0), Answer::Done);
    station.wait_rows(4500);
    station.run(&["mark", "neutral"]).expect(0);
    station.wait_rows(5000);
    recorder.signal(Signal::INT);
    recorder.finish().expect(0);
    let files = station.recordings();
    assert!(files.len() >= 3, "{files:?}");
    let made = clean(&station, &files[1], "joined.h5", &[]);
    let again = station.run(&["clean", files[0].to_str().unwrap(), "-o", made.to_str().unwrap()]).expect(2);
    assert!(again.stderr.contains("exists already"), "{}", again.stderr);
    if let Some(found) = compared(&made, &files) {
        assert_eq!(found["signals"], json!([true, true, true]), "raw, clean, envelope: {found:#}");
        assert_eq!(found["tables"], json!([]), "differ: {found:#}");
        assert_eq!(
            (&found["markers"], &found["split"], &found["another_id"]),
            (&json!(2), &json!(""), &json!(true))
        );
        assert!(found["truth"].as_u64().unwrap() > 0, "{found:#}");
        let said = found["said"].to_string();
        assert!(
            said.contains("the filters it ran under, causal: BP20-450 N50+h Q10, BP30-200 N60+h Q10"),
            "{said}"
        );
        assert!(said.contains("_split-01_") && said.contains("_split-03_"), "{said}");
    }
}

/// Says in a recording that another version made it; with a second word also that the first channel was calibrated
/// after everything.
const TOUCHED: &str = r#"
names = sys.argv[1:]
calibrated = names[-1] == "calibrated"
for name in names[: len(names) - calibrated]:
    with h5py.File(name, "r+") as h5:
        if not calibrated:
            own = h5.attrs.get_id("software_version")
            own.write(np.array(b"0.0.1", own.dtype), own.get_type())
            continue
        table, row = h5["calibration"], np.zeros(1, h5["calibration"].dtype)
        row["channel"], row["rest_mean"], row["mvc"], row["trials"], row["valid"] = 0, 2.0, 102.0, 3, 1
        table.resize(1, axis=0)
        table[:] = row
done(len(names))
"#;

#[test]
fn what_was_found_stays_and_is_what_would_be_found_anew() {
    let station = Station::new();
    let args = ["--source", "sim:?seed=11&speed=max&channels=3", "--rotate", "40s", "--duration", "100s"];
    station.start(&args).finish().expect(0);
    let files = station.recordings();
    assert_eq!(files.len(), 3, "{files:?}");
    let shares = |made: &Path| {
        python(
            "h5 = h5py.File(sys.argv[1]); e = h5['events'][()]; done([bool(np.isfinite(p)) for p in e['mvc_percent'][e['channel'] == 0]])",
            &[made],
        )
    };
    let kept = clean(&station, &files[0], "kept.h5", &[]);
    let Some(as_kept) = compared(&kept, &files) else { return };
    assert_eq!(as_kept["tables"], json!([]), "differ: {as_kept:#}");
    assert!(as_kept["found"].as_u64().unwrap() > 5, "{as_kept:#}");
    assert!(
        as_kept["said"].to_string().contains("quality, artefacts and events as they were"),
        "{as_kept:#}"
    );
    assert!(!shares(&kept).unwrap().to_string().contains("true"));

    let mut paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    python(TOUCHED, &paths).unwrap();
    let anew = clean(&station, &files[0], "anew.h5", &[]);
    let as_anew = compared(&anew, &files).unwrap();
    assert_eq!((&as_anew["tables"], &as_anew["found"]), (&json!([]), &as_kept["found"]), "{as_anew:#}");
    assert!(as_anew["said"].to_string().contains("quality, artefacts and events found anew"), "{as_anew:#}");

    // What one version cleaned is its own again, and a maximum measured later makes shares of what came before.
    let one = clean(&station, &anew, "one.h5", &[]);
    paths = vec![&one, Path::new("calibrated")];
    python(TOUCHED, &paths).unwrap();
    let weighed = clean(&station, &one, "weighed.h5", &[]);
    let shares = shares(&weighed).unwrap();
    assert!(shares.as_array().unwrap().iter().all(|known| known == true), "{shares}");
}

/// Bytes vanish, and the cable is out for a second.
const FAULTS: &str = "
boot_s = 0.1
[[fault]]
kind = 'drop'
at_s = 0.5
every_s = 0.3
[[fault]]
kind = 'unplug'
at_s = 2.0
for_s = 1.0
";

#[test]
fn losses_and_pauses_stay_what_they_were() {
    let station = Station::new();
    let faults = station.root().join("faults.toml");
    std::fs::write(&faults, FAULTS).unwrap();
    let board = Simulated::new(&station, &["--faults", faults.to_str().unwrap()]);
    let recorder = station.start(&["--source", &board.uri("")]);
    station.wait_rows(3500);
    recorder.signal(Signal::INT);
    recorder.finish();
    let file = station.recordings().remove(0);
    let made = clean(&station, &file, "again.h5", &[]);
    let Some(found) = compared(&made, std::slice::from_ref(&file)) else { return };
    assert_eq!(found["signals"], json!([true, true, true]), "raw, clean, envelope: {found:#}");
    assert_eq!(found["tables"], json!([]), "differ: {found:#}");
    assert!(found["gaps"].as_u64().unwrap() > 4, "{found:#}");
    without_delay(&station, &made);
}

#[test]
fn a_field_that_is_empty_ends_a_span_on_its_channel_alone() {
    let station = Station::new();
    let mut text = String::from("time_s,a,b\n");
    for row in 0..4000_u32 {
        let wave = |hz: f64| (f64::from(row) * hz * 0.006).sin() * 0.3 + f64::from(row * 7919 % 101) * 0.001;
        // A counted hole of five rows, a long pause, two empty fields.
        let time = f64::from(row) / 1000.0
            + if row < 1000 { 0.0 } else { 0.005 }
            + if row < 2500 { 0.0 } else { 90.0 };
        let a = if row == 1700 || row == 1702 { String::new() } else { wave(31.0).to_string() };
        writeln!(text, "{time:.3},{a},{}", wave(80.0)).unwrap();
    }
    let lines = station.root().join("volts.csv");
    std::fs::write(&lines, text).unwrap();
    let file = station.root().join("volts.h5");
    station.run(&["import", lines.to_str().unwrap(), "-o", file.to_str().unwrap()]).expect(0);
    let made = clean(&station, &file, "again.h5", &[]);
    let Some(found) = compared(&made, std::slice::from_ref(&file)) else { return };
    assert_eq!(found["signals"], json!([true, true, true]), "raw, clean, envelope: {found:#}");
    assert_eq!(
        (&found["tables"], &found["gaps"], &found["spans"]),
        (&json!([]), &json!(2), &json!(8)),
        "{found:#}"
    );
    without_delay(&station, &made);
}

/// Filtered forward and backward, a file holds what SciPy makes of it, never across a gap.
fn without_delay(station: &Station, file: &Path) {
    let made = clean(station, file, "still.h5", &["--zero-phase"]);
    let found = python(ZERO_PHASE, &[&made]).unwrap();
    // Stored in single precision: half a unit in the last of 24 bits.
    assert!(found["clean"].as_f64().unwrap() < 6e-8, "{found:#}");
    assert!(found["envelope"].as_f64().unwrap() < 6e-8, "{found:#}");
    assert!(found["spans"].as_u64().unwrap() > 4, "{found:#}");
    assert_eq!(found["words"][0], json!("BP20-450 N50+h Q10 zero-phase"));
    // A file filtered forward and backward is made again as it is.
    let again = clean(station, &made, "still-again.h5", &[]);
    let same = compared(&again, &[made]).unwrap();
    assert_eq!(same["signals"], json!([true, true, true]), "raw, clean, envelope: {same:#}");
}

#[test]
fn other_filters_are_designed_for_the_rate_of_the_recording() {
    let station = Station::new();
    let own = station.root().join("own.toml");
    std::fs::write(&own, "band-order = 2\nenvelope-baseline = 0.05\n").unwrap();
    let source = "sim:?seed=5&channels=2&speed=max";
    let own = ["--config", own.to_str().unwrap(), "--duration", "5s", "--preset", "40-300"];
    let file = station.record(source, &own);
    let made = clean(&station, &file, "american.h5", &["--line-frequency", "60"]);
    let wide = clean(&station, &file, "default.h5", &["--preset", "default", "--zero-phase"]);
    let listed = ["--notches", "50,150", "--band-order", "3", "--envelope-baseline", "off"];
    let listed = clean(&station, &file, "listed.h5", &listed);
    let refused = |args: &[&str]| {
        let output = station.root().join("none.h5");
        let mut all = vec!["clean", file.to_str().unwrap(), "-o", output.to_str().unwrap()];
        all.extend_from_slice(args);
        let ran = station.run(&all).expect(2);
        assert!(!output.exists());
        ran.stderr
    };
    let said = refused(&["--preset", "startle-28"]);
    assert!(said.contains("1000 rows/s, which cannot carry EMG above 450 Hz"), "{said}");
    for (flag, word) in
        [("--preset", "wide"), ("--line-frequency", "55"), ("--notches", "loud"), ("--notches", "50,50")]
    {
        let said = refused(&[flag, word]);
        assert!(said.contains(flag) && said.contains(&format!("`{word}`")), "{said}");
    }
    let script = r#"
found = []
for name in sys.argv[1:]:
    with h5py.File(name, "r") as h5:
        found.append([chain["words"].decode() for chain in h5["filter/chains"][()]])
        if not found[-1][0].endswith("zero-phase"):
            assert max(deviation(h5)) <= 1
done(found)
"#;
    if let Some(words) = python(script, &[&made, &wide, &listed]) {
        assert_eq!(
            words,
            json!([
                ["BP40-300 order 2 N60+h Q10 HP0.05 on the envelope"],
                ["BP20-450 order 2 N50+h Q10 HP0.05 on the envelope zero-phase"],
                ["BP40-300 order 3 N50,150 Q10"]
            ])
        );
    }
}

/// What `clean` told of a recording, and what stands in the log of what it made.
#[track_caller]
fn told(station: &Station, file: &Path, name: &str, args: &[&str]) -> (String, Option<String>) {
    let made = station.root().join(name);
    let mut all = vec!["clean", file.to_str().unwrap(), "-o", made.to_str().unwrap()];
    all.extend_from_slice(args);
    let said = station.run(&all).expect(0).stderr;
    let log = python("done(words(h5py.File(sys.argv[1], 'r')['log'][()], 'text'))", &[&made]);
    (said, log.map(|log| log.to_string()))
}

#[test]
fn what_was_asked_for_and_no_channel_got_is_said() {
    let station = Station::new();
    let face = station.record("sim:?seed=5&channels=2&speed=max", &["--duration", "3s"]);
    let mut text = String::from("time_s,a\n");
    for row in 0..400_u32 {
        writeln!(text, "{:.3},{}", f64::from(row) / 40.0, f64::from(row * 7919 % 101) * 0.01).unwrap();
    }
    std::fs::write(station.root().join("slow.csv"), text).unwrap();
    for (kind, name) in [("raw", "slow.h5"), ("envelope", "smooth.h5")] {
        let columns = format!("a=a:{kind}:uV");
        station.run(&["import", "slow.csv", "-o", name, "--columns", &columns]).expect(0);
    }
    let (slow, smooth) = (station.root().join("slow.h5"), station.root().join("smooth.h5"));
    for (at, (file, args, sentences)) in [
        (
            &face,
            &["--preset", "off", "--envelope-baseline", "track", "--notches", "50"][..],
            &[
                "`--envelope-baseline track` did nothing: under preset off no filter runs; choose",
                "`--notches 50` did nothing: under preset off no filter runs; choose",
            ][..],
        ),
        (
            &face,
            &["--notches", "70", "--line-frequency", "60"],
            &["`--line-frequency 60` did nothing: the notches are not those of the mains"],
        ),
        (
            &smooth,
            &["--preset", "5-15", "--notches", "10", "--band-order", "2"],
            &[
                "`--preset 5-15` did nothing: no channel is raw",
                "`--notches 10` did nothing: no channel is raw",
                "`--band-order 2` did nothing: no channel is raw",
            ],
        ),
        (
            &slow,
            &["--preset", "5-15", "--envelope-baseline", "0.1"],
            &["`--envelope-baseline 0.1` did nothing: the rate is too low to smooth an envelope; leave it out"],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let (said, log) = told(&station, file, &format!("{at}.h5"), args);
        assert_eq!(said.matches("did nothing").count(), sentences.len(), "{said}");
        for sentence in sentences {
            assert!(said.contains(&format!("warning: {sentence}")), "{sentence}: {said}");
            assert!(log.as_ref().is_none_or(|log| log.contains(sentence)), "{sentence}: {log:?}");
        }
    }
    let (said, _) = told(&station, &face, "off.h5", &["--preset", "off", "--notches", "off"]);
    assert!(said.is_empty(), "{said}");
}

#[test]
fn judgements_stay_with_the_recording_they_were_made_in_and_that_is_said() {
    let station = Station::new();
    let face = station.record("sim:?seed=5&channels=2&speed=max", &["--duration", "3s"]);
    let (said, _) = told(&station, &face, "before.h5", &[]);
    assert!(said.is_empty(), "{said}");
    let header = "onset\tend\tchannels\trule\tcoder\tonset_s\tend_s\tnames\tnote\tretracted\n";
    let table = face.with_extension("artefacts-anna.tsv");
    std::fs::write(&table, header).unwrap();
    let (said, log) = told(&station, &face, "after.h5", &[]);
    let sentence = format!(
        "the judgements in {} stay with the old recording and do not count in after.h5; to take them along, copy each to \
         `after.artefacts-CODER.tsv` beside it",
        table.file_name().unwrap().to_str().unwrap()
    );
    assert!(said.contains(&format!("warning: {sentence}\n")), "{said}");
    // A sentence of the log is cut where it is longer than a field.
    assert!(log.is_none_or(|log| log.contains(&sentence[..80])), "{sentence}");
}

#[test]
fn a_recording_with_a_file_missing_is_not_joined() {
    let station = Station::new();
    station
        .start(&["--source", "sim:?seed=3&channels=1&speed=max", "--rotate", "2s", "--duration", "6s"])
        .finish()
        .expect(0);
    let files = station.recordings();
    assert!(files.len() >= 3, "{files:?}");
    std::fs::remove_file(&files[1]).unwrap();
    let output = station.root().join("joined.h5");
    let ran = station.run(&["clean", files[0].to_str().unwrap(), "-o", output.to_str().unwrap()]).expect(2);
    assert!(
        ran.stderr.contains("are not there; bring all files of the recording together"),
        "{}",
        ran.stderr
    );
    assert!(!output.exists());
}

/// A face beside a transformer in America.
const AMERICAN: &str = "
[artefacts]
hum_hz = 60
hum_uv = 40
";

#[test]
fn auto_means_the_mains_that_doctor_found_and_fifty_before() {
    let station = Station::new();
    let script = station.root().join("american.toml");
    std::fs::write(&script, AMERICAN).unwrap();
    let source = format!("sim:?seed=3&channels=2&speed=max&script={}", script.display());
    let record = |task: &str| {
        station.record(&source, &["--duration", "3s", "--line-frequency", "auto", "--task", task])
    };
    let before = record("before");
    // Warnings of a face that hums are no matter here.
    station.run(&["doctor", "--source", &source.replace("&speed=max", "")]);
    let after = record("after");
    let script = r#"
done([[chain["words"].decode() for chain in h5py.File(name, "r")["filter/chains"][()]] for name in sys.argv[1:]])
"#;
    let made = clean(&station, &after, "wide.h5", &["--preset", "30-200"]);
    if let Some(words) = python(script, &[&before, &after, &made]) {
        assert_eq!(words, json!([["BP20-450 N50+h Q10"], ["BP20-450 N60+h Q10"], ["BP30-200 N60+h Q10"]]));
    }
}
