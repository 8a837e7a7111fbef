//! Models: answers beside onnxruntime's, broken files, what a station is told of a model.

mod broken;

use crate::support::{Station, python};
use myograph::infer::card::Mode;
use myograph::infer::{Limits, Model};
use std::path::{Path, PathBuf};

/// Windows, or strides, in which answers are compared.
const TIMES: usize = 1000;
/// A step model's memory is emptied this often, so that its first answers are compared more than once.
const EMPTIED_EVERY: usize = 100;
/// All answers of a model in onnxruntime, its memory emptied as often; the greatest difference to ours.
const PARITY: &str = r#"
try:
    import onnxruntime
except ImportError:
    done("skipped")
    sys.exit()
model, given, ours, every = sys.argv[1:5]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
inputs = session.get_inputs()
rows = np.fromfile(given, "<f4").reshape(-1, *inputs[0].shape)
ours = np.fromfile(ours, "<f4").reshape(len(rows), -1)
worst = 0.0
for at, (x, mine) in enumerate(zip(rows, ours)):
    if at % int(every) == 0:
        states = [np.zeros(state.shape, np.float32) for state in inputs[1:]]
    theirs, *states = session.run(None, dict(zip([i.name for i in inputs], [x, *states])))
    worst = max(worst, float(abs(theirs[0] - mine).max()))
done(worst)
"#;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Models of the tests, and those that are shipped.
fn all_models() -> Vec<PathBuf> {
    let folders = [root().join("tests/golden/models"), root().join("models")];
    let entries =
        folders.iter().flat_map(|folder| folder.read_dir().unwrap()).map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "onnx")).collect()
}

/// Noise whose loudness changes by channel and time, as that of a face does.
fn signal(model: &Model, at: usize) -> Vec<f32> {
    let rows = model.card().rows();
    let mut seed = u32::try_from(at).unwrap().wrapping_mul(2_654_435_761).wrapping_add(99);
    (0..model.card().values())
        .map(|value| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f32::from(u16::try_from(seed >> 16).unwrap()) / 32_768.0 - 1.0;
            noise * [3.0, 10.0, 40.0, 120.0][(at / 7 + value / rows * 5) % 4]
        })
        .collect()
}

#[test]
fn every_model_answers_as_onnxruntime_does() {
    let folder = tempfile::tempdir().unwrap();
    let little = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    for path in all_models() {
        let model = Model::load(&path, &Limits::default()).unwrap();
        let mut memory = model.blank();
        let (mut given, mut answers) = (Vec::new(), Vec::new());
        for at in 0..TIMES {
            if at % EMPTIED_EVERY == 0 {
                memory = model.blank();
            }
            let values = signal(&model, at);
            answers.extend(model.run(&values, &mut memory).unwrap());
            given.extend(values);
        }
        let (inputs, ours) = (folder.path().join("given"), folder.path().join("answers"));
        std::fs::write(&inputs, little(&given)).unwrap();
        std::fs::write(&ours, little(&answers)).unwrap();
        let every = EMPTIED_EVERY.to_string();
        let Some(worst) = python(PARITY, &[&path, &inputs, &ours, Path::new(&every)]) else { return };
        let Some(worst) = worst.as_f64() else {
            eprintln!("skipped: this Python has no onnxruntime");
            return;
        };
        let classes = model.card().classes.len();
        let spread = (0..classes).map(|class| {
            let of_class = answers.iter().skip(class).step_by(classes).copied();
            of_class.clone().fold(0.0, f32::max) - of_class.fold(1.0, f32::min)
        });
        let spread = spread.fold(0.0, f32::max);
        assert!(spread > 0.003, "{}: a model that says one thing shows nothing: {spread}", path.display());
        assert!(worst <= 1e-4, "{}: {worst}", path.display());
    }
}

