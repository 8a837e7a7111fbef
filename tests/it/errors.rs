//! What cannot be done is refused: exit code 2, one sentence what happened to which object and what to do next, and
//! nothing is created or overwritten.

use crate::support::{Device, Ran, Station, wait_until};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A user that owns nothing.
const NOBODY: u32 = 65534;

/// Every file and folder of the station but its sockets, with the bytes of the files.
fn contents(station: &Station) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![station.root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() && !path.ends_with("run") {
                folders.push(path.clone());
            }
            found.insert(path.clone(), fs::read(&path).ok());
        }
    }
    found
}

/// The one sentence of a refusal, which must hold all `words` and go on after a semicolon with what to do.
#[track_caller]
fn sentence(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_eq!(ran.stdout, "", "{ran:?}");
    let said: Vec<&str> = ran.stderr.lines().filter_map(|line| line.strip_prefix("myograph: ")).collect();
    let [said] = said.as_slice() else { panic!("not one sentence: {ran:?}") };
    assert!(ran.stderr.ends_with(&format!("{said}\n")), "something stands below it: {ran:?}");
    let (what, advice) = said.split_once("; ").unwrap_or_else(|| panic!("no next step: {said}"));
    assert!(what.len() > 10 && advice.len() > 10, "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is missing: {said}");
    }
}

/// Runs a command that must be refused in one sentence and leave everything as it was.
#[track_caller]
fn refused(station: &Station, args: &[&str], words: &[&str]) {
    let before = contents(station);
    let ran = station.run(args);
    assert!(contents(station) == before, "{args:?} changed something");
    sentence(&ran, words);
}

/// A station with one recording of a second, and files that only look like recordings.
fn furnished() -> Station {
    let station = Station::new();
    let file = station.record("sim:?speed=max", &["--duration", "1s", "--rotate", "off"]);
    let whole = fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    let rows = hdf5::File::open(&file).unwrap().dataset("raw/samples").unwrap().chunk_info(0).unwrap();
    damaged[usize::try_from(rows.addr).unwrap()..][..64].fill(0xA5);
    let write = |name: &str, bytes: &[u8]| fs::write(station.root().join(name), bytes).unwrap();
    write("whole.h5", &whole);
    write("damaged.h5", &damaged);
    write("truncated.h5", &whole[..whole.len() / 3]);
    write("empty.h5", b"");
    write("text.h5", b"no recording at all\n");
    write("junk.wal", &[0xA5; 4096]);
    write("empty.wal", b"");
    write("words.csv", b"this is\nno table\n");
    write("table.csv", b"time_s,a,b\n0.000,1,2\n0.001,3,4\n0.002,5,6\n");
    write("a-file", b"in the way\n");
    write("bad.toml", b"suject = \"01\"\n");
    hdf5::File::create(station.root().join("foreign.h5")).unwrap().close().unwrap();
    station
}

#[test]
fn a_source_that_cannot_be_opened_is_refused() {
    let station = Station::new();
    let cases: &[(&str, &[&str])] = &[
        ("serial:/dev/ttyNOWHERE", &["/dev/ttyNOWHERE", "no such port", "myograph ports"]),
        ("serial:/dev/null", &["/dev/null", "not a serial port", "myograph ports"]),
        ("serial:/etc/passwd", &["/etc/passwd", "not a serial port"]),
        ("serial:.", &["not a serial port"]),
        ("serial:", &["no port is named", "serial:/dev/ttyACM0"]),
        ("serail:/dev/ttyACM0", &["`serail`", "`serial:`"]),
        ("/dev/ttyUSB0", &["`serial:/dev/ttyUSB0`"]),
        ("serial:/dev/ttyNOWHERE?format=myograph&channels=4", &["/dev/ttyNOWHERE", "no such port"]),
        ("serial:/dev/ttyACM0?format=csv&channels=4", &["channels", "cannot be told"]),
        ("serial:/dev/ttyACM0?buad=9600", &["`buad`", "`baud`"]),
        ("lsl:name=x", &["not in this version", "replay:FILE"]),
        ("sim:?channels=0", &["channels"]),
        ("sim:?script=none.toml", &["none.toml", "script"]),
        ("replay:none.h5", &["none.h5", "No such file"]),
    ];
    for (source, words) in cases {
        refused(&station, &["record", "--headless", "--source", source], words);
    }
}

