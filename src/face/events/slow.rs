//! Finds activity behind a sensor that rectifies and smooths by itself.
//!
//! The sensor's one pole is undone (`x + tau dx/dt`, the exact discrete form) as far as a 10 Hz low-pass lets noise
//! pass; activity is a shift of the mean of what comes out. That gives onset and corrected duration; the measured
//! duration is that of the smoothed signal itself, which lasts longer. A channel whose time constant is not known is
//! taken as it comes, and its true durations are only bounded.

use super::course::Course;
use super::hunt::Found;
use super::ring::Ring;
use crate::dsp::design::{Band, butterworth};
use crate::dsp::{Memory, Section};
use crate::emg::units::{count, float, length};
use crate::face::state::{Reel, Tape};

/// Edge of the low-pass, Hz, used where it lies below this share of the rate.
const EDGE_HZ: f64 = 10.0;
const USABLE: f64 = 0.3;
/// Independent values a second behind the low-pass: twice its noise bandwidth.
const NEWS_HZ: f64 = 22.2;
/// Shift of the mean, in standard deviations of rest, that is looked for, and that counts once it is found.
const LOUD: f64 = 3.0;
const FAINT: f64 = 2.5;
/// Evidence that raises the alarm and that ends it, nats; rest is not normal here, so it takes more than in `hunt`.
const ALARM: f64 = 8.0;
const CALM: f64 = 4.0;
/// Multiples of the standard deviation count no more than this.
const CAP: f64 = 8.0;
/// The smoothed signal has ended below this share of its peak, or this many standard deviations above rest.
const TAIL: f64 = 0.2;
const TAIL_SD: f64 = 3.0;
/// Share by which a sensor's time constant is uncertain: parts of 5-10 % each.
const TAU_SHARE: f64 = 0.15;
/// What an unknown sensor may add to a duration, seconds (poles of 2 Hz and more), and to the uncertainty of an onset.
const TAIL_WORST_S: f64 = 0.45;
const BLUR_WORST_S: f64 = 0.02;
/// What the low-pass adds to the uncertainty of an end, seconds.
const END_BLUR_S: f64 = 0.005;
/// Time constant of what is known of rest, time after which it is known, time until a row counts as quiet, seconds.
const MEMORY_S: f64 = 6.0;
const FIRST_S: f64 = 1.5;
const LAG_S: f64 = 0.4;
/// Activity without a pause for this long is the new rest, seconds.
const LONGEST_S: f64 = 30.0;
/// Time that is remembered, seconds.
const PAST_S: f64 = 1.0;

/// Mean and variance of a value while the channel is quiet.
#[derive(Clone, Copy, Debug, Default)]
struct Rest {
    seen: f64,
    mean: f64,
    variance: f64,
}

impl Rest {
    fn put(&mut self, value: f64, memory: f64) {
        self.seen = (self.seen + 1.0).min(memory);
        let (step, off) = (1.0 / self.seen, value - self.mean);
        self.mean += step * off;
        self.variance += step * (off * (value - self.mean) - self.variance);
    }

    fn save(&self, tape: &mut Tape) {
        tape.f64(self.seen).f64(self.mean).f64(self.variance);
    }

    fn load(reel: &mut Reel<'_>) -> Option<Self> {
        Some(Self { seen: reel.f64()?, mean: reel.f64()?, variance: reel.f64()? })
    }
}

/// Activity that goes on, or the sensor's tail behind it.
#[derive(Clone, Debug)]
struct Run {
    onset: u64,
    onset_sd: f64,
    /// Sum of shifts, and rows.
    sum: f64,
    rows: f64,
    course: Course,
    /// Where the activity itself ended, once it has.
    end: Option<u64>,
}

/// The detector of one channel.
#[derive(Clone, Debug)]
pub(super) struct Slow {
    rate_hz: f64,
    tau_s: f64,
    /// Smallest standard deviation that is believed: half a step of the converter.
    finest: f64,
    low: Option<Biquad>,
    last: f64,
    /// Undone and smoothed values.
    undone: Ring,
    rest: Rest,
    smooth: Rest,
    past: Ring,
    clear: u64,
    up: f64,
    since: u64,
    down: f64,
    calm: u64,
    run: Option<Run>,
}

