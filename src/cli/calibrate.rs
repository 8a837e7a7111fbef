//! `calibrate`: the dashboard of a running recorder, begun with its calibration view.

use super::control::find;
use super::screen::{self, Screen};
use super::{Which, attach};
use anyhow::bail;
use clap::Args;
use std::io::IsTerminal;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct CalibrateArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    screen: Screen,
}

pub(super) fn run(args: &CalibrateArgs) -> anyhow::Result<ExitCode> {
    let config = super::resolve(&args.screen.flags())?;
    let (id, socket) = find(args.which.id.as_deref())?;
    if !std::io::stdout().is_terminal() {
        bail!(
            "a calibration is led on a screen, and there is no terminal to draw it on; run `myograph calibrate {id}` \
             on one"
        );
    }
    let options = crate::tui::Options { calibration: true, ..screen::options(&config, false) };
    attach::show(&socket, options)
}
