//! On real pseudo-terminals: the kernel's hang-ups, locks and errors, not a mock's.

use super::connect::connect;
use super::*;
use crate::emg::{SampleType, Samples};
use crate::source::Packet;
use crate::source::uri::SourceUri;
use serialport::{SerialPort, TTYPort};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::Ordering;

mod board;

/// The far end of a cable.
struct Board {
    master: TTYPort,
    /// Keeps what was written before the station opened the port.
    _slave: TTYPort,
    path: PathBuf,
}

impl Board {
    fn new() -> Self {
        let (master, slave) = TTYPort::pair().unwrap();
        let path = PathBuf::from(slave.name().unwrap());
        Self { master, _slave: slave, path }
    }

    fn say(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }
}

fn serial(path: &Path, query: &str) -> Serial {
    let uri = format!("serial:{}{query}", path.display());
    let SourceUri::Serial(options) = SourceUri::parse(&uri).unwrap() else { panic!("{uri} is no port") };
    let mut serial = Serial::new(options, Arc::default());
    serial.patience = Patience {
        silent: Duration::from_millis(200),
        greeted: Duration::from_secs(10),
        frames: Duration::from_millis(100),
        mute: Duration::from_mins(1),
    };
    serial
}

/// `count` lines of two values that are no clock.
fn lines(count: u32, end: &str) -> String {
    (0..count).fold(String::new(), |text, i| text + &format!("{},{i}{end}", (i * 37) % 101))
}

/// Readings until one that `wanted` asks for, that one included; a board that stays silent is a failure.
fn until(serial: &mut Serial, wanted: impl Fn(&[Reading]) -> bool) -> Vec<Reading> {
    let mut readings = Vec::new();
    for _ in 0..500 {
        match serial.read().unwrap() {
            Reading::Idle => {}
            reading => readings.push(reading),
        }
        if wanted(&readings) {
            return readings;
        }
    }
    panic!("only {readings:?} came");
}

fn packets(readings: &[Reading]) -> Vec<&Packet> {
    let mut packets = Vec::new();
    for reading in readings {
        if let Reading::Rows(packet) = reading {
            packets.push(packet);
        }
    }
    packets
}

fn values(readings: &[Reading]) -> Vec<f64> {
    let mut all = Vec::new();
    for packet in packets(readings) {
        packet.samples.widen(&mut all);
    }
    all
}

fn error(path: &Path) -> String {
    let error = serial(path, "").open().unwrap_err();
    format!("{error}; {}", error.advice())
}

#[test]
fn every_line_after_the_first_becomes_a_row() {
    for end in ["\r\n", "\r", "\n"] {
        let mut board = Board::new();
        board.say(&lines(50, end));
        let mut serial = serial(&board.path, "?rate=1000&baud=115200");
        let found = serial.open().unwrap();
        assert_eq!(found.board, format!("text lines on {} at 115200 baud", board.path.display()));
        assert_eq!((found.sample_type, found.nominal_hz), (SampleType::I32, Some(1000.0)));
        assert!(!found.losses_counted && !found.can_wait && !found.digital);
        board.say(&lines(30, end));
        let readings = until(&mut serial, |readings| values(readings).len() >= 2 * 79);
        let wanted: Vec<f64> =
            (1..50).chain(0..30).flat_map(|i| [f64::from(i * 37 % 101), f64::from(i)]).collect();
        assert_eq!(values(&readings), wanted, "{end:?}");
        let mut next = 0;
        for packet in packets(&readings) {
            assert_eq!((packet.epoch, packet.index), (0, next));
            next += crate::emg::units::wide(packet.samples.len() / 2);
        }
    }
}

#[test]
fn a_board_that_hangs_up_and_returns_goes_on_in_a_new_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("board");
    let mut board = Board::new();
    std::os::unix::fs::symlink(&board.path, &link).unwrap();
    board.say(&lines(40, "\n"));
    let mut serial = serial(&link, "");
    serial.open().unwrap();
    board.say("5,6\n7,8\n1,2,3\n9,1");
    let before = until(&mut serial, |readings| values(readings).len() >= 2 * 41);
    assert_eq!(values(&before)[78..], [5.0, 6.0, 7.0, 8.0]);

    std::fs::remove_file(&link).unwrap();
    drop(board);
    let gone = until(&mut serial, |readings| matches!(readings.last(), Some(Reading::Gone { .. })));
    let [Reading::Refused { lines: 1, example }, Reading::Gone { cause: Cause::Unplugged, sentence }] =
        &gone[..]
    else {
        panic!("{gone:?}")
    };
    assert_eq!(example, "1,2,3");
    assert!(sentence.contains("went away"), "{sentence}");
    assert!(serial.port.is_none(), "a port held open keeps its name from the board");
    for _ in 0..20 {
        assert!(matches!(serial.read().unwrap(), Reading::Idle));
    }

    let mut board = Board::new();
    std::os::unix::fs::symlink(&board.path, &link).unwrap();
    board.say("9,9\nStartUp!\n1,2\n3,4\n");
    let back = until(&mut serial, |readings| values(readings).len() >= 4);
    assert!(matches!(back[0], Reading::Back(_)), "{back:?}");
    let first = packets(&back)[0];
    assert_eq!((first.epoch, first.index, first.cause), (1, 0, Cause::Unplugged));
    assert_eq!(first.samples, Samples::I32(vec![1, 2, 3, 4]));
}

