//! The recorder under a service manager: what the manager hears, and a scope that outlives the terminal.

use crate::support::{Desk, Station, limit, python, wait_for, wait_until};
use rustix::process::Signal;
use serde_json::json;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

/// A manager's ear.
struct Ear(UnixDatagram);

impl Ear {
    fn new(address: &SocketAddr) -> Self {
        let ear = UnixDatagram::bind_addr(address).unwrap();
        ear.set_read_timeout(Some(limit())).unwrap();
        Self(ear)
    }

    /// What is said next.
    fn next(&self) -> String {
        let mut buffer = [0; 4096];
        let count = self.0.recv(&mut buffer).expect("the recorder says something");
        String::from_utf8_lossy(&buffer[..count]).into_owned()
    }

    /// Listens until `words` are said; gives everything before them.
    fn until(&self, words: &str) -> Vec<String> {
        std::iter::repeat_with(|| self.next()).take_while(|said| !said.starts_with(words)).collect()
    }
}

#[test]
fn the_manager_hears_of_the_beginning_of_every_beat_and_of_the_end() {
    let station = Station::new();
    let path = station.root().join("notify");
    let ear = Ear::new(&SocketAddr::from_pathname(&path).unwrap());
    let environment = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "400000")];
    let recorder = station.start_with(&["--source", "sim:?seed=7"], &environment);
    ear.until("READY=1");
    ear.until("WATCHDOG=1");
    let before = ear.until("STATUS=");
    assert!(before.iter().all(|said| said == "WATCHDOG=1"), "{before:?}");
    // A file that cannot be sealed at present ends neither the recorder's life nor its beats.
    let projector = station.projector(&station.journal());
    let environment = std::fs::read(format!("/proc/{}/environ", projector.as_raw_nonzero())).unwrap();
    assert!(
        !String::from_utf8_lossy(&environment).contains("NOTIFY_SOCKET"),
        "its children speak for themselves"
    );
    rustix::process::kill_process(projector, Signal::STOP).unwrap();
    recorder.signal(Signal::TERM);
    ear.until("STOPPING=1");
    for _ in 0..5 {
        ear.until("WATCHDOG=1");
    }
    rustix::process::kill_process(projector, Signal::CONT).unwrap();
    recorder.finish().expect(0);
    station.intact(&station.recordings()[0]);
}

#[test]
fn a_manager_may_listen_under_a_name_without_a_file_and_ask_for_no_beats() {
    let station = Station::new();
    let name = station.root().to_str().unwrap().to_owned();
    let ear = Ear::new(&SocketAddr::from_abstract_name(&name).unwrap());
    let address = format!("@{name}");
    let recorder =
        station.start_with(&["--source", "sim:?seed=7", "--duration", "2s"], &[("NOTIFY_SOCKET", &address)]);
    ear.until("READY=1");
    let said = ear.until("STOPPING=1");
    assert!(said.iter().all(|said| said.starts_with("STATUS=")), "{said:?}");
    recorder.finish().expect(0);
}

