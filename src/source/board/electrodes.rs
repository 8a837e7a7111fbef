//! What the converter of a simulated board reads: the simulated face, or a pattern that can be checked.

use super::{Options, Settings};
use crate::emg::{Samples, Stamp};
use crate::source::sim::Sim;
use crate::source::uri::{SimOptions, Speed};
use crate::source::{Reading, Source};
use std::collections::VecDeque;

/// What is on the electrodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The simulated face of a seed.
    Face(u64),
    /// [`pattern`]: a wrong value or a wrong place shows.
    Pattern,
}

/// The 10-bit count of [`Signal::Pattern`] at a sample index and channel.
#[must_use]
pub fn pattern(index: u64, channel: usize) -> i16 {
    let mixed = (index * 131 + crate::emg::units::wide(channel)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let [.., low, high] = mixed.to_le_bytes();
    i16::from_le_bytes([low, high & 0x03])
}

/// The source of counts, scan after scan.
pub(super) struct Electrodes {
    face: Option<Sim>,
    waiting: VecDeque<i16>,
    row: Vec<i16>,
}

impl Electrodes {
    pub(super) fn new(options: &Options, settings: &Settings) -> Self {
        let channels = settings.channels;
        let face = if let Signal::Face(seed) = options.signal {
            let (channels, rate_hz) = (u16::from(channels), settings.rate_hz());
            let options = SimOptions { seed, channels, rate_hz, speed: Speed::Max, ..SimOptions::default() };
            Some(Sim::new(options, Stamp::default()))
        } else {
            None
        };
        Self { face, waiting: VecDeque::new(), row: vec![0; usize::from(channels)] }
    }

    /// The counts of the next scan, which has the sample index `scan`.
    pub(super) fn counts(&mut self, scan: u64) -> &[i16] {
        if self.face.is_some() {
            self.refill();
            for count in &mut self.row {
                *count = self.waiting.pop_front().unwrap_or(0);
            }
        } else {
            for (channel, count) in self.row.iter_mut().enumerate() {
                *count = pattern(scan, channel);
            }
        }
        &self.row
    }

    /// The face moves on while nobody samples it.
    pub(super) fn skip(&mut self) {
        self.refill();
        self.waiting.drain(..self.row.len().min(self.waiting.len()));
    }

    fn refill(&mut self) {
        let Some(face) = &mut self.face else { return };
        while self.waiting.len() < self.row.len() {
            // A face with these options always opens, and always has another row.
            match face.read() {
                Ok(Reading::Rows(packet)) => {
                    if let Samples::I16(counts) = packet.samples {
                        self.waiting.extend(counts);
                    }
                }
                Ok(Reading::Ended) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }
}
