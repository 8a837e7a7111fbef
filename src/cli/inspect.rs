//! `inspect`: what a recording holds.

use super::{advise, json, say};
use crate::emg::units::float;
use crate::store::inspect::{Summary, inspect};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct InspectArgs {
    /// The recording
    file: PathBuf,
    /// One JSON array
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &InspectArgs) -> anyhow::Result<ExitCode> {
    let summary = inspect(&args.file).map_err(|error| advise(&error, error.advice()))?;
    if args.json {
        say(&json::summaries(&[&summary])?);
    } else {
        say(&plain(&summary));
    }
    Ok(ExitCode::SUCCESS)
}

/// A summary for people.
pub(super) fn plain(summary: &Summary) -> String {
    let rate = summary.sampling_rate_hz;
    let length = if rate > 0.0 {
        format!("{rate} Hz, {}", super::console::seconds(summary.duration_s))
    } else {
        "rate unknown".to_owned()
    };
    let rows = summary.rows.saturating_add(summary.samples_lost).max(1);
    let lost = match summary.samples_lost {
        0 if !summary.losses_counted => "losses cannot be counted".to_owned(),
        lost => {
            let percent = 100.0 * float(lost) / float(rows);
            let more = if summary.losses_counted { "" } else { ", more cannot be counted" };
            format!("{lost} samples lost ({percent:.3} %){more}")
        }
    };
    format!(
        "{}\n  {}, format {}, {} rows x {} channels, {length}\n  {} markers, {} gaps, {lost}, {} epochs",
        summary.file,
        summary.state.word(),
        summary.format_version,
        summary.rows,
        summary.channels,
        summary.markers,
        summary.gaps,
        summary.epochs,
    )
}
