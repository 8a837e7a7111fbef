//! Where one channel's raw signal rests, and whether it left that place.
//!
//! Means of 100 ms hold whole cycles of both mains and next to nothing of a muscle. They are compared with a resting
//! place that follows slow drift and stands still while a movement is under way.

use crate::emg::Channel;
use crate::emg::units::{float, float_len};
use crate::face::state::{Reel, Tape};
use std::collections::VecDeque;

/// Steps in a mean of the baseline.
const MEAN_STEPS: usize = 5;
/// How fast the resting place follows, seconds, and how fast the usual unrest is learned.
const FOLLOW_S: f64 = 1.0;
const LEARN_S: f64 = 10.0;
/// So many times its usual unrest away, a baseline is out; within half of that it is back.
const OUT: f64 = 8.0;
/// ... and never fewer steps of the converter than this.
const STEPS: f64 = 8.0;
/// A jump: within two steps, and the two steps before and after it move less than this share of it.
const ASIDE: f64 = 0.35;
/// Nothing stands out before it is known from so many steps what is usual; from then on,
/// of unrest beyond so many times the usual, no more is learned.
const KNOWN_STEPS: u64 = 50;
const UNUSUAL: f64 = 3.0;
/// A baseline that stays within a quarter of the limit for so many steps has a new resting place.
const AT_REST_STEPS: usize = 15;
const AT_REST: f64 = 0.25;

/// What a step showed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) is_out: bool,
    pub(super) is_still_out: bool,
    /// Two steps ago it jumped.
    pub(super) jumped: bool,
}

/// One channel's baseline, in raw steps.
#[derive(Clone, Debug)]
pub(super) struct Baseline {
    /// The converter's step where it counts, else 0.
    quantum: f64,
    sum: f64,
    rows: u64,
    /// Means of the latest steps, and of the latest 100 ms.
    steps: VecDeque<f64>,
    means: VecDeque<f64>,
    /// Where it rests; NaN while unknown.
    place: f64,
    /// How far from there it usually is, and how far it usually jumps.
    unrest: f64,
    jitter: f64,
    /// Steps this was learned from.
    learned: u64,
}

impl Baseline {
    pub(super) fn new(channel: &Channel) -> Self {
        Self {
            quantum: if channel.adc_bits > 0 { 1.0 } else { 0.0 },
            sum: 0.0,
            rows: 0,
            steps: VecDeque::new(),
            means: VecDeque::new(),
            place: f64::NAN,
            unrest: 0.0,
            jitter: 0.0,
            learned: 0,
        }
    }

    /// Forgets the place, keeps what is usual.
    pub(super) fn restart(&mut self) {
        (self.sum, self.rows, self.place) = (0.0, 0, f64::NAN);
        self.steps.clear();
        self.means.clear();
    }

    #[inline]
    pub(super) fn take<'a>(&mut self, values: impl Iterator<Item = &'a f64>) {
        for value in values {
            self.sum += value;
            self.rows += 1;
        }
    }

    /// A step ended; `held` while a movement is under way.
    pub(super) fn step(&mut self, held: bool, step_s: f64) -> Seen {
        let mean = self.sum / float(self.rows);
        (self.sum, self.rows) = (0.0, 0);
        if !mean.is_finite() {
            self.restart();
            return Seen::default();
        }
        self.steps.push_back(mean);
        self.steps.drain(..self.steps.len().saturating_sub(2 * MEAN_STEPS));
        let Some(jump) = self.jump() else { return Seen::default() };
        let latest = self.steps.iter().rev().take(MEAN_STEPS);
        let now = latest.sum::<f64>() / float_len(MEAN_STEPS);
        self.means.push_back(now);
        self.means.drain(..self.means.len().saturating_sub(AT_REST_STEPS + 1));
        if self.place.is_nan() {
            self.place = now;
        }
        let away = (now - self.place).abs();
        let limit = (OUT * self.unrest).max(STEPS * self.quantum);
        let jump_limit = (OUT * self.jitter).max(limit / 2.0);
        // Nothing is out before it is known what is usual.
        let is_out = self.learned >= KNOWN_STEPS && away > limit;
        let seen = Seen {
            is_out,
            is_still_out: is_out || away > limit / 2.0,
            jumped: self.learned >= KNOWN_STEPS && jump > jump_limit,
        };
        if held {
            self.resettle(now, limit);
        } else {
            self.follow(now, away, jump, step_s);
        }
        seen
    }

    /// How far the baseline went within two steps, two steps ago, where it went nowhere before and after; 0 where it
    /// did. None while there are too few steps.
    fn jump(&self) -> Option<f64> {
        let back = |steps: usize| self.steps.len().checked_sub(1 + steps).map(|at| self.steps[at]);
        let (before, jump, after) = (back(4)? - back(6)?, back(2)? - back(4)?, back(0)? - back(2)?);
        let aside = before.abs().max(after.abs());
        Some(if aside < ASIDE * jump.abs() { jump.abs() } else { 0.0 })
    }

    fn follow(&mut self, now: f64, away: f64, jump: f64, step_s: f64) {
        self.place += (now - self.place) * (step_s / FOLLOW_S).min(1.0);
        let pace = (step_s / LEARN_S).max(1.0 / float(self.learned + 1)).min(1.0);
        let is_known = self.learned >= KNOWN_STEPS;
        let learn = |usual: f64, value: f64| {
            let value = if is_known { value.min(UNUSUAL * usual) } else { value };
            usual + pace * (value - usual)
        };
        self.unrest = learn(self.unrest, away);
        self.jitter = learn(self.jitter, jump);
        self.learned += 1;
    }

    /// Takes a new place that the baseline keeps.
    fn resettle(&mut self, now: f64, limit: f64) {
        let (low, high) =
            self.means.iter().fold((now, now), |(low, high), &mean| (low.min(mean), high.max(mean)));
        if self.means.len() > AT_REST_STEPS && high - low < AT_REST * limit {
            self.place = now;
        }
    }

    pub(super) fn save(&self, tape: &mut Tape) {
        tape.f64(self.sum).u64(self.rows).f64(self.place).f64(self.unrest).f64(self.jitter);
        tape.u64(self.learned);
        tape.f64s(self.steps.iter()).f64s(self.means.iter());
    }

    pub(super) fn load(&mut self, reel: &mut Reel<'_>) -> Option<()> {
        (self.sum, self.rows) = (reel.f64()?, reel.u64()?);
        (self.place, self.unrest, self.jitter) = (reel.f64()?, reel.f64()?, reel.f64()?);
        self.learned = reel.u64()?;
        (self.steps, self.means) = (reel.f64s()?, reel.f64s()?);
        Some(())
    }
}