impl Slow {
    /// A detector behind a sensor of this time constant (NaN where unknown) whose values are steps of `step`.
    pub(super) fn new(rate_hz: f64, tau_s: f64, step: f64) -> Self {
        let low = || butterworth(2, Band::LowPass(EDGE_HZ), rate_hz).into_iter().next();
        let past = length(PAST_S * rate_hz).max(16);
        Self {
            rate_hz,
            tau_s: if tau_s > 0.0 { tau_s } else { 0.0 },
            finest: 0.5 * step.abs(),
            low: (EDGE_HZ < USABLE * rate_hz).then(low).flatten().map(Biquad::new),
            last: 0.0,
            undone: Ring::new(past),
            rest: Rest::default(),
            smooth: Rest::default(),
            past: Ring::new(past),
            clear: 0,
            up: 0.0,
            since: 0,
            down: 0.0,
            calm: 0,
            run: None,
        }
    }

    pub(super) fn forget(&mut self) {
        (self.rest, self.smooth) = (Rest::default(), Rest::default());
    }

    /// Rows begin with this value.
    pub(super) fn begin(&mut self, value: f64) {
        self.low.iter_mut().for_each(|low| _ = low.start(value));
        self.last = value;
    }

    /// Takes a row that cannot be judged.
    pub(super) fn pass(&mut self, row: u64, value: f64) {
        self.feed(row, value);
        self.clear = row + 1;
        (self.up, self.since) = (0.0, row + 1);
    }

    /// Takes the next row; gives an event that ended.
    pub(super) fn row(&mut self, row: u64, value: f64) -> Option<Found> {
        let shift = self.feed(row, value);
        let lag = count(LAG_S * self.rate_hz);
        if self.run.is_none() && row >= self.clear + lag {
            let memory = (MEMORY_S * self.rate_hz).max(2.0);
            self.rest.put(self.undone.at(row - lag), memory);
            self.smooth.put(self.past.at(row - lag), memory);
        }
        if self.rest.seen < FIRST_S * self.rate_hz {
            return None;
        }
        let times = ((shift - self.rest.mean) / self.deviation()).clamp(-CAP, CAP);
        let found = self.tail(row);
        let is_active = self.run.as_ref().is_some_and(|run| run.end.is_none());
        if is_active { self.follow(row, times) } else { self.watch(row, times).or(found) }
    }

    /// The rows end, or a hole begins: how long what goes on would have lasted is not known.
    pub(super) fn cut(&mut self, row: u64) -> Option<Found> {
        let found = self.run.take().map(|run| {
            let mut found = self.found(&run, row.max(run.onset + 1));
            if run.end.is_none() {
                found.duration[2] = f64::INFINITY;
            }
            found
        });
        self.clear = row;
        (self.up, self.since) = (0.0, row);
        found
    }

    /// Onset and height of what goes on.
    pub(super) fn active(&self) -> Option<(u64, f64)> {
        self.run.as_ref().map(|run| (run.onset, run.course.top() - self.smooth.mean))
    }

    fn deviation(&self) -> f64 {
        self.rest.variance.sqrt().max(self.finest).max(f64::MIN_POSITIVE)
    }

    /// Delay of the low-pass, rows.
    fn delay(&self) -> f64 {
        let seconds = std::f64::consts::SQRT_2 / std::f64::consts::TAU / EDGE_HZ;
        if self.low.is_some() { seconds * self.rate_hz } else { 0.0 }
    }

    /// Independent values in a row.
    fn news(&self) -> f64 {
        if self.low.is_some() { NEWS_HZ / self.rate_hz } else { 1.0 }
    }

    fn feed(&mut self, row: u64, value: f64) -> f64 {
        let smooth = self.low.as_mut().map_or(value, |low| low.run(value));
        let kept = if self.tau_s > 0.0 { (-1.0 / (self.tau_s * self.rate_hz)).exp() } else { 0.0 };
        let undone = (smooth - kept * self.last) / (1.0 - kept);
        self.last = smooth;
        self.past.put(row, smooth);
        self.undone.put(row, undone);
        undone
    }

