//! How an envelope went from an event's onset on, in a bounded number of points: apex, rise, bursts.

use crate::emg::units::{float, length, wide};
use crate::face::state::{Reel, Tape};

/// Points beyond which every second one is dropped.
const POINTS: usize = 800;
/// Time between points at first, seconds.
const STEP_S: f64 = 0.005;
/// Time over which bursts are smoothed, points of 5 ms; coarser courses have no bursts.
const SMOOTH: usize = 8;

/// Points of an envelope at equal distances, the first at the onset.
#[derive(Clone, Debug)]
pub(super) struct Course {
    /// Rows between points, now and at first.
    step: u64,
    finest: u64,
    /// Row of the next point.
    next: u64,
    values: Vec<f64>,
    /// Greatest value of any row, and the row.
    top: f64,
    apex: u64,
}

impl Course {
    pub(super) fn new(onset: u64, rate_hz: f64) -> Self {
        let step = wide(length(STEP_S * rate_hz)).max(1);
        Self { step, finest: step, next: onset, values: Vec::new(), top: 0.0, apex: onset }
    }

    /// Takes the next row's value.
    #[inline]
    pub(super) fn put(&mut self, row: u64, value: f64) {
        if value > self.top {
            (self.top, self.apex) = (value, row);
        }
        if row >= self.next {
            self.keep(value);
        }
    }

    fn keep(&mut self, value: f64) {
        self.values.push(value);
        if self.values.len() >= POINTS {
            let mut at = 0;
            self.values.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.step *= 2;
        }
        self.next += self.step;
    }

    /// Greatest value.
    pub(super) fn top(&self) -> f64 {
        self.top
    }

    /// Row of the greatest value.
    pub(super) fn apex(&self) -> u64 {
        self.apex
    }

    /// Rows from 10 % to 90 % of the height above `rest`; none where that is less than a step.
    pub(super) fn rise(&self, rest: f64) -> Option<f64> {
        let first = |share: f64| {
            let level = rest + share * (self.top - rest);
            let at = self.values.iter().position(|&value| value >= level)?;
            let before = at.checked_sub(1).and_then(|before| self.values.get(before));
            let back = before.map_or(0.0, |&before| (self.values[at] - level) / (self.values[at] - before));
            Some(float(self.step) * (float(wide(at)) - back))
        };
        first(0.9).zip(first(0.1)).map(|(high, low)| high - low).filter(|rows| *rows > 0.0)
    }

    /// How often it swelled: peaks of at least a quarter of the greatest between which it fell to half or less.
    pub(super) fn bursts(&self, rest: f64) -> u32 {
        if self.step > self.finest {
            return 0;
        }
        let smooth: Vec<f64> =
            self.values.windows(SMOOTH).map(|w| w.iter().sum::<f64>() / 8.0 - rest).collect();
        let top = smooth.iter().copied().fold(0.0, f64::max);
        let (mut bursts, mut rising, mut turn) = (0, true, 0.0_f64);
        for value in smooth {
            if rising {
                turn = turn.max(value);
                if value < 0.5 * turn && turn > 0.25 * top {
                    (bursts, rising, turn) = (bursts + 1, false, value);
                }
            } else {
                turn = turn.min(value);
                if value > 2.0 * turn.max(0.0) && value > 0.25 * top {
                    (rising, turn) = (true, value);
                }
            }
        }
        bursts + u32::from(rising && turn > 0.25 * top)
    }

    pub(super) fn save(&self, tape: &mut Tape) {
        tape.u64(self.step).u64(self.finest).u64(self.next).f64s(self.values.iter());
        tape.f64(self.top).u64(self.apex);
    }

    pub(super) fn load(reel: &mut Reel<'_>) -> Option<Self> {
        let (step, finest, next) = (reel.u64()?.max(1), reel.u64()?, reel.u64()?);
        Some(Self { step, finest, next, values: reel.f64s()?, top: reel.f64()?, apex: reel.u64()? })
    }
}
