//! Calibration end to end: a simulated face that contracts when it is told, an operator on the socket who judges, and
//! h5py, which finds what was kept and nothing else. Signal time counts, so the face may live ten times as fast.

use crate::support::{Dashboard, Desk, Station, python, wait_for};
use myograph::face::calibration::{Phase, Progress, Verdict};
use myograph::session::Answer;
use myograph::session::command::{Action, CalibrateRequest, CalibrateStep};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The smile of half strength, and after it the contractions, seconds.
const HALF_S: f64 = 75.0;
const FULL_S: f64 = 90.0;
/// Channels of zygomaticus major and orbicularis oculi; the eye blinks all the time.
const ZYG: u16 = 0;
const OOC: u16 = 7;

const ROWS: &str = r#"
names = ("channel", "rest_mean", "rest_sd", "mvc", "trials", "spread", "sample", "valid")
found = []
for name in sys.argv[1:]:
    with h5py.File(name, "r") as h5:
        rows = [dict({n: float(row[n]) for n in names}, by=row["accepted_by"].decode()) for row in h5["calibration"][()]]
        percent = None
        for truth in h5["truth"][()]:
            if truth["expression"] == b"half" and truth["channel"] == 0 and rows:
                each = len(h5["raw/samples"]) // len(h5["clean/envelope"])
                cut = slice(int(truth["onset"] + 1000) // each, int(truth["end"] - 500) // each)
                level = float(np.mean(h5["clean/envelope"][cut, 0]))
                percent = 100 * (level - rows[0]["rest_mean"]) / (rows[0]["mvc"] - rows[0]["rest_mean"])
        log = "".join(words(h5["log"][()], "text"))
        found.append({"rows": rows, "percent": percent, "log": log})
done(found)
"#;

/// A face that rests, smiles by half, and then contracts two muscles for 1.2 s every 2.4 s.
fn script() -> String {
    let muscles = |level: f64| {
        format!("{{ \"zygomaticus major left\" = {level}, \"orbicularis oculi left\" = {level} }}")
    };
    let mut text = String::new();
    let mut say = |name: &str, at_s: f64, duration_s: f64, level: f64| {
        let muscles = muscles(level);
        write!(text, "[[expression]]\nname = \"{name}\"\nat_s = {at_s:.1}\nduration_s = {duration_s}\n")
            .unwrap();
        write!(text, "rise_s = 0.1\nmuscles = {muscles}\n").unwrap();
    };
    say("half", HALF_S, 8.0, 0.5);
    for n in 0..200_u8 {
        say("full", FULL_S + 2.4 * f64::from(n), 1.2, 1.0);
    }
    text + "[artefacts]\nblink = 60\nswallow = false\nspeech = false\nmotion = false\nhum_uv = 0.0\ndrift_uv = 0.0\n"
}

fn source(station: &Station) -> String {
    let path = station.root().join("face.toml");
    std::fs::write(&path, script()).unwrap();
    format!("sim:?seed=7&channels=8&script={}&speed=10", path.display())
}

fn ask(desk: &mut Dashboard, step: CalibrateStep, channel: Option<u16>) -> Answer {
    desk.ask(Action::Calibrate(CalibrateRequest { step, channel }))
}

fn done(desk: &mut Dashboard, step: CalibrateStep, channel: Option<u16>) {
    assert_eq!(ask(desk, step, channel), Answer::Done, "{step:?} {channel:?}");
}

fn until(desk: &mut Dashboard, phase: Phase) -> Progress {
    wait_for(&format!("{phase:?}"), || desk.look().calibration.filter(|progress| progress.phase == phase))
}

/// Leads a calibration until everything is measured: rest of all, contractions of two.
fn measure(desk: &mut Dashboard) -> Progress {
    wait_for("settled filters", || desk.look().settled.then_some(()));
    assert_eq!(desk.look().calibration, None);
    assert_eq!(
        ask(desk, CalibrateStep::Keep, None),
        Answer::Refused("there is nothing to keep: no contraction rose above rest".to_owned())
    );
    done(desk, CalibrateStep::Start, None);
    assert!(
        matches!(ask(desk, CalibrateStep::Start, None), Answer::Refused(why) if why.contains("under way"))
    );
    until(desk, Phase::Ready);
    let seconds = desk.look().elapsed_s;
    assert!(seconds < HALF_S, "this machine is too slow for this story: rest ended at {seconds} s");
    for _ in 0..8 {
        done(desk, CalibrateStep::Skip, None);
    }
    assert!(until(desk, Phase::Judge).muscles.iter().all(|muscle| muscle.verdict == Verdict::Open));
    wait_for("contractions", || Some(()).filter(|()| desk.look().elapsed_s > FULL_S));
    done(desk, CalibrateStep::Redo, Some(ZYG));
    done(desk, CalibrateStep::Redo, Some(OOC));
    let measured = until(desk, Phase::Judge);
    let verdict = |channel: u16| measured.muscles[usize::from(channel)].verdict;
    assert_eq!(
        (verdict(ZYG), verdict(OOC)),
        (Verdict::Ok, Verdict::Noisy),
        "the eye blinked at rest: {measured:?}"
    );
    assert!(desk.look().channels.iter().all(|state| state.mvc_percent.is_nan()), "nothing is kept yet");
    measured
}

fn tables(files: &[&Path]) -> Option<Vec<Value>> {
    python(ROWS, files).map(|found| found.as_array().unwrap().clone())
}

#[test]
fn what_is_kept_is_found_in_the_file_and_what_is_discarded_is_not() {
    let station = Station::new();
    let recorder = station.start(&["--source", &source(&station)]);
    let mut desk = Dashboard::open(&station, "pts/7", false);
    let measured = measure(&mut desk);
    done(&mut desk, CalibrateStep::Keep, Some(ZYG));
    let now = desk.look();
    assert!(now.channels[0].mvc_percent.is_finite() && now.channels[7].mvc_percent.is_nan());
    done(&mut desk, CalibrateStep::Discard, None);
    let kept = desk.look().calibration.unwrap();
    assert_eq!(
        kept.muscles.iter().map(|muscle| (muscle.channel, muscle.kept)).collect::<Vec<_>>(),
        [(ZYG, true)]
    );
    done(&mut desk, CalibrateStep::Start, None);
    done(&mut desk, CalibrateStep::Discard, None);
    let rows = desk.look().rows;
    station.run(&["stop"]).expect(0);
    recorder.finish().expect(0);
    let file = &station.recordings()[0];
    station.intact(file);
    let Some(found) = tables(&[file]) else { return };
    let [row] = found[0]["rows"].as_array().unwrap().as_slice() else { panic!("one row: {found:#?}") };
    let muscle = &measured.muscles[0];
    assert_eq!(
        (&row["channel"], &row["trials"], &row["valid"], &row["by"]),
        (&json!(0.0), &json!(3.0), &json!(1.0), &json!("pts/7"))
    );
    // JSON is read to within one unit in the last place.
    for (found, measured) in [(&row["rest_mean"], muscle.rest_mean), (&row["mvc"], muscle.mvc())] {
        assert!((found.as_f64().unwrap() - measured).abs() <= f64::EPSILON * measured, "{found} {measured}");
    }
    let sample = row["sample"].as_f64().unwrap();
    assert!(sample > 100_000.0 && sample <= json!(rows).as_f64().unwrap(), "{row:#}");
    // The best half second of a noise lies above its mean: a hundred independent values, so by 8 % for each standard
    // deviation, and the best of three contractions by two or three of those.
    let percent = found[0]["percent"].as_f64().unwrap();
    assert!((38.0..54.0).contains(&percent), "half of the muscle's maximum is {percent} %MVC");
    assert!(found[0]["log"].as_str().unwrap().contains("pts/7 kept the calibration of ZYG-L"), "{found:#?}");
}

#[test]
fn what_is_kept_before_the_recording_holds_in_each_of_its_files_until_electrodes_move() {
    let station = Station::new();
    let recorder = station.start(&["--source", &source(&station), "--monitor", "--rotate", "20s"]);
    let mut desk = Dashboard::open(&station, "pts/7", false);
    measure(&mut desk);
    done(&mut desk, CalibrateStep::Keep, None);
    assert_eq!(desk.ask(Action::Record), Answer::Done);
    station.wait_rows(45_000);
    assert!(desk.look().channels[0].mvc_percent.is_finite());
    done(&mut desk, CalibrateStep::Moved, None);
    assert!(desk.look().channels[0].mvc_percent.is_nan());
    assert!(
        matches!(ask(&mut desk, CalibrateStep::Moved, None), Answer::Refused(why) if why.contains("no calibration was kept"))
    );
    station.run(&["stop"]).expect(0);
    recorder.finish().expect(0);
    let files = station.recordings();
    for file in &files {
        station.intact(file);
    }
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let Some(found) = tables(&files) else { return };
    assert!(found.len() >= 3);
    let valid = |file: &Value| {
        file["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (row["channel"].as_f64().unwrap(), row["valid"].as_f64().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(valid(&found[0]), [(0.0, 1.0), (7.0, 1.0)], "rows of the time before count as row 0");
    assert!(found[0]["rows"].as_array().unwrap().iter().all(|row| row["sample"] == json!(0.0)));
    assert_eq!(valid(&found[1]), valid(&found[0]), "each file can be read alone");
    let all: Vec<(f64, f64)> = found.iter().flat_map(valid).collect();
    assert_eq!(all[all.len() - 2..], [(0.0, 0.0), (7.0, 0.0)]);
}

/// Puts a calibration of the first channel into a closed recording: 128.25 uV under electrodes that are long off.
const PLANT: &str = r#"
with h5py.File(sys.argv[1], "r+") as h5:
    table, row = h5["calibration"], np.zeros(1, h5["calibration"].dtype)
    row["rest_mean"], row["rest_sd"], row["mvc"], row["trials"], row["valid"] = 2.5, 0.2, 128.25, 3, 1
    row["accepted_by"] = b"anna"
    table.resize((len(table) + 1,))
    table[-1:] = row
done(True)
"#;

#[test]
fn older_maxima_of_a_subject_are_shown_as_such_and_never_used() {
    let station = Station::new();
    let subject = ["--subject", "07", "--session", "a"];
    let before =
        station.record("sim:?seed=7&channels=2&speed=max", &[&subject[..], &["--duration", "2s"]].concat());
    let other = station.record("sim:?seed=7&channels=2&speed=max", &["--subject", "08", "--duration", "2s"]);
    if python(PLANT, &[&before]).is_none() || python(PLANT, &[&other]).is_none() {
        return;
    }
    let next = ["--source", "sim:?seed=7&channels=2", "--subject", "07", "--session", "b", "--monitor"];
    let recorder = station.start(&next);
    station.socket();
    let mut desk = Desk::open(&station, (80, 24), &["calibrate"]);
    desk.wait_shows("EARLIER MAXIMA, under other electrodes: for comparison, never used");
    let screen = desk.screen();
    assert!(screen.contains("128 uV") && screen.contains("ses-a task-free run-01"), "{screen}");
    assert!(!screen.contains("sub-08") && screen.matches("128 uV").count() == 1, "of nobody else:\n{screen}");
    desk.press("q");
    assert_eq!(desk.wait_end(), 0);
    desk.wait_shows("under other electrodes: for comparison, never used");
    desk.wait_shows("128.250 uV");
    let now = Dashboard::open(&station, "pts/7", true).look();
    assert!(now.channels.iter().all(|state| state.mvc_percent.is_nan()), "shown, and not used");
    recorder.signal(Signal::INT);
    recorder.finish().expect(0);
}

#[test]
fn calibrating_needs_a_recorder_and_a_screen() {
    let station = Station::new();
    let ran = station.run(&["calibrate"]);
    assert!(ran.stderr.contains("no recorder is running"), "{ran:?}");
    let recorder = station.start(&["--source", "sim:?seed=7"]);
    station.wait_rows(10);
    let ran = station.run(&["calibrate"]);
    assert!(ran.code != Some(0) && ran.stderr.contains("there is no terminal"), "{ran:?}");
    station.run(&["stop"]).expect(0);
    recorder.finish().expect(0);
}