#[test]
fn a_broken_model_is_refused_in_a_sentence_and_never_crashes() {
    let station = Station::new();
    let mut tried = 0;
    for kind in ["step-cnn", "step-lstm"] {
        let folder = tempfile::tempdir().unwrap();
        let good = root().join("tests/golden/models").join(format!("{kind}.onnx"));
        for file in broken::models(&good, folder.path()) {
            let ran = station.run(&["model", file.to_str().unwrap(), "--source", "sim:"]).expect(2);
            let [line] = ran.stderr.lines().collect::<Vec<_>>()[..] else { panic!("one sentence: {ran:?}") };
            assert!(
                line.starts_with("myograph: ") && line.contains("; "),
                "{kind}, {}: {line}",
                file.display()
            );
            assert!(line.len() < 600 && !line.contains("signal:"), "{kind}, {}: {line}", file.display());
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
}

#[test]
fn a_model_says_what_it_expects_and_what_this_station_lacks() {
    let station = Station::new();
    let golden = root().join("tests/golden/models/step-cnn.onnx");
    let model = golden.to_str().unwrap();
    let fits = station.run(&["model", model, "--source", "sim:"]).expect(0);
    for part in ["step by 32 rows", "neutral, happiness, anger", "ZYG-L", "ok    station"] {
        assert!(fits.stdout.contains(part), "{part}: {}", fits.stdout);
    }
    let lacks =
        station.run(&["model", model, "--source", "sim:?channels=2&rate=500&kind=envelope"]).expect(1);
    let fails: Vec<&str> = lacks.stdout.lines().filter(|line| line.starts_with("fail")).collect();
    assert!(fails.len() > 7, "all of them at once: {}", lacks.stdout);
    assert!(fails.iter().all(|line| line.contains("the model expects") && line.contains("; ")), "{fails:?}");
    let port = station.run(&["model", model, "--source", "serial:/dev/null"]).expect(0);
    assert!(port.stdout.contains("skip  station"), "{}", port.stdout);
    station.run(&["model", "nowhere.onnx"]).expect(2);
}

#[test]
fn a_recording_is_predicted_again_from_all_its_files() {
    let station = Station::new();
    let source = "sim:?seed=3&speed=max";
    station.start(&["--source", source, "--duration", "9s", "--rotate", "3s"]).finish().expect(0);
    let files = station.recordings();
    assert!(files.len() > 1, "{files:?}");
    let golden = |name: &str| root().join("tests/golden/models").join(format!("{name}.onnx"));
    let (lstm, cnn) = (golden("step-lstm"), golden("window-cnn"));
    let table = station.root().join("table.csv");
    let args = |file: &Path| {
        let models = ["--model", lstm.to_str().unwrap(), "--model", cnn.to_str().unwrap()];
        let all = ["predict", file.to_str().unwrap()].into_iter().chain(models);
        all.chain(["-o", table.to_str().unwrap()]).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut first = None;
    for file in &files {
        let args = args(file);
        station.run(&args.iter().map(String::as_str).collect::<Vec<_>>()).expect(0);
        let text = std::fs::read_to_string(&table).unwrap();
        assert_eq!(*first.get_or_insert(text.clone()), text, "whichever file was named");
    }
    let text = first.unwrap();
    let mut lines = text.lines();
    let head = "recording,model,first,end,end_s,label,p_neutral,p_happiness,p_anger,flags";
    assert_eq!(lines.next(), Some(head));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let of = |name: &str| rows.iter().filter(|row| row[1] == name).collect::<Vec<_>>();
    assert_eq!((of("step-lstm").len(), of("window-cnn").len()), (9000 / 32, 9000 / 32 - 3));
    assert!(of("step-lstm").iter().all(|row| row[2] == "0"), "segments do not empty a memory");
    for row in &rows {
        let probabilities: f64 = row[6..9].iter().map(|text| text.parse::<f64>().unwrap()).sum();
        assert!((probabilities - 1.0).abs() < 1e-3, "{row:?}");
    }
    let mode = Model::load(&lstm, &Limits::default()).unwrap().card().mode;
    assert_eq!((mode, rows.last().unwrap()[9]), (Mode::Step, ""));
}

/// Reads what a recording's files hold of predictions and events: the files, then the tables `predict` and `detect`
/// wrote; says how many rows of each are the same.
const LIVE: &str = r"
import csv
*files, predicted, detected = sys.argv[1:]
live, events = [], []
for path in sorted(files):
    with h5py.File(path) as f:
        for name, table in f['predictions'].items():
            for row in table[:]:
                words = tuple(np.float32(p) for p in row['probabilities'])
                live.append((name, int(row['first']), int(row['end']), row['label'].decode(), words))
        names = [row['name'].decode() for row in f['channels'][:]]
        rate = f.attrs['sampling_rate_hz']
        for e in f['events'][:]:
            events.append((round(e['onset'] / rate, 6), names[e['channel']], e['class'].decode()))
with open(predicted) as text:
    rows = list(csv.DictReader(text))
keys = [key for key in rows[0] if key.startswith('p_')]
offline = [(r['model'], int(r['first']), int(r['end']), r['label'], tuple(np.float32(r[k]) for k in keys)) for r in rows]
with open(detected) as text:
    again = [(round(float(r['onset_s']), 6), r['channel'], r['class']) for r in csv.DictReader(text)]
done({'live': len(live), 'same': sorted(live) == sorted(offline), 'events': len(events),
      'same_events': sorted(events) == sorted(again)})
";

#[test]
fn what_was_predicted_and_found_live_is_what_is_computed_again_offline() {
    let station = Station::new();
    let models = ["demo-cnn", "demo-lstm"].map(|name| root().join(format!("models/{name}.onnx")));
    let [cnn, lstm] = [&models[0], &models[1]].map(|path| path.to_str().unwrap());
    let by = ["--model", cnn, "--model", lstm];
    let record = ["--source", "sim:?seed=7&speed=max", "--duration", "40s", "--rotate", "15s"];
    station.start(&[&record[..], &by].concat()).finish().expect(0);
    let files = station.recordings();
    assert_eq!(files.len(), 3);
    let (predicted, detected) = (station.root().join("p.csv"), station.root().join("d.csv"));
    let file = files[0].to_str().unwrap();
    station.run(&[&["predict", file, "-o", predicted.to_str().unwrap()], &by[..]].concat()).expect(0);
    station.run(&["detect", file, "-o", detected.to_str().unwrap()]).expect(0);
    let mut paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    paths.extend([predicted.as_path(), detected.as_path()]);
    let Some(found) = python(LIVE, &paths) else { return };
    assert_eq!((&found["live"], &found["same"]), (&2500.into(), &true.into()), "{found}");
    assert!(found["events"].as_u64() > Some(20) && found["same_events"] == true, "{found}");
}
