//! `attach`: a dashboard on a running recorder.

use super::control::find;
use super::earlier::{self, LookUp};
use super::screen::{self, Screen};
use super::{Which, advise, say, tell};
use crate::{ipc, tui};
use clap::Args;
use std::path::Path;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct AttachArgs {
    #[command(flatten)]
    which: Which,
    /// Look only
    #[arg(long)]
    read_only: bool,
    #[command(flatten)]
    screen: Screen,
}

pub(super) fn run(args: &AttachArgs) -> anyhow::Result<ExitCode> {
    let config = super::resolve(&args.screen.flags())?;
    let (_, socket) = find(args.which.id.as_deref())?;
    show(&socket, screen::options(&config, args.read_only))
}

/// Runs the dashboard until it is left or the recording ends.
pub(super) fn show(socket: &Path, mut options: tui::Options) -> anyhow::Result<ExitCode> {
    let (session, welcome) =
        ipc::connect(socket, &super::control::own_name()).map_err(|error| advise(&error, error.advice()))?;
    let earlier = LookUp::begin(socket);
    let compares = options.calibration;
    options.earlier = earlier.shelf.clone();
    let exit = tui::run(session, options)?;
    if compares {
        for line in earlier::lines(&earlier.shelf) {
            say(&line);
        }
    }
    match exit {
        tui::Exit::Detached => {
            let id = welcome.id;
            tell(&format!(
                "the recording goes on: `myograph attach {id}` to look, `myograph stop {id}` to end it"
            ));
            Ok(ExitCode::SUCCESS)
        }
        tui::Exit::Finished { code, text } => {
            say(&text);
            Ok(ExitCode::from(code))
        }
        tui::Exit::RecorderGone => anyhow::bail!(
            "the recorder {} ended without a word; run `myograph recover` on its folder",
            welcome.id
        ),
    }
}
