//! From a key to its stored marker: what a dashboard waits for, measured on this machine's wall clock.
//!
//! The real recorder writes a simulated face, 8 x 1 kHz, with three other viewers, one of which never reads.
//! Wall time is what a person feels; a loaded machine shows in the worst figures and nowhere else.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench is a test that prints a table")]

use myograph::emg::Stamp;
use myograph::emg::marker::{Action as Does, Origin};
use myograph::emg::units::{count, float, float_len, index};
use myograph::ipc::{self, Found};
use myograph::session::command::Action;
use myograph::session::{Answer, Command, Event, MarkRequest, Session};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

const MARKERS: u64 = 2000;
/// Far apart enough not to wait for each other.
const APART: Duration = Duration::from_millis(5);

fn main() {
    if std::env::args().skip(1).any(|arg| !arg.starts_with('-') && !"markers".contains(&arg)) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = start(folder.path());
    let socket = find(folder.path());
    let viewers: Vec<Session> = (0..3).map(|_| watch(&socket)).collect();
    // Both ends are kept: a session whose commands are dropped hangs up.
    let drain = |Session { commands, events }| {
        let listen = move || {
            let heard = events.iter().count();
            drop(commands);
            heard
        };
        std::thread::Builder::new().name("viewer".to_owned()).spawn(listen).unwrap()
    };
    let mut viewers = viewers.into_iter();
    // Held and never read: its queue in the recorder fills and drops pictures.
    let _asleep = viewers.next();
    let reading: Vec<_> = viewers.map(drain).collect();

    let session = watch(&socket);
    let mut waits: Vec<f64> = (1..=MARKERS)
        .map(|n| {
            std::thread::sleep(APART);
            mark(&session, n)
        })
        .collect();
    waits.sort_by(f64::total_cmp);
    let at = |share: f64| waits[index(count(share * (float_len(waits.len()) - 1.0)))];
    println!("\nkey to stored marker, ms, {MARKERS} markers while recording 8 x 1 kHz");
    println!("{:>9}{:>9}{:>9}{:>9}", "median", "p99", "p99.9", "most");
    println!("{:>9.2}{:>9.2}{:>9.2}{:>9.2}", at(0.5), at(0.99), at(0.999), at(1.0));

    let finished = ipc::stop(&socket, "bench").unwrap();
    assert!(finished.text.contains(&format!("{MARKERS} markers")), "{}", finished.text);
    drop(session);
    for reader in reading {
        assert!(reader.join().unwrap() > 0);
    }
    recorder.wait().unwrap();
}

fn start(folder: &Path) -> Child {
    std::process::Command::new(env!("CARGO_BIN_EXE_myograph"))
        .args(["record", "--headless", "--source", "sim:?channels=8&rate=1000", "--out"])
        .arg(folder.join("recordings"))
        .current_dir(folder)
        .env("MYOGRAPH_RUNTIME_DIR", folder.join("run"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The recorder's socket, once it records.
fn find(folder: &Path) -> PathBuf {
    for _ in 0..600 {
        std::thread::sleep(Duration::from_millis(100));
        let found = ipc::list(&folder.join("run"), "bench").unwrap_or_default();
        if let Some(Found { path, link: Ok(_), .. }) = found.into_iter().next() {
            return path;
        }
    }
    panic!("no recorder came up");
}

/// A dashboard's session.
fn watch(socket: &Path) -> Session {
    let (session, _) = ipc::connect(socket, "bench").unwrap();
    session.commands.send(Command { request: 0, action: Action::Subscribe { read_only: false } }).unwrap();
    session
}

/// Milliseconds from the stamp of a marker to the answer that it is stored.
fn mark(session: &Session, n: u64) -> f64 {
    let stamp = Stamp::now();
    let wanted = MarkRequest {
        key: n,
        stamp,
        label: "bench".to_owned(),
        note: String::new(),
        code: 1,
        origin: Origin::Key,
        action: Does::Add,
        refers_to: 0,
        uncertainty_us: 0,
    };
    session.commands.send(Command { request: n, action: Action::Mark(wanted) }).unwrap();
    loop {
        if let Event::Answer { request, answer } = session.events.recv().unwrap()
            && request == n
        {
            assert!(matches!(answer, Answer::Stored { .. }), "{answer:?}");
            return float(Stamp::now().host_ns.abs_diff(stamp.host_ns)) / 1e6;
        }
    }
}
