//! `detect`.

use clap::Args;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct DetectArgs {
    /// The recording
    file: std::path::PathBuf,
}

pub(super) fn run(args: &DetectArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("{args:?} is not built yet; wait for it")
}