#[test]
fn a_port_that_another_recorder_holds_is_refused_and_the_other_goes_on() {
    let station = Station::new();
    let board = Device::new(&station.root().join("board"));
    let source = board.uri("rate=1000");
    let holder = station.start(&["--source", &source, "--duration", "500s"]);
    let mut line = 0_u32;
    let mut play = || {
        line += 1;
        board.play(format!("{},{}\n", 500 + line % 7, 400 + line % 5).as_bytes());
    };
    wait_until("the first recorder records", || {
        (0..50).for_each(|_| play());
        station.status().is_some_and(|status| status["rows"].as_u64() > Some(100))
    });
    let ran = station.run(&["record", "--headless", "--source", &source]);
    sentence(&ran, &["board", "another program holds it", "close"]);
    let rows = station.status().unwrap()["rows"].as_u64();
    (0..100).for_each(|_| play());
    wait_until("the first recorder goes on", || station.status().unwrap()["rows"].as_u64() > rows);
    holder.signal(Signal::INT);
    holder.finish();
    assert_eq!(station.recordings().len(), 1);
}

#[test]
fn without_a_terminal_nothing_is_started_and_headless_is_named() {
    let station = Station::new();
    refused(&station, &["record", "--source", "sim:"], &["no terminal", "record --headless"]);
    refused(&station, &["record", "--monitor", "--source", "sim:"], &["no terminal", "--headless"]);
    assert!(station.status().is_none());
}

#[test]
fn an_attach_without_a_terminal_points_to_status() {
    let station = Station::new();
    let recorder = station.start(&["--source", "sim:"]);
    wait_until("a recorder", || station.status().is_some());
    sentence(&station.run(&["attach"]), &["terminal", "myograph status"]);
    recorder.signal(Signal::INT);
    recorder.finish().expect(0);
}

#[test]
fn settings_that_cannot_be_are_refused_with_what_is_allowed() {
    let station = furnished();
    let cases: &[(&[&str], &[&str])] = &[
        (&["--config", "bad.toml"], &["bad.toml:1", "`suject`", "`subject`"]),
        (&["--config", "none.toml"], &["none.toml", "No such file"]),
        (&["--duration", "5"], &["--duration", "`5`", "`90s`"]),
        (&["--rotate", "soon"], &["--rotate", "`soon`"]),
        (&["--fsync", "0s"], &["--fsync"]),
        (&["--subject", "a_b"], &["--subject", "`a_b`", "letters and digits"]),
        (&["--run", "0"], &["--run", "`0`"]),
        (&["--kind", "aux"], &["--kind", "`envelope`"]),
        (&["--line-frequency", "55"], &["--line-frequency", "`60`"]),
        (&["--preset", "400-20"], &["--preset", "`400-20`", "band"]),
        (&["--color", "pink"], &["--color", "`pink`"]),
        (&["--montage", "nobody"], &["`nobody`", "`classic-pair`"]),
        (&["--montage", "classic-pair"], &["`classic-pair`", "2 channels", "8"]),
    ];
    for (settings, words) in cases {
        let mut args = vec!["record", "--headless", "--source", "sim:", "--duration", "1s"];
        args.extend_from_slice(settings);
        if settings[0] == "--duration" {
            args.drain(4..6);
        }
        refused(&station, &args, words);
    }
}

#[test]
fn every_invalid_configuration_is_refused_where_it_is_wrong() {
    let station = Station::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs/invalid");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = path.file_name().unwrap().to_str().unwrap();
        refused(&station, &["config", "--config", path.to_str().unwrap()], &[&format!("{name}:")]);
        files += 1;
    }
    assert!(files > 20);
}

#[test]
fn a_place_that_cannot_be_written_is_refused() {
    let station = furnished();
    let record = ["record", "--headless", "--source", "sim:", "--duration", "1s", "--out"];
    let out = |folder: &'static str| [&record[..], &[folder]].concat();
    refused(&station, &out("a-file"), &["a-file", "choose another folder"]);
    refused(&station, &out("a-file/below"), &["a-file/below", "choose another folder"]);
    refused(&station, &out("/proc/nowhere"), &["/proc/nowhere", "choose another folder"]);
    let import = ["import", "table.csv", "-o"];
    let into = |file: &'static str| [&import[..], &[file]].concat();
    refused(&station, &into("a-file/x.h5"), &["a-file/x.h5", "choose another folder"]);
    refused(&station, &into("nowhere/x.h5"), &["nowhere/x.h5", "choose another folder"]);
}

