//! Stories of projectors played by a line of shell.

use super::*;
use std::process::{Command, Stdio};

/// A keeper whose projectors are this line of shell, `$0` being the journal; no more journals come.
fn keep(folder: &Path, line: &'static str, give_up: bool) -> (PathBuf, Arc<Shared>) {
    let journal = folder.join("some.wal");
    std::fs::write(&journal, "rows").unwrap();
    let (sender, receiver) = bounded(1);
    sender.send(journal.clone()).unwrap();
    drop(sender);
    let spawn: Spawn = Box::new(move |journal| {
        Command::new("sh").arg("-c").arg(line).arg(journal).stdout(Stdio::piped()).spawn()
    });
    let (orders, vitals) = (Orders::default(), Arc::new(Shared::default()));
    orders.give_up.store(give_up, Ordering::Relaxed);
    run(&receiver, &spawn, &orders, &vitals);
    (journal, vitals)
}

#[test]
fn a_projector_that_seals_is_heard_to_its_last_line() {
    let folder = tempfile::tempdir().unwrap();
    let (_, vitals) = keep(folder.path(), r#"echo 10 100; echo 20 150; rm "$0""#, false);
    let vitals = vitals.lock();
    assert_eq!((vitals.projected, vitals.projected_bytes), (20, 150));
    assert!(vitals.blemishes.is_empty(), "{:?}", vitals.blemishes);
}

#[test]
fn a_journal_that_is_gone_was_sealed_however_its_projector_ended() {
    let folder = tempfile::tempdir().unwrap();
    let (_, vitals) = keep(folder.path(), r#"rm "$0"; exit 1"#, false);
    assert!(vitals.lock().blemishes.is_empty(), "{:?}", vitals.lock().blemishes);
}

#[test]
fn a_projector_that_hangs_is_ended_when_nobody_waits_for_it_and_the_journal_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, vitals) = keep(folder.path(), "kill -STOP $$", true);
    assert!(journal.exists());
    let said = vitals.lock().blemishes.join("\n");
    assert!(said.contains("was not projected") && said.contains("myograph recover"), "{said}");
}

#[test]
fn files_of_several_segments_are_counted_together() {
    let folder = tempfile::tempdir().unwrap();
    let (sender, receiver) = bounded(2);
    for name in ["one.wal", "two.wal"] {
        sender.send(folder.path().join(name)).unwrap();
    }
    drop(sender);
    let spawn: Spawn =
        Box::new(|_| Command::new("sh").args(["-c", "echo 7 100"]).stdout(Stdio::piped()).spawn());
    let vitals = Arc::new(Shared::default());
    run(&receiver, &spawn, &Orders::default(), &vitals);
    let vitals = vitals.lock();
    assert_eq!((vitals.projected, vitals.projected_bytes), (7, 200));
}
