//! What is on a port: asked at one baud rate after the other, heard by every decoder at once, the first to make sense
//! of it wins.
//!
//! `format=` and `baud=` narrow this down; a sketch that prints lines is written to only where the format is open. A
//! board of ours is found at its own rates too, and then told to go on at the one asked for.
//! Returns an open port with what is spoken there, or one sentence with what came instead.

use super::Patience;
use super::port::Port;
use super::talk::{Board, Chords, Lines, Talk, Wanted, hex};
use crate::emg::Stamp;
use crate::emg::units::wide;
use crate::source::uri::{Format, SerialOptions};
use crate::source::{Description, Error};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Our firmware's rate, and the one for lines on which that fails.
const FRAME_BAUDS: [u32; 2] = [500_000, 250_000];
/// The rate of the Chords sketches.
const CHORDS_BAUD: u32 = 230_400;
/// Most sketches print at this rate.
const TEXT_BAUD: u32 = 115_200;
/// Lines are believed once a board of ours had this long to answer: one that prints lines may be ours in mode CSV.
const COURTESY: Duration = Duration::from_millis(300);
/// From its first word to being set a board may take this long.
const SETTING: Duration = Duration::from_secs(5);
/// More bytes of an unreadable stream are not shown.
const SHOWN: usize = 24;
/// Of the bytes of a text, at least so many in a hundred are text, even where it begins with noise.
const TEXT_PERCENT: u64 = 90;

/// What was found.
pub(super) struct Found {
    pub(super) port: Port,
    pub(super) talk: Talk,
    /// Where to look for it when it is lost.
    pub(super) bauds: Vec<u32>,
    pub(super) description: Description,
}

/// One baud rate and who is listened to at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Phase {
    baud: u32,
    board: bool,
    chords: bool,
    lines: bool,
    limit: Duration,
}

fn phases(options: &SerialOptions, patience: Patience) -> Vec<Phase> {
    let (format, auto) = (options.format, options.format == Format::Auto);
    let phase = |baud: u32, limit| Phase {
        baud: options.baud.unwrap_or(baud),
        board: auto || format == Format::Myograph,
        chords: auto || format == Format::Chords,
        lines: auto || matches!(format, Format::Csv | Format::Plotter),
        limit,
    };
    let framed = FRAME_BAUDS.map(|baud| Phase { chords: false, ..phase(baud, patience.frames) });
    let chords = Phase { board: false, ..phase(CHORDS_BAUD, patience.frames / 2) };
    if let Some(asked) = options.baud.filter(|_| auto || format == Format::Myograph) {
        let first = phase(asked, patience.frames);
        let ours = FRAME_BAUDS.into_iter().filter(|baud| *baud != asked);
        let ours = ours.map(|baud| Phase { baud, chords: false, lines: false, ..first });
        let last = auto.then(|| phase(asked, patience.silent));
        return [first].into_iter().chain(ours).chain(last).collect();
    }
    match format {
        Format::Auto => [&framed[..], &[chords, phase(TEXT_BAUD, patience.silent)]].concat(),
        Format::Myograph => framed.to_vec(),
        Format::Chords => vec![phase(CHORDS_BAUD, patience.silent)],
        Format::Csv | Format::Plotter => vec![phase(TEXT_BAUD, patience.silent)],
    }
}

/// Opens the port and finds out what is spoken on it.
pub(super) fn find(options: &SerialOptions, patience: Patience, stop: &AtomicBool) -> Result<Found, Error> {
    let phases = phases(options, patience);
    let mut probe = Probe {
        options,
        patience,
        stop,
        began: Instant::now(),
        seen: Seen::default(),
        tried: Vec::new(),
        hopeless: None,
    };
    let first = phases.first().map_or(TEXT_BAUD, |phase| phase.baud);
    let mut port = Port::open(&options.path, first)?;
    for phase in phases {
        port.set_baud(phase.baud).map_err(|error| probe.went_away(&error))?;
        if !probe.tried.contains(&phase.baud) {
            probe.tried.push(phase.baud);
        }
        if let Some((talk, description)) = probe.listen(&mut port, phase)? {
            return Ok(Found { port, bauds: talk.bauds(phase.baud), talk, description });
        }
        if probe.seen.bytes == 0 && probe.began.elapsed() >= patience.silent {
            break;
        }
    }
    Err(probe.unreadable())
}

/// The bytes since the port was opened.
#[derive(Debug, Default)]
struct Seen {
    first: Vec<u8>,
    bytes: u64,
}

impl Seen {
    fn note(&mut self, bytes: &[u8]) {
        let room = SHOWN.saturating_sub(self.first.len());
        self.first.extend(bytes.iter().take(room));
        self.bytes += wide(bytes.len());
    }
}

struct Probe<'a> {
    options: &'a SerialOptions,
    patience: Patience,
    stop: &'a AtomicBool,
    began: Instant,
    seen: Seen,
    /// Baud rates so far.
    tried: Vec<u32>,
    /// Why lines will never be rows.
    hopeless: Option<String>,
}

