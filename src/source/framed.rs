//! OUR OWN LINE -> ROWS, every one accounted for, without I/O: bytes in any cuts go in, [`Item`]s come out.
//!
//! Here are also the byte tables of the protocol, which the firmware refers to, and the encoder that a simulated
//! board and the tests speak with. `serial` feeds this; it never blocks, reads no clock, and holds back at most
//! 1 KiB of a frame and two whole frames.
//!
//! # Frames
//!
//! A frame is [COBS](https://doi.org/10.1109/90.769765)-stuffed and ends with 0x00, which occurs nowhere else: after
//! any damage the next 0x00 begins anew. A board also sends 0x00 before the first frame after text, and before every
//! identity. Numbers are little endian. Before stuffing a frame has at most 254 bytes; its last two are CRC-16/CCITT-FALSE over all others.
//! Byte 0 is the version (high nibble, 1) and the type (low nibble), byte 1 the epoch: +1 at every start, kept over a
//! reset, not over a loss of power.
//!
//! **Data, 0x11**: up to 10 ms of scans, never across a hole.
//!
//! | offset | bytes | field |
//! | --- | --- | --- |
//! | 2 | 2 | sequence of data frames: goes on over starts and resets; advances even where the transmit ring had to drop the frame |
//! | 4 | 1 | flags: bit 0 scans before this frame could not be sampled (overrun), bit 1 frames before this one were dropped by the board, bit 2 samples are u16, bit 3 digital bytes are present; the others 0 |
//! | 5 | 1 | channels |
//! | 6 | 1 | scans |
//! | 7 | 4 | sample index of the first scan: counts every timer period since the start, also those that could not be sampled |
//! | 11 | 4 | microseconds of the board's second timer at the start of the first scan, wrapping at 2^32 |
//! | 15 | | samples, scan after scan: one stream of 10-bit numbers, lowest bit first, padded to a byte with zeros; or u16 each |
//! | | scans | where flagged: one byte of digital inputs per scan, latched with channel 0 |
//! | | 2 | CRC |
//!
//! **Identity, 0x12**: the answer to `I`, and sent unasked after a reset.
//!
//! | offset | bytes | field |
//! | --- | --- | --- |
//! | 2 | 2 | firmware version, major in the high byte |
//! | 4 | 1 | board: 1 Arduino Mega 2560, 2 simulated |
//! | 5 | 1 | channels |
//! | 6 | 1 | most channels |
//! | 7 | 1 | mode: 0 CSV, 1 packed 10 bit, 2 u16 |
//! | 8 | 1 | bits of the converter |
//! | 9 | 1 | digital inputs with a meaning: bit 0 trigger, bit 1 photodiode, bit 2 button; 0: no digital bytes are sent |
//! | 10 | 2 | reference, millivolts |
//! | 12 | 2 | skew: channel c is sampled c times so many timer ticks after channel 0 |
//! | 14 | 4 | timer ticks per scan |
//! | 18 | 4 | timer clock, Hz |
//! | 22 | 4 | baud |
//! | 26 | 1 | state: 0 stopped, 1 running |
//! | 27 | 1 | cause of the last reset (MCUSR as found at the start) |
//! | 28 | 1 | length of the station's name, at most 32 |
//! | 29 | | station's name, ASCII |
//! | | 2 | CRC |
//!
//! **Ack, 0x13**: the answer to every other command.
//!
//! | offset | bytes | field |
//! | --- | --- | --- |
//! | 2 | 1 | command's letter |
//! | 3 | 1 | 0 done, 1 unknown command, 2 value out of range, 3 only while stopped, 4 the line is too slow for this |
//! | 4 | 4 | value in force |
//! | 8 | 2 | CRC |
//!
//! **Status, 0x14**: about once a second while running, and once after `X`, behind the last data frame.
//!
//! | offset | bytes | field |
//! | --- | --- | --- |
//! | 2 | 2 | sequence the next data frame will carry |
//! | 4 | 4 | sample index of the next scan: those before it have happened |
//! | 8 | 4 | microseconds of the second timer |
//! | 12 | 4 | scans since the start that could not be sampled |
//! | 16 | 4 | data frames since the start that the board dropped |
//! | 20 | 1 | most scans that ever waited |
//! | 21 | 1 | most bytes that ever waited in the transmit ring, percent of it |
//! | 22 | 2 | CRC |
//!
//! # Commands
//!
//! ASCII lines that end with LF (CR is tolerated): `I` identify, `G` go, `X` stop, `R<hz>` rate, `N<channels>`,
//! `M<mode>`, `B<baud>`, `L<name>` the station's name, `S<code>` blinks a code for cameras. `I` and `X` are taken at any
//! time, the others while stopped. `G` is acknowledged under the old epoch. `B` is acknowledged at the old baud; unless
//! a valid line follows within 2 s at the new one, the board falls back to 500000. Text lines that begin with `#` may
//! stand between frames.
//!
//! # Accounting
//!
//! A run is what the board sends between two starts. Inside a run the sample index tells how many rows are missing,
//! and the sequence why: no frame is missing (`overrun`, or `unknown` without the flag), the board says it dropped
//! frames (`board`), damaged bytes were refused since the last good frame (`checksum`), or nothing was seen (`counter`).
//! Rows missing at a run's end are known as far as the last status told. A frame that does not follow from the one
//! before (another epoch, an index that goes back, a jump of more than 60 s) is held until two more follow it; then it
//! begins another run, otherwise it was a damaged frame with a matching checksum by chance.

