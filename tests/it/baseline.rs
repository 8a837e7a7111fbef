//! The floor of the envelope, tracked: live, over the borders of files, after a change, after a crash, and afterwards.

use crate::support::{Dashboard, Station, python, wait_until};
use myograph::session::Answer;
use myograph::session::command::{Action, FilterRequest};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const FAST: &str = "sim:?seed=11&channels=3&speed=max";
/// Settles within a second.
const TRACK: &str = "track:0.1/20";

/// What numpy makes of the clean samples with what stands in each file: the worst difference as a share of what is
/// allowed, rows until the floor has settled, mean left over.
const REPRODUCED: &str = r#"
def above_floor(values, mean, floor, settled, fall, rise):
    left = np.empty(len(values))
    for row, value in enumerate(values):
        mean += (value - mean) * fall
        floor = mean if row < settled or mean < floor else floor + (mean - floor) * rise
        left[row] = value - floor
    return left

found = []
for name in sys.argv[1:]:
    with h5py.File(name, "r") as h5:
        chain, first = h5["filter/chains"][-1], int(h5.attrs["first_row"])
        sos = h5["filter/envelope_sections"][chain["envelope_first"] :][: chain["envelope_count"]]
        clean, stored = h5["clean/samples"][()].astype(float), h5["clean/envelope"]
        kept = (first + np.arange(len(clean)) + 1) % stored.attrs["decimation"] == 0
        shares, settled = [], []
        for channel in range(clean.shape[1]):
            state = h5["filter/envelope_state"][channel]
            assert len(state) == len(sos) + 1
            [span] = [s for s in h5["filter/spans"][()] if s["channel"] == channel]
            settled.append(max(0, int(span["settled_sample"]) - first))
            smooth = signal.sosfilt(sos, np.abs(clean[:, channel]), zi=state[: len(sos)])[0]
            left = above_floor(smooth, *state[-1], settled[-1], chain["baseline_fall"], chain["baseline_rise"])
            allowed = 1e-6 * np.sqrt(np.mean(smooth**2))
            shares.append(float(np.max(np.abs(stored[:, channel] - left[kept])) / allowed))
        found.append({"worst": max(shares), "settled": max(settled), "words": chain["words"].decode(),
                      "settles": int(chain["settle_samples"])})
done(found)
"#;

const SAME: &str = "
done([len(a) > 0 and same(a, b[: len(a)]) for a, b in zip(rows(sys.argv[1]), rows(*sys.argv[2:]))])
";

fn settings(station: &Station) -> String {
    let path = station.root().join("track.toml");
    std::fs::write(&path, format!("envelope-baseline = \"{TRACK}\"\n")).unwrap();
    path.display().to_string()
}

fn cleaned(station: &Station, file: &Path, name: &str, more: &[&str]) -> PathBuf {
    let output = station.root().join(name);
    let mut args = vec!["clean", file.to_str().unwrap(), "-o", output.to_str().unwrap()];
    args.extend_from_slice(more);
    station.run(&args).expect(0);
    station.intact(&output);
    output
}

fn same(one: &Path, others: &[PathBuf]) -> Option<Value> {
    let files: Vec<&Path> = std::iter::once(one).chain(others.iter().map(PathBuf::as_path)).collect();
    python(SAME, &files)
}

