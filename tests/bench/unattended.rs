//! What a station costs that nobody looks at, and how soon it records: the real recorder and its projector.
//!
//! Processor time is counted and memory is proportional (PSS), both as the kernel tells them. The wait for the first row
//! is wall time: a loaded machine shows in it.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench is a test that prints a table")]

use myograph::emg::units::{float, float_len};
use myograph::store::journal::{Follower, Record, Step};
use myograph::store::naming;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Filters, pages and models have settled after so long.
const SETTLE: Duration = Duration::from_secs(10);
const MEASURED: Duration = Duration::from_mins(1);
const STARTS: usize = 20;
const WIDE_SECONDS: u64 = 30;

fn main() {
    if std::env::args().skip(1).any(|arg| !arg.starts_with('-') && !"unattended".contains(&arg)) {
        return;
    }
    println!("\na station nobody looks at");
    println!("{:<58}{:>11}{:>11}{:>9}", "", "recorder", "projector", "both");
    eight(&[], "8 x 1 kHz, filters, events");
    let models = ["models/demo-cnn.onnx", "models/demo-lstm.onnx"];
    eight(&models, "8 x 1 kHz, filters, events, CNN and LSTM");
    wide();
    first_rows();
}

/// Share of a core and memory while a recording is played again at its own pace, by a process that is not counted; a
/// sync each second.
fn eight(models: &[&str], what: &str) {
    let folder = tempfile::tempdir().unwrap();
    let face =
        ["record", "--headless", "--rotate", "off", "--out", "face", "--source", "sim:?seed=7&speed=max"];
    assert!(program(folder.path(), &face).args(["--duration", "2m"]).status().unwrap().success());
    let file = folder.path().join("face/sub-test/emg/sub-test_task-free_run-01_emg.h5");
    let uri = format!("replay:{}", file.display());
    let mut words = vec!["record", "--headless", "--rotate", "off", "--source", &uri];
    let models: Vec<_> = models.iter().map(|model| std::path::absolute(model).unwrap()).collect();
    for model in &models {
        words.extend(["--model", model.to_str().unwrap()]);
    }
    let mut recorder = program(folder.path(), &words).spawn().unwrap();
    let projector = projector_of(recorder.id());
    std::thread::sleep(SETTLE);
    let both = [recorder.id(), projector];
    let before = both.map(processor_s);
    let began = Instant::now();
    std::thread::sleep(MEASURED);
    let (after, took) = (both.map(processor_s), began.elapsed().as_secs_f64());
    let [first, second] = [0, 1].map(|at| (after[at] - before[at]) / took * 100.0);
    println!("{what:<58}{first:>9.2} %{second:>9.2} %{:>7.2} %", first + second);
    let [first, second] = both.map(proportional_mib);
    println!("{:<58}{first:>7.1} MiB{second:>7.1} MiB{:>5.1} MiB", "  memory, proportional", first + second);
    stop(folder.path(), &mut recorder);
}

/// 64 x 4 kHz on one core: exact to the row, at the pace of the signal. The simulation runs in the recorder, too.
fn wide() {
    let folder = tempfile::tempdir().unwrap();
    let duration = format!("{WIDE_SECONDS}s");
    let source = "sim:?seed=7&channels=64&rate=4000";
    let words = ["record", "--headless", "--rotate", "off", "--source", source, "--duration", &duration];
    let program = program(folder.path(), &words);
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(program.get_program()).args(program.get_args());
    command.current_dir(folder.path()).env("MYOGRAPH_RUNTIME_DIR", folder.path());
    let began = Instant::now();
    let recorder = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let ran = recorder.wait_with_output().unwrap();
    let took = began.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&ran.stdout);
    let rows = format!("{} rows", WIDE_SECONDS * 4000);
    assert!(ran.status.success() && said.contains(&rows), "{said}");
    let late = took - float(WIDE_SECONDS);
    println!("64 x 4 kHz simulated, on one core: {rows}, none lost, sealed {late:.1} s after the last");
}

/// From the start of the program to a row that is in the journal.
fn first_rows() {
    let mut waits: Vec<f64> = (0..STARTS).map(|_| first_row()).collect();
    waits.sort_by(f64::total_cmp);
    let (median, most) = (waits[STARTS / 2], waits[STARTS - 1]);
    let mean = waits.iter().sum::<f64>() / float_len(STARTS);
    println!(
        "start to the first row in the journal, ms: median {median:.0}, mean {mean:.0}, most {most:.0} of {STARTS}"
    );
}

fn first_row() -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let words = ["record", "--headless", "--rotate", "off", "--source", "sim:?seed=7"];
    let mut recorder = program(folder.path(), &words).spawn().unwrap();
    let journal = loop {
        if let [journal] = &naming::journals(folder.path())[..] {
            break journal.clone();
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let mut follower = Follower::open(&journal).unwrap();
    while !matches!(follower.step(false).unwrap(), Step::Record(Record::Rows(_))) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let waited = began.elapsed();
    stop(folder.path(), &mut recorder);
    waited.as_secs_f64() * 1e3
}

fn program(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_myograph"));
    command.args(words).current_dir(folder).env("MYOGRAPH_RUNTIME_DIR", folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn stop(folder: &Path, recorder: &mut Child) {
    let stopped = program(folder, &["stop"]).status().unwrap();
    assert!(stopped.success() && recorder.wait().unwrap().success());
}

/// The projector of a recorder, as soon as there is one.
fn projector_of(recorder: u32) -> u32 {
    let is_projector = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).nth(1) == Some(b"project")
    };
    loop {
        let tasks = std::fs::read_dir(format!("/proc/{recorder}/task")).unwrap().flatten();
        let children = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        let children: Vec<u32> =
            children.collect::<String>().split_whitespace().filter_map(|pid| pid.parse().ok()).collect();
        if let Some(child) = children.into_iter().find(is_projector) {
            return child;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Processor time a process has used, in seconds.
fn processor_s(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // Behind the name, which may hold anything: state, parent, ... user time is the 12th, system time the 13th.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    float(ticks) / float(rustix::param::clock_ticks_per_second())
}

/// Its memory, with what it shares divided among those who share it.
fn proportional_mib(pid: u32) -> f64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}
