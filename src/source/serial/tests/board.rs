//! A board of ours at the far end, played by hand: it answers commands, and sends, resets and errs when told.

use super::*;
use crate::source::framed::{Ack, Data, Frame, Identity, Mode, Outcome, Status, encode};

/// What a cable ends in.
struct Fake {
    cable: Board,
    identity: Identity,
    /// Commands it has heard.
    heard: Vec<String>,
    line: Vec<u8>,
    /// Sends no frame that is not asked for.
    seq: u16,
    index: u32,
    /// The rate above which it says that the line is too slow.
    fastest_hz: u32,
    /// Says the same when it is to start.
    starts: bool,
}

impl Fake {
    fn new(name: &str) -> Self {
        let identity = Identity {
            firmware: 0x0102,
            board: 2,
            channels: 2,
            most_channels: 4,
            mode: Mode::Packed,
            adc_bits: 10,
            digital_mask: 0b011,
            reference_mv: 5000,
            skew_ticks: 800,
            scan_ticks: 16_000,
            timer_hz: 16_000_000,
            baud: 500_000,
            name: name.to_owned(),
            ..Identity::default()
        };
        let (heard, line) = (Vec::new(), Vec::new());
        Self {
            cable: Board::new(),
            identity,
            heard,
            line,
            seq: 65_530,
            index: 0,
            fastest_hz: 4000,
            starts: true,
        }
    }

    /// Answers what has been said.
    fn step(&mut self) {
        let mut bytes = [0; 256];
        let waiting = self.cable.master.bytes_to_read().unwrap_or(0);
        if waiting == 0 {
            std::thread::sleep(Duration::from_millis(1));
            return;
        }
        let read = std::io::Read::read(&mut self.cable.master, &mut bytes).unwrap_or(0);
        self.line.extend_from_slice(&bytes[..read]);
        while let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.line.drain(..=end).collect();
            let command = String::from_utf8_lossy(&line).trim().to_owned();
            self.obey(&command);
            self.heard.push(command);
        }
    }

    fn obey(&mut self, command: &str) {
        let value: u32 = command.get(1..).and_then(|value| value.parse().ok()).unwrap_or(0);
        let letter = command.as_bytes()[0];
        let outcome = match letter {
            b'I' => return self.introduce(),
            b'X' => {
                self.identity.running = false;
                Outcome::Done
            }
            _ if self.identity.running => Outcome::Running,
            b'R' if value > self.fastest_hz => Outcome::TooSlow,
            b'R' => {
                self.identity.scan_ticks = 16_000_000 / value;
                Outcome::Done
            }
            b'N' => {
                self.identity.channels = u8::try_from(value).unwrap();
                Outcome::Done
            }
            b'B' => {
                self.identity.baud = value;
                Outcome::Done
            }
            b'G' if self.starts => Outcome::Done,
            b'G' => Outcome::TooSlow,
            _ => Outcome::Unknown,
        };
        self.send(&Frame::Ack(Ack { epoch: self.identity.epoch, command: letter, outcome, value }));
        if letter == b'G' && outcome == Outcome::Done {
            self.identity.epoch = self.identity.epoch.wrapping_add(1);
            (self.identity.running, self.index) = (true, 0);
        }
    }

    fn introduce(&mut self) {
        self.send(&Frame::Identity(self.identity.clone()));
    }

    fn send(&mut self, frame: &Frame) {
        let mut line = Vec::new();
        encode(frame, &mut line);
        self.cable.master.write_all(&line).unwrap();
    }

    /// Samples `rows` rows: both channels count, the inputs follow the row. `lost`: the frame never arrives.
    fn scan(&mut self, rows: u32, lost: bool) {
        let channels = self.identity.channels;
        let value = |row: u32, channel: u8| i16::try_from((row + u32::from(channel)) % 1024).unwrap();
        let rows = self.index..self.index + rows;
        let samples = rows.clone().flat_map(|row| (0..channels).map(move |channel| value(row, channel)));
        let frame = Frame::Data(Data {
            epoch: self.identity.epoch,
            seq: self.seq,
            channels,
            index: self.index,
            t_us: self.index.wrapping_mul(1000),
            samples: samples.collect(),
            digital: rows.clone().map(|row| 0xfc | (row % 4).to_le_bytes()[0]).collect(),
            ..Data::default()
        });
        if !lost {
            self.send(&frame);
        }
        self.seq = self.seq.wrapping_add(1);
        self.index = rows.end;
    }

    fn scans(&mut self, frames: u32) {
        (0..frames).for_each(|_| self.scan(10, false));
    }

    /// Says how far it counted.
    fn tell(&mut self) {
        let (epoch, seq, index) = (self.identity.epoch, self.seq, self.index);
        self.send(&Frame::Status(Status { epoch, seq, index, ..Status::default() }));
    }

    fn reset(&mut self, said: bool) {
        self.identity.running = false;
        if said {
            self.cable.master.write_all(b"\0# boot\r\n\0").unwrap();
            self.introduce();
        }
    }

    /// Answers while the station opens the port.
    fn opened(&mut self, serial: &mut Serial) -> Result<Description, Error> {
        std::thread::scope(|scope| {
            let opening = std::thread::Builder::new()
                .name("open".to_owned())
                .spawn_scoped(scope, || serial.open())
                .unwrap();
            while !opening.is_finished() {
                self.step();
            }
            opening.join().unwrap()
        })
    }

    /// Readings while the board answers, until `wanted`; a board that stays silent is a failure.
    fn until(&mut self, serial: &mut Serial, wanted: impl Fn(&Self, &[Reading]) -> bool) -> Vec<Reading> {
        let mut readings = Vec::new();
        let began = Instant::now();
        while !wanted(self, &readings) {
            assert!(began.elapsed() < Duration::from_mins(1), "only {readings:?} came");
            match serial.read().unwrap() {
                Reading::Idle => {}
                reading => readings.push(reading),
            }
            self.step();
        }
        readings
    }

    /// Runs the station until the board was told to start, and on until that was heard.
    fn started(&mut self, serial: &mut Serial) -> Vec<Reading> {
        self.until(serial, |fake, _| fake.identity.running)
    }
}

