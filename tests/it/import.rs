//! Text files of other programs become recordings: the values are those of the text, and every doubt is said.

use crate::support::{Ran, Station, data, python};
use serde_json::{Value, json};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Imports `text` with more arguments; expects exit code 0 and a recording that `verify` finds intact.
#[track_caller]
fn import(station: &Station, text: &Path, args: &[&str]) -> (PathBuf, Ran) {
    let stem = text.file_stem().unwrap().to_str().unwrap();
    let file = station.root().join(format!("{stem}.h5"));
    let all = ["import", text.to_str().unwrap(), "-o", file.to_str().unwrap()];
    let ran = station.run(&[&all[..], args].concat()).expect(0);
    station.intact(&file);
    (file, ran)
}

fn write(station: &Station, name: &str, text: &str) -> PathBuf {
    let path = station.root().join(name);
    fs::write(&path, text).unwrap();
    path
}

/// Rate, raw values, names, units, kinds and markers of a recording.
fn read(file: &Path) -> Option<Value> {
    let script = "
def word(table, name):
    words = h5py.check_enum_dtype(table.dtype[name])
    names = {code: word for word, code in words.items()} if words else None
    return [names[int(v)] if names else v.decode() for v in table[name]]
with h5py.File(sys.argv[1], 'r') as h5:
    channels, markers = h5['channels'], h5['markers']
    rate = float(h5.attrs['sampling_rate_hz'])
    done({
        'rate': rate if np.isfinite(rate) else None,
        'raw': np.asarray(h5['raw/samples'], dtype=float).tolist(),
        'name': word(channels, 'name'),
        'unit': word(channels, 'unit'),
        'kind': word(channels, 'kind'),
        'markers': [[int(m), label.decode()] for m, label in zip(markers['sample'], markers['label'])],
    })
";
    python(script, &[file])
}

/// Something like a muscle, the same each time: a slow wave and a fast one.
fn wave(row: u32) -> f64 {
    let t = f64::from(row);
    (20.0 * (t / 7.0).sin() + 5.0 * (t / 2.3).sin()).round() / 100.0
}

/// Lines of a table, one per row.
fn table(header: &str, rows: impl Iterator<Item = u32>, line: impl Fn(u32) -> String) -> String {
    rows.fold(header.to_owned(), |text, row| text + &line(row) + "\n")
}

/// A muscle behind a sensor that rectifies and smooths with a time constant of 80 ms: 40 s at 200 rows per second, in
/// which it acts for 300 ms every 4 s.
fn smoothed(row: u32, level: &mut f64) -> f64 {
    let noise = f64::from(row.wrapping_mul(2_654_435_761) >> 16) / 65_536.0;
    let acts = row > 1600 && row % 800 < 60;
    *level += (if acts { 400.0 } else { 0.0 } - *level) * (1.0 - (-0.005_f64 / 0.08).exp());
    (50.0 + *level + 4.0 * noise).round()
}

#[test]
fn durations_behind_a_sensor_are_corrected_by_the_time_constant_that_was_stated() {
    let station = Station::new();
    let mut level = 0.0;
    let text =
        (0..8000).fold("zyg\n".to_owned(), |text, row| format!("{text}{}\n", smoothed(row, &mut level)));
    let text = write(&station, "sensor.csv", &text);
    let durations = |file: &Path| -> Vec<[String; 3]> {
        let ran = station.run(&["detect", file.to_str().unwrap()]).expect(0);
        let mut lines = ran.stdout.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header = lines.next().unwrap();
        let at = header.iter().position(|name| *name == "duration_corrected_s").unwrap();
        lines.map(|cells| [0, 1, 2].map(|n| cells[at + n].to_owned())).collect()
    };
    let (file, _) = import(&station, &text, &["--rate", "200", "--columns", "zyg=1:envelope:count:tau0.08"]);
    let stated = durations(&file);
    assert!(stated.len() >= 6, "{stated:?}");
    for cells in &stated {
        let [corrected, low, high] = cells.each_ref().map(|cell| cell.parse::<f64>().unwrap());
        assert!((corrected - 0.3).abs() < 0.06 && low < corrected && corrected < high, "{cells:?}");
    }
    fs::remove_file(&file).unwrap();
    let (file, _) = import(&station, &text, &["--rate", "200", "--columns", "zyg=1:envelope:count"]);
    let unstated = durations(&file);
    assert!(unstated.len() >= 6 && unstated.iter().all(|cells| cells[0].is_empty()), "{unstated:?}");
    let output = station.root().join("no.h5");
    let args = ["import", text.to_str().unwrap(), "-o", output.to_str().unwrap(), "--columns"];
    let ran = station.run(&[&args[..], &["zyg=1:raw:count:tau0.08"]].concat()).expect(2);
    assert!(ran.stderr.contains("no time constant of an envelope sensor") && !output.exists(), "{ran:?}");
}

