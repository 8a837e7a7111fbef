//! Recordings as the tidy table of trials: checked against Python, against a published result, and when files fail.

use crate::support::{Ran, Station, data, python};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A table as one map from column to cell per row.
fn table(path: &Path) -> Vec<HashMap<String, String>> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let header = lines.next().unwrap();
    lines
        .map(|cells| {
            assert_eq!(cells.len(), header.len(), "{cells:?}");
            header.iter().cloned().zip(cells).collect()
        })
        .collect()
}

/// Runs `trials FILES -o NAME` with more arguments.
fn trials(station: &Station, files: &[&Path], name: &str, args: &[&str]) -> (PathBuf, Ran) {
    let output = station.root().join(name);
    let mut all = vec!["trials"];
    all.extend(files.iter().map(|file| file.to_str().unwrap()));
    all.extend(["-o", output.to_str().unwrap()]);
    all.extend(args);
    let ran = station.run(&all);
    (output, ran)
}

/// Adds rows to tables of closed recordings, each row where its sample lies: markers are `[id, sample, label, action,
/// refers_to]`, artefacts `[onset, end, mask]`. False where there is no Python.
fn plant(files: &[&Path], markers: &Value, artefacts: &Value) -> bool {
    let script = "
markers, artefacts = json.loads(sys.argv[1]), json.loads(sys.argv[2])
def add(h5, name, rows):
    table = h5[name]
    table.resize((len(table) + len(rows),))
    new = np.zeros(len(rows), table.dtype)
    for at, row in enumerate(rows):
        for column, value in row.items():
            new[at][column] = value
    if len(rows):
        table[-len(rows):] = new
for file in sys.argv[3:]:
    with h5py.File(file, 'r+') as h5:
        first = int(h5.attrs['first_row'])
        held = range(first, first + len(h5['raw/samples']))
        add(h5, 'markers', [
            dict(id=id, sample=sample, label=label.encode(), action=action.encode(), refers_to=about,
                 source=b'command', placed=b'fit', code=3, uncertainty_us=500)
            for id, sample, label, action, about in markers if sample in held])
        add(h5, 'artefacts', [
            dict(onset=onset, end=end, channels=mask, rule=b'blink')
            for onset, end, mask in artefacts if onset in held])
done(True)
";
    let (markers, artefacts) = (PathBuf::from(markers.to_string()), PathBuf::from(artefacts.to_string()));
    let mut args = vec![markers.as_path(), artefacts.as_path()];
    args.extend(files);
    python(script, &args).is_some()
}

/// Half a minute of a simulated face as text with a clock: 40 rows around 10.2 s are missing, seven trials begin.
/// None where there is no Python.
fn holed(station: &Station) -> Option<PathBuf> {
    let face = station.record("sim:?seed=7&channels=2&speed=max", &["--duration", "30s", "--rotate", "off"]);
    let text = station.root().join("face.csv");
    let script = "
with h5py.File(sys.argv[1], 'r') as h5:
    raw = h5['raw/samples'][()].astype(float)
stimulus = np.zeros(len(raw))
for onset in (400, 3000, 8000, 9500, 14000, 20000, 27500):
    stimulus[onset:onset + 50] = 1
with open(sys.argv[2], 'w') as out:
    out.write('time_s,zyg_uv,corr_uv,stimulus\\n')
    for row in range(len(raw)):
        if not 10200 <= row < 10240:
            out.write(f'{row / 1000:.3f},{raw[row, 0]},{raw[row, 1]},{stimulus[row]}\\n')
done(True)
";
    python(script, &[&face, &text])?;
    let file = station.root().join("face.h5");
    let (text, name) = (text.to_str().unwrap(), file.to_str().unwrap());
    let args = ["import", text, "-o", name, "--markers", "smile=stimulus:step1", "--subject", "07"];
    let ran =
        station.run(&[&args[..], &["--columns", "zyg=zyg_uv:raw:uV,corr=corr_uv:envelope:uV"]].concat());
    ran.expect(0);
    Some(file)
}