fn rows(readings: &[Reading]) -> usize {
    packets(readings).iter().map(|packet| packet.samples.len() / 2).sum()
}

#[test]
fn a_board_is_asked_set_started_and_described_by_its_own_timer() {
    let mut fake = Fake::new("lab-1");
    fake.identity.running = true;
    fake.identity.channels = 4;
    let mut serial = serial(&fake.cable.path, "?rate=2000&channels=2");
    let found = fake.opened(&mut serial).unwrap();
    assert!(found.board.starts_with("simulated board `lab-1`, firmware 1.2, on "), "{}", found.board);
    assert_eq!((found.sample_type, found.nominal_hz), (SampleType::I16, Some(2000.0)));
    assert!(found.losses_counted && found.digital && !found.can_wait);
    let [first, second] = &found.channels[..] else { panic!("{:?}", found.channels) };
    assert_eq!((first.name.as_str(), second.name.as_str()), ("A0", "A1"));
    assert_eq!((second.adc_bits, second.reference_v, second.skew_us), (10, 5.0, 50.0));
    assert!(!fake.heard.contains(&"G".to_owned()), "nobody reads yet");

    fake.started(&mut serial);
    fake.scans(5);
    let readings = fake.until(&mut serial, |_, readings| rows(readings) == 50);
    let all = packets(&readings);
    assert_eq!(all[0].index, 0);
    assert_eq!(all[0].samples, Samples::I16((0..10).flat_map(|row| [row, row + 1]).collect()));
    let inputs: Vec<u8> = (0..10).map(|row| row % 4).collect();
    assert_eq!(all[0].digital, inputs, "inputs that are wired to nothing read 0");
    drop(serial);
    // A terminal hands bytes over in its own time.
    for _ in 0..5000 {
        if fake.identity.running {
            fake.step();
        }
    }
    assert_eq!(fake.heard.last().map(String::as_str), Some("X"), "a closed port leaves no board sending");
}

