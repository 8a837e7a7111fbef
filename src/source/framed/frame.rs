//! The four frames as values, and their bytes in both directions. The tables stand in [`super`].
//!
//! Here a frame is only whole or not; whether it follows from others is `line`'s business.

use super::cobs::{CHECK, LONGEST};
use super::packing::{pack, packed_len, unpack};
use crate::emg::units::{count, float_len, index, wide};

const VERSION: u8 = 0x10;
const DATA: u8 = VERSION | 1;
const IDENTITY: u8 = VERSION | 2;
const ACK: u8 = VERSION | 3;
const STATUS: u8 = VERSION | 4;

const OVERRUN: u8 = 1;
const DROPPED: u8 = 2;
const WIDE: u8 = 4;
const DIGITAL: u8 = 8;

/// Bytes of a data frame before its samples.
const HEAD: usize = 15;
/// Bytes that stuffing and the final 0x00 add to a frame.
const STUFFING: usize = 2;
/// Bytes of an identity before the name.
const IDENTITY_HEAD: usize = 29;
/// Longest name of a station.
pub(crate) const LONGEST_NAME: usize = 32;

/// A whole frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Scans.
    Data(Data),
    /// What the board is.
    Identity(Identity),
    /// An answer to a command.
    Ack(Ack),
    /// What the board counted.
    Status(Status),
}

/// Consecutive scans as they stand in a frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    /// Which start of the board.
    pub epoch: u8,
    /// Counts data frames.
    pub seq: u16,
    /// Scans before this frame could not be sampled.
    pub overrun: bool,
    /// The board dropped frames before this one.
    pub dropped: bool,
    /// Samples take 16 bits instead of 10.
    pub wide: bool,
    /// Samples in a scan.
    pub channels: u8,
    /// Sample index of the first scan.
    pub index: u32,
    /// The board's second timer at the first scan, microseconds.
    pub t_us: u32,
    /// `scans x channels` counts.
    pub samples: Vec<i16>,
    /// One byte per scan, or empty.
    pub digital: Vec<u8>,
}

/// What a board says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Which start of the board was the last.
    pub epoch: u8,
    /// Major version in the high byte, minor in the low one.
    pub firmware: u16,
    /// 1 Arduino Mega 2560, 2 simulated.
    pub board: u8,
    /// Channels in a scan.
    pub channels: u8,
    /// The most it can be set to.
    pub most_channels: u8,
    /// How samples are sent.
    pub mode: Mode,
    /// Bits of the converter.
    pub adc_bits: u8,
    /// Digital inputs with a meaning: bit 0 trigger, bit 1 photodiode, bit 2 button; 0 where none are sent.
    pub digital_mask: u8,
    /// Reference of the converter, millivolts.
    pub reference_mv: u16,
    /// From one channel to the next, timer ticks.
    pub skew_ticks: u16,
    /// From one scan to the next, timer ticks.
    pub scan_ticks: u32,
    /// Timer ticks per second.
    pub timer_hz: u32,
    /// Baud in force.
    pub baud: u32,
    /// Whether it is sampling.
    pub running: bool,
    /// MCUSR as found at the last reset.
    pub reset_cause: u8,
    /// What the station is called; empty where nobody named it.
    pub name: String,
}

/// How a board sends samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Text lines, unaccountable.
    Csv,
    /// Ten bits each.
    #[default]
    Packed,
    /// Sixteen bits each.
    Wide,
}

/// The answer to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// Which start of the board was the last.
    pub epoch: u8,
    /// Letter of the command.
    pub command: u8,
    /// What came of it.
    pub outcome: Outcome,
    /// The value now in force.
    pub value: u32,
}

/// What came of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// Nobody knows the command.
    Unknown,
    /// The value is out of range.
    OutOfRange,
    /// Only while stopped.
    Running,
    /// The line is too slow for this.
    TooSlow,
    /// A code this version does not know.
    Other(u8),
}

/// What a board counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Which start of the board.
    pub epoch: u8,
    /// Sequence of the next data frame.
    pub seq: u16,
    /// Sample index of the next scan.
    pub index: u32,
    /// The board's second timer, microseconds.
    pub t_us: u32,
    /// Scans since the start that could not be sampled.
    pub not_sampled: u32,
    /// Data frames since the start that the board dropped.
    pub dropped: u32,
    /// Most scans that ever waited.
    pub most_scans: u8,
    /// Fullest the transmit ring ever was, percent.
    pub most_percent: u8,
}