/// The table from the file alone: means, shares and whether there is a value, for every trial, channel and bin.
const RECOMPUTE: &str = "
import csv
def judged(file):
    with open(file.replace('.h5', '.artefacts-anna.tsv'), newline='') as text:
        coded = [(int(r['onset']), int(r['end']), int(r['channels']))
                 for r in csv.DictReader(text, delimiter='\\t') if r['retracted'] == '0']
    with h5py.File(file, 'r') as h5:
        return coded + [(int(r['onset']), int(r['end']), int(r['channels'])) for r in h5['artefacts']]
def mean(samples, values, bad, a, b):
    inside = (samples >= a) & (samples < b)
    here = inside & np.isfinite(values)
    used = here & ~bad
    lost, spoiled = 1 - here.sum() / max(inside.sum(), 1), (here & bad).sum() / max(here.sum(), 1)
    fine = a >= 0 and lost + (1 - lost) * spoiled <= 0.5
    return (values[used].astype(float).mean() if used.any() else np.nan), lost, spoiled, fine
file, measure = sys.argv[1], sys.argv[3]
worst, excluded, checked = 0.0, 0, 0
with h5py.File(file, 'r') as h5:
    rate, clean, envelope = h5.attrs['sampling_rate_hz'], h5['clean/samples'][()], h5['clean/envelope'][()]
    step = int(h5['clean/envelope'].attrs['decimation'])
    every, sparse = np.arange(len(clean)), (np.arange(len(envelope)) + 1) * step - 1
    taken = {int(m['refers_to']) for m in h5['markers'] if m['action'] == b'retract'}
    names = {int(m['refers_to']): m['label'].decode() for m in h5['markers'] if m['action'] == b'relabel'}
    onsets = sorted((int(m['sample']), int(m['id'])) for m in h5['markers']
                    if m['action'] == b'add' and int(m['id']) not in taken)
    kinds, channels = words(h5['channels'], 'kind'), words(h5['channels'], 'name')
expected = []
for onset, id in onsets:
    for c, kind in enumerate(kinds):
        samples, values = (sparse, envelope[:, c]) if kind == 'raw' else (every, clean[:, c])
        bad = np.zeros(len(samples), bool)
        for a, b, mask in judged(file):
            if mask >> c & 1:
                bad |= (samples >= a) & (samples < b)
        base, _, _, base_fine = mean(samples, values, bad, onset - rate, onset)
        for n in range(8):
            a, b = onset + n * rate / 2, onset + (n + 1) * rate / 2
            m, lost, spoiled, fine = mean(samples, values, bad, a, b)
            fine = fine and base_fine and b <= len(clean)
            with np.errstate(all='ignore'):
                value = {'difference': m - base, 'ratio': 100 * m / base, 'log-ratio': np.log(m / base)}[measure]
            fine = bool(fine and np.isfinite(value))
            expected.append((id, names.get(id, 'smile'), channels[c], n + 1, base, lost, spoiled, m, value, fine))
with open(sys.argv[2], newline='') as text:
    found = list(csv.DictReader(text))
assert len(found) == len(expected), (len(found), len(expected))
for row, (id, name, channel, n, base, lost, spoiled, m, value, fine) in zip(found, expected):
    place = (row['marker'], row['condition'], row['channel'], row['bin'])
    assert place == (str(id), name, channel, str(n)), (place, id, name, channel, n)
    assert (row['excluded'] == '0') == fine == (row['exclusion'] == '') == (row['value'] != ''), (row, fine)
    excluded += not fine
    pairs = [('mean', m), ('baseline', base), ('share_artefact', spoiled)] + [('value', value)] * fine
    pairs += [('share_lost', lost)] * (row['exclusion'] != 'bin after the recording')
    for column, number in pairs:
        assert (row[column] == '') == bool(np.isnan(number)), (column, row, number)
        if row[column]:
            worst = max(worst, abs(float(row[column]) - number) / max(1.0, abs(number)))
            checked += 1