#[test]
fn what_a_board_refuses_is_a_sentence() {
    let mut fake = Fake::new("");
    let said = fake.opened(&mut serial(&fake.cable.path, "?rate=5000")).unwrap_err();
    assert!(said.to_string().contains("refuses to sample 5000 times a second"), "{said}");
    assert!(said.advice().contains("`rate=`"), "{}", said.advice());
}

#[test]
fn a_board_found_at_its_own_baud_rate_goes_on_at_the_one_asked_for() {
    let mut fake = Fake::new("lab-1");
    let mut serial = serial(&fake.cable.path, "?baud=250000");
    let found = fake.opened(&mut serial).unwrap();
    assert!(found.board.ends_with("at 250000 baud"), "{}", found.board);
    assert!(fake.heard.contains(&"B250000".to_owned()), "{:?}", fake.heard);
    assert_eq!(serial.bauds, [250_000, 500_000], "where it is now, and where a reset puts it");
    let port = &serial.port.as_ref().unwrap().tty;
    assert_eq!(port.baud_rate().unwrap(), 250_000);
}

#[test]
fn a_start_the_board_refuses_ends_the_recording_with_what_to_change() {
    let mut fake = Fake::new("lab-1");
    fake.starts = false;
    let mut serial = serial(&fake.cable.path, "");
    fake.opened(&mut serial).unwrap();
    let said = loop {
        match serial.read() {
            Ok(reading) => assert!(matches!(reading, Reading::Idle), "{reading:?}"),
            Err(error) => break format!("{error}; {}", error.advice()),
        }
        fake.step();
    };
    assert!(said.contains("refuses to start: the line is too slow") && said.contains("`baud=`"), "{said}");
}

#[test]
fn a_board_that_falls_silent_for_good_has_its_port_opened_again() {
    let mut fake = Fake::new("lab-1");
    let mut serial = serial(&fake.cable.path, "");
    serial.patience.mute = Duration::from_secs(2);
    fake.opened(&mut serial).unwrap();
    fake.started(&mut serial);
    fake.scans(5);
    fake.until(&mut serial, |_, readings| rows(readings) == 50);
    // It neither sends nor answers, and says nothing of its own: a bridge that hangs.
    let mut gone = Vec::new();
    while gone.is_empty() {
        gone.extend(Some(serial.read().unwrap()).filter(|reading| !matches!(reading, Reading::Idle)));
    }
    let [Reading::Gone { cause: Cause::Stall, sentence }] = &gone[..] else { panic!("{gone:?}") };
    assert!(sentence.contains("has said nothing for 2 s"), "{sentence}");
    fake.identity.running = false;
    fake.started(&mut serial);
    fake.scans(4);
    let readings = fake.until(&mut serial, |_, readings| rows(readings) == 40);
    assert!(matches!(readings[0], Reading::Back(_)), "{readings:?}");
    assert_eq!((packets(&readings)[0].epoch, packets(&readings)[0].index), (1, 0));
}

#[test]
fn a_reset_is_answered_and_the_rows_its_last_words_tell_of_are_counted() {
    for said in [true, false] {
        let mut fake = Fake::new("lab-1");
        let mut serial = serial(&fake.cable.path, "");
        fake.opened(&mut serial).unwrap();
        fake.started(&mut serial);
        fake.scans(5);
        fake.scan(10, true);
        fake.tell();
        fake.until(&mut serial, |_, readings| rows(readings) == 50);
        // Without a word of its own it is asked, once it has been silent for a second.
        fake.reset(said);
        let gone = |readings: &[Reading]| matches!(readings.last(), Some(Reading::Gone { .. }));
        let before = fake.until(&mut serial, |fake, readings| fake.identity.running && gone(readings));
        fake.scans(4);
        let after = fake.until(&mut serial, |_, readings| rows(readings) == 40);
        let tail = packets(&before)[0];
        assert_eq!((tail.epoch, tail.index, tail.samples.len(), tail.cause), (0, 60, 0, Cause::Counter));
        assert!(matches!(before.last(), Some(Reading::Gone { cause: Cause::Restart, .. })), "{before:?}");
        assert!(matches!(after[0], Reading::Back(_)), "{after:?}");
        assert_eq!((packets(&after)[0].epoch, packets(&after)[0].index), (1, 0));
    }
}

