//! The projector process: a journal becomes its HDF5 file, live. Started by a recorder, never by hand.

use crate::store::follow::{Ended, follow};
use clap::Args;
use signal_hook::consts::{SIGHUP, SIGINT, SIGPIPE, SIGTERM};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

#[derive(Debug, Args)]
pub(super) struct ProjectArgs {
    journal: PathBuf,
}

pub(super) fn run(args: &ProjectArgs) -> anyhow::Result<ExitCode> {
    // Ctrl-C reaches the whole foreground group; the projector ends when the journal does.
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    let mut progress = |rows: u64, bytes: u64| {
        // A recorder that is gone hears nothing; the journal tells the rest.
        let _ = writeln!(std::io::stdout(), "{rows} {bytes}");
    };
    let ended = follow(&args.journal, &mut progress).map_err(|error| {
        super::advise(&error, "the journal has everything, `myograph recover` builds the file from it")
    })?;
    Ok(match ended {
        Ended::Sealed => ExitCode::SUCCESS,
        Ended::Repaired | Ended::Abandoned => ExitCode::from(1),
    })
}
