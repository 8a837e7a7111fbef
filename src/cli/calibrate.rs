//! `calibrate`.

use clap::Args;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct CalibrateArgs {
    /// Id of the recorder; may be left out when one runs
    id: Option<String>,
}

pub(super) fn run(args: &CalibrateArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("{args:?} is not built yet; wait for it")
}