mod cobs;
mod encode;
mod frame;
mod line;
mod packing;

pub use self::encode::encode;
pub use self::frame::{Ack, Data, Frame, Identity, Mode, Outcome, Status};

use self::line::Line;
use crate::emg::units::wide;
use crate::emg::{Cause, Stamp};

/// Bytes without a 0x00 are given up in pieces of this size: four times the longest frame, room for a banner.
const LONGEST_STRETCH: usize = 1024;
/// More of a refused stretch is not kept.
const SHOWN: usize = 24;

/// What the line brought, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// Rows of one data frame.
    Rows(Rows),
    /// Rows missing at the end of a run, which therefore precede none.
    Lost(Lost),
    /// The board said what it is.
    Identity(Identity),
    /// The board answered a command.
    Ack(Ack),
    /// The board counted.
    Status(Status),
    /// Readable text between frames: a banner, a bootloader, the lines of mode CSV.
    Text(String),
    /// Bytes that were no frame, or a frame that was not believed.
    Refused(Refused),
}

/// Consecutive rows of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Counts up at every start, backward index and confirmed jump, from 0 for the first run heard.
    pub run: u32,
    /// The board's own epoch byte.
    pub board_epoch: u8,
    /// Sample index of the first row, unwrapped within the run.
    pub index: u64,
    /// The board's clock at the first row, microseconds, unwrapped within the run.
    pub t_us: u64,
    /// Channels in a row.
    pub channels: usize,
    /// `rows x channels` counts, row-major, 0 to 32767.
    pub samples: Vec<i16>,
    /// One byte of digital inputs per row, or empty.
    pub digital: Vec<u8>,
    /// Rows of this run missing right before these; before the first ones only if the start was witnessed.
    pub lost: u64,
    /// Why they are missing; `Unknown` where none are.
    pub cause: Cause,
    /// When the last byte of the frame was read.
    pub stamp: Stamp,
}

impl Rows {
    /// How many.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.samples.len() / self.channels.max(1)
    }
}

/// Rows missing at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The run they are missing from.
    pub run: u32,
    /// Index of the first.
    pub index: u64,
    /// How many.
    pub rows: u64,
    /// Why.
    pub cause: Cause,
    /// When the end of the run was noticed.
    pub stamp: Stamp,
}

/// Bytes that were no frame, or a frame that was not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// How many bytes of the line, without the 0x00.
    pub bytes: u64,
    /// What was wrong.
    pub why: Why,
    /// The first of them.
    pub first: Vec<u8>,
}

/// Why bytes were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Stuffing or checksum do not fit: damage, half a frame, another baud rate or another protocol.
    Damaged,
    /// More than any frame without a 0x00.
    TooLong,
    /// The checksum fits, but this is no frame of version 1 as described here.
    Unknown,
    /// A whole data frame that followed from nothing and that nothing followed.
    Unconfirmed,
}

/// What went through a decoder since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Bytes pushed.
    pub bytes: u64,
    /// Valid frames of all types.
    pub frames: u64,
    /// Rows handed out.
    pub rows: u64,
    /// Rows known to be missing inside runs and at their ends.
    pub lost: u64,
    /// Whole data frames that came twice and were discarded.
    pub duplicates: u64,
    /// Stretches refused.
    pub refused: u64,
    /// Bytes in them.
    pub refused_bytes: u64,
    /// Lines of text between frames.
    pub text_lines: u64,
    /// Runs begun.
    pub runs: u64,
}

/// Turns bytes of the line into items.
#[derive(Debug, Default)]
pub struct Decoder {
    /// What came since the last 0x00.
    stretch: Vec<u8>,
    /// The stretch under way is longer than any frame; its beginning has been given up.
    overlong: bool,
    /// A frame without its stuffing.
    plain: Vec<u8>,
    line: Line,
    tally: Tally,
}

