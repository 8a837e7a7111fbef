//! Stretches of one channel at a rail; short returns, as those of clipped hum, do not end one.

use crate::emg::Channel;
use crate::emg::units::{count, float};
use crate::face::quality::rail::Rail;
use crate::face::state::{Reel, Tape};
use std::ops::Range;

/// Rows at a rail that make a stretch, and rows away from it that end one, seconds.
const LEAST_S: f64 = 0.05;
const APART_S: f64 = 0.1;

/// One channel.
#[derive(Clone, Debug)]
pub(super) struct Railed {
    rail: Rail,
    /// First and last row of the stretch under way and its rows at the rail; none of them is 0 rows.
    first: u64,
    last: u64,
    rows: u64,
    rate_hz: f64,
}

impl Railed {
    pub(super) fn new(channel: &Channel) -> Self {
        Self { rail: Rail::new(channel), first: 0, last: 0, rows: 0, rate_hz: 0.0 }
    }

    /// Takes a row; gives a stretch that ended before it.
    #[inline]
    pub(super) fn take(&mut self, row: u64, value: f64, rate_hz: f64) -> Option<Range<u64>> {
        self.rate_hz = rate_hz;
        if self.rail.feed(value, rate_hz) {
            if self.rows == 0 {
                self.first = row;
            }
            self.last = row;
            self.rows += 1;
        } else if self.rows > 0 && float(row - self.last) > APART_S * rate_hz {
            return self.close();
        }
        None
    }

    /// Ends the stretch under way.
    pub(super) fn close(&mut self) -> Option<Range<u64>> {
        let stretch = self.open();
        self.rows = 0;
        stretch
    }

    /// The stretch under way, once it is long enough.
    pub(super) fn open(&self) -> Option<Range<u64>> {
        let least = count(LEAST_S * self.rate_hz).max(2);
        (self.rows >= least).then_some(self.first..self.last + 1)
    }

    pub(super) fn save(&self, tape: &mut Tape) {
        self.rail.save(tape);
        tape.u64(self.first).u64(self.last).u64(self.rows).f64(self.rate_hz);
    }

    pub(super) fn load(&mut self, reel: &mut Reel<'_>) -> Option<()> {
        self.rail.load(reel)?;
        (self.first, self.last, self.rows) = (reel.u64()?, reel.u64()?, reel.u64()?);
        self.rate_hz = reel.f64()?;
        Some(())
    }
}
