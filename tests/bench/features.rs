//! What a second of processor time buys in features: windows of 8 channels x 250 rows, one every 50 rows, cut from
//! clean rows as they come out of the pipeline. The windows per second are those of all channels together.
//!
//! The same signal and the same features are given to `libemg` and to numpy where `MYOGRAPH_PEERS` names a Python that
//! has them, so that one run on one machine compares them.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench is a test that prints a table")]

use myograph::dsp::features::{Extractor, Feature, Windows};

use myograph::emg::units::{count, float, narrow, wide};
use rustix::time::{ClockId, clock_gettime};

const CHANNELS: usize = 8;
const ROWS: usize = 60_000;
const WINDOW: usize = 250;
const STEP: usize = 50;
const RATE_HZ: f64 = 1000.0;
/// Rows the pipeline hands over at a time.
const BLOCK: usize = 100;
const TIMES: usize = 9;

/// The peers' part: the same windows in one batch, as these libraries want them.
const PEERS: &str = r#"
import contextlib, io, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np

def speed(name, work, windows):
    rates = []
    for _ in range(5):
        began = time.process_time()
        work()
        rates.append(windows / (time.process_time() - began))
    rates.sort()
    print(f"{name:<34}{rates[2]:>12,.0f}{rates[0]:>12,.0f}{rates[-1]:>12,.0f}")

rows = np.random.default_rng(1).normal(0, 1, (60000, 8))
batch = np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(rows, 250, axis=0)[::50])

def by_numpy():
    step = np.diff(batch, axis=2)
    np.abs(batch).mean(2), np.sqrt((batch * batch).mean(2)), np.abs(step).sum(2)
    (batch[:, :, 1:] * batch[:, :, :-1] < 0).sum(2), (step[:, :, 1:] * step[:, :, :-1] < 0).sum(2)

speed("numpy, hudgins + rms, one batch", by_numpy, len(batch))
try:
    with contextlib.redirect_stdout(io.StringIO()):
        from libemg.feature_extractor import FeatureExtractor
except ImportError:
    sys.exit()
names = ["MAV", "ZC", "SSC", "WL", "RMS"]
extractor = FeatureExtractor()
speed("libemg, hudgins + rms, one batch", lambda: extractor.extract_features(names, batch), len(batch))
"#;

fn main() {
    if std::env::args().skip(1).any(|arg| !arg.starts_with('-') && !"features".contains(&arg)) {
        return;
    }
    println!("\nwindows of 8 channels x 250 rows per second of processor time");
    println!("{:<34}{:>12}{:>12}{:>12}", "", "median", "least", "most");
    let rows = noise();
    measure("features, hudgins + rms", &Feature::HUDGINS, &rows, 20);
    measure("features, amplitude", &Feature::amplitude(), &rows, 1);
    let quick: Vec<Feature> = Feature::ALL.into_iter().filter(|f| *f != Feature::Sampen).collect();
    measure("features, all but sampen", &quick, &rows, 1);
    measure("features, all", &Feature::ALL, &rows[..ROWS * CHANNELS / 10], 1);
    if let Some(python) = std::env::var_os("MYOGRAPH_PEERS") {
        let status = std::process::Command::new(python).args(["-c", PEERS]).status().unwrap();
        assert!(status.success(), "the peers failed");
    }
}

/// Rows of noise, the same each time.
fn noise() -> Vec<f32> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        narrow(float(state >> 40) / float(1 << 24) - 0.5)
    };
    (0..ROWS * CHANNELS).map(|_| next()).collect()
}

fn measure(name: &str, features: &[Feature], rows: &[f32], minutes: usize) {
    let mut speeds: Vec<f64> = (0..TIMES)
        .map(|_| {
            let began = processor_s();
            let windows: u64 = (0..minutes).map(|_| run(features, rows)).sum();
            float(windows) / (processor_s() - began)
        })
        .collect();
    speeds.sort_by(f64::total_cmp);
    let [median, least, most] = [speeds[TIMES / 2], speeds[0], speeds[TIMES - 1]].map(count);
    println!("{name:<34}{median:>12}{least:>12}{most:>12}");
}

/// Windows seen; their features are summed up so that nobody leaves them out.
fn run(features: &[Feature], rows: &[f32]) -> u64 {
    let mut windows = Windows::new(CHANNELS, WINDOW, STEP);
    let mut extractor = Extractor::new(features, WINDOW, RATE_HZ);
    let (mut seen, mut values, mut sample) = (0, Vec::new(), 0);
    for block in rows.chunks(BLOCK * CHANNELS) {
        windows.push(sample, block, |window| {
            for channel in 0..CHANNELS {
                values.clear();
                extractor.run(window.channel(channel), 0.1, &mut values);
                std::hint::black_box(&values);
            }
            seen += 1;
        });
        sample += wide(BLOCK);
    }
    seen
}

/// Seconds all threads of this process have worked.
fn processor_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    float(time.tv_sec.unsigned_abs()) + float(time.tv_nsec.unsigned_abs()) * 1e-9
}