#[test]
fn a_port_that_cannot_be_opened_says_why_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let missing = error(&folder.path().join("ttyACM9"));
    assert!(missing.contains("there is no such port") && missing.contains("myograph ports"), "{missing}");

    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "1,2\n").unwrap();
    for no_port in [file.as_path(), folder.path(), Path::new("/dev/null")] {
        let said = error(no_port);
        assert!(said.contains("it is not a serial port"), "{said}");
    }

    let board = Board::new();
    let _monitor = connect(&board.path, 9600, GATHER).unwrap();
    let busy = error(&board.path);
    assert!(busy.contains("another program holds it") && busy.contains("ModemManager"), "{busy}");
}

#[test]
fn a_port_of_another_group_names_the_group() {
    if rustix::process::geteuid().is_root() {
        println!("skipped: root may open everything");
        return;
    }
    let board = Board::new();
    std::fs::set_permissions(&board.path, std::fs::Permissions::from_mode(0o000)).unwrap();
    let said = error(&board.path);
    assert!(said.contains("dialout"), "{said}");
}

#[test]
fn a_refusal_by_the_system_is_said_as_the_group_to_join() {
    let denied = serialport::Error::new(
        serialport::ErrorKind::Io(io::ErrorKind::PermissionDenied),
        "Permission denied",
    );
    let said = connect::translate(Path::new("/dev/ttyACM0"), &denied);
    assert_eq!(
        said.advice(),
        "add yourself to group dialout: sudo usermod -aG dialout $USER, then log in again"
    );
}

#[test]
fn a_stream_that_is_no_text_is_shown_in_hex() {
    let mut board = Board::new();
    board.master.write_all(&[0x00, 0xc7, 0x7c, 0x01, 0xff, 0x0a, 0xc7, 0x7c, 0x02, 0xfe, 0x0a]).unwrap();
    let said = error(&board.path);
    assert!(said.contains("11 bytes") && said.contains("00 c7 7c 01 ff 0a"), "{said}");
    assert!(
        said.contains("myograph, chords, csv, plotter") && said.contains("500000, then 250000"),
        "{said}"
    );
}

#[test]
fn a_silent_board_is_given_up_and_can_be_tried_again() {
    let mut board = Board::new();
    let mut serial = serial(&board.path, "");
    let said = serial.open().unwrap_err().to_string();
    assert!(said.contains("not one byte"), "{said}");
    board.say(&lines(30, "\n"));
    assert_eq!(serial.open().unwrap().channels.len(), 2);
}

#[test]
fn banners_are_waited_through_and_a_header_names_the_channels() {
    let mut board = Board::new();
    board.say("garb\r\nMyoWare EMG Sensor\r\n");
    let mut serial = serial(&board.path, "?time=none");
    let opening = std::thread::Builder::new().name("open".to_owned()).spawn(move || {
        let found = serial.open();
        (serial, found)
    });
    // Longer than the patience with silence, shorter than that with text.
    std::thread::sleep(Duration::from_millis(350));
    board.say("left,right\r\n");
    board.say(&lines(30, "\r\n"));
    let (mut serial, found) = opening.unwrap().join().unwrap();
    let found = found.unwrap();
    let names: Vec<&str> = found.channels.iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!(names, ["left", "right"]);
    assert!(
        found.remarks.iter().any(|remark| remark.contains("`MyoWare EMG Sensor`")),
        "{:?}",
        found.remarks
    );
    assert_eq!(values(&until(&mut serial, |readings| values(readings).len() >= 60))[58..], [63.0, 29.0]);
}

#[test]
fn opening_can_be_stopped() {
    let board = Board::new();
    let mut serial = serial(&board.path, "");
    serial.stop.store(true, Ordering::Relaxed);
    assert!(matches!(serial.open(), Err(Error::Stopped { .. })));
    assert!(serial.port.is_none());
}

#[test]
fn a_flood_arrives_whole_and_in_order() {
    const LINES: u32 = 20_000;
    let mut board = Board::new();
    let mut serial = serial(&board.path, "?time=none");
    let flood = std::thread::Builder::new().name("flood".to_owned()).spawn(move || {
        for chunk in lines(LINES, "\r\n").as_bytes().chunks(997) {
            board.master.write_all(chunk).unwrap();
        }
        board
    });
    serial.open().unwrap();
    let rows = LINES as usize - 1;
    let readings = until(&mut serial, |readings| values(readings).len() >= 2 * rows);
    let wanted: Vec<f64> = (1..LINES).flat_map(|i| [f64::from(i * 37 % 101), f64::from(i)]).collect();
    assert!(values(&readings) == wanted, "rows were lost or changed");
    let stamps: Vec<i64> = packets(&readings).iter().map(|packet| packet.stamp.host_ns).collect();
    assert!(stamps.is_sorted());
    assert_eq!(readings.len(), packets(&readings).len(), "nothing was refused");
    flood.unwrap().join().unwrap();
}
