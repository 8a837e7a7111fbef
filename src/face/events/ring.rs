//! The recent past of a channel, by rows of the recording, and the two change points that are looked for in it.

use crate::emg::units::{float, index, wide};
use crate::face::state::{Reel, Tape};

/// The latest values of a channel.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    values: Vec<f64>,
}

impl Ring {
    /// Room for at least this many rows.
    pub(super) fn new(rows: usize) -> Self {
        Self { values: vec![0.0; rows.next_power_of_two()] }
    }

    /// How many rows it remembers.
    pub(super) fn rows(&self) -> u64 {
        wide(self.values.len())
    }

    #[inline]
    pub(super) fn put(&mut self, row: u64, value: f64) {
        let at = self.place(row);
        self.values[at] = value;
    }

    #[inline]
    pub(super) fn at(&self, row: u64) -> f64 {
        self.values[self.place(row)]
    }

    /// Its length is a power of two.
    #[inline]
    fn place(&self, row: u64) -> usize {
        index(row) & (self.values.len() - 1)
    }

    /// Values of rows that are remembered.
    pub(super) fn copy(&self, rows: std::ops::Range<u64>) -> Vec<f64> {
        rows.map(|row| self.at(row)).collect()
    }

    pub(super) fn save(&self, tape: &mut Tape) {
        tape.f64s(self.values.iter());
    }

    pub(super) fn load(&mut self, reel: &mut Reel<'_>) -> Option<()> {
        let values: Vec<f64> = reel.f64s()?;
        (values.len() == self.values.len()).then(|| self.values = values)
    }
}

/// The row in `first..=last` from which on power is most likely greater than at rest: the change of a variance to an
/// unknown one that lasts until `last` (the AGLR step of Staude 2001). `power` gives the power of a row as a multiple of
/// rest.
pub(super) fn rise(first: u64, last: u64, power: impl Fn(u64) -> f64) -> u64 {
    let (mut sum, mut best, mut place) = (0.0, 0.0, last);
    for row in (first..=last).rev() {
        sum += power(row);
        let rows = float(last - row + 1);
        let mean = sum / rows;
        if mean > 1.0 {
            let gain = rows * (mean - 1.0 - mean.ln());
            if gain > best {
                (best, place) = (gain, row);
            }
        }
    }
    place
}

/// Goes back from a change point over rows that are weaker than what follows but stronger than rest: muscles do not
/// start at once. `ratio` is the weakest power, as a multiple of rest, that is still looked for.
pub(super) fn foot(first: u64, from: u64, ratio: f64, power: impl Fn(u64) -> f64) -> u64 {
    let (gain, bar) = (1.0 - 1.0 / ratio, ratio.ln());
    let (mut sum, mut best, mut place) = (0.0, 0.0, from);
    for row in (first..from).rev() {
        sum += gain * power(row) - bar;
        if sum > best {
            (best, place) = (sum, row);
        }
    }
    place
}

/// The row in `first..=last` from which on power has most likely fallen from `level` times rest to rest, or to the
/// fiftieth part of it: what filters let ring after a loud end is less than that.
pub(super) fn fall(first: u64, last: u64, level: f64, power: impl Fn(u64) -> f64) -> u64 {
    let low = (level / 50.0).max(1.0);
    let (gain, bar) = (1.0 / low - 1.0 / level, (level / low).ln());
    let (mut sum, mut best, mut place) = (0.0, 0.0, last);
    for row in (first..last).rev() {
        sum += bar - gain * power(row);
        if sum > best {
            (best, place) = (sum, row);
        }
    }
    place
}