done([worst, excluded, checked])
";

#[test]
fn python_finds_the_same_table_in_the_file_alone() {
    let station = Station::new();
    let Some(file) = holed(&station) else { return };
    // As a rule and a coder would have judged, and as somebody would have put labels right.
    let markers = json!([
        [91, 16_000, "late", "add", 0],
        [92, 17_000, "", "retract", 91],
        [93, 17_001, "grin", "relabel", 2],
    ]);
    assert!(plant(&[&file], &markers, &json!([[3100, 3180, 1], [20_000, 20_400, 3]])));
    let coded = "onset\tend\tchannels\trule\tcoder\tonset_s\tend_s\tnames\tnote\tretracted\n\
                 14200\t14450\t2\tmanual\tanna\t14.2\t14.45\tcorr\t\t0\n\
                 8000\t9000\t3\tmanual\tanna\t8\t9\tzyg,corr\t\t1\n";
    fs::write(file.with_extension("artefacts-anna.tsv"), coded).unwrap();
    for measure in ["difference", "ratio", "log-ratio"] {
        let args = ["--bin", "500ms", "--measure", measure];
        let (output, ran) = trials(&station, &[&file], &format!("{measure}.csv"), &args);
        let ran = ran.expect(0);
        assert!(ran.stderr.contains("reach into others"), "{ran:?}");
        let args = [file.as_path(), output.as_path(), Path::new(measure)];
        let Some(found) = python(RECOMPUTE, &args) else { return };
        assert!(found[0].as_f64().unwrap() < 1e-6, "{measure}: {found}");
        assert!(found[1].as_u64().unwrap() > 0 && found[2].as_u64().unwrap() > 300, "{measure}: {found}");
    }
    let rows = table(&station.root().join("difference.csv"));
    let reasons = |marker: &str, channel: &str| -> Vec<String> {
        let own = rows.iter().filter(|row| row["marker"] == marker && row["channel"] == channel);
        own.map(|row| row["exclusion"].clone()).collect()
    };
    assert_eq!(reasons("1", "zyg"), vec!["baseline before the recording"; 8]);
    let late = ["", "", "", "", "", "bin after the recording", "", ""];
    assert_eq!(reasons("7", "zyg")[..6], late[..6], "27.5 s + 3 s lie behind 30 s");
    assert_eq!(reasons("6", "zyg")[0], "bin artefact", "400 of its 500 rows are artefacts");
    // The hole of 40 rows is 8 % of its bin, and the filters begin anew behind it.
    let hole = rows.iter().find(|row| row["marker"] == "4" && row["channel"] == "corr" && row["bin"] == "2");
    let hole = hole.unwrap();
    assert_eq!((hole["share_lost"].as_str(), hole["exclusion"].as_str()), ("0.08", ""));
    assert!(hole["share_settling"].parse::<f64>().unwrap() > 0.0);
    assert_eq!((hole["subject"].as_str(), hole["unit"].as_str()), ("07", "uV"));
}

#[test]
fn judgements_count_as_they_are_asked_to() {
    let station = Station::new();
    let Some(file) = holed(&station) else { return };
    assert!(plant(&[&file], &json!([]), &json!([[14_000, 18_000, 3]])));
    let spoiled = |args: &[&str], name: &str| {
        let (output, ran) = trials(&station, &[&file], name, args);
        ran.expect(0);
        let rows = table(&output);
        let row = rows.into_iter().find(|row| row["trial"] == "5").unwrap();
        (row["share_artefact"].clone(), row["exclusion"].clone())
    };
    assert_eq!(spoiled(&[], "all.csv"), ("1".to_owned(), "bin artefact".to_owned()));
    for judges in ["coders", "none"] {
        let found = spoiled(&["--artefacts", judges], &format!("{judges}.csv"));
        assert_eq!(found, ("0".to_owned(), String::new()));
    }
    // Nothing is lost where a coder judged four fifths: what excludes them is the judgement.
    let coded = "onset\tend\tchannels\trule\tcoder\tonset_s\tend_s\tnames\tnote\tretracted\n\
                 14000\t17200\t3\tmanual\tanna\t14\t17.2\tzyg,corr\t\t0\n";
    fs::write(file.with_extension("artefacts-anna.tsv"), coded).unwrap();
    let found = spoiled(&["--artefacts", "coders"], "coded.csv");
    assert_eq!(found, ("0.8".to_owned(), "bin artefact".to_owned()));
}