#[test]
fn what_exists_is_never_overwritten() {
    let station = furnished();
    let again = ["record", "--headless", "--source", "sim:?speed=max", "--duration", "1s"];
    let again = [&again[..], &["--rotate", "off", "--out", "out", "--run", "1"]].concat();
    refused(&station, &again, &["run-01_emg.h5", "never overwritten", "--run"]);
    for taken in ["whole.h5", "a-file", "."] {
        refused(&station, &["import", "table.csv", "-o", taken], &[taken, "exists", "`-o`"]);
    }
    fs::write(station.root().join("new.wal"), "somebody's").unwrap();
    refused(&station, &["import", "table.csv", "-o", "new.h5"], &["new.wal", "exists", "`-o`"]);
}

#[test]
fn what_is_no_recording_is_neither_inspected_nor_replayed_nor_verified() {
    let station = furnished();
    let cases: &[(&str, &[&str])] = &[
        ("none.h5", &["No such file"]),
        ("out", &["not a file"]),
        ("empty.h5", &["HDF5"]),
        ("text.h5", &["HDF5"]),
        ("truncated.h5", &["HDF5"]),
        ("foreign.h5", &["no myograph recording", "myograph import"]),
    ];
    for (file, words) in cases {
        let words = [&[*file], *words].concat();
        refused(&station, &["inspect", file], &words);
        refused(&station, &["inspect", file, "--json"], &words);
        let source = format!("replay:{file}?speed=max");
        refused(&station, &["record", "--headless", "--source", &source], &words);
        if *file == "out" {
            // `verify` takes a folder: all recordings below it.
            continue;
        }
        // What `verify` finds is its result.
        let before = contents(&station);
        let ran = station.run(&["verify", file]);
        assert!(contents(&station) == before);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        let last = ran.stdout.lines().last().unwrap();
        assert!(words.iter().all(|word| last.contains(word)) && last.contains("; "), "{last}");
    }
}

#[test]
fn a_damaged_recording_is_found_out_and_not_replayed_into_an_empty_one() {
    let station = furnished();
    let (code, report) = station.verify(&station.root().join("damaged.h5"));
    assert_eq!(code, 2, "{report:#}");
    let failed: Vec<_> = report["checks"].as_array().unwrap().iter().filter(|it| it["ok"] == false).collect();
    assert!(!failed.is_empty() && failed.iter().all(|it| it["detail"].is_string()), "{report:#}");
    let said = station.run(&["verify", "damaged.h5"]).expect(2).stdout;
    assert!(said.lines().last().unwrap().contains("damaged.h5 is damaged"), "{said}");
    let replay = ["record", "--headless", "--source", "replay:damaged.h5?speed=max"];
    refused(&station, &replay, &["damaged.h5", "myograph verify"]);
}

#[test]
fn garbage_is_not_recovered_and_stays_where_it_is() {
    let station = furnished();
    refused(&station, &["recover", "junk.wal"], &["junk.wal", "journal header", ".wal"]);
    refused(&station, &["recover", "empty.wal"], &["empty.wal", "journal header"]);
    refused(&station, &["recover", "text.h5"], &["text.h5", "no journal"]);
    refused(&station, &["recover", "nowhere"], &["nowhere", "does not exist"]);
}

#[test]
fn a_file_that_is_no_table_is_not_imported() {
    let station = furnished();
    let cases: &[(&[&str], &[&str])] = &[
        (&["none.csv"], &["none.csv", "No such file"]),
        (&["out"], &["out", "cannot be read"]),
        (&["empty.h5"], &["empty.h5", "no table"]),
        (&["words.csv"], &["words.csv", "`this is`"]),
        (&["table.csv", "--format", "opensignals"], &["table.csv", "opensignals", "--format"]),
        (&["table.csv", "--rate", "0"], &["--rate 0", "above 0"]),
        (&["table.csv", "--rate", "-5"], &["--rate -5", "above 0"]),
        (&["table.csv", "--columns", "a=9:raw:mV"], &["table.csv", "`9`", "1 `time_s`"]),
        (&["table.csv", "--markers", "a=x:step1"], &["table.csv", "`x`", "2 `a`"]),
        (&["table.csv", "--columns", "a=2:raw:mV,a=3:raw:mV"], &["two channels `a`"]),
    ];
    for (import, words) in cases {
        refused(&station, &[&["import", "-o", "x.h5"], *import].concat(), words);
    }
}