impl Decoder {
    /// A decoder that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes that were read at `stamp` and appends what they complete. The items do not depend on how the
    /// line is cut into calls.
    pub fn push(&mut self, mut bytes: &[u8], stamp: Stamp, out: &mut Vec<Item>) {
        self.tally.bytes += wide(bytes.len());
        let before = out.len();
        while let Some(end) = bytes.iter().position(|byte| *byte == 0) {
            self.gather(&bytes[..end], out);
            self.close(stamp, out);
            bytes = &bytes[end + 1..];
        }
        self.gather(bytes, out);
        self.count(&out[before..]);
    }

    /// The port is closed or the board went away: the run under way ends here, and half a frame is forgotten.
    /// What comes next begins another run.
    pub fn hang_up(&mut self, stamp: Stamp, out: &mut Vec<Item>) {
        let before = out.len();
        self.stretch.clear();
        self.overlong = false;
        self.line.hang_up(stamp, out);
        self.count(&out[before..]);
    }

    /// What went through so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally { duplicates: self.line.duplicates(), ..self.tally }
    }

    /// Adds bytes without a 0x00 to the stretch.
    fn gather(&mut self, mut bytes: &[u8], out: &mut Vec<Item>) {
        while self.stretch.len() + bytes.len() > LONGEST_STRETCH {
            let (now, later) = bytes.split_at(LONGEST_STRETCH - self.stretch.len());
            self.stretch.extend_from_slice(now);
            self.give_up(0, Why::TooLong, out);
            self.stretch.clear();
            self.overlong = true;
            bytes = later;
        }
        self.stretch.extend_from_slice(bytes);
    }

    /// A 0x00 came: the stretch is a frame, text, both, or damage.
    fn close(&mut self, stamp: Stamp, out: &mut Vec<Item>) {
        if self.stretch.is_empty() {
            self.overlong = false;
            return;
        }
        if let Err(why) = self.frame(0, stamp, out) {
            let mut begins = frame_behind_text(&self.stretch).into_iter().flatten();
            let whole = |begin: &usize| cobs::open(&self.stretch[*begin..], &mut self.plain);
            if let Some(text) = begins.find(whole) {
                out.push(Item::Text(String::from_utf8_lossy(&self.stretch[..text]).into_owned()));
                if let Err(why) = self.frame(text, stamp, out) {
                    self.give_up(text, why, out);
                }
            } else {
                self.give_up(0, if self.overlong { Why::TooLong } else { why }, out);
            }
        }
        self.stretch.clear();
        self.overlong = false;
    }

    /// Takes the stretch from `start` on as a frame.
    fn frame(&mut self, start: usize, stamp: Stamp, out: &mut Vec<Item>) -> Result<(), Why> {
        if !cobs::open(&self.stretch[start..], &mut self.plain) {
            return Err(Why::Damaged);
        }
        let frame = Frame::read(&self.plain).ok_or(Why::Unknown)?;
        self.tally.frames += 1;
        self.line.take(frame, stamp, out);
        Ok(())
    }

    /// The stretch from `start` on was no frame.
    fn give_up(&mut self, start: usize, why: Why, out: &mut Vec<Item>) {
        let stretch = &self.stretch[start..];
        if stretch.iter().all(|byte| is_text(*byte)) {
            out.push(Item::Text(String::from_utf8_lossy(stretch).into_owned()));
            return;
        }
        self.line.damaged();
        let first = stretch.iter().take(SHOWN).copied().collect();
        out.push(Item::Refused(Refused { bytes: wide(stretch.len()), why, first }));
    }

    fn count(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Rows(rows) => {
                    self.tally.rows += wide(rows.rows());
                    self.tally.lost += rows.lost;
                    self.tally.runs = self.tally.runs.max(u64::from(rows.run) + 1);
                }
                Item::Lost(lost) => self.tally.lost += lost.rows,
                Item::Text(text) => self.tally.text_lines += wide(text.lines().count()),
                Item::Refused(refused) => {
                    self.tally.refused += 1;
                    self.tally.refused_bytes += refused.bytes;
                }
                Item::Identity(_) | Item::Ack(_) | Item::Status(_) => {}
            }
        }
    }
}

fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n')
}

/// Where a frame may begin behind text. The second byte of every frame on the line is its type, because neither version
/// nor type is 0, and no type is a character of a text. Its first byte tells where its first 0 is: that may look like
/// a character, or like a type.
fn frame_behind_text(stretch: &[u8]) -> [Option<usize>; 2] {
    let text = stretch.iter().take_while(|byte| is_text(**byte)).count();
    [Some(text), text.checked_sub(1)]
        .map(|begin| begin.filter(|at| *at > 0 && stretch.get(at + 1).is_some_and(|kind| is_type(*kind))))
}

fn is_type(byte: u8) -> bool {
    (0x11..=0x14).contains(&byte)
}

#[cfg(test)]
mod tests;
