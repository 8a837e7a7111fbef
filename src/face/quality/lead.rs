//! The rows of one channel while its second runs, and those of the second before for what needs two.

use super::second::Second;
use crate::emg::units::{float, index, wide};
use crate::emg::{Channel, Kind};
use crate::face::state::{Reel, Tape};

/// One channel's rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Lead {
    /// Raw values of this second, as sent; NaN where missing.
    raw: Vec<f64>,
    /// Clean values of the same rows.
    clean: Vec<f64>,
    /// Raw values of the second before.
    before: Vec<f64>,
    /// Kept rows before this one were not settled.
    settled: usize,
    /// Chain whose clean values these are; `u64::MAX` for none yet.
    chain: u64,
    /// Sums of rows on their way to be averaged, and their number.
    sums: (f64, f64),
    summed: u64,
}

impl Lead {
    /// The chain of the rows that follow.
    pub(super) fn filter(&mut self, chain: Option<u32>) {
        self.chain = chain.map_or(self.chain, u64::from);
    }

    /// Keeps rows, or averages of so many; those before `settled` were not.
    pub(super) fn take<'a>(
        &mut self,
        raw: impl Iterator<Item = &'a f64>,
        clean: impl Iterator<Item = &'a f32>,
        settled: usize,
        merged: u64,
    ) {
        let kept = self.raw.len();
        if merged == 1 {
            self.raw.extend(raw);
            self.clean.extend(clean.map(|value| f64::from(*value)));
            if settled > 0 {
                self.settled = (kept + settled).min(self.raw.len());
            }
            return;
        }
        for (at, (raw, clean)) in raw.zip(clean).enumerate() {
            if at < settled {
                self.settled = self.raw.len() + 1;
            }
            self.sums = (self.sums.0 + raw, self.sums.1 + f64::from(*clean));
            self.summed += 1;
            if self.summed == merged {
                self.raw.push(self.sums.0 / float(merged));
                self.clean.push(self.sums.1 / float(merged));
                (self.sums, self.summed) = ((0.0, 0.0), 0);
            }
        }
    }

    /// Another second begins.
    pub(super) fn turn(&mut self) {
        self.before = std::mem::take(&mut self.raw);
        self.clean.clear();
        self.settled = 0;
        (self.sums, self.summed) = ((0.0, 0.0), 0);
    }

    /// This second, to be measured.
    pub(super) fn second<'a>(&'a self, channel: &'a Channel, rate_hz: f64) -> Second<'a> {
        let settled = &self.clean[self.settled.min(self.clean.len())..];
        let rectify = channel.kind == Kind::Raw;
        Second {
            raw: &self.raw,
            clean: &self.clean,
            active: settled.iter().map(|value| if rectify { value.abs() } else { *value }).collect(),
            settled: self.settled,
            chain: self.chain,
            channel,
            rate_hz,
        }
    }

    /// The newest raw rows of two seconds; none where the second before was not kept.
    pub(super) fn window(&self, rows: usize) -> Option<Vec<f64>> {
        let older = rows.saturating_sub(self.raw.len());
        let before = &self.before[self.before.len().checked_sub(older)?..];
        Some([before, &self.raw[self.raw.len() - (rows - older)..]].concat())
    }

    pub(super) fn save(&self, tape: &mut Tape) {
        tape.f64s(self.raw.iter()).f64s(self.clean.iter()).f64s(self.before.iter());
        tape.u64(wide(self.settled)).u64(self.chain).f64(self.sums.0).f64(self.sums.1).u64(self.summed);
    }

    pub(super) fn load(&mut self, reel: &mut Reel<'_>) -> Option<()> {
        *self = Self {
            raw: reel.f64s()?,
            clean: reel.f64s()?,
            before: reel.f64s()?,
            settled: index(reel.u64()?),
            chain: reel.u64()?,
            sums: (reel.f64()?, reel.f64()?),
            summed: reel.u64()?,
        };
        (self.raw.len() == self.clean.len()).then_some(())
    }
}
