//! `recover`: journals that a crash left behind become files, one after the other.

use super::{json, say, tell};
use crate::store::follow::{Recovered, recover, sweep};
use crate::store::{StoreError, naming};
use clap::Args;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

#[derive(Debug, Args)]
pub(super) struct RecoverArgs {
    /// Journals, or folders to search for them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Put the files into this folder and keep the journals
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// One JSON array
    #[arg(long)]
    json: bool,
}

/// What came of one journal.
pub(super) enum Fate {
    /// A file was built from it.
    Recovered(Recovered),
    /// Somebody is still at work on it; the sentence says who.
    Skipped(String),
    /// Nothing could be built; the sentence says why.
    Failed(String),
}

pub(super) fn run(args: &RecoverArgs) -> anyhow::Result<ExitCode> {
    for path in &args.paths {
        anyhow::ensure!(
            path.exists(),
            "{} does not exist; name a journal or a folder of recordings",
            path.display()
        );
    }
    if let Some(folder) = &args.to {
        std::fs::create_dir_all(folder).map_err(|error| {
            super::advise(&error, format!("choose another folder than {}", folder.display()))
        })?;
    }
    let mut journals = Vec::new();
    for path in &args.paths {
        journals.extend(named(path)?);
        sweep(if path.is_dir() { path } else { path.parent().unwrap_or(path) });
    }
    journals.retain(|journal| journal.exists());
    if journals.is_empty() && !args.json {
        say("nothing to recover: no journal was left behind");
    }
    let fates: Vec<(PathBuf, Fate)> = journals
        .into_iter()
        .map(|journal| {
            let fate = one(&journal, args.to.as_deref());
            if !args.json {
                tell_one(&fate);
            }
            (journal, fate)
        })
        .collect();
    if args.json {
        say(&json::recoveries(&fates)?);
    }
    Ok(ExitCode::from(fates.iter().map(|(_, fate)| code(fate)).max().unwrap_or(0)))
}

/// The journals a path stands for: its own, those below it, or the one beside an HDF5 file.
fn named(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let found = naming::journals(path);
    if !found.is_empty() || path.is_dir() {
        return Ok(found);
    }
    let beside = naming::journal_path(path);
    anyhow::ensure!(
        beside.exists(),
        "{} is no journal and has none beside it; name a journal (.wal) or a folder of recordings",
        path.display()
    );
    Ok(vec![beside])
}

fn one(journal: &Path, to: Option<&Path>) -> Fate {
    match recover(journal, to) {
        Ok(recovered) => Fate::Recovered(recovered),
        Err(
            error @ (StoreError::BeingRecorded { .. }
            | StoreError::BeingProjected { .. }
            | StoreError::SealedMeanwhile { .. }),
        ) => Fate::Skipped(format!("{error}; {}", error.advice())),
        Err(error) => Fate::Failed(super::advise(&error, error.advice()).to_string()),
    }
}

fn tell_one(fate: &Fate) {
    match fate {
        Fate::Recovered(recovered) => say(&sentence(recovered)),
        Fate::Skipped(why) => say(&format!("skipped: {why}")),
        Fate::Failed(why) => tell(&format!("myograph: {why}")),
    }
}

fn code(fate: &Fate) -> u8 {
    match fate {
        Fate::Recovered(recovered) => u8::from(!recovered.complete),
        Fate::Skipped(_) => 0,
        Fate::Failed(_) => 2,
    }
}

fn sentence(recovered: &Recovered) -> String {
    let what = format!("{}: {} rows recovered", recovered.file.display(), recovered.rows);
    let kept = recovered
        .kept
        .as_ref()
        .map_or_else(String::new, |kept| format!("; the older file is kept as {}", kept.display()));
    if recovered.complete {
        return format!("{what}, complete");
    }
    if recovered.from_file {
        return format!("{what} from what that file still showed: its journal was empty{kept}");
    }
    if recovered.damaged {
        return format!(
            "{what}; {} records of the journal were damaged, {} rows of them are marked as a gap{kept}",
            recovered.missing_records, recovered.hole_rows
        );
    }
    format!("{what}; the recorder was cut off, so up to 0.1 s before its end was never written")
}

/// Looks for journals nobody holds and starts their recovery in the background.
pub(super) fn leftovers(out: &Path, say: impl Fn(&str)) {
    let free = |journal: &PathBuf| File::open(journal).is_ok_and(|file| file.try_lock_shared().is_ok());
    let left: Vec<PathBuf> = naming::journals(out).into_iter().filter(free).collect();
    let Ok(program) = std::env::current_exe() else { return };
    if left.is_empty() {
        return;
    }
    say(&format!(
        "{} recordings were cut off earlier; they are being recovered in the background",
        left.len()
    ));
    let started = Command::new(program)
        .arg("recover")
        .args(&left)
        .env("HDF5_USE_FILE_LOCKING", "FALSE")
        // A Ctrl-C that ends the next recording is none of its business.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match started {
        // Waited for so that it does not stay behind as a zombie.
        Ok(mut child) => {
            let wait = move || drop(child.wait());
            let _ = std::thread::Builder::new().name("recovery".to_owned()).spawn(wait);
        }
        Err(error) => {
            say(&format!("the recovery cannot be started ({error}); run `myograph recover` by hand"));
        }
    }
}
