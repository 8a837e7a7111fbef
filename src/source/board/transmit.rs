//! The transmit ring of a simulated board and the line behind it: what does not fit is dropped whole, and the rest
//! leaves at ten bits a byte.

use crate::emg::units::{float_len, seconds};
use crate::source::framed::{Frame, encode};
use std::collections::VecDeque;
use std::fmt::Write as _;

/// Bytes of the ring.
const RING: usize = 1023;
/// Bits a byte takes on the line.
const BITS: f64 = 10.0;

/// The ring.
#[derive(Debug, Default)]
pub(super) struct Transmit {
    ring: VecDeque<u8>,
    /// Share of the next byte that has left.
    begun: f64,
    choked: bool,
    /// A frame was dropped since the last data frame.
    drop_noted: bool,
    dropped: u32,
    most: usize,
    /// Text went out last: the next frame needs a 0x00 before it.
    after_text: bool,
}

impl Transmit {
    pub(super) fn reset(&mut self) {
        *self = Self { choked: self.choked, ..Self::default() };
    }

    /// A run begins: its counts do too.
    pub(super) fn start(&mut self) {
        (self.dropped, self.most, self.drop_noted) = (0, 0, false);
    }

    /// Whether the ring is full whatever is in it.
    pub(super) fn choke(&mut self, choked: bool) {
        self.choked = choked;
    }

    /// Puts a frame into the ring; `false` where it does not fit.
    pub(super) fn offer(&mut self, frame: &Frame) -> bool {
        let mut bytes = Vec::with_capacity(260);
        if self.after_text {
            bytes.push(0);
        }
        encode(frame, &mut bytes);
        let choked = self.choked && matches!(frame, Frame::Data(_));
        let fits = !choked && self.put(&bytes);
        self.after_text &= !fits;
        fits
    }

    /// Text, or a delimiter alone.
    pub(super) fn text(&mut self, bytes: &[u8]) {
        self.after_text |= self.put(bytes) && !bytes.ends_with(b"\0");
    }

    /// The comment that names the columns of mode CSV.
    pub(super) fn header(&mut self, channels: u8) {
        let mut line = "# micros".to_owned();
        for channel in 1..=channels {
            // Writing to a string cannot fail.
            let _ = write!(line, ",v{channel}");
        }
        self.text(format!("{line}\r\n").as_bytes());
    }

    /// One scan in mode CSV.
    pub(super) fn csv(&mut self, t_us: u32, counts: &[i16]) {
        let mut line = t_us.to_string();
        for count in counts {
            let _ = write!(line, ",{count}");
        }
        self.text(format!("{line}\r\n").as_bytes());
    }

    /// A data frame was dropped.
    pub(super) fn note_dropped(&mut self) {
        self.drop_noted = true;
        self.dropped = self.dropped.saturating_add(1);
    }

    /// Whether frames were dropped before the next one.
    pub(super) fn take_dropped(&mut self) -> bool {
        std::mem::take(&mut self.drop_noted)
    }

    pub(super) fn dropped(&self) -> u32 {
        self.dropped
    }

    pub(super) fn most_percent(&self) -> u8 {
        u8::try_from(self.most * 100 / RING).unwrap_or(100)
    }

    /// What leaves in so many nanoseconds.
    pub(super) fn carry(&mut self, ns: i64, baud: u32) -> Vec<u8> {
        self.begun += seconds(ns) * f64::from(baud) / BITS;
        let whole = crate::emg::units::length(self.begun.floor()).min(self.ring.len());
        self.begun = if whole == self.ring.len() { 0.0 } else { self.begun - float_len(whole) };
        self.ring.drain(..whole).collect()
    }

    /// Everything at once.
    pub(super) fn drain(&mut self) -> Vec<u8> {
        self.ring.drain(..).collect()
    }

    fn put(&mut self, bytes: &[u8]) -> bool {
        let fits = self.ring.len() + bytes.len() <= RING;
        if fits {
            self.ring.extend(bytes);
            self.most = self.most.max(self.ring.len());
        }
        fits
    }
}
