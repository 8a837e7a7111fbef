//! Cable and USB bridge of a simulated board: where bytes are dropped, flipped, repeated and held back.

use super::script::Noise;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;

/// The longest run of bytes a bridge repeats.
const LONGEST_REPEAT: usize = 463;
const SHORTEST_REPEAT: usize = 64;

/// The way to the host.
pub(super) struct Cable {
    rng: ChaCha8Rng,
    noise: Noise,
    /// Bytes still to be dropped and flipped by the script.
    to_drop: u32,
    to_flip: u32,
    sent: VecDeque<u8>,
    /// Held back, and whether more is.
    held: Vec<u8>,
    holds: bool,
}

impl Cable {
    pub(super) fn new(rng: ChaCha8Rng, noise: Noise) -> Self {
        let sent = VecDeque::with_capacity(LONGEST_REPEAT + 1);
        Self { rng, noise, to_drop: 0, to_flip: 0, sent, held: Vec::new(), holds: false }
    }

    pub(super) fn drop_next(&mut self, bytes: u32) {
        self.to_drop += bytes;
    }

    pub(super) fn flip_next(&mut self, bytes: u32) {
        self.to_flip += bytes;
    }

    /// Sends the last bytes once more.
    pub(super) fn repeat_last(&mut self, bytes: u32, out: &mut Vec<u8>) {
        let length = crate::emg::units::index(u64::from(bytes)).min(self.sent.len());
        let again: Vec<u8> = self.sent.range(self.sent.len() - length..).copied().collect();
        for byte in again {
            self.arrive(byte, out);
        }
    }

    pub(super) fn hold(&mut self) {
        self.holds = true;
    }

    pub(super) fn release(&mut self, out: &mut Vec<u8>) {
        self.holds = false;
        self.deliver(out);
    }

    /// What was held and need not be any more arrives.
    pub(super) fn deliver(&mut self, out: &mut Vec<u8>) {
        if !self.holds {
            out.append(&mut self.held);
        }
    }

    /// Nothing that was under way arrives any more.
    pub(super) fn forget(&mut self) {
        self.held.clear();
        self.sent.clear();
    }

    /// A byte on its way that is spared: it left before the baud changed.
    pub(super) fn keep(&mut self, byte: u8) {
        self.held.push(byte);
    }

    /// One byte from the board.
    pub(super) fn carry(&mut self, byte: u8, out: &mut Vec<u8>) {
        let luck: f64 = if self.noise.is_silent() { 1.0 } else { self.rng.random() };
        let Noise { drop, flip, repeat } = self.noise;
        if self.to_drop > 0 || luck < drop {
            self.to_drop = self.to_drop.saturating_sub(1);
            return;
        }
        let flips = self.to_flip > 0 || (drop..drop + flip).contains(&luck);
        self.to_flip = self.to_flip.saturating_sub(1);
        let byte = if flips { byte ^ (1 << self.rng.random_range(0..8)) } else { byte };
        if self.sent.len() == LONGEST_REPEAT {
            self.sent.pop_front();
        }
        self.sent.push_back(byte);
        self.arrive(byte, out);
        if (drop + flip..drop + flip + repeat).contains(&luck) {
            let bytes = self.rng.random_range(SHORTEST_REPEAT..=LONGEST_REPEAT);
            self.repeat_last(crate::emg::units::small(bytes), out);
        }
    }

    fn arrive(&mut self, byte: u8, out: &mut Vec<u8>) {
        if self.holds {
            self.held.push(byte);
        } else {
            self.deliver(out);
            out.push(byte);
        }
    }
}
