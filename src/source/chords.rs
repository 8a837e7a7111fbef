//! THE CHORDS LINE -> ROWS, without I/O: what the sketches of Upside Down Labs send. Bytes in any cuts go in, items
//! come out. `serial` feeds this; it never blocks and reads no clock.
//!
//! A packet is `C7 7C`, a counter u8, N samples u16 big endian, `01`: no length, no checksum. N is found from eight
//! packets in a row. After that a packet counts only where its marks stand and the next one begins right behind it and
//! counts on; where the line is out of step, two in a row must, because samples may look like marks. So the last packet
//! before a hole, and the last of a stream, are never handed out.
//!
//! What cannot be known: a flipped bit in a sample is a wrong value, and so is a packet whose middle went missing
//! together with whole packets. Losses are known modulo 256 only. Where the host's clock leaves no doubt, the count
//! is taken as it is; where whole rounds of the counter may be missing, the packets behind begin another run, and
//! how many are missing between runs is an estimate.
//!
//! The board sends after `START`, as long as nobody sends `STOP`; `WHORU` is answered with its name.

mod pace;

use self::pace::{Pace, Verdict};
use crate::emg::units::wide;
use crate::emg::{Cause, Stamp};
use std::collections::VecDeque;

/// Asks for the board's name.
pub const WHO: &[u8] = b"WHORU\n";
/// Makes it send.
pub const START: &[u8] = b"START\n";
/// Makes it stop.
pub const STOP: &[u8] = b"STOP\n";

const MARK: [u8; 2] = [0xc7, 0x7c];
const END: u8 = 0x01;
/// Bytes of a packet beside its samples.
const FRAME: usize = 4;
/// More channels than any of these boards has.
const MOST_CHANNELS: usize = 32;
/// Packets that must fit before a number of channels is believed.
const PROOF: usize = 8;
/// Packets that must fit before a line is in step again.
const STEP: usize = 2;
/// Bytes of a packet up to its counter, that one included.
const HEAD: usize = MARK.len() + 1;
/// So many bytes without a packet, and the board is another one, or sends other channels.
const LONGEST_STRAY: u64 = 4096;
/// Stray bytes are reported in pieces of at most this size.
const PIECE: usize = 1024;
/// More of a refused stretch is not kept.
const SHOWN: usize = 24;
/// A packet that comes again is known among so many.
const REMEMBERED: usize = 32;

/// What the line brought, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Rows.
    Rows(Rows),
    /// Readable text between packets: an answer to `WHORU`, a banner.
    Text(String),
    /// Bytes that were no packet.
    Refused {
        /// How many.
        bytes: u64,
        /// The first of them.
        first: Vec<u8>,
    },
}

/// Consecutive rows of one run that were read at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Counts up wherever nobody knows how many rows are missing, from 0.
    pub run: u32,
    /// Rows since the run's first, lost ones counted.
    pub index: u64,
    /// Channels in a row.
    pub channels: usize,
    /// `rows x channels` counts, row-major.
    pub samples: Vec<i32>,
    /// Rows of this run missing right before these.
    pub lost: u64,
    /// Why; `Unknown` where none are.
    pub cause: Cause,
    /// When the packet behind the last row began to arrive.
    pub stamp: Stamp,
}

impl Rows {
    /// How many.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.samples.len() / self.channels.max(1)
    }
}

/// Turns bytes of the line into items.
#[derive(Debug, Default)]
pub struct Decoder {
    held: Vec<u8>,
    channels: Option<usize>,
    /// The next packet begins at the first byte held.
    in_step: bool,
    run: Option<Run>,
    begun: u32,
    stray: Vec<u8>,
    /// Stray bytes since the last packet.
    astray: u64,
    recent: VecDeque<Vec<u8>>,
    duplicates: u64,
}

/// A run under way.
#[derive(Debug)]
struct Run {
    counter: u8,
    index: u64,
    pace: Pace,
}

/// What the bytes held begin with.
enum Begin {
    /// A packet of so many bytes.
    Packet(usize),
    /// One byte that belongs to none.
    Stray,
    /// Nobody can tell yet.
    More,
}

impl Decoder {
    /// A decoder that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes that were read at `stamp` and appends what they complete; rows that continue the last item of
    /// `out` at the same stamp join it. The items do not depend on how bytes of one stamp are cut into calls.
    pub fn push(&mut self, bytes: &[u8], stamp: Stamp, out: &mut Vec<Item>) {
        self.held.extend_from_slice(bytes);
        let mut at = 0;
        loop {
            match self.begin(at) {
                Begin::More => break,
                Begin::Stray => {
                    self.in_step = false;
                    self.stray(self.held[at], out);
                    at += 1;
                }
                Begin::Packet(length) => {
                    self.report(out);
                    self.in_step = true;
                    self.astray = 0;
                    let packet = self.held[at..at + length].to_vec();
                    self.packet(packet, stamp, out);
                    at += length;
                }
            }
        }
        self.held.drain(..at);
    }

    /// The port is closed or the board went away: what comes next begins another run.
    pub fn hang_up(&mut self, out: &mut Vec<Item>) {
        for byte in std::mem::take(&mut self.held) {
            self.stray(byte, out);
        }
        self.report(out);
        self.in_step = false;
        self.run = None;
        self.recent.clear();
    }

