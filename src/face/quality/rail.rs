//! Where a channel ends: the converter's rails, and the sensor's own below them.
//!
//! The converter's are known from its resolution. An envelope sensor's lies wherever its supply ends and is learned: a
//! plateau that a fluctuating signal reaches again and again and never passes. Fed row by row, also by `artefacts`.

use super::second::top;
use crate::emg::units::length;
use crate::emg::{Channel, Kind};
use crate::face::state::{Reel, Tape};

/// A plateau lasts so long and so many rows at least; a muscle's envelope fluctuates by a tenth within that.
const PLATEAU_S: f64 = 0.1;
const PLATEAU_ROWS: usize = 10;
/// So many plateaus of one height are a rail.
const SIGHTINGS: u64 = 2;
/// Below so many of the converter's steps above the lowest value, nothing is a rail.
const RANGE_STEPS: f64 = 50.0;

/// One channel's rails.
#[derive(Clone, Debug)]
pub(in crate::face) struct Rail {
    /// The converter's, infinite where not known.
    bottom: f64,
    top: f64,
    /// Whether the sensor may have one of its own.
    learns: bool,
    /// Smallest change seen, the lowest and the highest value.
    step: f64,
    low: f64,
    high: f64,
    last: f64,
    /// Height of the present plateau and its rows so far.
    plateau: (f64, u64),
    /// Height of the plateaus that were seen, how many, and whether the signal came down since the last.
    height: f64,
    sightings: u64,
    is_down: bool,
}

impl Rail {
    pub(in crate::face) fn new(channel: &Channel) -> Self {
        let known = top(channel);
        // Signals that were rectified rest at the lower end.
        let bottom = known.filter(|_| channel.kind == Kind::Raw).map_or(f64::NEG_INFINITY, |_| 0.0);
        let judged = !matches!(channel.kind, Kind::Aux | Kind::Trigger);
        Self {
            bottom: if judged { bottom } else { f64::NEG_INFINITY },
            top: known.filter(|_| judged).unwrap_or(f64::INFINITY),
            learns: matches!(channel.kind, Kind::Envelope | Kind::Rectified),
            step: f64::INFINITY,
            low: f64::INFINITY,
            high: f64::NEG_INFINITY,
            last: f64::NAN,
            plateau: (f64::NAN, 0),
            height: f64::NAN,
            sightings: 0,
            is_down: true,
        }
    }

    /// Takes the next value and says whether it is at a rail; a missing value is at none.
    #[inline]
    pub(in crate::face) fn feed(&mut self, value: f64, rate_hz: f64) -> bool {
        if !value.is_finite() {
            self.plateau = (f64::NAN, 0);
            return false;
        }
        let change = (value - self.last).abs();
        if change > 0.0 && change < self.step {
            self.step = change;
        }
        self.last = value;
        if self.learns {
            self.learn(value, rate_hz);
        }
        value >= self.top || value <= self.bottom || self.is_learned() && value >= self.height - self.step
    }

    /// The smallest change seen, in raw steps; infinite before any.
    pub(in crate::face) fn step(&self) -> f64 {
        self.step
    }

    fn is_learned(&self) -> bool {
        self.sightings >= SIGHTINGS
    }

    fn learn(&mut self, value: f64, rate_hz: f64) {
        self.low = self.low.min(value);
        self.high = self.high.max(value);
        if value > self.height + 2.0 * self.step {
            // No rail is passed.
            (self.height, self.sightings, self.is_down) = (f64::NAN, 0, true);
        }
        if self.height.is_finite() && value < f64::midpoint(self.low, self.height) {
            self.is_down = true;
        }
        // Written so that a plateau of NaN ends.
        if (value - self.plateau.0).abs() <= self.step {
            self.plateau.1 += 1;
        } else {
            self.plateau = (value, 1);
        }
        let long = length(PLATEAU_S * rate_hz).max(PLATEAU_ROWS);
        let at_the_top = self.plateau.0 >= self.high - self.step;
        let high_up = self.high - self.low >= RANGE_STEPS * self.step;
        if self.plateau.1 == crate::emg::units::wide(long) && at_the_top && high_up && self.is_down {
            self.height = self.plateau.0;
            self.sightings += 1;
            self.is_down = false;
        }
    }

    pub(in crate::face) fn save(&self, tape: &mut Tape) {
        let Self { step, low, high, last, plateau, height, sightings, is_down, .. } = self;
        tape.f64(*step).f64(*low).f64(*high).f64(*last).f64(plateau.0).u64(plateau.1).f64(*height);
        tape.u64(*sightings).u64(u64::from(*is_down));
    }

    pub(in crate::face) fn load(&mut self, reel: &mut Reel<'_>) -> Option<()> {
        (self.step, self.low, self.high, self.last) = (reel.f64()?, reel.f64()?, reel.f64()?, reel.f64()?);
        (self.plateau, self.height) = ((reel.f64()?, reel.u64()?), reel.f64()?);
        (self.sightings, self.is_down) = (reel.u64()?, reel.u64()? != 0);
        Some(())
    }
}
