//! How quiet a channel is at rest, learned while it is quiet and corrected when it never was.
//!
//! A running mean of what was quiet follows drift within seconds. Low quantiles of the last 10 and 30 s catch what it
//! cannot: a channel that began active, and a floor that rose for good.

use crate::emg::units::{float, float_len, index, length, wide};
use crate::face::state::{Reel, Tape};
use std::collections::VecDeque;

/// Time constant of the running mean, seconds.
const MEMORY_S: f64 = 5.0;
/// Seconds in a block.
const BLOCK_S: f64 = 0.1;
/// Blocks after which rest is known.
const FIRST: usize = 8;
/// Blocks, and the share of them, that must be quiet for a floor that is too high.
const SHORT: (usize, f64) = (100, 0.2);
/// Blocks, and the share of them, that may be quiet for a floor that is too low. What lasts this long without a pause
/// is the new rest.
const LONG: (usize, f64) = (300, 0.05);
/// A floor is too high by this factor, too low by that.
const TOO_HIGH: f64 = 1.4;
const TOO_LOW: f64 = 2.0;

/// Time over which power is averaged where its restlessness is measured: about a brief burst, seconds.
const GRAIN_S: f64 = 0.032;
/// Grains that are remembered, about 20 s, and that the flat model is worth at first.
const GRAINS: f64 = 600.0;
const PRIOR: f64 = 60.0;
/// A grain counts no more than this multiple of the mean.
const GRAIN_CAP: f64 = 4.0;

/// The power of rest, and the level of the envelope at rest.
#[derive(Clone, Debug)]
pub(super) struct Floor {
    /// Rows in a block, and in a memory.
    block: u64,
    memory: f64,
    power: f64,
    envelope: f64,
    /// Quiet rows seen, up to the memory.
    seen: f64,
    /// Rows in a grain; sum and rows of the running one; mean square deviation of grains, as a share of the mean
    /// squared, and how many it is the mean of.
    grain: f64,
    grain_sum: f64,
    grain_rows: f64,
    restless: f64,
    grains: f64,
    /// Sum and rows of the running block.
    sum: f64,
    rows: u64,
    /// Blocks that ended.
    turns: u64,
    /// Mean powers of past blocks.
    blocks: VecDeque<f64>,
    scratch: Vec<f64>,
}

/// What a finished block changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// No block ended.
    None,
    /// Nothing to speak of.
    Same,
    /// The floor was raised to what has lasted long.
    Raised,
}

impl Floor {
    pub(super) fn new(rate_hz: f64, news: f64) -> Self {
        Self {
            block: wide(length(BLOCK_S * rate_hz)).max(1),
            memory: (MEMORY_S * rate_hz).max(2.0),
            power: 0.0,
            envelope: 0.0,
            seen: 0.0,
            grain: (GRAIN_S * rate_hz).round().max(1.0),
            grain_sum: 0.0,
            grain_rows: 0.0,
            restless: 2.0 / (news * (GRAIN_S * rate_hz).round().max(1.0)),
            grains: PRIOR,
            sum: 0.0,
            rows: 0,
            turns: 0,
            blocks: VecDeque::with_capacity(LONG.0),
            scratch: Vec::with_capacity(LONG.0),
        }
    }

    /// Mean power at rest; 0 while it is not known.
    #[inline]
    pub(super) fn power(&self) -> f64 {
        if self.blocks.len() >= FIRST { self.power } else { 0.0 }
    }

    /// Mean of the envelope at rest.
    pub(super) fn envelope(&self) -> f64 {
        self.envelope
    }

    /// Takes a row that was quiet.
    #[inline]
    pub(super) fn quiet(&mut self, power: f64, envelope: f64) {
        self.seen = (self.seen + 1.0).min(self.memory);
        let step = 1.0 / self.seen;
        self.power += step * (power - self.power);
        self.envelope += step * (envelope - self.envelope);
        self.grain_sum += power;
        self.grain_rows += 1.0;
        if self.grain_rows >= self.grain {
            self.settle_grain();
        }
    }