    /// Channels in a row, once eight packets told.
    #[must_use]
    pub fn channels(&self) -> Option<usize> {
        self.channels
    }

    /// Packets that came twice, or long after their time, and were discarded.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Decides from as many bytes as every decision of its kind takes, so that cuts do not matter.
    fn begin(&mut self, at: usize) -> Begin {
        let held = &self.held[at..];
        let Some(channels) = self.channels else {
            let (begin, channels) = find(held);
            self.channels = channels;
            return begin;
        };
        let length = length(channels);
        let packets = if self.in_step { 1 } else { STEP };
        if held.len() < packets * length + HEAD {
            return Begin::More;
        }
        if fits(held, length, packets) { Begin::Packet(length) } else { Begin::Stray }
    }

    fn packet(&mut self, packet: Vec<u8>, stamp: Stamp, out: &mut Vec<Item>) {
        let counter = packet[MARK.len()];
        let lost = self.run.as_ref().map_or(0, |run| counter.wrapping_sub(run.counter));
        if lost > 0 && self.recent.contains(&packet) {
            self.duplicates += 1;
            return;
        }
        let mut lost = u64::from(lost);
        if let Some(run) = self.run.as_ref().filter(|_| lost > 0) {
            match run.pace.judge(run.index + lost, stamp) {
                Verdict::Sure => {}
                Verdict::Past => {
                    self.duplicates += 1;
                    return;
                }
                Verdict::Doubt => {
                    self.run = None;
                    lost = 0;
                }
            }
        }
        let run = self.run.get_or_insert_with(|| {
            self.begun += 1;
            Run { counter, index: 0, pace: Pace::new(stamp) }
        });
        let index = run.index + lost;
        run.counter = counter.wrapping_add(1);
        run.index = index + 1;
        run.pace.arrived(run.index, stamp);
        let samples = packet[MARK.len() + 1..packet.len() - 1].as_chunks::<2>().0;
        let samples = samples.iter().map(|pair| i32::from(u16::from_be_bytes(*pair)));
        let number = self.begun - 1;
        let joins = |rows: &&mut Rows| {
            rows.run == number && rows.stamp == stamp && rows.index + wide(rows.rows()) == index
        };
        match out.last_mut().and_then(Item::rows_mut).filter(joins) {
            Some(rows) => rows.samples.extend(samples),
            None => out.push(Item::Rows(Rows {
                run: number,
                index,
                channels: samples.len(),
                samples: samples.collect(),
                lost,
                cause: if lost > 0 { Cause::Counter } else { Cause::Unknown },
                stamp,
            })),
        }
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(packet);
    }

    fn stray(&mut self, byte: u8, out: &mut Vec<Item>) {
        self.stray.push(byte);
        self.astray += 1;
        if self.stray.len() == PIECE {
            self.report(out);
        }
        if self.astray == LONGEST_STRAY {
            self.channels = None;
            self.run = None;
        }
    }

    /// Tells what was between packets.
    fn report(&mut self, out: &mut Vec<Item>) {
        if self.stray.is_empty() {
            return;
        }
        let stray = std::mem::take(&mut self.stray);
        let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
        out.push(if stray.iter().all(is_text) {
            Item::Text(String::from_utf8_lossy(&stray).into_owned())
        } else {
            Item::Refused { bytes: wide(stray.len()), first: stray.into_iter().take(SHOWN).collect() }
        });
    }
}

impl Item {
    fn rows_mut(&mut self) -> Option<&mut Rows> {
        if let Self::Rows(rows) = self { Some(rows) } else { None }
    }
}

/// Looks for the least number of channels with which the bytes are packets from some place in the first one on:
/// samples that look like marks every other packet make packets twice as long.
fn find(held: &[u8]) -> (Begin, Option<usize>) {
    let longest = length(MOST_CHANNELS);
    if held.len() < (PROOF + 1) * longest + HEAD {
        return (Begin::More, None);
    }
    let marks: Vec<usize> = (0..longest).filter(|at| held[*at..].starts_with(&MARK)).collect();
    let fit = |channels: usize| {
        let length = length(channels);
        marks.iter().take_while(|at| **at < length).find(|at| fits(&held[**at..], length, PROOF)).copied()
    };
    match (1..=MOST_CHANNELS).find_map(|channels| Some((channels, fit(channels)?))) {
        Some((channels, 0)) => (Begin::Packet(length(channels)), Some(channels)),
        Some((channels, _)) => (Begin::Stray, Some(channels)),
        None => (Begin::Stray, None),
    }
}

/// Bytes of a packet.
fn length(channels: usize) -> usize {
    FRAME + 2 * channels
}

/// Whether bytes begin with so many packets of a length and the head of one more, all counting up.
fn fits(held: &[u8], length: usize, packets: usize) -> bool {
    let counter = |at: usize| held[at * length + MARK.len()];
    (0..=packets).all(|at| held[at * length..].starts_with(&MARK))
        && (0..packets)
            .all(|at| held[(at + 1) * length - 1] == END && counter(at + 1) == counter(at).wrapping_add(1))
}

/// Appends a packet as a board sends it, for tests and benches.
pub fn encode(counter: u8, samples: &[u16], out: &mut Vec<u8>) {
    out.extend_from_slice(&MARK);
    out.push(counter);
    out.extend(samples.iter().flat_map(|sample| sample.to_be_bytes()));
    out.push(END);
}

#[cfg(test)]
mod tests;
