//! `verify`: whether recordings are whole and true; the worst of them decides the exit code.

use super::{json, say};
use crate::store::verify::{Options, Report, Verdict, verify};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// The recordings
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Compute every clean sample again, not only those of the first minute
    #[arg(long)]
    recompute: bool,
    /// One JSON array
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let check = |file: &PathBuf| verify(file, Options { recompute: args.recompute });
    let reports: Vec<Report> = args.files.iter().map(check).collect();
    if args.json {
        let summaries: Vec<_> = reports.iter().map(|report| &report.summary).collect();
        say(&json::summaries(&summaries)?);
    } else {
        reports.iter().for_each(tell_one);
    }
    let worst = reports.iter().map(|report| report.verdict).max();
    Ok(ExitCode::from(worst.map_or(0, Verdict::exit_code)))
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
