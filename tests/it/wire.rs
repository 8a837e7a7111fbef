//! The simulated board as a user meets it: a port that can be opened, unplugged and closed.

use crate::support::{Station, wait_for, wait_until};
use myograph::emg::Stamp;
use myograph::emg::units::wide;
use myograph::source::board::pattern;
use myograph::source::framed::{Decoder, Item};
use rustix::process::{Pid, Signal, kill_process};
use serialport::TTYPort;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

/// A simulated board; ended when dropped.
struct Simulator {
    child: Child,
    link: PathBuf,
}

impl Simulator {
    fn start(station: &Station, script: &str) -> Self {
        let (link, faults) = (station.root().join("ttyBOARD"), station.root().join("faults.toml"));
        fs::write(&faults, script).unwrap();
        let args = ["simulate", "--pattern", "--link", path(&link), "--faults", path(&faults)];
        let mut child = station.command(&args).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert!(said.contains(&format!("myograph record --source serial:{}", path(&link))), "{said}");
        Self { child, link }
    }

    fn open(&self) -> TTYPort {
        wait_for("the port opens", || {
            let port = serialport::new(path(&self.link), 500_000).timeout(Duration::from_millis(50));
            port.open_native().ok()
        })
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Listens until `enough`; `false` once the board is gone.
fn listen(port: &mut TTYPort, decoder: &mut Decoder, mut enough: impl FnMut(&Item) -> bool) -> bool {
    wait_for("the board says what the story waits for", || {
        let (mut bytes, mut items) = ([0; 4096], Vec::new());
        match port.read(&mut bytes) {
            Ok(0) => return Some(false),
            Ok(length) => decoder.push(&bytes[..length], Stamp::now(), &mut items),
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {}
            Err(_) => return Some(false),
        }
        items.iter().any(&mut enough).then_some(true)
    })
}

fn is_identity(item: &Item) -> bool {
    matches!(item, Item::Identity(identity) if !identity.running)
}

#[test]
fn a_simulated_board_is_a_port_that_resets_goes_away_and_comes_back() {
    let station = Station::new();
    let script = "boot_s = 0.1\n[[fault]]\nkind = \"unplug\"\nat_s = 1.0\nfor_s = 0.3";
    let mut simulator = Simulator::start(&station, script);
    let mut port = simulator.open();
    let mut decoder = Decoder::new();
    assert!(listen(&mut port, &mut decoder, is_identity), "a board that was opened introduces itself");
    port.write_all(b"G\n").unwrap();
    let mut next = 0;
    let stayed = listen(&mut port, &mut decoder, |item| {
        if let Item::Rows(rows) = item {
            assert_eq!((rows.index, rows.lost), (next, 0));
            let counts = rows.samples.chunks(rows.channels).zip(rows.index..);
            assert!(
                { counts }.all(|(row, index)| (0..8).all(|channel| row[channel] == pattern(index, channel)))
            );
            next += wide(rows.rows());
        }
        false
    });
    // What lay unread in the terminal is lost with it.
    assert!(!stayed && (1..=1000).contains(&next), "{next} rows before the cable was pulled");
    drop(port);

    let mut port = simulator.open();
    decoder.hang_up(Stamp::now(), &mut Vec::new());
    assert!(listen(&mut port, &mut decoder, is_identity), "a board that is back introduces itself");
    port.write_all(b"G\n").unwrap();
    assert!(listen(&mut port, &mut decoder, |item| matches!(item, Item::Rows(rows) if rows.run == 1)));

    kill_process(Pid::from_child(&simulator.child), Signal::TERM).unwrap();
    wait_until("the simulator ends", || simulator.child.try_wait().unwrap().is_some());
    assert!(fs::symlink_metadata(&simulator.link).is_err(), "the link went with the board");
}

#[test]
fn a_simulator_does_not_take_a_name_that_is_taken() {
    let station = Station::new();
    fs::write(station.root().join("taken"), "dear").unwrap();
    let refused = station.run(&["simulate", "--link", "taken"]).expect(2);
    assert!(refused.stderr.contains("taken exists already; choose another name"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(station.root().join("taken")).unwrap(), "dear");
    fs::write(station.root().join("bad.toml"), "[[fault]]\nkind = \"smoke\"\nat_s = 1").unwrap();
    let refused = station.run(&["simulate", "--link", "port", "--faults", "bad.toml"]).expect(2);
    assert!(
        refused.stderr.contains("bad.toml cannot be opened: line 2: unknown variant"),
        "{}",
        refused.stderr
    );
}