#[test]
fn a_tracked_floor_goes_on_over_the_borders_of_files_and_numpy_finds_it_again() {
    let station = Station::new();
    let own = settings(&station);
    let args = ["--source", FAST, "--config", &own, "--rotate", "2s", "--duration", "6s"];
    station.start(&args).finish().expect(0);
    let files = station.recordings();
    assert_eq!(files.len(), 3, "{files:?}");
    for file in &files {
        station.intact(file);
    }
    let made = cleaned(&station, &files[1], "joined.h5", &[]);
    let Some(equal) = same(&made, &files) else { return };
    assert_eq!(equal, json!([true, true, true]), "raw, clean, envelope");
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).chain([made.as_path()]).collect();
    let found = python(REPRODUCED, &paths).unwrap();
    for file in found.as_array().unwrap() {
        assert!(file["worst"].as_f64().unwrap() <= 1.0, "{found:#}");
        assert_eq!(file["words"], json!("BP20-450 N50+h Q10 BL track 0.1/20s on the envelope"));
        assert!((700..900).contains(&file["settles"].as_u64().unwrap()), "{found:#}");
    }
    let settled: Vec<_> = found.as_array().unwrap().iter().map(|file| file["settled"].clone()).collect();
    assert_eq!(settled, [found[0]["settles"].clone(), json!(0), json!(0), found[0]["settles"].clone()]);
}

#[test]
fn asked_for_afterwards_it_is_what_it_would_have_been_live() {
    let station = Station::new();
    let own = settings(&station);
    let plain = station.record(FAST, &["--duration", "4s", "--rotate", "off"]);
    let live = station.record(FAST, &["--duration", "4s", "--rotate", "off", "--config", &own]);
    let made = cleaned(&station, &plain, "tracked.h5", &["--envelope-baseline", TRACK]);
    let off = cleaned(&station, &live, "off.h5", &["--envelope-baseline", "off"]);
    let still = cleaned(&station, &live, "still.h5", &["--zero-phase"]);
    let again = cleaned(&station, &still, "still-again.h5", &[]);
    let Some(equal) = same(&made, std::slice::from_ref(&live)) else { return };
    assert_eq!(equal, json!([true, true, true]));
    assert_eq!(same(&off, std::slice::from_ref(&plain)).unwrap(), json!([true, true, true]));
    assert_eq!(same(&again, std::slice::from_ref(&still)).unwrap(), json!([true, true, true]));
    assert_eq!(same(&still, &[live]).unwrap(), json!([true, false, false]));
    let refused = station.root().join("none.h5");
    let args = ["clean", plain.to_str().unwrap(), "-o", refused.to_str().unwrap()];
    let ran = station.run(&[&args[..], &["--envelope-baseline", "track:9"]].concat()).expect(2);
    assert!(ran.stderr.contains("`track:9`") && ran.stderr.contains("track:FALL/RISE"), "{}", ran.stderr);
}

#[test]
fn chosen_while_recording_it_settles_by_a_countdown_and_survives_a_crash() {
    let station = Station::new();
    let recorder = station.start(&["--source", "sim:?seed=11&channels=3", "--rotate", "off"]);
    let mut desk = Dashboard::open(&station, "pts/7", false);
    station.wait_rows(900);
    let track = |word: &str| Action::Filter(FilterRequest { baseline: word.into(), ..Default::default() });
    let why = desk.refused(track("track:60"));
    assert!(why.contains("`track:60` is no baseline of the envelope; say off,"), "{why}");
    assert_eq!(desk.ask(track(TRACK)), Answer::Done);
    wait_until("the countdown", || !desk.look().settled);
    wait_until("a settled floor", || desk.look().settled);
    let now = desk.look();
    assert_eq!(now.baseline, TRACK);
    assert_eq!(now.chain, "BP20-450 N50+h Q10 BL track 0.1/20s on the envelope");
    station.wait_rows(now.rows + 700);
    let journal = station.journal();
    let copy = station.out().join("copy").join(journal.file_name().unwrap());
    std::fs::create_dir(copy.parent().unwrap()).unwrap();
    std::fs::copy(&journal, &copy).unwrap();
    recorder.signal(Signal::INT);
    recorder.finish().expect(0);
    let file = journal.with_extension("h5");
    station.intact(&file);
    station.run(&["recover", copy.to_str().unwrap()]).expect(1);
    let recovered = copy.with_extension("h5");
    assert_eq!(station.verify(&recovered).0, 1, "cut off, and nothing else");
    if let Some(equal) = same(&recovered, &[file]) {
        assert_eq!(equal, json!([true, true, true]), "raw, clean, envelope");
    }
}