    fn watch(&mut self, row: u64, times: f64) -> Option<Found> {
        self.up += LOUD * (times - LOUD / 2.0);
        if self.up <= 0.0 {
            (self.up, self.since) = (0.0, row + 1);
        } else if self.up * self.news() > ALARM {
            let onset = self.cross(self.since, row);
            let found = self.run.take().map(|run| self.found(&run, onset.max(run.onset + 1)));
            let height = (self.undone.at(row) - self.rest.mean) / self.deviation();
            // The low-pass climbs over about its delay; noise moves the crossing by its share of the height.
            let onset_sd = (1.5 * self.delay().max(1.0) / height.max(1.0)).hypot(0.006 * self.rate_hz);
            let unknown = if self.tau_s > 0.0 { 0.0 } else { BLUR_WORST_S * self.rate_hz };
            let onset_sd = onset_sd.hypot(unknown);
            let mut course = Course::new(onset, self.rate_hz);
            (onset..=row).for_each(|row| course.put(row, self.past.at(row)));
            self.run = Some(Run { onset, onset_sd, sum: 0.0, rows: 0.0, course, end: None });
            (self.down, self.calm, self.up, self.since) = (0.0, row + 1, 0.0, row + 1);
            return found;
        }
        None
    }

    /// The row nearest to where the evidence begins at which half the height at `row` is passed for good.
    fn cross(&self, first: u64, row: u64) -> u64 {
        let oldest = (row + 1).saturating_sub(self.past.rows()).max(self.clear);
        let earliest = first.saturating_sub(count(2.0 * self.delay())).max(oldest);
        let half = f64::midpoint(self.undone.at(row), self.rest.mean);
        let is_above = |row: &u64| self.undone.at(*row) >= half;
        let begun = (first.max(earliest)..row).find(is_above).unwrap_or(row);
        (earliest..begun).rev().find(|row| !is_above(row)).map_or(earliest, |row| row + 1)
    }

    fn follow(&mut self, row: u64, times: f64) -> Option<Found> {
        self.down += FAINT * (FAINT / 2.0 - times);
        if self.down <= 0.0 {
            (self.down, self.calm) = (0.0, row + 1);
        }
        let (ended, smooth) = (self.down * self.news() > CALM, self.past.at(row));
        let half = 0.5 * self.run.as_ref().map_or(0.0, |run| run.sum / run.rows.max(1.0));
        let run = self.run.as_mut()?;
        run.course.put(row, smooth);
        if !ended {
            run.sum += times;
            run.rows += 1.0;
            let is_rest = float(row - run.onset) > LONGEST_S * self.rate_hz;
            if is_rest {
                let found = self.run.take().map(|run| self.found(&run, row));
                self.forget();
                self.clear = row + 1;
                return found;
            }
            return None;
        }
        let oldest = (row + 1).saturating_sub(self.undone.rows()).max(run.onset + 1);
        let level = self.rest.mean + half * self.rest.variance.sqrt().max(self.finest);
        let end =
            (oldest..self.calm).rev().find(|&row| self.undone.at(row) > level).map_or(oldest, |row| row + 1);
        run.end = Some(end);
        (self.up, self.since) = (0.0, row + 1);
        None
    }

    /// Ends an event when the sensor's tail has run out.
    fn tail(&mut self, row: u64) -> Option<Found> {
        let run = self.run.as_ref()?;
        run.end?;
        let over = self.past.at(row) - self.smooth.mean;
        let limit = (TAIL * (run.course.top() - self.smooth.mean)).max(TAIL_SD * self.smooth.variance.sqrt());
        if over > limit.max(self.finest) {
            return None;
        }
        let run = self.run.take()?;
        self.clear = row + 1;
        Some(self.found(&run, row.max(run.onset + 1)))
    }

