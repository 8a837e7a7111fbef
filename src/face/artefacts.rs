//! Rules that reject stretches: movement of head or cables, and rails. They reject and never repair.
//!
//! Movement is judged in raw signals only, where it displaces the baselines of many channels at once: muscles have
//! nothing to say below 5 Hz. An envelope sensor keeps its baseline to itself; there only rails are found. The rule of
//! Künecke et al. (2014), range over 50 ms above 3 SD of the session, is not used: it needs the whole session first and
//! rejects every strong contraction. Blink, swallow and speech are muscles and belong to `events`.

use super::observe::{Findings, Look};
use super::state::{Reel, Tape};
use crate::emg::units::{count, float, index, wide};
use crate::emg::{Artefact, Channel, Kind, artefact};
use baseline::Baseline;
use railed::Railed;
use std::collections::VecDeque;
use std::ops::Range;

mod baseline;
mod railed;

/// Rule: the head moved, or the skin under the electrodes.
pub const MOTION: &str = "motion";
/// Rule: all baselines jumped at once, a cable or plug.
pub const CABLE: &str = "cable";
/// Rule: values at the converter's or the sensor's rail.
pub const SATURATION: &str = "saturation";

/// What is said of rows older than this, seconds, does not change any more.
pub const SETTLED_S: f64 = 0.25;

/// Baselines are looked at in steps of this, seconds: a whole cycle of 50 Hz.
const STEP_S: f64 = 0.02;
/// A movement begins so long before it stands out, seconds.
const EARLIER_S: f64 = 0.1;
/// It ends after so many quiet steps.
const QUIET_STEPS: u64 = 5;
/// Of the channels with a baseline at least so many move together, half of all where there are more.
const TOGETHER: usize = 3;
/// Closed spans that are remembered for questions.
const REMEMBERED: usize = 64;

/// A movement under way.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Movement {
    onset: u64,
    is_cable: bool,
    quiet: u64,
}

/// Rules that reject stretches.
#[derive(Clone, Debug)]
pub struct Artefacts {
    rate_hz: f64,
    /// Rows of a step and those seen of the present one; steps are counted from row 0.
    step: u64,
    /// The row expected next.
    next: u64,
    /// One for each channel; none for those without a baseline.
    baselines: Vec<Option<Baseline>>,
    railed: Vec<Railed>,
    movement: Option<Movement>,
    closed: VecDeque<(Range<u64>, u64)>,
}

impl Artefacts {
    /// Before the first row.
    #[must_use]
    pub fn new(channels: &[Channel]) -> Self {
        let baseline = |channel: &Channel| (channel.kind == Kind::Raw).then(|| Baseline::new(channel));
        Self {
            rate_hz: 0.0,
            step: 1,
            next: 0,
            baselines: channels.iter().map(baseline).collect(),
            railed: channels.iter().map(Railed::new).collect(),
            movement: None,
            closed: VecDeque::new(),
        }
    }

    /// Takes the next rows.
    pub fn look(&mut self, look: &Look<'_>, found: &mut Findings) {
        if look.rate_hz.to_bits() != self.rate_hz.to_bits() || look.sample != self.next {
            self.restart(look, found);
        }
        let rows = look.rows();
        let mut at = 0;
        while at < rows {
            let row = look.sample + wide(at);
            let left = self.step - row % self.step;
            let until = at + index(left).min(rows - at);
            self.take(look, at..until, found);
            at = until;
            self.next = look.sample + wide(at);
            if self.next.is_multiple_of(self.step) {
                self.judge(found);
            }
        }
    }

    /// The recording ends at `row`.
    pub fn finish(&mut self, row: u64, found: &mut Findings) {
        self.end_movement(row, found);
        for channel in 0..self.railed.len() {
            let span = self.railed[channel].close();
            self.tell_rail(channel, span, found);
        }
    }

    /// Whether a rule rejects any of these rows of a channel, also one whose stretch has not ended. What is said of
    /// rows older than [`SETTLED_S`] stays so, whatever comes and however it is cut; of movements the last 64 are known.
    #[must_use]
    pub fn covers(&self, channel: usize, rows: &Range<u64>) -> bool {
        let meets = |span: &Range<u64>| span.start < rows.end && rows.start < span.end;
        let has_baseline = self.baselines.get(channel).is_some_and(Option::is_some);
        let moves = self.movement.is_some_and(|movement| meets(&(movement.onset..u64::MAX)));
        let rail = self.railed.get(channel).and_then(Railed::open);
        let bit = artefact::bit(channel).unwrap_or(0);
        has_baseline && moves
            || rail.is_some_and(|span| meets(&span))
            || self.closed.iter().any(|(span, channels)| channels & bit != 0 && meets(span))
    }

