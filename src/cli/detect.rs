//! `detect`: the muscle events of recordings as one table.

use super::{advise, console, tell, unwritten};
use crate::analysis::detect::{Method, events};
use crate::emg::Event;
use crate::emg::units::float;
use crate::store::StoreError;
use crate::store::layout::State;
use crate::store::reader::Joined;
use anyhow::{bail, ensure};
use clap::{Args, ValueEnum};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The columns, in order.
const COLUMNS: [&str; 15] = [
    "recording",
    "channel",
    "onset_s",
    "apex_s",
    "offset_s",
    "class",
    "peak",
    "mvc_percent",
    "snr_db",
    "rise_s",
    "onset_uncertainty_s",
    "duration_corrected_s",
    "duration_low_s",
    "duration_high_s",
    "verdict",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Detector {
    /// The station's own
    Adaptive,
    /// The published detector of the CASMEMG data base, its clip being the whole recording
    Casmemg,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Times are seconds after row 0 of the recording, in the signal before any filter; `recording` is the name of the file
without its ending. A brief event (40-500 ms) is a candidate for a micro-expression, no more: the verdict needs a video
or a context. What is not known is left empty. onset_uncertainty_s is the half-width that held 68 % of the errors on
simulated bursts of that strength; duration_low_s and duration_high_s lie two of those apart on either side. Events are
looked for in the samples the file holds: those of a recording as it ran are found again to the bit, those of one that was
filtered forward and backward (`clean --zero-phase`) are others than it keeps.")]
pub(super) struct DetectArgs {
    /// The recordings; any file of a rotated one stands for all of it
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The table to write; never overwritten [default: standard output]
    #[arg(short, long, value_name = "CSV")]
    output: Option<PathBuf>,
    /// Which detector
    #[arg(long, default_value = "adaptive")]
    method: Detector,
    /// Look in both directions of time, so that no filter's delay or ringing is left
    #[arg(long)]
    zero_phase: bool,
}

pub(super) fn run(args: &DetectArgs) -> anyhow::Result<ExitCode> {
    let method = match (args.method, args.zero_phase) {
        (Detector::Adaptive, false) => Method::Adaptive,
        (Detector::Adaptive, true) => Method::BothWays,
        (Detector::Casmemg, false) => Method::Casmemg,
        (Detector::Casmemg, true) => bail!(
            "the published detector filters in both directions of time by itself, so `--zero-phase` cannot be asked of \
             it; leave out one of `--zero-phase` and `--method casmemg`"
        ),
    };
    if let Some(output) = &args.output {
        ensure!(!output.exists(), "{} exists already; choose another name with `-o`", output.display());
    }
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(COLUMNS)?;
    let (mut found, mut is_whole) = (0, true);
    for file in &args.files {
        let read = |error: StoreError| advise(&error, error.advice());
        let joined = Joined::open(file).map_err(read)?;
        for sentence in &joined.missing {
            tell(&format!("warning: {}: {sentence}", file.display()));
            is_whole = false;
        }
        if let Some(sentence) = unsealed(&joined) {
            tell(&format!("warning: {sentence}"));
        }
        found += one(file, &joined, method, &mut table)?;
    }
    let bytes = table.into_inner()?;
    match &args.output {
        Some(output) => {
            write(output, &bytes).map_err(|error| unwritten(output, &error))?;
            tell(&format!("{}: {found} events of {} recordings", output.display(), args.files.len()));
        }
        None => super::say(String::from_utf8_lossy(&bytes).trim_end()),
    }
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What must be known of a table of a recording that is not sealed: how far it goes.
pub(super) fn unsealed(joined: &Joined) -> Option<String> {
    let open = joined.segments.iter().find(|segment| segment.facts().state == State::Open)?;
    Some(format!(
        "{path} is still being recorded, or was left by a crash, so the table ends with its {rows} rows that can be read \
         by now; stop its recorder, or `myograph recover {journal}`, and make the table again",
        path = open.path().display(),
        rows = open.rows(),
        journal = open.path().with_extension("wal").display(),
    ))
}

/// Adds the events of one recording; gives how many there are.
fn one(
    file: &Path,
    joined: &Joined,
    method: Method,
    table: &mut csv::Writer<Vec<u8>>,
) -> anyhow::Result<usize> {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let facts = joined.first().facts();
    let rate_hz = [facts.sampling_rate_hz, facts.nominal_rate_hz]
        .into_iter()
        .find(|rate| *rate > 0.0)
        .unwrap_or(f64::NAN);
    ensure!(
        rate_hz > 0.0,
        "the rate of {} is not known, so no time of an event can be told; import it with `--rate`",
        file.display()
    );
    let last = joined.segments.last().map_or(0, |segment| segment.span().end);
    let bar = console::progress(last, &name);
    let events = events(joined, method, |row| bar.set_position(row));
    bar.finish_and_clear();
    let events = events.map_err(|error| advise(&error, error.advice()))?;
    for event in &events {
        let channel = joined.channels().get(usize::from(event.channel)).map_or("", |c| c.name.as_str());
        table.write_record(record(&name, channel, event, rate_hz))?;
    }
    Ok(events.len())
}

fn record(recording: &str, channel: &str, event: &Event, rate_hz: f64) -> [String; 15] {
    let seconds = |row: u64| number(float(row) / rate_hz, 6);
    let us = |us: f64| number(us / 1e6, 6);
    [
        recording.to_owned(),
        channel.to_owned(),
        seconds(event.onset),
        seconds(event.apex),
        seconds(event.end),
        event.class.word().to_owned(),
        number(event.peak, 6),
        number(event.mvc_percent, 2),
        number(event.snr_db, 2),
        us(event.rise_us),
        us(event.onset_uncertainty_us),
        us(event.duration_corrected_us),
        us(event.duration_low_us),
        us(event.duration_high_us),
        event.verdict.word().to_owned(),
    ]
}

/// A number with so many decimals; empty where it is not known.
fn number(value: f64, decimals: usize) -> String {
    if value.is_finite() { format!("{value:.decimals$}") } else { String::new() }
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::File::create_new(path)?.write_all(bytes)
}
