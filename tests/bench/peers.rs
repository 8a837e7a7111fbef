//! The same filters by us and by others, in one run: SciPy by block and offline, SciPy with h5py on a whole file.
//!
//! Values (samples x channels) per second of processor time, starting up left out on both sides. The chain is notches at
//! 50, 100 and 150 Hz, a band-pass of eight poles, rectification and a low-pass. `MYOGRAPH_PYTHON` names a Python with
//! h5py and SciPy; without one our figures stand alone.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench is a test that prints a table")]

use myograph::dsp::design::{Band, butterworth, notch};
use myograph::emg::units::{float, wide};
use myograph::emg::{Channel, Kind, RawBlock, Samples, Stamp};
use myograph::pipeline::{Chain, ChainChange, Input, Pipeline, Reason};
use myograph::store::follow::Anew;
use myograph::store::journal::Header;
use myograph::store::reader::Joined;
use rustix::time::{ClockId, clock_gettime};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

const ROWS: usize = 60_000;
const WIDTH: usize = 8;
const RATE_HZ: f64 = 1000.0;
const TIMES: usize = 9;
const ON_THE_WALL: &str = "\nmillions of values per second on the wall\n";

fn main() {
    if std::env::args().skip(1).any(|arg| !arg.starts_with('-') && !"peers filter clean".contains(&arg)) {
        return;
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let recording = ten_minutes(folder.path());
    let theirs = peers(&recording, folder.path());
    println!("\nmillions of values per second of processor time, SciPy (and h5py) beside us");
    println!("{:<34}{:>9}{:>9}{:>9}", "", "ours", "SciPy", "times");
    let line = |name: &str, word: &str, ours: f64| {
        let (millions, times) = match theirs.get(word) {
            Some(theirs) => (format!("{:.2}", theirs / 1e6), format!("{:.1}", ours / theirs)),
            None => ("-".to_owned(), "-".to_owned()),
        };
        println!("{name:<34}{:>9.2}{millions:>9}{times:>9}", ours / 1e6);
    };
    line("filter, blocks of 10 x 8", "blocks-10", filter(10));
    line("filter, offline", "offline", filter(1000));
    for (clock, word, title) in
        [(ClockId::ProcessCPUTime, "file", ""), (ClockId::Monotonic, "file-wall", ON_THE_WALL)]
    {
        print!("{title}");
        line("clean a file, 10 min x 8", word, clean(&recording, folder.path(), clock, false));
        line("  and look for events anew", word, clean(&recording, folder.path(), clock, true));
    }
}

/// Median values per second of processor time.
fn speed<T>(values: usize, prepare: impl FnMut() -> T, work: impl FnMut(T)) -> f64 {
    speed_by(ClockId::ProcessCPUTime, values, prepare, work)
}

/// Median values per second of a clock.
fn speed_by<T>(
    clock: ClockId,
    values: usize,
    mut prepare: impl FnMut() -> T,
    mut work: impl FnMut(T),
) -> f64 {
    let now = || {
        let time = clock_gettime(clock);
        float(time.tv_sec.unsigned_abs()) + float(time.tv_nsec.unsigned_abs()) * 1e-9
    };
    let mut speeds: Vec<f64> = (0..TIMES)
        .map(|_| {
            let subject = prepare();
            let began = now();
            work(subject);
            float(wide(values)) / (now() - began)
        })
        .collect();
    speeds.sort_by(f64::total_cmp);
    speeds[TIMES / 2]
}

/// Filters a minute in blocks.
fn filter(rows: usize) -> f64 {
    let channels: Vec<_> = (0..WIDTH).map(|c| Channel::new(format!("c{c}"), Kind::Raw)).collect();
    let mut sections: Vec<_> = [50.0, 100.0, 150.0].map(|hz| notch(hz, 30.0, RATE_HZ)).to_vec();
    sections.extend(butterworth(4, Band::BandPass(20.0, 450.0), RATE_HZ));
    let chain = Chain {
        id: 0,
        sections,
        envelope_sections: butterworth(2, Band::LowPass(10.0), RATE_HZ),
        rectify: true,
        tracker: None,
        design_rate_hz: RATE_HZ,
        words: String::new(),
        delay_samples: 0.0,
        settle_rows: 0,
    };
    let assignment = vec![0; WIDTH];
    let change =
        ChainChange { sample: 0, reason: Reason::Start, decimation: 10, chains: vec![chain], assignment };
    let count = |at: usize| i16::try_from(at * 7919 % 1024).unwrap();
    let block = |at: usize| RawBlock {
        sample: wide(at * rows),
        channels: WIDTH,
        epoch: 0,
        device_index: wide(at * rows),
        device_us: 0,
        stamp: Stamp::default(),
        samples: Samples::I16((0..rows * WIDTH).map(|value| count(at * rows * WIDTH + value)).collect()),
        digital: Vec::new(),
    };
    let inputs: Vec<Input> = (0..ROWS / rows).map(|at| Input::Rows(Arc::new(block(at)))).collect();
    let prepare = || {
        let mut pipeline = Pipeline::new(&channels);
        pipeline.step(&Input::Chains(Arc::new(change.clone())));
        pipeline
    };
    speed(ROWS * WIDTH, prepare, |mut pipeline| {
        for input in &inputs {
            std::hint::black_box(pipeline.step(input));
        }
    })
}

/// What `clean` does: reads, filters, writes, and what the others do not: copies tables, syncs, and reads everything back;
/// with other filters it also looks for quality, artefacts and events `anew`.
fn clean(recording: &Path, folder: &Path, clock: ClockId, anew: bool) -> f64 {
    let target = folder.join("clean.h5");
    let size = 600 * 1000 * WIDTH;
    speed_by(
        clock,
        size,
        || (),
        |()| {
            let source = Joined::open(recording).unwrap();
            let header = Header { recording_id: [7; 16], ..source.header().unwrap() };
            let changes = source.changes().unwrap();
            assert!(source.found_as_now(), "the station that recorded it is this one");
            let anew =
                Anew { source: &source, header, changes, ready: None, as_found: !anew, log: Vec::new() };
            assert_eq!(anew.write(&target, |_| {}).unwrap().rows, 600_000);
            std::fs::remove_file(&target).unwrap();
        },
    )
}

/// Ten minutes of the simulated face.
fn ten_minutes(folder: &Path) -> PathBuf {
    let out = folder.join("recordings");
    let record = Command::new(env!("CARGO_BIN_EXE_myograph"))
        .args([
            "record",
            "--headless",
            "--source",
            "sim:?speed=max",
            "--duration",
            "600s",
            "--rotate",
            "off",
            "--out",
        ])
        .arg(&out)
        .env("MYOGRAPH_RUNTIME_DIR", folder)
        .output()
        .unwrap();
    assert!(record.status.success(), "{}", String::from_utf8_lossy(&record.stderr));
    let files =
        std::fs::read_dir(out.join("sub-test").join("emg")).unwrap().flatten().map(|entry| entry.path());
    files.into_iter().find(|file| file.extension().is_some_and(|ending| ending == "h5")).unwrap()
}

/// What SciPy comes to, by name; nothing without it.
fn peers(recording: &Path, folder: &Path) -> BTreeMap<String, f64> {
    let python = std::env::var_os("MYOGRAPH_PYTHON").unwrap_or_else(|| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/peers.py");
    let ran = Command::new(python).arg(script).arg(recording).arg(folder).output();
    let said = ran.ok().filter(|ran| ran.status.success()).map(|ran| ran.stdout).unwrap_or_default();
    let said = String::from_utf8_lossy(&said).into_owned();
    if said.is_empty() {
        println!("skipped: no Python with h5py and SciPy; set MYOGRAPH_PYTHON");
    }
    let pair = |line: &str| {
        line.split_once(' ').and_then(|(name, speed)| Some((name.to_owned(), speed.parse().ok()?)))
    };
    said.lines().filter_map(pair).collect()
}
