//! `trials`: the tidy table people publish from, of many recordings at once.

mod span;
mod table;

use super::{advise, console, say, tell, unwritten};
use crate::analysis::trials::{
    Error, Exclusion, Judges, Measure, Plan, Row, Signal, Span, judged, rows, standardise, summarise,
};
use crate::emg::units::wide;
use crate::store::reader::Joined;
use anyhow::ensure;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Whether values are compared within muscle and subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standard {
    None,
    ZWithinMuscleSubject,
}

impl Standard {
    const ALL: [Self; 2] = [Self::None, Self::ZWithinMuscleSubject];

    fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ZWithinMuscleSubject => "z-within-muscle-subject",
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
A trial begins at each marker that was not taken back. The value of a bin is the mean amplitude in it against the mean
of the trial's own baseline: difference (bin - baseline), ratio (percent of baseline) or log-ratio (ln of bin/baseline).
Rows that are lost or judged artefacts enter no mean. z-within-muscle-subject takes mean and sd (n - 1) over all values
of a subject's muscle and side in this table that are not excluded. Rows without a value say why: `bin lost` too few
values are there, `bin artefact` too many were judged artefacts. An envelope on its own baseline (--envelope-baseline
track or a high-pass) is about 0 at rest and has a difference only.")]
pub(super) struct TrialsArgs {
    /// The recordings; any file of a rotated one stands for all of it
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The table to write; never overwritten
    #[arg(short, long, value_name = "CSV")]
    output: PathBuf,
    /// What a trial is compared with, against its onset
    #[arg(long, value_name = "TIME..TIME", default_value = "-1s..0s", allow_hyphen_values = true)]
    #[arg(value_parser = span::span)]
    baseline: Span,
    /// What is told of a trial, against its onset
    #[arg(long, value_name = "TIME..TIME", default_value = "0s..4s", allow_hyphen_values = true)]
    #[arg(value_parser = span::span)]
    window: Span,
    /// Width of the bins the window is cut into; one bin when left out
    #[arg(long, value_name = "TIME", value_parser = span::width)]
    bin: Option<i64>,
    /// How a bin is compared with the baseline
    #[arg(long, default_value = "difference", value_parser = word_of(&Measure::ALL, Measure::word))]
    measure: Measure,
    /// Whether values are made comparable between muscles and people
    #[arg(long, default_value = "none", value_parser = word_of(&Standard::ALL, Standard::word))]
    standardise: Standard,
    /// Labels of the markers that begin trials [default: all]
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    markers: Vec<String>,
    /// Channels by name [default: all that carry EMG]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    channels: Vec<String>,
    /// Which amplitude is averaged; `amplitude` is the envelope of raw channels and the signal of all others
    #[arg(long, default_value = "amplitude", value_parser = word_of(&Signal::ALL, Signal::word))]
    signal: Signal,
    /// Whose judgements of artefacts count: of rules and coders, of coders, or nobody's
    #[arg(long, default_value = "all", value_parser = word_of(&Judges::ALL, Judges::word))]
    artefacts: Judges,
    /// Share of a bin or baseline that may be lost or an artefact
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share)]
    max_lost: f64,
    /// Print the means over people of each person's mean, as CSV
    #[arg(long)]
    summary: bool,
}

/// A parser of the words of an enum.
fn word_of<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    word: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.iter().map(|one| word(*one)))
        .try_map(move |text| all.iter().copied().find(|one| word(*one) == text).ok_or(std::fmt::Error))
}

/// Reads a share from 0 to 1.
fn share(text: &str) -> Result<f64, &'static str> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or("this is no share; write a number from 0 to 1, such as 0.5")
}

