//! `status`, `mark` and `stop`: one question to a running recorder each.

use super::console::line;
use super::{Which, advise, json, say, tell};
use crate::config::Flags;
use crate::emg::{Stamp, marker};
use crate::ipc;
use crate::session::command::Action;
use crate::session::{Answer, MarkRequest, Snapshot};
use crate::store::journal::Follower;
use crate::store::naming;
use anyhow::bail;
use clap::Args;
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// A recorder that lives answers within this.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    which: Which,
    /// One JSON array, one object per recorder
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct MarkArgs {
    /// What happened
    label: String,
    /// More about it
    #[arg(long, default_value = "")]
    note: String,
    /// Id of the recorder; may be left out when one runs
    #[arg(long)]
    id: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct StopArgs {
    #[command(flatten)]
    which: Which,
}

pub(super) fn status(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let recorders = match &args.which.id {
        Some(id) => vec![find(Some(id))?],
        None => running()?,
    };
    let snapshots: Vec<Snapshot> = recorders
        .iter()
        .filter_map(|(id, socket)| match ipc::request(socket, &own_name(), Action::Status, PATIENCE) {
            Ok(Answer::Status(snapshot)) => Some(*snapshot),
            Ok(_) => None,
            Err(error) => {
                tell(&format!("{id}: {error}; {}", error.advice()));
                None
            }
        })
        .collect();
    if args.json {
        say(&json::status(&snapshots)?);
    } else if snapshots.is_empty() {
        say("no recorder is running");
    }
    if !args.json {
        for snapshot in &snapshots {
            say(&line(snapshot));
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn mark(args: &MarkArgs) -> anyhow::Result<ExitCode> {
    let stamp = Stamp::now();
    if args.label.trim().is_empty() {
        bail!("a marker without a label says nothing; say what happened, e.g. `myograph mark \"door slam\"`");
    }
    let (_, socket) = find(args.id.as_deref())?;
    for (what, text, limit) in
        [("label", &args.label, marker::LABEL_BYTES), ("note", &args.note, marker::NOTE_BYTES)]
    {
        if text.len() > limit {
            tell(&format!("the {what} is cut to {limit} bytes, the longest a recording holds"));
        }
    }
    let request = MarkRequest {
        key: u64::from_le_bytes(*uuid::Uuid::new_v4().as_bytes().first_chunk().unwrap_or(&[0; 8])),
        stamp,
        label: args.label.clone(),
        note: args.note.clone(),
        code: 0,
        origin: marker::Origin::Command,
        action: marker::Action::Add,
        refers_to: 0,
        uncertainty_us: 0,
    };
    match ask(&socket, Action::Mark(request))? {
        Answer::Stored { id, sample } => say(&format!("marker {id} stored at sample {sample}")),
        Answer::Refused(why) => {
            bail!("the marker was {why}; begin to record with `M` on its dashboard, or free the disk")
        }
        _ => bail!("the recorder gave no answer a marker can have; check `myograph status`"),
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn stop(args: &StopArgs) -> anyhow::Result<ExitCode> {
    let (_, socket) = find(args.which.id.as_deref())?;
    let finished = ipc::stop(&socket, &own_name()).map_err(|error| advise(&error, error.advice()))?;
    say(&finished.text);
    Ok(ExitCode::from(finished.code))
}

fn ask(socket: &std::path::Path, action: Action) -> anyhow::Result<Answer> {
    ipc::request(socket, &own_name(), action, PATIENCE).map_err(|error| advise(&error, error.advice()))
}

/// Ids and sockets of all recorders there are: those in the runtime folder; where it has none, those that write a
/// journal in the folder of recordings, e.g. a service with a runtime folder of its own.
pub(super) fn running() -> anyhow::Result<Vec<(String, PathBuf)>> {
    let listed = ipc::socket::searched().and_then(|folder| ipc::socket::sockets(&folder));
    match listed {
        Ok(found) if !found.is_empty() => Ok(found),
        listed => match writing() {
            found if !found.is_empty() => Ok(found),
            _ => listed.map_err(|error| advise(&error, error.advice())),
        },
    }
}

/// Ids and sockets of the recorders that hold a journal below the folder of recordings and answer.
fn writing() -> Vec<(String, PathBuf)> {
    let out = super::resolve(&Flags::default()).unwrap_or_default().out;
    let is_held = |journal: &PathBuf| {
        File::open(journal).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    };
    let holder = |journal: PathBuf| {
        let header = Follower::open(&journal).ok()?.header().clone();
        let socket = PathBuf::from(header.socket);
        UnixStream::connect(&socket).is_ok().then_some((header.recorder, socket))
    };
    let found: BTreeMap<_, _> =
        naming::journals(&out).into_iter().filter(is_held).filter_map(holder).collect();
    found.into_iter().collect()
}

/// The recorder that is meant: the named one, or the only one.
pub(super) fn find(id: Option<&str>) -> anyhow::Result<(String, PathBuf)> {
    let mut all = running()?;
    if let Some(id) = id {
        let named = |all: Vec<(String, PathBuf)>| all.into_iter().find(|(known, _)| known == id);
        let Some(found) = named(all).or_else(|| named(writing())) else {
            bail!("no recorder `{id}` is running; see `myograph status`");
        };
        return Ok(found);
    }
    let ids = all.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(", ");
    match (all.pop(), all.is_empty()) {
        (None, _) => bail!("no recorder is running; start one with `myograph record`"),
        (Some(only), true) => Ok(only),
        _ => bail!("several recorders are running ({ids}); name the one you mean"),
    }
}

/// What this front end calls itself in marker tables: its terminal, else its process.
pub(super) fn own_name() -> String {
    let terminal = rustix::termios::ttyname(std::io::stdin(), Vec::new()).ok();
    let name = terminal.and_then(|name| name.into_string().ok());
    name.map_or_else(|| format!("pid-{}", std::process::id()), |name| name.replace("/dev/", ""))
}