#[test]
fn after_an_unplug_only_the_same_board_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("board");
    let plug = |fake: &Fake| {
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(&fake.cable.path, &link).unwrap();
    };
    let mut fake = Fake::new("lab-1");
    plug(&fake);
    let mut serial = serial(&link, "");
    fake.opened(&mut serial).unwrap();
    fake.started(&mut serial);
    fake.scans(5);
    fake.until(&mut serial, |_, readings| rows(readings) == 50);
    let mut other = Fake::new("lab-2");
    plug(&other);
    drop(fake);
    let refused = other.until(&mut serial, |_, readings| readings.len() == 2);
    let [Reading::Gone { cause: Cause::Unplugged, .. }, Reading::Gone { cause, sentence }] = &refused[..]
    else {
        panic!("{refused:?}")
    };
    assert_eq!(*cause, Cause::Unplugged);
    assert!(sentence.contains("its station name is `lab-2`, the recording's was `lab-1`"), "{sentence}");
    assert!(!other.identity.running, "it was left alone");

    let mut back = Fake::new("lab-1");
    plug(&back);
    drop(other);
    let quiet = back.started(&mut serial);
    assert!(quiet.is_empty(), "{quiet:?}");
    back.scans(4);
    let readings = back.until(&mut serial, |_, readings| rows(readings) == 40);
    assert!(matches!(readings[0], Reading::Back(_)), "{readings:?}");
    assert_eq!((packets(&readings)[0].epoch, packets(&readings)[0].index), (1, 0));
}

#[test]
fn rows_lost_right_after_the_start_are_counted_from_row_zero() {
    let mut fake = Fake::new("");
    let mut serial = serial(&fake.cable.path, "");
    fake.opened(&mut serial).unwrap();
    fake.started(&mut serial);
    fake.scan(10, true);
    fake.scans(4);
    let readings = fake.until(&mut serial, |_, readings| rows(readings) == 40);
    let [start, first, ..] = packets(&readings)[..] else { panic!("{readings:?}") };
    assert_eq!((start.index, start.samples.len()), (0, 0));
    assert_eq!((first.index, first.cause), (10, Cause::Counter));
}

/// A Chords board as far as a station meets it: silent until told, then `channels` counts a packet.
fn chords(cable: &mut TTYPort, packets: std::ops::Range<u16>, channels: u16) {
    let mut line = Vec::new();
    for packet in packets {
        let counts: Vec<u16> = (0..channels).map(|channel| packet * 8 + channel).collect();
        crate::source::chords::encode(packet.to_le_bytes()[0], &counts, &mut line);
    }
    cable.write_all(&line).unwrap();
}

#[test]
fn a_chords_board_is_told_to_begin_and_its_packets_are_rows() {
    let mut board = Board::new();
    let mut serial = serial(&board.path, "?baud=230400");
    serial.patience.frames = Duration::from_secs(20);
    let opening = std::thread::Builder::new().name("open".to_owned()).spawn(move || {
        let found = serial.open();
        (serial, found)
    });
    let mut heard = String::new();
    while !heard.contains("START\n") {
        let mut bytes = [0; 64];
        let read = std::io::Read::read(&mut board.master, &mut bytes).unwrap_or(0);
        heard.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    chords(&mut board.master, 0..100, 3);
    let (mut serial, found) = opening.unwrap().join().unwrap();
    let found = found.unwrap();
    assert_eq!((found.channels.len(), found.sample_type, found.losses_counted), (3, SampleType::I32, true));
    chords(&mut board.master, 100..120, 3);
    chords(&mut board.master, 125..140, 3);
    let readings = until(&mut serial, |readings| values(readings).len() >= 3 * 133);
    let all = packets(&readings);
    let [first, .., last] = &all[..] else { panic!("{all:?}") };
    assert_eq!((first.epoch, first.index), (0, 0));
    assert_eq!(values(&readings)[..4], [0.0, 1.0, 2.0, 8.0]);
    let rows = crate::emg::units::wide(last.samples.len() / 3);
    assert!(
        (last.epoch, last.index + rows) == (0, 139) || last.epoch == 1,
        "five are lost, or nobody knows: {last:?}"
    );
}