pub(super) fn run(args: &TrialsArgs) -> anyhow::Result<ExitCode> {
    let width = args.window.end - args.window.start;
    let bin_ms = args.bin.unwrap_or(width);
    ensure!(
        width % bin_ms == 0,
        "the window of {width} ms is no whole number of bins of {bin_ms} ms; choose another width with `--bin`"
    );
    let output = args.output.display();
    ensure!(!args.output.exists(), "{output} exists already; choose another name with `-o`");
    let plan = Plan {
        baseline: args.baseline.clone(),
        window: args.window.clone(),
        bin_ms,
        measure: args.measure,
        signal: args.signal,
        most_lost: args.max_lost,
        labels: args.markers.clone(),
        channels: args.channels.clone(),
    };
    let mut gathered = gather(args, &plan);
    ensure!(
        gathered.recordings > 0,
        "none of the recordings gave trials, so {output} was not written; do what is said above for each of them"
    );
    let rows = &mut gathered.rows;
    if args.standardise == Standard::ZWithinMuscleSubject {
        standardise(rows);
    }
    let standardised = args.standardise != Standard::None;
    let bytes = table::table(rows, table::Told { measure: args.measure, standardised })?;
    write(&args.output, &bytes).map_err(|error| unwritten(&args.output, &error))?;
    tell(&exclusions(rows));
    let (count, plural) = (gathered.recordings, if gathered.recordings == 1 { "" } else { "s" });
    let done = format!("{output}: {} rows of {count} recording{plural}", rows.len());
    if args.summary {
        tell(&done);
        say(String::from_utf8_lossy(&table::means(&summarise(rows))?).trim_end());
    } else {
        say(&done);
    }
    Ok(if gathered.is_whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What all files gave.
struct Gathered {
    rows: Vec<Row>,
    recordings: usize,
    /// Whether nothing is missing.
    is_whole: bool,
}

/// Reads every recording once; what cannot be read is named and the others go on.
fn gather(args: &TrialsArgs, plan: &Plan) -> Gathered {
    let mut all = Gathered { rows: Vec::new(), recordings: 0, is_whole: true };
    let mut seen: Vec<String> = Vec::new();
    let bar = console::progress(wide(args.files.len()), "reading");
    for file in &args.files {
        match one(file, args.artefacts, plan, &mut seen) {
            Ok((rows, remarks, is_whole)) => {
                all.recordings += usize::from(!rows.is_empty());
                all.rows.extend(rows);
                all.is_whole &= is_whole;
                for remark in &remarks {
                    bar.suspend(|| tell(remark));
                }
            }
            Err(error) => {
                all.is_whole = false;
                bar.suspend(|| tell(&format!("not done: {:#}", advise(&error, error.advice()))));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    all
}

/// The rows of one recording, what is to be said of it, and whether all of it was there. A recording that was read
/// already gives none.
fn one(
    file: &Path,
    judges: Judges,
    plan: &Plan,
    seen: &mut Vec<String>,
) -> Result<(Vec<Row>, Vec<String>, bool), Error> {
    let joined = Joined::open(file)?;
    let name = file.display();
    let id = joined.first().facts().recording_id.clone();
    if seen.contains(&id) {
        let remark = format!("{name} is part of a recording that was read already; it is not read twice");
        return Ok((Vec::new(), vec![remark], true));
    }
    let rows = rows(&joined, &judged(&joined, judges)?, plan)?;
    seen.push(id);
    let mut remarks: Vec<String> = joined.missing.iter().map(|hole| format!("{name}: {hole}")).collect();
    let mut trials: Vec<_> = rows.iter().map(|row| (row.trial.number, &row.trial.overlaps)).collect();
    trials.dedup();
    let crowded = trials.iter().filter(|(_, overlaps)| !overlaps.is_empty()).count();
    if crowded > 0 {
        let all = trials.len();
        remarks.push(format!("{name}: {crowded} of {all} trials reach into others, see the column overlaps"));
    }
    Ok((rows, remarks, joined.missing.is_empty()))
}

/// How many values are missing, and why.
fn exclusions(rows: &[Row]) -> String {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in rows.iter().filter_map(|row| row.exclusion).map(Exclusion::word) {
        *reasons.entry(reason).or_default() += 1;
    }
    let total: usize = reasons.values().sum();
    let told: Vec<String> = reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    let why = if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) };
    format!("{total} of {} values excluded{why}", rows.len())
}

/// Writes a new file; none stays that is not whole.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create_new(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.inspect_err(|_| drop(std::fs::remove_file(path)))
}