#[test]
fn nothing_is_divided_by_an_envelope_on_its_own_baseline() {
    let station = Station::new();
    let Some(file) = holed(&station) else { return };
    let clean = |name: &str, baseline: &str| {
        let made = station.root().join(name);
        let (from, to) = (file.to_str().unwrap(), made.to_str().unwrap());
        station.run(&["clean", from, "-o", to, "--envelope-baseline", baseline]).expect(0);
        made
    };
    for (name, baseline, words) in [
        ("floor.h5", "track", "BL track 0.5/60s on the envelope"),
        ("high.h5", "0.1", "HP0.1 on the envelope"),
    ] {
        let made = clean(name, baseline);
        for measure in ["ratio", "log-ratio"] {
            let ran = trials(&station, &[&made], "none.csv", &["--measure", measure]).1.expect(2);
            for said in [name, words, measure, "; ask for `--measure difference`", "--envelope-baseline off`"]
            {
                assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
            }
            assert!(!station.root().join("none.csv").exists());
        }
        let ran = trials(&station, &[&made], &format!("{baseline}-difference.csv"), &[]).1;
        ran.expect(0);
        // The samples themselves, and what a sensor smoothed, know no such baseline.
        for (args, table) in [(["--signal", "rectified"], "rectified"), (["--channels", "corr"], "corr")] {
            let args = [&args[..], &["--measure", "ratio"]].concat();
            trials(&station, &[&made], &format!("{baseline}-{table}.csv"), &args).1.expect(0);
        }
    }
    let off = clean("off.h5", "off");
    trials(&station, &[&off], "off.csv", &["--measure", "ratio"]).1.expect(0);
}

#[test]
fn eight_people_mirror_happy_faces_by_the_documented_commands() {
    let Some(data) = data() else { return };
    let station = Station::new();
    let columns = "zyg=4:rectified:mV,corr=5:rectified:mV";
    let markers = "angry=6:step-5,happy=7:step-5,neutral=8:step-5";
    let mut files = Vec::new();
    for person in ["09", "10", "11", "12", "14", "15", "16", "17"] {
        let text = data.join(format!("face_oxazepam/{person}_FMOV_preprocessed.txt"));
        let file = station.root().join(format!("{person}.h5"));
        let args = ["import", text.to_str().unwrap(), "-o", file.to_str().unwrap(), "--rate", "100"];
        let more = ["--subject", person, "--columns", columns, "--markers", markers];
        station.run(&[args, more].concat()).expect(0);
        files.push(file);
    }
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let asked = ["--baseline", "-2s..0s", "--window", "1s..4s", "--measure", "log-ratio", "--summary"];
    let (_, ran) = trials(&station, &files, "trials.csv", &asked);
    let ran = ran.expect(0);
    for (muscle, published, error) in [("zyg", 0.276, 0.155), ("corr", -0.229, 0.168)] {
        let start = format!("happy,{muscle},,1,8,");
        let line =
            ran.stdout.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("{ran:?}"));
        let cells: Vec<f64> = line.split(',').skip(5).map(|cell| cell.parse().unwrap()).collect();
        assert!((cells[2] - published).abs() < 0.01, "{line}");
        assert!((cells[3] - error).abs() < 0.01, "{line}");
    }
}

