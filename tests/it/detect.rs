//! Muscle events of recordings: the table, what stands in it, and the published detector beside SciPy's.

use crate::support::{Station, data, python, wait_until};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

const COLUMNS: &str = "recording,channel,onset_s,apex_s,offset_s,class,peak,mvc_percent,snr_db,rise_s,\
                       onset_uncertainty_s,duration_corrected_s,duration_low_s,duration_high_s,verdict";

/// Imports a text as raw microvolts.
#[track_caller]
fn import(station: &Station, name: &str, text: &str) -> PathBuf {
    let path = station.root().join(format!("{name}.csv"));
    fs::write(&path, text).unwrap();
    let file = station.root().join(format!("{name}.h5"));
    let words =
        ["import", path.to_str().unwrap(), "-o", file.to_str().unwrap(), "--columns", "emg=emg:raw:uV"];
    station.run(&words).expect(0);
    file
}

/// Rows of the table `detect` writes for these files, each as its fields.
#[track_caller]
fn detect(station: &Station, files: &[&Path], more: &[&str]) -> Vec<Vec<String>> {
    let mut words = vec!["detect"];
    words.extend(files.iter().map(|file| file.to_str().unwrap()));
    words.extend(more);
    let text = station.run(&words).expect(0).stdout;
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(COLUMNS));
    lines.map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn seconds(field: &str) -> f64 {
    field.parse().unwrap_or_else(|_| panic!("`{field}` is no number"))
}

/// Something like a muscle at rest with bursts: sums of many waves whose phases no burst knows.
fn muscle(seconds: u32, bursts: &[(f64, f64)]) -> String {
    let mut text = "time_s,emg\n".to_owned();
    let mut state = 1_u32;
    let mut noise = || {
        // A linear congruential generator is random enough for rest; twelve of them make a normal value.
        let mut sum = -6.0;
        for _ in 0..12 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            sum += f64::from(state >> 8) / f64::from(1_u32 << 24);
        }
        sum
    };
    // A muscle has no voltage that stands still: the difference of two values of noise has none either.
    let mut before = 0.0;
    for row in 0..seconds * 1000 {
        let t = f64::from(row) / 1000.0;
        let loud = bursts.iter().any(|(onset, end)| (*onset..*end).contains(&t));
        let now = noise();
        let value = 2.0 * noise() + if loud { 14.0 * (now - before) } else { 0.0 };
        before = now;
        writeln!(text, "{t:.3},{value:.4}").unwrap();
    }
    text
}

const BURSTS: [(f64, f64); 3] = [(5.0, 5.1), (7.0, 7.3), (10.0, 11.0)];

#[test]
fn events_of_several_recordings_stand_in_one_table() {
    let station = Station::new();
    let one = import(&station, "one", &muscle(14, &BURSTS));
    let two = import(&station, "two", &muscle(14, &BURSTS[..1]));
    for more in [&[][..], &["--zero-phase"]] {
        let rows = detect(&station, &[&one, &two], more);
        let found: Vec<_> = rows.iter().map(|r| (r[0].as_str(), r[5].as_str(), r[14].as_str())).collect();
        let brief = |name| (name, "brief", "candidate");
        assert_eq!(found, [brief("one"), brief("one"), ("one", "macro", ""), brief("two")]);
        for (row, (onset, end)) in rows.iter().zip(BURSTS) {
            assert!((seconds(&row[2]) - onset).abs() < 0.015, "{row:?}");
            assert!((seconds(&row[4]) - end).abs() < 0.03, "{row:?}");
            assert!(seconds(&row[2]) < seconds(&row[3]) && seconds(&row[3]) < seconds(&row[4]), "{row:?}");
            assert!((15.0..30.0).contains(&seconds(&row[8])), "20 dB over rest: {row:?}");
            assert!(seconds(&row[10]) < 0.01 && row[7].is_empty(), "{row:?}");
            assert!(seconds(&row[12]) <= end - onset && end - onset <= seconds(&row[13]), "{row:?}");
        }
    }
    let table = station.root().join("events.csv");
    let words = ["detect", one.to_str().unwrap(), "-o", table.to_str().unwrap()];
    station.run(&words).expect(0);
    assert_eq!(fs::read_to_string(&table).unwrap().lines().count(), 4);
    let nowhere = station.root().join("nowhere/events.csv");
    for table in ["detect", "features"] {
        let ran = station.run(&[table, one.to_str().unwrap(), "-o", nowhere.to_str().unwrap()]).expect(2);
        assert!(
            ran.stderr.contains("could not be written: ") && ran.stderr.contains("; name a folder"),
            "{ran:?}"
        );
    }
    let again = station.run(&words).expect(2);
    assert!(again.stderr.contains("exists already"), "{}", again.stderr);
}