    fn found(&self, run: &Run, end: u64) -> Found {
        let back = |row: u64| row.saturating_sub(count(self.delay()));
        let onset = back(run.onset);
        let end = back(end).max(onset + 1);
        let corrected = float(run.end.unwrap_or(end).saturating_sub(run.onset)).max(1.0);
        // The end lies in the tail of the low-pass besides.
        let end_sd = 1.5 * run.onset_sd + END_BLUR_S * self.rate_hz;
        let spread = 2.0 * run.onset_sd.hypot(end_sd).hypot(TAU_SHARE * self.tau_s * self.rate_hz);
        let duration = if self.tau_s > 0.0 {
            [(corrected - spread).max(0.0), corrected, corrected + spread]
        } else {
            let measured = float(end - onset);
            [(measured - TAIL_WORST_S * self.rate_hz).max(0.0), f64::NAN, measured]
        };
        let height = run.sum / run.rows.max(1.0);
        Found {
            onset,
            apex: back(run.course.apex()).clamp(onset, end - 1),
            end,
            top: run.course.top(),
            rest: self.smooth.mean,
            ratio: height * height,
            rise: run.course.rise(self.smooth.mean).unwrap_or(f64::NAN),
            onset_sd: run.onset_sd,
            end_sd,
            duration,
            bursts: run.course.bursts(self.smooth.mean),
        }
    }

    pub(super) fn save(&self, tape: &mut Tape) {
        self.low.iter().for_each(|low| low.save(tape));
        tape.f64(self.last);
        self.undone.save(tape);
        self.past.save(tape);
        self.rest.save(tape);
        self.smooth.save(tape);
        tape.u64(self.clear).f64(self.up).u64(self.since).f64(self.down).u64(self.calm);
        tape.u64(u64::from(self.run.is_some()));
        if let Some(run) = &self.run {
            tape.u64(run.onset).f64(run.onset_sd).f64(run.sum).f64(run.rows);
            tape.u64(run.end.map_or(0, |end| end + 1));
            run.course.save(tape);
        }
    }

    pub(super) fn load(&mut self, reel: &mut Reel<'_>) -> Option<()> {
        if let Some(low) = &mut self.low {
            low.load(reel)?;
        }
        self.last = reel.f64()?;
        self.undone.load(reel)?;
        self.past.load(reel)?;
        (self.rest, self.smooth) = (Rest::load(reel)?, Rest::load(reel)?);
        (self.clear, self.up, self.since) = (reel.u64()?, reel.f64()?, reel.u64()?);
        (self.down, self.calm) = (reel.f64()?, reel.u64()?);
        if reel.u64()? == 1 {
            let (onset, onset_sd, sum, rows) = (reel.u64()?, reel.f64()?, reel.f64()?, reel.f64()?);
            let end = reel.u64()?.checked_sub(1);
            self.run = Some(Run { onset, onset_sd, sum, rows, course: Course::load(reel)?, end });
        }
        Some(())
    }
}

/// One second-order section, direct form II transposed.
#[derive(Clone, Debug)]
struct Biquad {
    section: Section,
    memory: Memory,
}

impl Biquad {
    fn new(section: Section) -> Self {
        Self { section, memory: [0.0; 2] }
    }

    #[inline]
    fn run(&mut self, x: f64) -> f64 {
        let [b0, b1, b2, _, a1, a2] = self.section;
        let y = self.memory[0] + b0 * x;
        self.memory = [self.memory[1] + b1 * x - a1 * y, b2 * x - a2 * y];
        y
    }

    /// Takes the state that a constant input of `x` leads to; gives the constant output.
    fn start(&mut self, x: f64) -> f64 {
        let [b0, b1, b2, _, a1, a2] = self.section;
        let y = x * (b0 + b1 + b2) / (1.0 + a1 + a2);
        self.memory = [y - b0 * x, b2 * x - a2 * y];
        y
    }

    fn save(&self, tape: &mut Tape) {
        tape.f64(self.memory[0]).f64(self.memory[1]);
    }

    fn load(&mut self, reel: &mut Reel<'_>) -> Option<()> {
        self.memory = [reel.f64()?, reel.f64()?];
        Some(())
    }
}