impl Probe<'_> {
    /// Listens at one baud rate; none when its time is over.
    fn listen(&mut self, port: &mut Port, phase: Phase) -> Result<Option<(Talk, Description)>, Error> {
        let mut board = Board::new(Wanted {
            channels: self.options.channels,
            rate_hz: self.options.rate_hz,
            baud: self.options.baud,
        });
        let mut chords = Chords::new();
        let mut lines = Lines::new(self.options);
        let began = Instant::now();
        let (mut text, mut all) = (0, 0);
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Error::Stopped { subject: self.subject() });
            }
            let gathered = port.gather(|bytes| {
                let stamp = Stamp::now();
                self.seen.note(bytes);
                text += wide(bytes.iter().filter(|byte| is_text(**byte)).count());
                all += wide(bytes.len());
                if phase.board {
                    board.push(bytes, stamp);
                }
                if phase.chords {
                    chords.push(bytes, stamp);
                }
                if phase.lines {
                    lines.decoder.push(bytes, stamp);
                }
            });
            gathered.map_err(|error| self.went_away(&error))?;
            let age = began.elapsed();
            if board.identified() {
                return self.settle(port, board).map(Some);
            }
            if let Some(description) = chords.describe(self.options, phase.baud) {
                return Ok(Some((Talk::Chords(Box::new(chords)), description)));
            }
            lines.decoder.settle(Stamp::now());
            let clean = text * 100 >= all * TEXT_PERCENT;
            let believed = !(phase.board || phase.chords) || age >= phase.limit || clean && age >= COURTESY;
            if let Some(shape) = lines.decoder.shape().filter(|_| believed) {
                let description = Lines::describe(shape, self.options, phase.baud);
                return Ok(Some((Talk::Lines(Box::new(lines)), description)));
            }
            self.hopeless = lines.decoder.hopeless().map(str::to_owned);
            let waiting = clean && all > 0 && (lines.decoder.greeted() || lines.decoder.started());
            let limit = if waiting { self.patience.greeted } else { phase.limit };
            if age >= limit || self.hopeless.is_some() && (clean || !(phase.board || phase.chords)) {
                return Ok(None);
            }
            let now = Instant::now();
            for line in [board.say(now).filter(|_| phase.board), chords.say(now).filter(|_| phase.chords)] {
                let said = line.map_or(Ok(()), |line| port.say(&line));
                said.map_err(|error| self.went_away(&error))?;
            }
        }
    }

    /// A board has said who it is: sets it as wanted.
    fn settle(&mut self, port: &mut Port, mut board: Board) -> Result<(Talk, Description), Error> {
        let (began, mut turned) = (Instant::now(), None);
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Error::Stopped { subject: self.subject() });
            }
            if let Some(refusal) = board.refusal().cloned() {
                let (reason, advice) = (refusal.reason, refusal.advice);
                return Err(Error::Open { subject: self.subject(), reason, advice });
            }
            if let Some(description) = board.describe(self.options) {
                return Ok((Talk::Board(Box::new(board)), description));
            }
            if began.elapsed() >= SETTING {
                return Err(self.unsettled(turned));
            }
            if let Some(baud) = board.turn() {
                port.set_baud(baud).map_err(|error| self.went_away(&error))?;
                turned = Some(baud);
            }
            if let Some(line) = board.say(Instant::now()) {
                port.say(&line).map_err(|error| self.went_away(&error))?;
            }
            port.gather(|bytes| board.push(bytes, Stamp::now())).map_err(|error| self.went_away(&error))?;
        }
    }

    /// Why a board that said who it is never was ready. `turned`: the baud rate it agreed to.
    fn unsettled(&self, turned: Option<u32>) -> Error {
        let (reason, advice) = match turned {
            Some(baud) => (
                format!("the board agreed to go on at {baud} baud and was not heard there"),
                "ask for another `baud=`, or leave it out",
            ),
            None => (
                "the board says what it is but does not answer commands".to_owned(),
                "press its reset button and try again",
            ),
        };
        Error::Open { subject: self.subject(), reason, advice: advice.to_owned() }
    }

    fn subject(&self) -> String {
        self.options.path.display().to_string()
    }

    fn went_away(&self, error: &std::io::Error) -> Error {
        Error::Open {
            subject: self.subject(),
            reason: format!("it went away while being opened ({error})"),
            advice: "check the cable, then try again".to_owned(),
        }
    }

    /// What came instead of rows.
    fn unreadable(&mut self) -> Error {
        let Seen { first, bytes } = &self.seen;
        let waited_s = self.began.elapsed().as_secs_f64();
        let formats = match self.options.format {
            Format::Auto => "myograph, chords, csv, plotter",
            Format::Myograph => "myograph",
            Format::Chords => "chords",
            Format::Csv | Format::Plotter => "csv, plotter",
        };
        let bauds: Vec<String> = self.tried.iter().map(u32::to_string).collect();
        let came = format!(
            "{bytes} bytes came in {waited_s:.0} s at {} baud, the first are {}; tried: {formats}",
            bauds.join(", then "),
            hex(first, wide(first.len()) < *bytes)
        );
        let (reason, advice) = match self.hopeless.take() {
            _ if *bytes == 0 => (
                format!("not one byte came in {waited_s:.0} s"),
                "check that the sketch is on the board and prints, and that this is its port",
            ),
            _ if self.options.format == Format::Myograph => {
                (came, "flash the firmware in scripts/firmware, or leave `format=` out")
            }
            _ if self.options.format == Format::Chords => {
                (came, "flash a Chords sketch, or leave `format=` out")
            }
            Some(why) => (format!("{why}; {came}"), "let the sketch print one line of numbers per sample"),
            None => {
                (came, "check the baud rate, as in `?baud=9600`, and that the sketch prints lines of numbers")
            }
        };
        Error::Unreadable { subject: self.subject(), reason, advice: advice.to_owned() }
    }
}

fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n' | 0x80..)
}