#[test]
fn z_scores_of_a_muscle_have_mean_0_and_sd_1() {
    let station = Station::new();
    let Some(file) = holed(&station) else { return };
    let args = ["--bin", "1s", "--standardise", "z-within-muscle-subject"];
    let (output, ran) = trials(&station, &[&file], "z.csv", &args);
    ran.expect(0);
    for channel in ["zyg", "corr"] {
        let values: Vec<f64> = table(&output)
            .iter()
            .filter(|row| row["channel"] == channel && row["excluded"] == "0")
            .map(|row| row["value"].parse().unwrap())
            .collect();
        let n = f64::from(u32::try_from(values.len()).unwrap());
        let squares: f64 = values.iter().map(|value| value * value).sum();
        assert!(n > 10.0 && values.iter().sum::<f64>().abs() < 1e-9, "{values:?}");
        assert!((squares / (n - 1.0) - 1.0).abs() < 1e-9);
    }
    assert!(table(&output).iter().all(|row| row["unit"] == "z" && row["measure"] == "difference"));
}

#[test]
fn a_bad_file_is_named_and_the_others_go_on() {
    let station = Station::new();
    let Some(file) = holed(&station) else { return };
    let bare = station.record("sim:?speed=max", &["--duration", "2s", "--rotate", "off"]);
    let text = station.root().join("face.csv");
    let files = [text.as_path(), &file, Path::new("nowhere.h5"), &bare, &file];
    let (output, ran) = trials(&station, &files, "some.csv", &[]);
    let ran = ran.expect(1);
    for words in [
        "face.csv cannot be opened as HDF5",
        "nowhere.h5 could not be read",
        "has no trial; leave it out: it has no markers, and a trial begins at one",
        "is not read twice",
        "4 of 14 values excluded: 2 baseline before the recording, 2 bin after the recording",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    assert!(ran.stdout.contains("14 rows of 1 recording"), "{ran:?}");
    assert_eq!(table(&output).len(), 14, "one bin for each of 7 trials on 2 channels");
    let (output, ran) = trials(&station, &[&file], "zyg.csv", &["--channels", "zyg"]);
    ran.expect(0);
    assert_eq!(table(&output).len(), 7);
    let again = trials(&station, &[&file], "some.csv", &[]).1.expect(2);
    assert!(again.stderr.contains("exists already"), "{again:?}");
    for (args, words) in [
        (
            &["--channels", "zygo"][..],
            "no channel `zygo`; choose of its channels with `--channels`: zyg, corr",
        ),
        (&["--markers", "happy"], "no trial; choose of its markers with `--markers`: smile"),
        (&["--bin", "300ms"], "no whole number of bins of 300 ms; choose another width with `--bin`"),
        (&["--window", "0..4"], "`4` is no time; write a number with h, m, s or ms"),
        (&["--window", "4s"], "no stretch of time; write two times with `..` between them"),
        (
            &["--baseline", "0s..-1s"],
            "ends before it begins, or when it begins; write the earlier time first",
        ),
        (&["--measure", "log"], "log-ratio"),
        (&["--max-lost", "2"], "no share; write a number from 0 to 1"),
        (&["--markers", "happy"], "none.csv was not written; do what is said above for each of them"),
    ] {
        let ran = trials(&station, &[&file], "none.csv", args).1.expect(2);
        assert!(ran.stderr.contains(words), "{args:?}: {}", ran.stderr);
        assert!(!station.root().join("none.csv").exists());
    }
    let nowhere = trials(&station, &[&file], "nowhere/table.csv", &[]).1.expect(2);
    assert!(nowhere.stderr.contains("could not be written: "), "{nowhere:?}");
    assert!(nowhere.stderr.contains("; name a folder with `-o` that exists"), "{nowhere:?}");
}

/// The same seeded face in one file and in segments of 5 s, with the same markers.
fn twice(station: &Station) -> Option<(PathBuf, Vec<PathBuf>)> {
    let source = "sim:?seed=7&channels=3&speed=max";
    let whole = station.record(source, &["--duration", "20s", "--rotate", "off"]);
    station.start(&["--source", source, "--duration", "20s", "--rotate", "5s"]).finish().expect(0);
    let mut segments = station.recordings();
    segments.retain(|file| *file != whole);
    assert!(segments.len() >= 4, "{segments:?}");
    let markers = json!([
        [1, 2000, "first", "add", 0],
        [2, 4500, "over", "add", 0],
        [3, 6000, "away", "add", 0],
        [4, 10_000, "border", "add", 0],
        [5, 16_500, "", "retract", 3],
        [6, 16_600, "crossing", "relabel", 2],
        [7, 12_000, "", "end", 4],
    ]);
    let mut files = vec![whole.as_path()];
    files.extend(segments.iter().map(PathBuf::as_path));
    let planted = plant(&files[..1], &markers, &json!([])) && plant(&files[1..], &markers, &json!([]));
    planted.then_some((whole, segments))
}

/// Cells that must not depend on how a recording was cut into files.
fn told(path: &Path) -> Vec<Vec<(String, String)>> {
    let sorted = |row: HashMap<String, String>| {
        let mut cells: Vec<_> =
            row.into_iter().filter(|(name, _)| name != "run" && name != "recording").collect();
        cells.sort();
        cells
    };
    table(path).into_iter().map(sorted).collect()
}

#[test]
fn a_rotated_recording_gives_the_trials_of_an_unrotated_one() {
    let station = Station::new();
    let Some((whole, segments)) = twice(&station) else { return };
    let mut paths = vec![whole.as_path()];
    paths.extend(segments.iter().map(PathBuf::as_path));
    let script = "done([same(a, b) for a, b in zip(rows(sys.argv[1]), rows(*sys.argv[2:]))])";
    assert_eq!(python(script, &paths).unwrap(), json!([true, true, true]), "raw, clean, envelope");
    let (one, ran) = trials(&station, &[&whole], "one.csv", &["--bin", "250ms"]);
    ran.expect(0);
    // Named by any of its files, and by all of them.
    let (last, ran) = trials(&station, &[segments.last().unwrap()], "last.csv", &["--bin", "250ms"]);
    ran.expect(0);
    let (all, ran) = trials(&station, &paths[1..], "all.csv", &["--bin", "250ms"]);
    assert!(ran.expect(0).stderr.contains("is not read twice"));
    let expected = told(&one);
    assert_eq!(expected.len(), 3 * 3 * 16);
    assert!(told(&last) == expected && told(&all) == expected, "the cut shows");
    let rows = table(&last);
    assert!(rows.iter().any(|row| row["condition"] == "crossing" && row["marker"] == "2"));
    assert!(rows.iter().all(|row| row["condition"] != "away" && row["exclusion"].is_empty()));
    assert!(rows.iter().all(|row| row["marker"] != "4" || row["duration_s"] == "2"));
}

#[test]
fn a_segment_that_is_not_there_is_named_and_its_rows_are_lost() {
    let station = Station::new();
    let Some((whole, segments)) = twice(&station) else { return };
    fs::remove_file(&segments[1]).unwrap();
    let (holed, ran) = trials(&station, &[&segments[0]], "holed.csv", &["--bin", "250ms"]);
    let ran = ran.expect(1);
    assert!(ran.stderr.contains("are not there") && ran.stderr.contains("rows 5"), "{ran:?}");
    let (one, ran) = trials(&station, &[&whole], "one.csv", &["--bin", "250ms"]);
    ran.expect(0);
    let (holed, one) = (table(&holed), table(&one));
    assert_eq!(holed.len(), one.len());
    let lost = holed.iter().filter(|row| row["exclusion"] == "bin lost").count();
    assert!(lost > 0 && lost < holed.len(), "{lost}");
    for (found, expected) in holed.iter().zip(&one).filter(|(found, _)| found["excluded"] == "0") {
        assert!(found["share_lost"] != "0" || found["value"] == expected["value"], "{found:?}");
    }
}