impl Frame {
    /// Reads a frame without stuffing and checksum; none where it is not as the tables say.
    #[must_use]
    pub fn read(plain: &[u8]) -> Option<Self> {
        match *plain.first()? {
            DATA => Data::read(plain).map(Self::Data),
            IDENTITY => Identity::read(plain).map(Self::Identity),
            ACK => Ack::read(plain).map(Self::Ack),
            STATUS => Status::read(plain).map(Self::Status),
            _ => None,
        }
    }

    /// Appends the frame without stuffing and checksum.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Data(data) => data.write(out),
            Self::Identity(identity) => identity.write(out),
            Self::Ack(ack) => ack.write(out),
            Self::Status(status) => status.write(out),
        }
    }
}

impl Data {
    /// How many scans.
    #[must_use]
    pub fn scans(&self) -> usize {
        self.samples.len() / usize::from(self.channels.max(1))
    }

    fn read(plain: &[u8]) -> Option<Self> {
        let (head, body) = plain.split_at_checked(HEAD)?;
        let (flags, channels, scans) = (head[4], head[5], usize::from(head[6]));
        let values = usize::from(channels) * scans;
        let wide = flags & WIDE != 0;
        let samples = if wide { 2 * values } else { packed_len(values) };
        let digital = if flags & DIGITAL == 0 { 0 } else { scans };
        if values == 0 || flags >= 2 * DIGITAL || body.len() != samples + digital {
            return None;
        }
        let (samples, digital) = body.split_at(samples);
        Some(Self {
            epoch: head[1],
            seq: u16_at(head, 2),
            overrun: flags & OVERRUN != 0,
            dropped: flags & DROPPED != 0,
            wide,
            channels,
            index: u32_at(head, 7),
            t_us: u32_at(head, 11),
            samples: if wide { whole(samples)? } else { unpack(samples, values) },
            digital: digital.to_vec(),
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let flags = flag(self.overrun, OVERRUN)
            | flag(self.dropped, DROPPED)
            | flag(self.wide, WIDE)
            | flag(!self.digital.is_empty(), DIGITAL);
        let scans = u8::try_from(self.scans()).unwrap_or(u8::MAX);
        out.extend_from_slice(&[DATA, self.epoch]);
        out.extend_from_slice(&self.seq.to_le_bytes());
        out.extend_from_slice(&[flags, self.channels, scans]);
        out.extend_from_slice(&self.index.to_le_bytes());
        out.extend_from_slice(&self.t_us.to_le_bytes());
        if self.wide {
            out.extend(self.samples.iter().flat_map(|sample| sample.to_le_bytes()));
        } else {
            pack(&self.samples, out);
        }
        out.extend_from_slice(&self.digital);
    }
}

/// 16-bit counts; none where one is too large for a recording of i16.
fn whole(bytes: &[u8]) -> Option<Vec<i16>> {
    let (pairs, _) = bytes.as_chunks::<2>();
    let samples: Vec<i16> = pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
    samples.iter().all(|sample| *sample >= 0).then_some(samples)
}

impl Identity {
    /// Scans per second, as the timer makes them.
    #[must_use]
    pub fn rate_hz(&self) -> f64 {
        f64::from(self.timer_hz) / f64::from(self.scan_ticks.max(1))
    }

    /// What a run takes of the line, bytes per second, its statuses not counted: frames of as many scans as 10 ms hold
    /// and 254 bytes carry, each with stuffing and its 0x00. In mode CSV, lines at their longest.
    #[must_use]
    pub fn bytes_per_s(&self) -> f64 {
        let channels = usize::from(self.channels);
        let frame = |scans: usize| {
            let values = scans * channels;
            let samples = if self.mode == Mode::Wide { 2 * values } else { packed_len(values) };
            HEAD + CHECK + samples + if self.digital_mask == 0 { 0 } else { scans }
        };
        let (scans, bytes) = if self.mode == Mode::Csv {
            (1, "4294967295".len() + channels * ",1023".len() + 1)
        } else {
            let most = index(count(self.rate_hz() / 100.0)).max(1);
            let scans = (1..=most).rev().find(|scans| frame(*scans) <= LONGEST).unwrap_or(1);
            (scans, frame(scans) + STUFFING)
        };
        self.rate_hz() * float_len(bytes) / float_len(scans)
    }

    /// How long after channel 0 a channel is sampled, microseconds.
    #[must_use]
    pub fn skew_us(&self, channel: usize) -> f64 {
        float_len(channel) * f64::from(self.skew_ticks) / f64::from(self.timer_hz.max(1)) * 1e6
    }

    /// The board in words.
    #[must_use]
    pub fn board_name(&self) -> &'static str {
        match self.board {
            1 => "Arduino Mega 2560",
            2 => "simulated board",
            _ => "unknown board",
        }
    }

    fn read(plain: &[u8]) -> Option<Self> {
        let (head, name) = plain.split_at_checked(IDENTITY_HEAD)?;
        let length = usize::from(head[28]);
        let proper = length <= LONGEST_NAME && name.len() == length && name.is_ascii() && head[26] <= 1;
        let (scan_ticks, timer_hz) = (u32_at(head, 14), u32_at(head, 18));
        if !proper || scan_ticks == 0 || timer_hz == 0 {
            return None;
        }
        Some(Self {
            epoch: head[1],
            firmware: u16_at(head, 2),
            board: head[4],
            channels: head[5],
            most_channels: head[6],
            mode: Mode::of_code(head[7])?,
            adc_bits: head[8],
            digital_mask: head[9],
            reference_mv: u16_at(head, 10),
            skew_ticks: u16_at(head, 12),
            scan_ticks,
            timer_hz,
            baud: u32_at(head, 22),
            running: head[26] == 1,
            reset_cause: head[27],
            name: String::from_utf8_lossy(name).into_owned(),
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[IDENTITY, self.epoch]);
        out.extend_from_slice(&self.firmware.to_le_bytes());
        out.extend_from_slice(&[self.board, self.channels, self.most_channels, self.mode.code()]);
        out.extend_from_slice(&[self.adc_bits, self.digital_mask]);
        out.extend_from_slice(&self.reference_mv.to_le_bytes());
        out.extend_from_slice(&self.skew_ticks.to_le_bytes());
        for number in [self.scan_ticks, self.timer_hz, self.baud] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        let name = &self.name.as_bytes()[..self.name.len().min(LONGEST_NAME)];
        let length = u8::try_from(name.len()).unwrap_or(0);
        out.extend_from_slice(&[u8::from(self.running), self.reset_cause, length]);
        out.extend_from_slice(name);
    }
}

impl Mode {
    /// The mode behind the number of an `M` command.
    #[must_use]
    pub fn of_code(code: u8) -> Option<Self> {
        [Self::Csv, Self::Packed, Self::Wide].get(usize::from(code)).copied()
    }

    /// The number of the `M` command.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Csv => 0,
            Self::Packed => 1,
            Self::Wide => 2,
        }
    }
}

