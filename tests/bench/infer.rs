//! What a prediction costs in processor time, beside onnxruntime running the same network over a whole window.
//!
//! The networks are of the size that is shipped, untrained. onnxruntime is called from Python (`MYOGRAPH_PYTHON`), as a
//! lab would call it; without it only our figures are printed. One run, one thread: the ratios are what counts.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench is a test that prints a table")]

use myograph::infer::{Limits, Model};
use rustix::time::{ClockId, clock_gettime};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs of a measurement, and measurements of which the least counts.
const RUNS: u32 = 200;
const TIMES: usize = 30;
/// Predictions per second that a station makes with each of its two models.
const PER_SECOND: f64 = 20.0;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/models");
    let place = |name: &str| folder.join(format!("full-{name}.onnx"));
    let (lstm, cnn) = (cost(&place("step-lstm")), cost(&place("step-cnn")));
    let theirs = onnxruntime(&[place("window-lstm"), place("window-cnn")]);
    println!("\nmicroseconds of processor time for a prediction, networks as shipped, 8 channels at 1 kHz");
    println!("{:<36}{:>8}{:>24}{:>8}{:>8}", "", "ours", "onnxruntime, 256 rows", "share", "wanted");
    for (name, ours, at, wanted) in
        [("LSTM, a stride of 32", lstm, 0, 1.0 / 3.0), ("CNN, a stride of 32", cnn, 1, 0.5)]
    {
        match theirs.get(at) {
            Some(theirs) => {
                println!("{name:<36}{ours:>8.1}{theirs:>24.1}{:>8.2}{wanted:>8.2}", ours / theirs);
            }
            None => println!("{name:<36}{ours:>8.1}{:>24}", "not found"),
        }
    }
    let share = 100.0 * (lstm + cnn) * PER_SECOND / 1e6;
    println!("{:<36}{share:>7.3}%{:>40}", "both, 20 times a second, of a core", "1.000%");
    for name in ["window-lstm", "window-cnn"] {
        println!("{:<36}{:>8.1}", format!("{name}, a whole window"), cost(&place(name)));
    }
}

/// The least mean of several measurements, microseconds.
fn cost(path: &Path) -> f64 {
    let model = Model::load(path, &Limits::default()).unwrap();
    let mut memory = model.blank();
    let values: Vec<f32> = (0..model.card().values())
        .map(|at| f32::from(u8::try_from(at * 89 % 251).unwrap()) - 125.0)
        .collect();
    let mut run = || {
        let began = processor_us();
        for _ in 0..RUNS {
            std::hint::black_box(model.run(&values, &mut memory).unwrap());
        }
        (processor_us() - began) / f64::from(RUNS)
    };
    run();
    (0..TIMES).map(|_| run()).fold(f64::INFINITY, f64::min)
}

fn processor_us() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    f64::from(u32::try_from(time.tv_sec).unwrap()) * 1e6
        + f64::from(u32::try_from(time.tv_nsec).unwrap()) / 1e3
}

/// The same of onnxruntime, in the order of the models; empty where there is none.
fn onnxruntime(models: &[PathBuf]) -> Vec<f64> {
    let python = std::env::var_os("MYOGRAPH_PYTHON").unwrap_or_else(|| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/infer.py");
    let output = Command::new(python).arg(script).args(models).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}
