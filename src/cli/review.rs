//! `review`: a recording, closed or still growing, in the dashboard; judgements of a coder go beside it.
//!
//! `reel` follows the file on a thread of its own, `story` puts its tables into the session's words, `events` reads
//! what muscles did.

mod events;
mod reel;
mod story;

use super::advise;
use super::screen::{self, Screen};
use crate::emg::artefact;
use crate::store::layout::State;
use crate::store::{Recording, StoreError, follow, naming};
use crate::{session, tui};
use anyhow::{Context, bail, ensure};
use clap::Args;
use reel::Reel;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct ReviewArgs {
    /// The recording
    file: PathBuf,
    /// Judge artefacts under this name, letters and digits; they go into a table beside the recording
    #[arg(long, value_name = "NAME")]
    code: Option<String>,
    /// Keep labels and notes of markers, and muscle events, from the screen
    #[arg(long)]
    blind: bool,
    #[command(flatten)]
    screen: Screen,
}

pub(super) fn run(args: &ReviewArgs) -> anyhow::Result<ExitCode> {
    let file = args.file.display();
    ensure!(
        std::io::stdout().is_terminal(),
        "there is no terminal to review {file} on; `myograph inspect {file}` says what it holds"
    );
    if let Some(coder) = &args.code {
        ensure!(
            artefact::is_coder(coder),
            "`{coder}` cannot be a coder's name; use up to {} letters and digits",
            artefact::CODER_CHARS
        );
    }
    let config = super::resolve(&args.screen.flags())?;
    let recording = open(&args.file)?;
    let reel = Reel::new(recording, args.code.clone(), args.blind)
        .map_err(|error| advise(&error, error.advice()))?;
    tui::review(start(reel)?, screen::options(&config, args.code.is_none()))?;
    Ok(ExitCode::SUCCESS)
}

/// Opens what can be looked at: not what a crash left, because while its journal exists the journal rules.
fn open(path: &Path) -> anyhow::Result<Recording> {
    let journal = naming::journal_path(path);
    let attended = follow::is_attended(&journal);
    let recording = Recording::open(path);
    let left = journal.exists()
        && !attended
        && recording.as_ref().map_or(true, |recording| recording.facts().state == State::Open);
    if left {
        bail!(
            "{} was left by a crash, and its journal beside it holds more; run `myograph recover {}`",
            path.display(),
            journal.display()
        );
    }
    let too_early = |error: &StoreError| !matches!(error, StoreError::NewerRecording { .. }) && attended;
    match recording {
        Err(error) if too_early(&error) => {
            bail!("{} has only just begun and cannot be read yet; try again in a second", path.display())
        }
        other => other.map_err(|error| advise(&error, error.advice())),
    }
}

/// Runs a reel on a thread of its own, which ends with the front end.
fn start(reel: Reel) -> anyhow::Result<session::Review> {
    // A window is asked for again with every key: only the newest counts, so few need to wait.
    let (asks, asked) = crossbeam_channel::bounded(64);
    let (told, tells) = crossbeam_channel::bounded(16);
    std::thread::Builder::new()
        .name("review-reel".to_owned())
        .spawn(move || reel.run(&asked, &told))
        .context("the reader of the recording cannot be started; end other programs and try again")?;
    Ok(session::Review { asks, tells })
}