impl Ack {
    fn read(plain: &[u8]) -> Option<Self> {
        let outcome = Outcome::of_code(*plain.get(3)?);
        let whole = plain.len() == 8;
        whole.then(|| Self { epoch: plain[1], command: plain[2], outcome, value: u32_at(plain, 4) })
    }

    fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[ACK, self.epoch, self.command, self.outcome.code()]);
        out.extend_from_slice(&self.value.to_le_bytes());
    }
}

impl Outcome {
    fn of_code(code: u8) -> Self {
        match code {
            0 => Self::Done,
            1 => Self::Unknown,
            2 => Self::OutOfRange,
            3 => Self::Running,
            4 => Self::TooSlow,
            other => Self::Other(other),
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Unknown => 1,
            Self::OutOfRange => 2,
            Self::Running => 3,
            Self::TooSlow => 4,
            Self::Other(code) => code,
        }
    }
}

impl Status {
    fn read(plain: &[u8]) -> Option<Self> {
        (wide(plain.len()) == 22).then(|| Self {
            epoch: plain[1],
            seq: u16_at(plain, 2),
            index: u32_at(plain, 4),
            t_us: u32_at(plain, 8),
            not_sampled: u32_at(plain, 12),
            dropped: u32_at(plain, 16),
            most_scans: plain[20],
            most_percent: plain[21],
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[STATUS, self.epoch]);
        out.extend_from_slice(&self.seq.to_le_bytes());
        for number in [self.index, self.t_us, self.not_sampled, self.dropped] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&[self.most_scans, self.most_percent]);
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