#[test]
fn questions_to_recorders_that_are_not_there_say_how_to_start_one() {
    let station = Station::new();
    for command in [&["attach"][..], &["stop"], &["mark", "x"]] {
        refused(&station, command, &["no recorder is running", "myograph record"]);
    }
    for command in [&["attach", "r1"][..], &["stop", "r1"], &["mark", "x", "--id", "r1"], &["status", "r1"]] {
        refused(&station, command, &["`r1`", "myograph status"]);
    }
    fs::set_permissions(station.root().join("run"), PermissionsExt::from_mode(0o777)).unwrap();
    refused(&station, &["status"], &["run", "not safe", "MYOGRAPH_RUNTIME_DIR"]);
}

#[test]
fn what_is_no_command_line_is_refused_with_the_way_to_help() {
    let station = Station::new();
    for args in [
        &["nosuch"][..],
        &["record", "--nosuch"],
        &["import", "a.csv"],
        &["import", "a.csv", "-o", "b.h5", "--rate=fast"],
        &["import", "a.csv", "-o", "b.h5", "--columns", "a=1"],
        &["import", "a.csv", "-o", "b.h5", "--format", "wav"],
        &["verify"],
        &["recover"],
        &["mark"],
        &["completions", "tcsh"],
    ] {
        let ran = station.run(args).expect(2);
        assert!(ran.stdout.is_empty() && ran.stderr.starts_with("error: "), "{ran:?}");
        assert!(ran.stderr.contains("--help"), "{ran:?}");
    }
    assert!(station.run(&[]).expect(2).stderr.contains("Usage: myograph"));
}

#[test]
fn a_backtrace_is_shown_to_those_who_ask_for_one() {
    let station = Station::new();
    let lines = |value: Option<&str>| {
        let mut command = station.command(&["inspect", "none.h5"]);
        if let Some(value) = value {
            command.env("RUST_BACKTRACE", value);
        }
        String::from_utf8(command.output().unwrap().stderr).unwrap().lines().count()
    };
    assert_eq!((lines(None), lines(Some("0"))), (1, 1));
    assert!(lines(Some("1")) > 3);
}

/// Runs a command as a user that owns nothing; None, with the reason printed, where that cannot be done.
fn as_nobody(station: &Station, args: &[&str]) -> Option<Ran> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can become another user");
        return None;
    }
    let root = station.root();
    fs::set_permissions(root, PermissionsExt::from_mode(0o755)).unwrap();
    // The folders of the build may be closed to others.
    let program = root.join("myograph");
    let sockets = root.join("run-of-nobody");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_myograph"), &program).unwrap();
        fs::create_dir(&sockets).unwrap();
        fs::set_permissions(&sockets, PermissionsExt::from_mode(0o700)).unwrap();
        chown(&sockets, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let id = NOBODY.to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &id, "--regid", &id, "--clear-groups"]).arg(program).args(args);
    for (name, value) in station.command(args).get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env("MYOGRAPH_RUNTIME_DIR", sockets).current_dir(root);
    match command.stdin(Stdio::null()).output() {
        Ok(output) => Some(Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }),
        Err(error) => {
            eprintln!("skipped: setpriv cannot be run ({error})");
            None
        }
    }
}

#[test]
fn what_belongs_to_another_user_is_refused() {
    let station = furnished();
    let device = Device::new(&station.root().join("board"));
    let port = device.uri("rate=1000");
    let Some(ran) = as_nobody(&station, &["record", "--headless", "--source", &port, "--out", "mine"]) else {
        return;
    };
    sentence(&ran, &["board", "may not use it", "dialout"]);
    let record = ["record", "--headless", "--source", "sim:", "--duration", "1s", "--out", "out"];
    sentence(&as_nobody(&station, &record).unwrap(), &["out/sub-test", "Permission denied", "folder"]);
    let import = ["import", "table.csv", "-o", "out/new.h5"];
    sentence(&as_nobody(&station, &import).unwrap(), &["out/new.h5", "Permission denied", "folder"]);
    let secret = station.root().join("whole.h5");
    fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    sentence(&as_nobody(&station, &["inspect", "whole.h5"]).unwrap(), &["whole.h5", "Permission denied"]);
    assert_eq!(station.recordings().len(), 1, "nothing was created");
    assert!(station.journals().is_empty());
}