/// The published detector, written anew from its description with SciPy.
const CASMEMG: &str = r#"
text, rate = np.genfromtxt(sys.argv[1], delimiter=",", skip_header=1), 1000.0
x = text[199:, 1]
band = signal.butter(2, [20, 450], "bandpass", fs=rate, output="sos")
x = signal.sosfiltfilt(band, x)
low = signal.butter(2, 6, fs=rate, output="sos")
e = signal.sosfiltfilt(low, np.abs(x - x.mean()))
frames = np.array([e[a:a + 60].mean() for a in range(0, len(e) - 59, 30)])
above = np.concatenate([[False], frames > e.mean(), [False]])
edges = np.flatnonzero(np.diff(above.astype(int)))
events = []
for first, after in zip(edges[::2], edges[1::2]):
    if after - first >= 5:
        place = lambda f: f * 30 + int(np.argmin(e[f * 30:f * 30 + 60]))
        a, b = place(max(first - 2, 0)), place(min(after - 1 + 6, len(frames) - 1))
        if e[a:b].sum() >= 1:
            events.append([(a + 199) / rate, (b + 199) / rate, float(e[a:b].max())])
done(events)
"#;

#[test]
fn the_published_detector_is_that_of_its_description() {
    let station = Station::new();
    let file = import(&station, "one", &muscle(14, &BURSTS));
    let rows = detect(&station, &[&file], &["--method", "casmemg"]);
    assert!(rows.len() >= 2, "{rows:?}");
    let Some(expected) = python(CASMEMG, &[&station.root().join("one.csv")]) else { return };
    let expected = expected.as_array().unwrap();
    assert_eq!(rows.len(), expected.len(), "{rows:?} {expected:?}");
    for (row, expected) in rows.iter().zip(expected) {
        let number = |at: usize| expected[at].as_f64().unwrap();
        for (field, at) in [(2, 0), (4, 1), (6, 2)] {
            assert!((seconds(&row[field]) - number(at)).abs() < 1e-4, "{row:?} {expected}");
        }
    }
}

#[test]
fn a_direction_of_time_is_not_asked_of_the_published_detector() {
    let station = Station::new();
    let ran = station.run(&["detect", "any.h5", "--method", "casmemg", "--zero-phase"]).expect(2);
    assert!(ran.stderr.contains("; leave out one of `--zero-phase` and `--method casmemg`"), "{ran:?}");
}

#[test]
fn tables_of_a_recording_that_a_crash_left_say_how_far_they_go() {
    let station = Station::new();
    let recorder = station.start(&["--source", "sim:?seed=7&channels=2"]);
    station.wait_rows(2500);
    let journal = station.journal();
    recorder.kill();
    wait_until("all processes are gone", || station.processes("project ").is_empty());
    let file = journal.with_extension("h5");
    let file = file.to_str().unwrap();
    for args in [&["detect", file][..], &["features", file, "-o", "features.csv"]] {
        let ran = station.run(args).expect(0);
        let journal = journal.display();
        for said in [
            format!(
                "warning: {file} is still being recorded, or was left by a crash, so the table ends with its "
            ),
            format!("`myograph recover {journal}`, and make the table again"),
        ] {
            assert!(ran.stderr.contains(&said), "{said}: {}", ran.stderr);
        }
    }
}

#[test]
fn bursts_planted_into_a_real_face_are_found() {
    let Some(data) = data() else { return };
    let text = fs::read_to_string(data.join("face_countenance/femg_raw_exported_sample.txt")).unwrap();
    let station = Station::new();
    // Corrugator, millivolts; its floor is about 5 uV rms.
    let values: Vec<f64> = text
        .lines()
        .skip(35)
        .filter_map(|line| line.split(',').next()?.parse::<f64>().ok())
        .map(|value| 1000.0 * value)
        .collect();
    let onsets = [4.0, 5.5, 7.5, 9.0, 10.8];
    let mut planted = "time_s,emg\n".to_owned();
    for (row, value) in (0_u32..).zip(&values) {
        let t = f64::from(row) / 1000.0;
        let is_loud = onsets.iter().any(|onset| (*onset..onset + 0.15).contains(&t));
        // Waves of the band in which facial muscles are loud, no two in step.
        let wave = |hz: f64| (std::f64::consts::TAU * hz * t + hz).sin();
        let emg = [61.0, 83.0, 97.0, 118.0, 139.0, 167.0].map(wave).iter().sum::<f64>();
        let value = value + if is_loud { 25.0 * emg / 3.0_f64.sqrt() } else { 0.0 };
        writeln!(planted, "{t:.3},{value:.4}").unwrap();
    }
    let file = import(&station, "face", &planted);
    let rows = detect(&station, &[&file], &[]);
    for onset in onsets {
        let near = rows.iter().map(|row| (seconds(&row[2]) - onset).abs()).fold(f64::MAX, f64::min);
        assert!(near < 0.015, "{onset}: {near} {rows:?}");
    }
}