    /// Puts down what is carried on.
    pub fn save(&self, tape: &mut Tape) {
        tape.f64(self.rate_hz).u64(self.step).u64(self.next);
        self.baselines.iter().flatten().for_each(|baseline| baseline.save(tape));
        self.railed.iter().for_each(|railed| railed.save(tape));
        let movement = self.movement.unwrap_or(Movement { onset: u64::MAX, is_cable: false, quiet: 0 });
        tape.u64(movement.onset).u64(u64::from(movement.is_cable)).u64(movement.quiet);
        tape.u64(wide(self.closed.len()));
        for (span, channels) in &self.closed {
            tape.u64(span.start).u64(span.end).u64(*channels);
        }
    }

    /// Takes up what was put down.
    pub fn load(&mut self, reel: &mut Reel<'_>) -> Option<()> {
        (self.rate_hz, self.step, self.next) = (reel.f64()?, reel.u64()?.max(1), reel.u64()?);
        self.baselines.iter_mut().flatten().try_for_each(|baseline| baseline.load(reel))?;
        self.railed.iter_mut().try_for_each(|railed| railed.load(reel))?;
        let movement = Movement { onset: reel.u64()?, is_cable: reel.u64()? != 0, quiet: reel.u64()? };
        self.movement = (movement.onset != u64::MAX).then_some(movement);
        self.closed.clear();
        for _ in 0..reel.u64()? {
            self.closed.push_back((reel.u64()?..reel.u64()?, reel.u64()?));
        }
        Some(())
    }

    /// Another rate, or rows that do not follow.
    fn restart(&mut self, look: &Look<'_>, found: &mut Findings) {
        let row = look.sample.min(self.next);
        self.finish(row, found);
        self.rate_hz = look.rate_hz;
        self.step = count(STEP_S * look.rate_hz).max(1);
        self.next = look.sample;
        self.baselines.iter_mut().flatten().for_each(Baseline::restart);
    }

    /// Rows of one step.
    fn take(&mut self, look: &Look<'_>, rows: Range<usize>, found: &mut Findings) {
        let raw = &look.raw[rows.start * look.channels..rows.end * look.channels];
        for channel in 0..self.railed.len() {
            let values = raw.iter().skip(channel).step_by(look.channels);
            if let Some(baseline) = &mut self.baselines[channel] {
                baseline.take(values.clone());
            }
            for (row, &value) in (look.sample + wide(rows.start)..).zip(values) {
                let span = self.railed[channel].take(row, value, look.rate_hz);
                if span.is_some() {
                    self.tell_rail(channel, span, found);
                }
            }
        }
    }

    /// At the end of a step: whether baselines moved together.
    fn judge(&mut self, found: &mut Findings) {
        let with_baseline = self.baselines.iter().flatten().count();
        let together = with_baseline.div_ceil(2).max(TOGETHER.min(with_baseline)).max(1);
        let held = self.movement.is_some();
        let step_s = float(self.step) / self.rate_hz;
        let (mut out, mut still_out, mut jumped) = (0, 0, 0);
        for baseline in self.baselines.iter_mut().flatten() {
            let seen = baseline.step(held, step_s);
            out += usize::from(seen.is_out);
            still_out += usize::from(seen.is_still_out);
            jumped += usize::from(seen.jumped);
        }
        if with_baseline > 0 && out >= together {
            let earlier = count(EARLIER_S * self.rate_hz) + self.step;
            let onset = self.next.saturating_sub(earlier);
            self.movement.get_or_insert(Movement { onset, is_cable: false, quiet: 0 });
        }
        if let Some(movement) = &mut self.movement {
            movement.is_cable |= jumped >= together;
            movement.quiet = if 2 * still_out >= together { 0 } else { movement.quiet + 1 };
            if movement.quiet >= QUIET_STEPS {
                self.end_movement(self.next, found);
            }
        }
    }

    fn end_movement(&mut self, end: u64, found: &mut Findings) {
        if let Some(movement) = self.movement.take() {
            let with_baseline = self.baselines.iter().enumerate().filter(|(_, baseline)| baseline.is_some());
            let channels = with_baseline.filter_map(|(channel, _)| artefact::bit(channel)).sum();
            let rule = if movement.is_cable { CABLE } else { MOTION };
            self.tell(movement.onset..end, channels, rule, found);
        }
    }

    fn tell_rail(&mut self, channel: usize, span: Option<Range<u64>>, found: &mut Findings) {
        if let (Some(span), Some(bit)) = (span, artefact::bit(channel)) {
            self.tell(span, bit, SATURATION, found);
        }
    }

    fn tell(&mut self, span: Range<u64>, channels: u64, rule: &str, found: &mut Findings) {
        if span.is_empty() {
            return;
        }
        let Range { start: onset, end } = span;
        found.artefacts.push(Artefact { onset, end, channels, rule: rule.to_owned(), ..Artefact::default() });
        self.closed.push_back((span, channels));
        self.closed.drain(..self.closed.len().saturating_sub(REMEMBERED));
    }
}

#[cfg(test)]
mod tests;
