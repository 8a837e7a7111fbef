//! `record`: three ways to the same recorder: behind a dashboard, in the foreground, or as the process behind.

use super::station::{self, Mode};
use super::{Settings, attach, service, tell};
use anyhow::{Context, bail};
use clap::Args;
use std::io::{BufRead, BufReader, IsTerminal};
use std::process::{Command, ExitCode, Stdio};

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(super) struct RecordArgs {
    #[command(flatten)]
    pub(super) settings: Settings,
    /// Look without recording until `M` is pressed
    #[arg(long)]
    pub(super) monitor: bool,
    /// Record in the foreground with plain log lines, without a dashboard
    #[arg(long)]
    pub(super) headless: bool,
    /// Go on with the newest recording of these names that was cut off, as its next segment
    #[arg(long)]
    pub(super) resume: bool,
    /// Be the recorder behind a dashboard
    #[arg(long, hide = true, conflicts_with = "headless")]
    pub(super) serve: bool,
}

pub(super) fn run(args: &RecordArgs) -> anyhow::Result<ExitCode> {
    let config = args.settings.resolve()?;
    if args.headless {
        return station::run(&config, Mode::Foreground { monitor: args.monitor }, args.resume);
    }
    if args.serve {
        return station::run(&config, Mode::Behind { monitor: args.monitor }, args.resume);
    }
    if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        bail!(
            "there is no terminal for the dashboard, so nothing was started; use `myograph record --headless`"
        );
    }
    let socket = launch()?;
    attach::show(&socket, super::screen::options(&config, false))
}

/// Starts this command again as a recorder of its own session, in a scope of its own where that helps, and waits
/// until it records; gives its socket.
fn launch() -> anyhow::Result<std::path::PathBuf> {
    let program =
        std::env::current_exe().context("this program cannot find itself; call it by its full path")?;
    if let Some(scope) = service::in_scope(&program) {
        match start(scope) {
            Ok(Started::Ready(socket)) => return Ok(socket),
            Ok(Started::Ended(code)) => std::process::exit(code),
            Ok(Started::Nothing) | Err(_) => {
                tell("the service manager does not start the recorder: it is started without");
            }
        }
    }
    match start(Command::new(program))
        .context("the recorder cannot be started; end other programs and try again")?
    {
        Started::Ready(socket) => Ok(socket),
        // It has said why on the standard error it shares with us until it is ready.
        Started::Ended(code) => std::process::exit(code),
        Started::Nothing => std::process::exit(2),
    }
}

/// What came of a recorder that was started.
enum Started {
    /// It runs; its socket.
    Ready(std::path::PathBuf),
    /// It began and ended with this exit code.
    Ended(i32),
    /// It never began.
    Nothing,
}

fn start(mut command: Command) -> std::io::Result<Started> {
    let mut child = command
        .args(std::env::args_os().skip(1))
        .arg("--serve")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut began = false;
    for line in child.stdout.take().into_iter().flat_map(|output| BufReader::new(output).lines()) {
        let line = line?;
        match line.split_once(' ') {
            Some(("ready", socket)) => return Ok(Started::Ready(socket.into())),
            Some(("say", sentence)) => tell(sentence),
            _ => began |= line == "here",
        }
    }
    let code = child.wait()?.code().unwrap_or(2);
    Ok(if began { Started::Ended(code) } else { Started::Nothing })
}
