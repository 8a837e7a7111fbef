//! `config`: what is in effect, and why.

use super::{Settings, say};
use clap::Args;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(flatten)]
    settings: Settings,
}

pub(super) fn run(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    for line in args.settings.resolve()?.explain() {
        say(&line);
    }
    Ok(ExitCode::SUCCESS)
}