/// Seconds of a row at 1000 rows per second.
fn time(row: u32) -> f64 {
    f64::from(row) / 1000.0
}

#[test]
fn a_table_with_a_time_column_has_its_rate_and_its_units() {
    let station = Station::new();
    let line = |row| format!("{:.3},{},{}", time(row), wave(row), wave(row + 50) * 100.0);
    let text = table("time_s,zyg_mv,corr_uv\n", 0..2000, line);
    let path = write(&station, "timed.csv", &text);
    let (file, ran) = import(&station, &path, &[]);
    assert!(ran.stdout.contains("2000 rows of 2 channels") && ran.stdout.contains("1000 Hz"), "{ran:?}");
    assert!(ran.stderr.is_empty(), "{ran:?}");
    if let Some(read) = read(&file) {
        assert_eq!((&read["rate"], &read["unit"]), (&json!(1000.0), &json!(["mV", "uV"])));
        for row in [0, 1, 999, 1999] {
            let expected = json!([wave(row), wave(row + 50) * 100.0]);
            assert_eq!(read["raw"][row as usize], expected, "row {row}");
        }
    }
    // What is said against the file's own clock is said aloud and does not count.
    fs::remove_file(&file).unwrap();
    let (_, ran) = import(&station, &path, &["--rate", "500"]);
    assert!(ran.stderr.contains("500 Hz") && ran.stderr.contains("the time column holds"), "{ran:?}");
    assert!(ran.stdout.contains("1000 Hz"), "{ran:?}");
}

#[test]
fn a_table_without_time_takes_the_rate_it_is_given() {
    let station = Station::new();
    let line = |row| format!("{};{}", wave(row), wave(row + 9));
    let path = write(&station, "untimed.csv", &table("zyg_v;corr_v\n", 0..500, line));
    let (file, ran) = import(&station, &path, &["--rate", "500"]);
    assert!(ran.stdout.contains("500 rows") && ran.stdout.contains("500 Hz"), "{ran:?}");
    if let Some(read) = read(&file) {
        assert_eq!((&read["rate"], &read["name"]), (&json!(500.0), &json!(["zyg_v", "corr_v"])));
        assert_eq!(read["unit"], json!(["V", "V"]));
    }
    fs::remove_file(&file).unwrap();
    let (_, ran) = import(&station, &path, &[]);
    assert!(ran.stderr.contains("the rate is not known") && ran.stderr.contains("--rate"), "{ran:?}");
}

#[test]
fn rows_a_clock_misses_are_gaps() {
    let station = Station::new();
    let rows = (0..1000).filter(|row| !(400..405).contains(row));
    let line = |row| format!("{:.3},{}", time(row), wave(row));
    let path = write(&station, "holes.csv", &table("time_s,zyg_mv\n", rows, line));
    let ran = station.run(&["import", path.to_str().unwrap(), "-o", "holes.h5"]).expect(0);
    assert!(ran.stderr.contains("5 rows missing") && ran.stderr.contains("row 400"), "{ran:?}");
    let (code, report) = station.verify(&station.root().join("holes.h5"));
    assert_eq!((code, &report["gaps"], &report["rows"]), (1, &json!(1), &json!(1000)), "{report:#}");
}

