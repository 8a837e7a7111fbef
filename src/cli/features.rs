//! `features`: windowed EMG features of a recording as a table.

use super::{advise, console, detect, say, tell, unwritten};
use crate::analysis::features::{FeaturesError, Options, Row, Table, Tally, Threshold};
use crate::dsp::features::Feature;
use crate::store::reader::Joined;
use anyhow::ensure;
use clap::Args;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct FeaturesArgs {
    /// The recording; of a split one, any of its files stands for all
    file: PathBuf,
    /// The table to write
    #[arg(short, long, value_name = "CSV")]
    output: PathBuf,
    /// Length of a window
    #[arg(long, value_name = "TIME", default_value = "250ms", value_parser = seconds)]
    window: f64,
    /// From the start of one window to the next; windows are aligned to row 0
    #[arg(long, value_name = "TIME", default_value = "50ms", value_parser = seconds)]
    step: f64,
    /// hudgins (mav, zc, ssc, wl, and rms), amplitude (what envelopes have), all, or names of features
    #[arg(long, value_name = "SET|NAME,...", default_value = "hudgins", value_parser = set)]
    set: Wanted,
    /// Only these channels; otherwise all that carry EMG
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    channels: Vec<String>,
    /// What zc, ssc, wamp, myop and duration count: a multiple of each channel's noise at rest (its quietest tenth), or
    /// a level with its unit such as 12count or 0.05mV; 0 counts everything
    #[arg(long, value_name = "Nx|LEVEL", default_value = "3x")]
    threshold: Threshold,
    /// Write windows with gaps or unsettled filters too, with their flags
    #[arg(long)]
    flagged: bool,
    /// Overwrite the table if it exists
    #[arg(long)]
    force: bool,
}

/// Features in the order of columns.
#[derive(Clone, Debug)]
struct Wanted(Vec<Feature>);

/// Reads `250ms` or `0.25s`.
fn seconds(text: &str) -> Result<f64, String> {
    let (number, scale) = match text.strip_suffix("ms") {
        Some(number) => (number, 1e-3),
        None => (text.strip_suffix('s').unwrap_or_default(), 1.0),
    };
    let value = number.trim().parse::<f64>().ok().filter(|value| value.is_finite() && *value > 0.0);
    value.map(|value| value * scale).ok_or_else(|| format!("`{text}` is no time: `250ms` and `0.25s` are"))
}

/// Reads the name of a set or a list of features.
fn set(text: &str) -> Result<Wanted, String> {
    Ok(Wanted(match text {
        "hudgins" => Feature::HUDGINS.to_vec(),
        "all" => Feature::ALL.to_vec(),
        "amplitude" => Feature::amplitude(),
        names => names.split(',').map(str::trim).map(named).collect::<Result<_, _>>()?,
    }))
}

fn named(name: &str) -> Result<Feature, String> {
    let all = || Feature::ALL.map(Feature::name).join(", ");
    Feature::from_name(name)
        .ok_or_else(|| format!("`{name}` is neither a set (hudgins, amplitude, all) nor one of {}", all()))
}

pub(super) fn run(args: &FeaturesArgs) -> anyhow::Result<ExitCode> {
    let joined = Joined::open(&args.file).map_err(|error| advise(&error, error.advice()))?;
    ensure!(
        args.force || !args.output.exists(),
        "{} exists already; choose another name with `-o`, or overwrite it with `--force`",
        args.output.display()
    );
    let options = Options {
        window_s: args.window,
        step_s: args.step,
        features: args.set.0.clone(),
        channels: args.channels.clone(),
        threshold: args.threshold.clone(),
        flagged: args.flagged,
    };
    let failed = |error: FeaturesError| advise(&error, error.advice());
    let mut table = Table::plan(&joined, options).map_err(failed)?;
    for remark in table.remarks().iter().chain(&joined.missing) {
        tell(&format!("note: {remark}"));
    }
    let create = || if args.force { File::create(&args.output) } else { File::create_new(&args.output) };
    if let Some(sentence) = detect::unsealed(&joined) {
        tell(&format!("warning: {sentence}"));
    }
    let file = create().map_err(|error| unwritten(&args.output, &error))?;
    let tally = write(&mut table, args, file).inspect_err(|_| {
        // Half a table looks like a whole one.
        let _ = std::fs::remove_file(&args.output);
    })?;
    say(&format!(
        "{}: {} windows of {} features, {} left out for gaps, borders or unsettled filters",
        args.output.display(),
        tally.kept,
        args.set.0.len(),
        tally.left_out,
    ));
    if joined.missing.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    tell("the table is as incomplete as the recording: files of it are missing");
    Ok(ExitCode::from(1))
}

fn write(table: &mut Table<'_>, args: &FeaturesArgs, file: File) -> anyhow::Result<Tally> {
    let mut csv = csv::Writer::from_writer(BufWriter::new(file));
    csv.write_record(header(&args.set.0))?;
    let recording = recording(&args.file);
    let rate = table.rate_hz().to_string();
    let bar = console::progress(table.length(), "computing");
    let tally = table.run(
        |row| record(&mut csv, row, &recording, &rate).map_err(Failed::Write),
        |rows| bar.set_position(rows),
    );
    bar.finish_and_clear();
    let tally = tally.map_err(|failed| match failed {
        Failed::Read(error) => advise(&error, error.advice()),
        Failed::Write(error) => unwritten(&args.output, &error),
    })?;
    csv.flush().map_err(|error| unwritten(&args.output, &error))?;
    Ok(tally)
}

/// Which side of the work went wrong.
enum Failed {
    Read(FeaturesError),
    Write(csv::Error),
}

impl From<FeaturesError> for Failed {
    fn from(error: FeaturesError) -> Self {
        Self::Read(error)
    }
}

fn header(features: &[Feature]) -> Vec<&'static str> {
    let before =
        ["recording", "channel", "muscle", "onset_s", "end_s", "sample", "rate_hz", "unit", "threshold"];
    before.into_iter().chain(features.iter().map(|feature| feature.name())).chain(["flags"]).collect()
}

fn record(
    csv: &mut csv::Writer<BufWriter<File>>,
    row: &Row<'_>,
    recording: &str,
    rate: &str,
) -> Result<(), csv::Error> {
    for text in [recording, &row.channel.name, &row.channel.muscle] {
        csv.write_field(text)?;
    }
    for seconds in [row.onset_s, row.end_s] {
        csv.write_field(format!("{seconds:.6}"))?;
    }
    csv.write_field(row.sample.to_string())?;
    csv.write_field(rate)?;
    csv.write_field(&row.channel.unit)?;
    csv.write_field(number(row.threshold))?;
    for &value in row.values {
        csv.write_field(number(value))?;
    }
    csv.write_field(row.flags.join(" "))?;
    csv.write_record(None::<&[u8]>)
}

/// The shortest decimals that read back to the same number; `n/a`, as BIDS has it, where there is none.
fn number(value: f64) -> String {
    if value.is_nan() { "n/a".to_owned() } else { format!("{value:?}") }
}

/// The name of a recording in tables: that of its file without the ending and the number of the segment.
fn recording(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let Some((before, after)) = stem.split_once("_split-") else { return stem };
    format!("{before}{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
}
