//! `clean`.

use clap::Args;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct CleanArgs {
    /// The recording
    file: std::path::PathBuf,
}

pub(super) fn run(args: &CleanArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("{args:?} is not built yet; wait for it")
}