#[test]
fn a_table_without_a_header_is_described_by_hand() {
    let station = Station::new();
    let shown = |row| (300..320).contains(&row) || (700..720).contains(&row);
    let line = |row| {
        let stimulus = if shown(row) { -5 } else { 0 };
        format!("4.9\t{}\t{}\t{stimulus}\t", wave(row), wave(row).abs())
    };
    let text = table("", 0..1000, line);
    let path = write(&station, "bare.txt", &text);
    let columns = "zyg=2:raw:mV,zyg_mean=3:rectified:mV";
    let args = ["--columns", columns, "--markers", "happy=4:step-5", "--rate", "100"];
    let (file, ran) = import(&station, &path, &args);
    assert!(ran.stdout.contains("1000 rows of 2 channels, 2 markers, 100 Hz"), "{ran:?}");
    if let Some(read) = read(&file) {
        assert_eq!(read["name"], json!(["zyg", "zyg_mean"]));
        assert_eq!(read["kind"], json!(["raw", "rectified"]));
        assert_eq!(read["markers"], json!([[300, "happy"], [700, "happy"]]));
        assert_eq!(read["raw"][123], json!([wave(123), wave(123).abs()]));
    }
}

#[test]
fn an_imported_recording_is_replayed_like_any_other() {
    let station = Station::new();
    let line = |row| format!("{:.3},{}", time(row), wave(row));
    let path = write(&station, "replayed.csv", &table("time_s,zyg_mv\n", 0..3000, line));
    let (file, _) = import(&station, &path, &[]);
    let again = station.record(&format!("replay:{}?speed=max", file.display()), &[]);
    station.intact(&again);
    let script = "
a, b = rows(sys.argv[1]), rows(sys.argv[2])
done([same(x, y) for x, y in zip(a, b)])
";
    if let Some(equal) = python(script, &[&file, &again]) {
        assert_eq!(equal, json!([true, true, true]), "raw, clean, envelope");
    }
}

/// A file of the paper's shape, with values that have nothing to do with each other.
fn paper() -> String {
    let mut text = "timestamp,emotion_label,s1,s2,s3,s4,s5,s6,s7,s8,muscle_name\n".to_owned();
    let mut state = 1_u64;
    let mut count = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % 798
    };
    for (second, label) in ["happy", "sadness", "surprise"].into_iter().enumerate() {
        for _ in 0..4000 {
            write!(text, "{},{label}", 1_700_000_000 + second).unwrap();
            (0..8).for_each(|_| write!(text, ",{}", count()).unwrap());
            text.push_str(",\"zygomaticus major, corrugator supercilii\"\n");
        }
    }
    text
}

#[test]
fn the_papers_table_is_imported_with_every_doubt_said() {
    let station = Station::new();
    let path = write(&station, "paper.csv", &paper());
    let (file, ran) = import(&station, &path, &[]);
    for doubt in [
        "`timestamp` cannot be used",
        "different times",
        "look generated",
        "white spectrum",
        "rate is not known",
    ] {
        assert!(ran.stderr.contains(doubt), "{doubt}: {}", ran.stderr);
    }
    assert!(ran.stderr.contains("`muscle_name`"), "{ran:?}");
    let Some(read) = read(&file) else { return };
    assert_eq!(read["name"], json!(["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"]));
    assert_eq!(read["markers"], json!([[0, "happy"], [4000, "sadness"], [8000, "surprise"]]));
    assert_eq!((&read["rate"], read["raw"].as_array().unwrap().len()), (&Value::Null, 12_000));
}

#[test]
fn opensignals_text_keeps_its_counts() {
    let Some(data) = data() else { return };
    for (name, rows) in [("emg.txt", 100_000), ("emg_1.txt", 63_880)] {
        let station = Station::new();
        let text = data.join("limb_biosppy").join(name);
        let (file, ran) = import(&station, &text, &[]);
        assert!(ran.stdout.contains(&format!("{rows} rows of 1 channels")), "{ran:?}");
        let script = "
text = np.loadtxt(sys.argv[2], comments='#', ndmin=2)
with h5py.File(sys.argv[1], 'r') as h5:
    done([float(h5.attrs['sampling_rate_hz']), bool((h5['raw/samples'][()] == text).all())])
";
        if let Some(read) = python(script, &[&file, &text]) {
            assert_eq!(read, json!([1000.0, true]), "{name}");
        }
    }
}

