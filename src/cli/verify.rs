//! `verify`: whether recordings are whole and true; the worst of them decides the exit code.

use super::{console, json, say};
use crate::emg::units::wide;
use crate::store::naming;
use crate::store::verify::{Options, Report, Verdict, verify};
use anyhow::ensure;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Recordings, or folders with all of theirs
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Compute every clean sample again, not only those of the first minute
    #[arg(long)]
    recompute: bool,
    /// One JSON array
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let files: Vec<PathBuf> = args.paths.iter().flat_map(|path| naming::recordings(path)).collect();
    let folders = args.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    ensure!(!files.is_empty(), "there is no recording below {folders}; name a folder that has some");
    let bar = console::progress(wide(files.len()), "verifying");
    let mut summaries = Vec::new();
    let mut verdicts = Vec::new();
    for file in &files {
        let report = verify(file, Options { recompute: args.recompute });
        if !args.json {
            bar.suspend(|| tell_one(&report));
        }
        verdicts.push(report.verdict);
        summaries.push(report.summary);
        bar.inc(1);
    }
    bar.finish_and_clear();
    if args.json {
        say(&json::summaries(&summaries.iter().collect::<Vec<_>>())?);
    } else if verdicts.len() > 1 {
        say(&counted(&verdicts));
    }
    let worst = verdicts.into_iter().max();
    Ok(ExitCode::from(worst.map_or(0, Verdict::exit_code)))
}

/// How many came out how.
fn counted(verdicts: &[Verdict]) -> String {
    let of = |code: u8| verdicts.iter().filter(|verdict| verdict.exit_code() == code).count();
    let all = verdicts.len();
    format!("{all} recordings: {} intact, {} with losses or still open, {} damaged", of(0), of(1), of(2))
}

fn tell_one(report: &Report) {
    if report.summary.format_version.is_empty() {
        // Nothing could be read: numbers of it would be invented.
        return say(&report.sentence);
    }
    say(&super::inspect::plain(&report.summary));
    for check in &report.summary.checks {
        say(&format!("  {} {:<10} {}", if check.ok { "ok  " } else { "FAIL" }, check.name, check.detail));
    }
    say(&format!("  {}", report.sentence));
}
