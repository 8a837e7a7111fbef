//! `features`: the table is what anyone computes from the clean samples in the file, and what cannot be is said.

use crate::support::{Station, data, python};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// Ten seconds of the simulated face, 3 raw channels.
fn face(station: &Station) -> PathBuf {
    station.record("sim:?channels=3&rate=1000&speed=max&seed=5", &["--duration", "10s"])
}

/// A CSV file as rows of cells by column.
fn table(path: &Path) -> Vec<std::collections::BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(|row| row.unwrap()).collect()
}

#[test]
fn every_number_follows_from_the_clean_samples() {
    let station = Station::new();
    let file = face(&station);
    let csv = station.root().join("f.csv");
    let set = "mav,zc,ssc,wl,rms,mnf,mdf,ar1,iemg";
    let args = ["features", file.to_str().unwrap(), "-o", "f.csv", "--threshold", "0", "--set", set];
    let ran = station.run(&args).expect(0);
    assert!(ran.stdout.contains("left out") && ran.stderr.is_empty(), "{ran:?}");
    let script = "
import csv
with h5py.File(sys.argv[1], 'r') as h5:
    clean = h5['clean/samples'][()].astype(float)
    names = [name.decode() for name in h5['channels']['name'][()]]
    settled = max(int(span['settled_sample']) for span in h5['filter/spans'][()])
worst, rows = 0.0, list(csv.DictReader(open(sys.argv[2])))
for row in rows:
    at = int(row['sample'])
    x = clean[at:at + 250, names.index(row['channel'])]
    d, power = np.diff(x), np.abs(np.fft.rfft(x, 256)[:128]) ** 2
    f = np.arange(128) * 1000 / 256
    expected = {
        'mav': np.mean(np.abs(x)), 'wl': np.sum(np.abs(d)), 'rms': np.sqrt(np.mean(x * x)), 'iemg': np.sum(np.abs(x)),
        'zc': np.sum(x[1:] * x[:-1] < 0), 'ssc': np.sum(d[1:] * d[:-1] < 0),
        'mnf': np.sum(f * power) / np.sum(power), 'mdf': f[np.argmax(np.cumsum(power) > np.sum(power) / 2)],
        'onset_s': at / 1000, 'end_s': (at + 250) / 1000,
    }
    worst = max([worst] + [abs(float(row[k]) - v) / max(abs(v), 1e-12) for k, v in expected.items()])
starts = sorted({int(row['sample']) for row in rows})
first = -(-settled // 50) * 50
done([bool(worst < 1e-9), starts == list(range(first, len(clean) - 249, 50)), len(rows) == 3 * len(starts), {r['flags'] for r in rows} == {''}])
";
    if let Some(right) = python(script, &[&file, &csv]) {
        assert_eq!(right, json!([true, true, true, true]), "values, windows, channels, flags");
    }
}

#[test]
fn windows_that_were_left_out_come_with_their_flags_when_asked_for() {
    let station = Station::new();
    let file = face(&station);
    let path = file.to_str().unwrap();
    station.run(&["features", path, "-o", "sound.csv"]).expect(0);
    station.run(&["features", path, "-o", "all.csv", "--flagged"]).expect(0);
    let (sound, all) = (table(&station.root().join("sound.csv")), table(&station.root().join("all.csv")));
    assert!(sound.len() < all.len(), "the filters settle at the start");
    let flagged: Vec<_> = all.iter().filter(|row| !row["flags"].is_empty()).collect();
    assert_eq!(flagged.len(), all.len() - sound.len());
    assert!(flagged.iter().all(|row| row["flags"] == "settling"));
    let rest: Vec<_> = all.iter().filter(|row| row["flags"].is_empty()).cloned().collect();
    assert_eq!(rest, sound, "and everything else is the same");
    assert!(sound.iter().all(|row| row["threshold"].parse::<f64>().unwrap() > 0.0), "3 x the noise at rest");
}

#[test]
fn a_table_is_never_overwritten_unasked() {
    let station = Station::new();
    let file = face(&station);
    let path = file.to_str().unwrap();
    fs::write(station.root().join("f.csv"), "mine").unwrap();
    let ran = station.run(&["features", path, "-o", "f.csv"]).expect(2);
    assert!(ran.stderr.contains("f.csv exists already") && ran.stderr.contains("--force"), "{ran:?}");
    assert_eq!(fs::read_to_string(station.root().join("f.csv")).unwrap(), "mine");
    station.run(&["features", path, "-o", "f.csv", "--force"]).expect(0);
    assert!(
        fs::read_to_string(station.root().join("f.csv"))
            .unwrap()
            .starts_with("recording,channel,muscle,onset_s")
    );
}

#[test]
fn thresholds_in_the_wrong_unit_and_unknown_names_are_refused_in_a_sentence() {
    let station = Station::new();
    let file = face(&station);
    let path = file.to_str().unwrap();
    for (args, said) in [
        (["--threshold", "5"], "says no unit"),
        (["--threshold", "5furlong"], "cannot be applied to channel"),
        (["--set", "mav,mva"], "`mva` is neither a set"),
        (["--channels", "nose"], "no channel is called `nose`"),
        (["--window", "250"], "is no time"),
        (["--window", "1ms"], "fewer than 4 rows"),
    ] {
        let ran = station.run(&[&["features", path, "-o", "f.csv"], &args[..]].concat()).expect(2);
        assert!(ran.stderr.contains(said), "{said}: {ran:?}");
        assert!(!station.root().join("f.csv").exists(), "nothing was written");
    }
}

#[test]
fn an_envelope_keeps_its_amplitude_and_is_refused_the_rest() {
    let Some(data) = data() else { return };
    let station = Station::new();
    let text = data.join("envelope_myoware/20_02_Protocol_light_tool_1.csv");
    let columns = "flexor=Voltage1:envelope:V,extensor=Voltage2:envelope:V";
    station.run(&["import", text.to_str().unwrap(), "-o", "e.h5", "--columns", columns]).expect(0);
    let set = "mav,zc,mnf,rise_slope,duration";
    let args = ["features", "e.h5", "-o", "e.csv", "--set", set, "--window", "1s", "--step", "500ms"];
    let ran = station.run(&args).expect(0);
    assert!(ran.stderr.contains("flexor, extensor (envelope): zc, mnf n/a: its sensor rectified"), "{ran:?}");
    let rows = table(&station.root().join("e.csv"));
    assert!(!rows.is_empty());
    for row in rows {
        assert_eq!((&row["zc"][..], &row["mnf"][..], &row["unit"][..]), ("n/a", "n/a", "V"));
        assert!(row["mav"].parse::<f64>().unwrap() > 0.0 && row["rise_slope"].parse::<f64>().unwrap() >= 0.0);
    }
}