#[test]
fn acqknowledge_text_is_taken_value_for_value() {
    let Some(data) = data() else { return };
    let station = Station::new();
    let text = data.join("face_countenance/femg_raw_exported_sample.txt");
    let (file, ran) = import(&station, &text, &[]);
    assert!(ran.stdout.contains("15 channels") && ran.stdout.contains("1000 Hz"), "{ran:?}");
    let script = "
text = np.genfromtxt(sys.argv[2], delimiter=',', skip_header=35)[:, :15]
with h5py.File(sys.argv[1], 'r') as h5:
    raw = h5['raw/samples'][()]
    names = [name.decode() for name in h5['channels']['name'][:3]]
    units = [unit.decode() for unit in h5['channels']['unit'][:3]]
    done([list(raw.shape) == list(text.shape), bool((raw == text).all()), names, units])
";
    if let Some(read) = python(script, &[&file, &text]) {
        assert_eq!(read[0], json!(true), "the shape");
        assert_eq!(read[1], json!(true), "the values");
        assert_eq!(read[2], json!(["Corr Raw", "Zyg Raw", "Lev Raw"]));
        assert_eq!(read[3], json!(["mV", "mV", "V"]));
    }
}

#[test]
fn eight_people_mirror_happy_faces_as_published() {
    let Some(data) = data() else { return };
    let station = Station::new();
    let columns = "zyg_raw=2:raw:mV,corr_raw=3:raw:mV,zyg=4:rectified:mV,corr=5:rectified:mV";
    let markers = "angry=6:step-5,happy=7:step-5,neutral=8:step-5";
    let mut files = Vec::new();
    for entry in fs::read_dir(data.join("face_oxazepam")).unwrap().flatten() {
        if entry.file_name().to_string_lossy().ends_with("_FMOV_preprocessed.txt") {
            let args = ["--columns", columns, "--markers", markers, "--rate", "100"];
            let (file, ran) = import(&station, &entry.path(), &args);
            // Raw EMG at 100 rows per second is none, and that is said.
            assert!(ran.stderr.contains("cannot carry EMG"), "{ran:?}");
            files.push(file);
        }
    }
    assert_eq!(files.len(), 8);
    let script = "
def change(signal, at):
    return np.log(signal[at + 100:at + 400].mean() / signal[at - 200:at].mean())
people = []
for file in sys.argv[1:]:
    with h5py.File(file, 'r') as h5:
        raw, markers = h5['raw/samples'][()], h5['markers'][()]
        onsets = [int(m['sample']) for m in markers if m['label'] == b'happy']
        people.append([np.mean([change(raw[:, c], at) for at in onsets]) for c in (2, 3)])
done(np.mean(people, axis=0).tolist())
";
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let Some(means) = python(script, &paths) else { return };
    for (at, published) in [0.276, -0.229].into_iter().enumerate() {
        let found = means[at].as_f64().unwrap();
        assert!((found - published).abs() < 0.01, "{found} instead of {published}");
    }
}

#[test]
fn an_envelope_with_an_irregular_clock_is_an_envelope() {
    let Some(data) = data() else { return };
    let station = Station::new();
    let text = data.join("envelope_myoware/20_02_Protocol_light_tool_1.csv");
    let args = ["--columns", "flexor=Voltage1:envelope:V,extensor=Voltage2:envelope:V"];
    let (file, ran) = import(&station, &text, &args);
    assert!(ran.stderr.contains("irregular"), "{ran:?}");
    assert!(!ran.stderr.contains("cannot carry EMG"), "an envelope may be slow: {ran:?}");
    let Some(read) = read(&file) else { return };
    assert_eq!((&read["kind"], &read["unit"]), (&json!(["envelope", "envelope"]), &json!(["V", "V"])));
    assert_eq!(read["raw"][0], json!([0.645_161_29, 0.136_852_395]));
    let rate = read["rate"].as_f64().unwrap();
    assert!((10.0..30.0).contains(&rate), "{rate}");
}
