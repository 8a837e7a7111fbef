//! Whatever is said to the command socket, the recorder goes on: rows exact, markers those that were asked for. And who
//! may say it.

use crate::support::Station;
use serde_json::json;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// Pseudo-random bytes that are the same each time.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        // Marsaglia's xorshift with 64 bits of state.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.next() % most).map(|_| self.next().to_le_bytes()[3]).collect()
    }
}

fn frame(body: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
    frame.extend_from_slice(body);
    frame
}

/// A greeting that offers versions `from` to `to` of both.
fn greeting(from: u8, to: u8) -> Vec<u8> {
    frame(&[b"myograph", &[from, to, from, to, 5][..], b"noise"].concat())
}

/// Says all that, and gives what comes back until the recorder hangs up or has nothing more to say.
fn say(socket: &Path, bytes: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    // It may have been put out already.
    let _ = stream.write_all(bytes);
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    said
}

fn contains(said: &[u8], words: &str) -> bool {
    String::from_utf8_lossy(said).contains(words)
}

#[test]
fn whatever_is_said_to_its_socket_a_recorder_goes_on() {
    let station = Station::new();
    let recorder = station.start(&["--source", "sim:?seed=7"]);
    station.wait_rows(500);
    let socket = station.socket();
    let refusals: [(&[u8], &str); 6] = [
        (b"GET / HTTP/1.1\r\n\r\n", "not a myograph greeting"),
        (&[0; 4], "not a myograph greeting"),
        (&greeting(9, 12), "speaks version 9 to 12 of commands"),
        (&greeting(1, 1), "speaks version 1 of commands"),
        (&[greeting(1, 2), vec![0xff; 4]].concat(), "at most 65536"),
        (&[greeting(1, 2), frame(&[0xc1; 9])].concat(), "cannot be read"),
    ];
    for (bytes, words) in refusals {
        let said = say(&socket, bytes);
        assert!(contains(&said, words), "{:?}", String::from_utf8_lossy(&said));
    }
    let levitate = frame(b"\x82\xa2is\xa8levitate\xa7request\x05\x80");
    let said = say(&socket, &[greeting(1, 2), levitate].concat());
    assert!(contains(&said, "does not know that command, `levitate`"));
    let mut noise = Noise(20_261_123);
    for round in 0..60 {
        let mut bytes = if round % 2 == 0 { Vec::new() } else { greeting(1, 2) };
        for _ in 0..round % 5 {
            match noise.next() % 3 {
                0 => bytes.extend(noise.bytes(3000)),
                1 => bytes.extend(frame(&noise.bytes(300))),
                // A head that is right, and content that is not.
                _ => bytes.extend(frame(
                    &[b"\x82\xa2is\xa4mark\xa7request\x05".to_vec(), noise.bytes(99)].concat(),
                )),
            }
        }
        // Half a frame, at any point.
        let keep = bytes.len() - bytes.len().min(usize::try_from(noise.next() % 4).unwrap());
        say(&socket, &bytes[..keep]);
    }
    let crowd: Vec<_> = (0..60).filter_map(|_| UnixStream::connect(&socket).ok()).collect();
    assert!(crowd.len() > 16);
    drop(crowd);
    crate::support::wait_until("room for a client again", || station.run(&["mark", "after"]).code == Some(0));
    station.run(&["stop"]).expect(0);
    recorder.finish().expect(0);
    let report = station.intact(&station.recordings()[0]);
    assert_eq!(
        (&report["markers"], &report["gaps"], &report["samples_lost"]),
        (&json!(1), &json!(0), &json!(0))
    );
}

/// Runs a command as a user who owns nothing, of the group `gid` alone; None, with the reason printed, where that
/// cannot be done.
fn as_member(station: &Station, gid: u32, args: &[&str]) -> Option<Output> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can become another user");
        return None;
    }
    // The folders of the build may be closed to others.
    let program = station.root().join("myograph");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_myograph"), &program).unwrap();
        fs::set_permissions(station.root(), PermissionsExt::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", &gid.to_string(), "--clear-groups"]).arg(program).args(args);
    command.env("MYOGRAPH_RUNTIME_DIR", station.root().join("run")).current_dir(station.root());
    let output = command.stdin(Stdio::null()).output();
    output.inspect_err(|error| eprintln!("skipped: setpriv cannot be run ({error})")).ok()
}

#[test]
fn a_recorder_lets_its_group_in_where_that_is_configured_and_nobody_else() {
    const STRANGER: u32 = 65533;
    let own = rustix::process::getegid().as_raw();
    let station = Station::new();
    fs::write(station.root().join("myograph.toml"), "group-control = true\n").unwrap();
    let recorder = station.start(&["--source", "sim:?seed=7"]);
    station.wait_rows(500);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&station.socket()), mode(&station.root().join("run"))), (0o660, 0o750));
    let Some(member) = as_member(&station, own, &["mark", "by a member"]) else { return };
    assert!(member.status.success(), "{member:?}");
    let stranger = as_member(&station, STRANGER, &["mark", "by a stranger"]).unwrap();
    assert_eq!(stranger.status.code(), Some(2), "{stranger:?}");
    let stopped = as_member(&station, own, &["stop"]).unwrap();
    assert!(stopped.status.success(), "{stopped:?}");
    recorder.finish().expect(0);
    station.intact(&station.recordings()[0]);
}

#[test]
fn a_recorder_keeps_to_its_user_where_nothing_else_is_configured() {
    let station = Station::new();
    let recorder = station.start(&["--source", "sim:?seed=7"]);
    station.wait_rows(500);
    // The folder alone would let the group in; the socket does not.
    fs::set_permissions(station.root().join("run"), PermissionsExt::from_mode(0o755)).unwrap();
    let Some(member) = as_member(&station, rustix::process::getegid().as_raw(), &["stop"]) else { return };
    assert_eq!(member.status.code(), Some(2), "{member:?}");
    assert!(station.status().is_some(), "it goes on");
    recorder.kill();
}

#[test]
fn a_group_cannot_be_let_into_a_folder_that_is_closed() {
    let station = Station::new();
    fs::write(station.root().join("myograph.toml"), "group-control = true\n").unwrap();
    let ran = station.run_with(
        &["record", "--headless", "--source", "sim:", "--duration", "1s"],
        &[("MYOGRAPH_RUNTIME_DIR", ""), ("XDG_RUNTIME_DIR", station.root().to_str().unwrap())],
    );
    let said = ran.expect(2).stderr;
    assert!(said.contains("closed to the group") && said.contains("set MYOGRAPH_RUNTIME_DIR"), "{said}");
}
