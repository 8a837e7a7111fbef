//! `record`: three ways to the same recorder: behind a dashboard, in the foreground, or as the process behind.

use super::station::{self, Mode};
use super::{Settings, attach, tell};
use anyhow::{Context, bail};
use clap::Args;
use std::io::{BufRead, BufReader, IsTerminal};
use std::process::{Command, ExitCode, Stdio};

#[derive(Debug, Args)]
pub(super) struct RecordArgs {
    #[command(flatten)]
    pub(super) settings: Settings,
    /// Look without recording until `M` is pressed
    #[arg(long)]
    pub(super) monitor: bool,
    /// Record in the foreground with plain log lines, without a dashboard
    #[arg(long)]
    pub(super) headless: bool,
    /// Be the recorder behind a dashboard
    #[arg(long, hide = true, conflicts_with = "headless")]
    pub(super) serve: bool,
}

pub(super) fn run(args: &RecordArgs) -> anyhow::Result<ExitCode> {
    let config = args.settings.resolve()?;
    if args.headless {
        return station::run(&config, Mode::Foreground { monitor: args.monitor });
    }
    if args.serve {
        return station::run(&config, Mode::Behind { monitor: args.monitor });
    }
    if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        bail!(
            "there is no terminal for the dashboard, so nothing was started; use `myograph record --headless`"
        );
    }
    let socket = launch()?;
    attach::show(&socket, &config, false)
}

/// Starts this command again as a recorder of its own session, and waits until it records; gives its socket.
fn launch() -> anyhow::Result<std::path::PathBuf> {
    let program =
        std::env::current_exe().context("this program cannot find itself; call it by its full path")?;
    let mut child = Command::new(program)
        .args(std::env::args_os().skip(1))
        .arg("--serve")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("the recorder cannot be started; end other programs and try again")?;
    let output = child.stdout.take().context("the recorder has no output")?;
    for line in BufReader::new(output).lines() {
        let line = line.context("the recorder cannot be heard")?;
        match line.split_once(' ') {
            Some(("ready", socket)) => return Ok(socket.into()),
            Some(("say", sentence)) => tell(sentence),
            _ => {}
        }
    }
    let status = child.wait().context("the recorder's end is not known")?;
    // It has said why on the standard error it shares with us until it is ready.
    std::process::exit(status.code().unwrap_or(2))
}
