//! `contract`: what can be lost, and when, in the words of the README and in numbers for the fault bench, both from
//! the constants the recorder runs by. Hidden: people read the README, whose page a test compares with this one.

use super::{json, say};
use crate::config::Config;
use crate::recorder::{HOLD, KILL_LOSS, LATE, PIECES, RETRY};
use crate::store::journal::durable::TAIL_BYTES;
use crate::store::journal::writer::{AHEAD_BYTES, AHEAD_SHARE};
use clap::Args;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, Args)]
pub(super) struct ContractArgs {
    /// The numbers alone, one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ContractArgs) -> anyhow::Result<ExitCode> {
    if args.json {
        let numbers = [
            ("hold_ms", ms(HOLD)),
            ("kill_loss_ms", ms(KILL_LOSS)),
            ("late_ms", ms(LATE)),
            ("fsync_ms", ms(Config::default().fsync)),
            ("retry_ms", ms(RETRY)),
            ("tail_bytes", TAIL_BYTES),
            ("ahead_bytes", AHEAD_BYTES),
        ];
        say(&json::numbers(&numbers)?);
    } else {
        say(page().trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What happens, what is lost, who says so.
type Row = (&'static str, String, &'static str);

/// The README's table.
fn page() -> String {
    let head = "| what happens | what is lost | who says so |\n| --- | --- | --- |\n".to_owned();
    rows().iter().fold(head, |page, (what, lost, said)| page + &format!("| {what} | {lost} | {said} |\n"))
}

fn rows() -> Vec<Row> {
    [failures(), disks(), devices()].concat()
}

/// Of programs, power and syncs.
fn failures() -> Vec<Row> {
    let mib = |bytes: u64| bytes / (1024 * 1024);
    let fsync = Config::default().fsync.as_secs();
    vec![
        (
            "the dashboard is closed, the SSH link drops, the terminal dies",
            "nothing".to_owned(),
            "`attach` shows the recording again",
        ),
        (
            "the process that writes the HDF5 file crashes, or HDF5 does",
            "nothing: the file is built again from the journal".to_owned(),
            "alarm `projector`",
        ),
        (
            "the recorder is killed (`kill -9`, out of memory) while its disk accepts writes",
            format!(
                "at most {} ms of what was read from the port; rows wait {} ms to be written together. No marker that was answered `stored`",
                ms(KILL_LOSS),
                ms(HOLD)
            ),
            "the next start and `recover`; `/gaps` where a recorder went on with `--resume`",
        ),
        (
            "the power fails",
            format!(
                "what came after the last completed sync: one is begun every {fsync} s (`--fsync`), so {fsync} s and as long as one sync takes",
            ),
            "`undurable_ms` in `status`, on the System view; `recover`",
        ),
        (
            "a sync of the journal fails (a dying disk)",
            format!(
                "nothing: that file is not trusted again, the next part begins with all since the last good sync, of which up to {} MiB are in memory",
                mib(TAIL_BYTES)
            ),
            "alarm `sync`, the log, exit code 1",
        ),
    ]
}

/// Of disks without room or answer.
fn disks() -> Vec<Row> {
    let mib = |bytes: u64| bytes / (1024 * 1024);
    vec![
        (
            "the disk is full",
            format!(
                "a simulation, a replay or an import ends there. A live device goes on: rows that come while there is no room are one exact gap with cause `writer`; room is looked for every {} s. {} MiB (at most {} % of what is free) are allocated ahead",
                RETRY.as_secs(),
                mib(AHEAD_BYTES),
                100 / AHEAD_SHARE
            ),
            "alarms `disk` and `write`, exit code 1",
        ),
        (
            "no next file can be begun (rights, inodes)",
            "nothing: the file being written goes on".to_owned(),
            "alarm `rotation`, the log, exit code 1",
        ),
        (
            "the disk stalls",
            format!(
                "nothing as long as the queue of {PIECES} packets holds, over a minute; then one exact gap with cause `writer`"
            ),
            "alarms `late` (over 100 ms), `stalled` (3 s), `queue`",
        ),
    ]
}

/// Of what samples come from, of clocks, of bugs.
fn devices() -> Vec<Row> {
    vec![
        (
            "the cable, the board or its supply fails",
            "what was not sent. Framed boards count it, and every lost row is filled and marked; text lines cannot, and the time between is an estimate (`exact` = 0)".to_owned(),
            "alarms `lost`, `away`, `source`; `/gaps`",
        ),
        (
            "the computer sleeps, or its wall clock is set",
            "the time asleep (`suspend`); nothing by a clock that is set: rows count by the device and by a clock that never steps".to_owned(),
            "the log; `/gaps`",
        ),
        (
            "a thread of the recorder fails (a bug)",
            "what it held: its rows are a gap with cause `restart`, and it goes on".to_owned(),
            "alarm `failed`, exit code 1",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_promises_what_the_recorder_runs_by() {
        let readme = include_str!("../../README.md");
        let (_, rest) = readme.split_once("<!-- contract -->\n").expect("the README has the page");
        let (written, _) = rest.split_once("<!-- /contract -->").expect("and it ends");
        let page = page();
        assert!(written == page, "put this into the README:\n{page}");
        assert!(KILL_LOSS >= 2 * HOLD, "once to be gathered, once to be written");
    }
}