    fn settle_grain(&mut self) {
        if self.power > 0.0 {
            let times = (self.grain_sum / self.grain_rows / self.power).min(GRAIN_CAP) - 1.0;
            self.grains = (self.grains + 1.0).min(GRAINS);
            self.restless += (times * times - self.restless) / self.grains;
        }
        (self.grain_sum, self.grain_rows) = (0.0, 0.0);
    }

    /// How many times more restless rest is than flat noise of `news` independent values a row: tonic activity comes
    /// in single motor units, and its spectrum is not flat. At least 1.
    pub(super) fn restlessness(&self, news: f64) -> f64 {
        (self.restless * news * self.grain / 2.0).max(1.0)
    }

    /// Takes every row; `news` is how many independent values a row holds.
    #[inline]
    pub(super) fn any(&mut self, power: f64, news: f64) -> Turn {
        self.sum += power;
        self.rows += 1;
        if self.rows < self.block { Turn::None } else { self.turn(news) }
    }

    fn turn(&mut self, news: f64) -> Turn {
        if self.blocks.len() == LONG.0 {
            self.blocks.pop_front();
        }
        self.blocks.push_back(self.sum / float(self.rows));
        let values = news * float(self.rows);
        (self.sum, self.rows) = (0.0, 0);
        self.turns += 1;
        // Quantiles cost more than all else: once a second is enough, but for the first.
        if self.blocks.len() < FIRST || (self.blocks.len() > 2 * FIRST && !self.turns.is_multiple_of(10)) {
            return Turn::Same;
        }
        let short = self.quantile(SHORT, values);
        if self.power > TOO_HIGH * short {
            self.rescale(short);
        } else if self.blocks.len() == LONG.0 {
            let long = self.quantile(LONG, values);
            if long > TOO_LOW * self.power {
                self.rescale(long);
                return Turn::Raised;
            }
        }
        Turn::Same
    }

    /// A floor of this power, trusted like one second of quiet.
    fn rescale(&mut self, power: f64) {
        if self.power > 0.0 {
            self.envelope *= (power / self.power).sqrt();
        }
        (self.power, self.seen) = (power, self.memory / MEMORY_S);
    }

    /// The mean power of rest for which this share of the latest blocks would be quieter than it is: the quantile
    /// over that of a mean of `values` squared normal values (Wilson and Hilferty 1931).
    fn quantile(&mut self, (blocks, share): (usize, f64), values: f64) -> f64 {
        self.scratch.clear();
        self.scratch.extend(self.blocks.iter().rev().take(blocks));
        let place = length(share * float_len(self.scratch.len())).min(self.scratch.len() - 1);
        let (_, &mut quantile, _) = self.scratch.select_nth_unstable_by(place, f64::total_cmp);
        let spread = 2.0 / (9.0 * values.max(1.0));
        let z = if share < 0.1 { -1.645 } else { -0.842 };
        quantile / (1.0 - spread + z * spread.sqrt()).max(0.1).powi(3)
    }

    pub(super) fn save(&self, tape: &mut Tape) {
        tape.f64(self.power).f64(self.envelope).f64(self.seen);
        tape.f64(self.grain_sum).f64(self.grain_rows).f64(self.restless).f64(self.grains);
        tape.f64(self.sum).u64(self.rows).u64(self.turns);
        tape.f64s(self.blocks.iter());
    }

    pub(super) fn load(&mut self, reel: &mut Reel<'_>) -> Option<()> {
        self.power = reel.f64()?;
        self.envelope = reel.f64()?;
        self.seen = reel.f64()?;
        (self.grain_sum, self.grain_rows) = (reel.f64()?, reel.f64()?);
        (self.restless, self.grains) = (reel.f64()?, reel.f64()?);
        self.sum = reel.f64()?;
        (self.rows, self.turns) = (reel.u64()?, reel.u64()?);
        self.blocks = reel.f64s::<VecDeque<f64>>()?;
        (self.blocks.len() <= LONG.0 && index(self.rows) <= index(self.block)).then_some(())
    }
}