/// A folder of programs that stand for the service manager's, and the search path with it in front.
fn manager(station: &Station, programs: &[(&str, &str)]) -> String {
    let folder = station.root().join("bin");
    std::fs::create_dir(&folder).unwrap();
    for (name, script) in programs {
        let path = folder.join(name);
        std::fs::write(
            &path,
            format!("#!/bin/sh\necho \"{name} $*\" >> {}\n{script}\n", calls(station).display()),
        )
        .unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let runtime = station.root().join("runtime/systemd");
    std::fs::create_dir_all(&runtime).unwrap();
    std::fs::write(runtime.join("private"), "").unwrap();
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

fn calls(station: &Station) -> std::path::PathBuf {
    station.root().join("calls")
}

fn called(station: &Station) -> String {
    std::fs::read_to_string(calls(station)).unwrap_or_default()
}

/// Opens a dashboard with that manager, leaves it, and ends the recording from the shell.
fn record(station: &Station, path: &str) -> String {
    let runtime = station.root().join("runtime");
    let environment = [
        ("TERM", "xterm-256color"),
        ("PATH", path),
        ("XDG_RUNTIME_DIR", runtime.to_str().unwrap()),
        ("USER", "ada"),
    ];
    let out = station.out();
    let args = ["record", "--out", out.to_str().unwrap(), "--source", "sim:?seed=7"];
    let mut desk = Desk::open_with(station, (100, 30), &args, &environment);
    desk.wait_shows("REC");
    desk.press("q");
    assert_eq!(desk.wait_end(), 0);
    station.run(&["stop"]).expect(0);
    wait_until("the file is sealed", || station.journals().is_empty());
    station.intact(&station.recordings()[0]);
    desk.bytes()
}

/// Runs what follows the first `--`.
const SCOPE: &str = "while [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\"";

#[test]
fn with_lingering_the_recorder_gets_a_scope_of_its_own() {
    let station = Station::new();
    let path = manager(&station, &[("loginctl", "echo yes"), ("systemd-run", SCOPE)]);
    let shown = record(&station, &path);
    let called = called(&station);
    assert!(
        called.contains("systemd-run --user --scope --collect") && called.contains("--serve"),
        "{called}"
    );
    assert!(!shown.contains("enable-linger"));
}

#[test]
fn without_lingering_the_line_that_turns_it_on_is_shown_where_a_logout_would_end_the_recorder() {
    let station = Station::new();
    let logind = "case \"$*\" in *Linger*) echo no;; *KillUserProcesses*) echo yes;; esac";
    let path = manager(&station, &[("loginctl", logind), ("systemd-run", "exit 1")]);
    let shown = record(&station, &path);
    assert_eq!(shown.matches("`loginctl enable-linger ada`").count(), 1, "{shown}");
    assert!(!called(&station).contains("systemd-run"));
}

#[test]
fn a_manager_that_fails_does_not_keep_the_recorder_from_recording() {
    let station = Station::new();
    let path = manager(&station, &[("loginctl", "echo yes"), ("systemd-run", "exit 1")]);
    let shown = record(&station, &path);
    assert!(shown.contains("it is started without"), "{shown}");
}

#[test]
fn the_unit_templates_keep_what_a_recording_needs() {
    for name in ["myograph@.service", "myograph-user@.service"] {
        let unit = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(name))
            .unwrap();
        for line in
            ["Type=notify", "KillMode=mixed", "SuccessExitStatus=1", "TimeoutStopSec=1h", "WatchdogSec=2min"]
        {
            assert!(unit.lines().any(|own| own == line), "{name} lacks {line}");
        }
        assert!(unit.contains("myograph record --headless"));
    }
}

/// Another runtime folder, as a service's own: the recorder is found by the journal it holds.
#[test]
fn a_recorder_with_another_runtime_folder_is_found_by_its_journal() {
    let station = Station::new();
    let recorder = station.start(&["--source", "sim:?seed=7"]);
    station.wait_rows(500);
    let elsewhere = station.root().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::set_permissions(&elsewhere, std::fs::Permissions::from_mode(0o700)).unwrap();
    let out = station.out();
    let environment =
        [("MYOGRAPH_RUNTIME_DIR", elsewhere.to_str().unwrap()), ("MYOGRAPH_OUT", out.to_str().unwrap())];
    let status = station.run_with(&["status", "--json"], &environment).expect(0).json();
    let id = status[0]["id"].as_str().expect("it is found").to_owned();
    station.run_with(&["mark", "seen", "--id", &id], &environment).expect(0);
    assert!(station.run_with(&["status", "nobody"], &environment).stderr.contains("no recorder `nobody`"));
    station.run_with(&["stop"], &environment).expect(0);
    recorder.finish().expect(0);
    assert_eq!(station.intact(&station.recordings()[0])["markers"], 1);
    // A journal that nobody holds is no recorder.
    assert_eq!(station.run_with(&["status"], &environment).expect(0).stdout.trim(), "no recorder is running");
}

#[test]
fn a_runtime_folder_that_is_removed_while_recording_is_made_again() {
    let station = Station::new();
    let recorder = station.start(&["--source", "sim:?seed=7"]);
    station.wait_rows(500);
    std::fs::remove_dir_all(station.root().join("run")).unwrap();
    let status = wait_for("status after the runtime folder went", || {
        // A folder that `status` itself makes is as empty as the one that went.
        station.status()
    });
    assert_eq!(status["state"], "recording");
    station.run(&["stop"]).expect(0);
    recorder.finish().expect(0);
    station.intact(&station.recordings()[0]);
}

#[test]
fn a_recorder_that_is_started_again_goes_on_with_the_recording_that_was_cut_off() {
    let station = Station::new();
    let source = "sim:?seed=4&channels=2";
    let first = station.start(&["--source", source, "--subject", "07"]);
    station.wait_rows(1500);
    station.run(&["mark", "before"]).expect(0);
    first.kill();
    let second = station.start(&["--source", source, "--subject", "07", "--resume"]);
    station.wait_rows(4000);
    station.run(&["mark", "after"]).expect(0);
    second.signal(Signal::INT);
    // It has a hole, which is said.
    second.finish().expect(1);
    station.run(&["recover", station.out().to_str().unwrap()]);
    let files = station.recordings();
    let [one, two] = &files[..] else { panic!("two segments of one recording: {files:?}") };
    assert!(
        one.to_str().unwrap().contains("run-01_split-01")
            && two.to_str().unwrap().contains("run-01_split-02")
    );
    for file in &files {
        assert_eq!(station.verify(file).0, 1, "{}", file.display());
    }
    let script = r#"
found = []
for name in sys.argv[1:]:
    with h5py.File(name, "r") as h5:
        gaps = [[int(g["sample"]), bool(g["exact"]), g["cause"].decode(), int(g["epoch"])] for g in h5["gaps"][()]]
        found.append({"id": str(h5.attrs["recording_id"]), "segment": int(h5.attrs["segment"]), "first": int(h5.attrs["first_row"]),
                      "rows": len(h5["raw/samples"]), "gaps": gaps, "chains": [int(c["id"]) for c in h5["filter/chains"][()]],
                      "markers": [[int(m["id"]), m["label"].decode()] for m in h5["markers"][()]]})
done(found)
"#;
    let Some(found) = python(script, &[one, two]) else { return };
    let (a, b) = (&found[0], &found[1]);
    assert_eq!((&a["id"], &a["segment"], &b["segment"]), (&b["id"], &json!(0), &json!(1)), "{found:#}");
    assert_eq!(b["first"], a["rows"], "rows are counted on: {found:#}");
    assert_eq!(b["gaps"], json!([[a["rows"], false, "restart", 1]]), "{found:#}");
    assert_eq!(
        (&a["markers"], &b["markers"]),
        (&json!([[1, "before"]]), &json!([[2, "after"]])),
        "{found:#}"
    );
    assert_eq!((&a["chains"], &b["chains"]), (&json!([0]), &json!([1])), "{found:#}");
    let again = station.root().join("again.h5");
    station.run(&["clean", one.to_str().unwrap(), "-o", again.to_str().unwrap()]).expect(0);
}

#[test]
fn with_nothing_that_was_cut_off_a_new_recording_begins() {
    let station = Station::new();
    for _ in 0..2 {
        station.record("sim:?seed=4&channels=2&speed=max", &["--duration", "2s", "--resume"]);
    }
    let files = station.recordings();
    assert_eq!(files.len(), 2, "what was ended is not gone on with: {files:?}");
}

#[test]
fn a_recorder_whose_program_is_replaced_gets_its_files_all_the_same() {
    let station = Station::new();
    let program = station.root().join("myograph-of-yesterday");
    std::fs::copy(env!("CARGO_BIN_EXE_myograph"), &program).unwrap();
    let like = station.command(&[]);
    let mut command = std::process::Command::new(&program);
    command.args(["record", "--headless", "--source", "sim:?seed=7", "--rotate", "1s", "--out"]);
    command.arg(station.out()).current_dir(station.root());
    for (name, value) in like.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let recorder =
        command.stderr(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().unwrap();
    station.wait_rows(500);
    // What an upgrade does: the name is there, and means another file.
    std::fs::remove_file(&program).unwrap();
    std::fs::write(&program, "a newer version").unwrap();
    station.wait_rows(2500);
    station.run(&["stop"]).expect(0);
    let ended = recorder.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    let files = station.recordings();
    assert!(files.len() >= 3 && station.journals().is_empty(), "{files:?}");
    for file in files {
        station.intact(&file);
    }
}
