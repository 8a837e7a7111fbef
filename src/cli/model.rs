//! `model`.

use clap::Args;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct ModelArgs {
    /// The model
    file: std::path::PathBuf,
}

pub(super) fn run(args: &ModelArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("{args:?} is not built yet; wait for it")
}
