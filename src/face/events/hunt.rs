//! Finds activity in a muscle's own voltage, row by row.
//!
//! A cumulative sum of log-likelihood ratios (Page 1954) of "six times the power of rest" against "rest" raises the
//! alarm; a second one, of rest against 2.5 times its power, ends it: two thresholds, each with the time it takes to be
//! sure. Onset and end are then placed at the likeliest change of power and moved back by the filters' delay.

use super::course::Course;
use super::floor::{Floor, Turn};
use super::ring::{Ring, fall, foot, rise};
use super::weigh::Weighting;
use crate::dsp::Section;
use crate::emg::units::{count, float, length};
use crate::face::state::{Reel, Tape};

/// Evidence for activity at which the alarm is raised, nats: at rest once in tens of minutes.
const ALARM: f64 = 10.6;
/// Evidence for rest at which activity has ended, nats.
const CALM: f64 = 6.7;
/// Power, as a multiple of rest, that is looked for, and that counts as activity once it is found.
const LOUD: f64 = 6.0;
const FAINT: f64 = 2.5;
/// Multiples of rest count no more than this, so that one spike is no event.
const CAP: f64 = 16.0;
/// What a value may teach about the mains, standard deviations of rest.
const HUM_LIMIT: f64 = 2.5;
/// The first and last rows of a muscle's activity drown in rest: so many standard uncertainties of it, in the
/// simulations that gave those.
const DROWNED: f64 = 0.4;
/// Edge of the envelope, Hz: that of the file's envelope, so that both show the same peaks.
pub(super) const ENVELOPE_HZ: f64 = 20.0;
/// Time that is remembered, seconds.
const PAST_S: f64 = 0.5;

/// An event as one channel shows it; rows of the signal before any filter.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Found {
    pub(super) onset: u64,
    pub(super) apex: u64,
    pub(super) end: u64,
    /// Greatest value of the envelope, and its mean at rest.
    pub(super) top: f64,
    pub(super) rest: f64,
    /// Power over that of rest.
    pub(super) ratio: f64,
    /// From 10 % to 90 % of the peak, rows; NaN where unknown.
    pub(super) rise: f64,
    /// Standard uncertainty of onset and end, rows.
    pub(super) onset_sd: f64,
    pub(super) end_sd: f64,
    /// Duration without the sensor's smoothing, with its interval, rows.
    pub(super) duration: [f64; 3],
    /// Swells of the envelope.
    pub(super) bursts: u32,
}

/// Numbers of rows that depend on the rate.
#[derive(Clone, Debug)]
struct Rows {
    /// After an alarm until the onset is placed.
    wait: u64,
    /// Until a row counts as quiet.
    lag: u64,
    /// Before the first evidence that an onset may lie.
    back: u64,
    /// Before an onset that is weaker than it.
    foot: u64,
    /// That measure the power at onset and end.
    local: u64,
}

/// Activity that goes on.
#[derive(Clone, Debug)]
struct Run {
    alarm: u64,
    /// Where its onset is, once placed.
    placed: Option<Place>,
    course: Course,
    /// Sum of powers since the alarm.
    sum: f64,
}

/// A change point: the row after filters, the delay of those, its standard uncertainty.
#[derive(Clone, Copy, Debug)]
struct Place {
    row: u64,
    delay: f64,
    sd: f64,
}

/// The detector of one channel.
#[derive(Clone, Debug)]
pub(super) struct Hunt {
    rate_hz: f64,
    rows: Rows,
    weigh: Option<Weighting>,
    news: f64,
    /// What a value may teach about the mains.
    hum_limit: f64,
    /// Weighed values and the envelope.
    past: Ring,
    envelope: Ring,
    floor: Floor,
    /// Evidence at which the alarm is raised, on the scale of `up`.
    alarm: f64,
    /// First settled row, or the row after the latest event.
    clear: u64,
    /// Evidence for activity, and the row from which on there is any.
    up: f64,
    since: u64,
    /// Evidence for rest, and the row from which on there is any.
    down: f64,
    calm: u64,
    run: Option<Run>,
}

impl Hunt {
    /// A detector at a rate; a signal that its sensor rectified already is not weighed, for its spectrum is lost.
    pub(super) fn new(rate_hz: f64, rectified: bool) -> Self {
        let of = |seconds: f64| count(seconds * rate_hz).max(1);
        let weigh = (!rectified).then(|| Weighting::new(rate_hz));
        let news = weigh.as_ref().map_or(1.0, |weigh| weigh.news);
        let past = length(PAST_S * rate_hz);
        Self {
            rate_hz,
            rows: Rows { wait: of(0.03), lag: of(0.15), back: of(0.06), foot: of(0.02), local: of(0.012) },
            news,
            weigh,
            hum_limit: f64::INFINITY,
            past: Ring::new(past),
            envelope: Ring::new(past),
            floor: Floor::new(rate_hz, news),
            alarm: ALARM / news,
            clear: 0,
            up: 0.0,
            since: 0,
            down: 0.0,
            calm: 0,
            run: None,
        }
    }

    /// Forgets what rest was: another filter runs.
    pub(super) fn forget(&mut self) {
        self.floor = Floor::new(self.rate_hz, self.news);
    }

    /// The channel is cleaned by these sections from now on.
    pub(super) fn listen(&mut self, chain: &[Section]) {
        self.weigh.iter_mut().for_each(|weigh| weigh.listen(chain));
    }

    /// Takes a row that cannot be judged, because filters settle.
    pub(super) fn pass(&mut self, row: u64, band: f64, envelope: f64) {
        self.feed(row, band, envelope);
        self.clear = row + 1;
        (self.up, self.since) = (0.0, row + 1);
    }

    /// Takes the next row; gives an event that ended.
    #[inline]
    pub(super) fn row(&mut self, row: u64, band: f64, envelope: f64) -> Option<Found> {
        let power = self.feed(row, band, envelope);
        if self.run.is_none() && row >= self.clear + self.rows.lag {
            let quiet = row - self.rows.lag;
            let value = self.past.at(quiet);
            self.floor.quiet(value * value, self.envelope.at(quiet));
        }
        let turn = self.floor.any(power, self.news);
        let rest = self.floor.power();
        if turn != Turn::None {
            self.alarm = ALARM * self.floor.restlessness(self.news) / self.news;
            self.hum_limit = if rest > 0.0 { HUM_LIMIT * rest.sqrt() } else { f64::INFINITY };
        }
        let raised = turn == Turn::Raised;
        if rest <= 0.0 {
            return None;
        }
        let times = (power / rest).min(CAP);
        if self.run.is_none() {
            self.watch(row, times);
            return None;
        }
        self.follow(row, power, times);
        let ended = self.down > CALM / self.news;
        if ended || raised { self.close(row, if ended { self.calm } else { row }) } else { None }
    }

    /// The rows end, or a hole begins: what goes on is an event until here.
    pub(super) fn cut(&mut self, row: u64) -> Option<Found> {
        let mut found = if self.run.is_some() { self.close(row.saturating_sub(1), row) } else { None };
        // How long it would have lasted is not known.
        if let Some(found) = &mut found {
            found.duration[2] = f64::INFINITY;
        }
        self.clear = row;
        (self.up, self.since) = (0.0, row);
        found
    }

    /// Onset and envelope of what goes on.
    pub(super) fn active(&self) -> Option<(u64, f64)> {
        let run = self.run.as_ref()?;
        let onset = run.placed.map_or(self.since, |place| place.row.saturating_sub(count(place.delay)));
        Some((onset, run.course.top() - self.floor.envelope()))
    }

    #[inline]
    fn feed(&mut self, row: u64, band: f64, envelope: f64) -> f64 {
        let limit = self.hum_limit;
        let weighed = self.weigh.as_mut().map_or(band, |weigh| weigh.run(band, limit));
        self.past.put(row, weighed);
        self.envelope.put(row, envelope);
        weighed * weighed
    }

    #[inline]
    fn watch(&mut self, row: u64, times: f64) {
        let up = self.up + 0.5 * ((1.0 - 1.0 / LOUD) * times - LOUD.ln());
        // No branch: at rest nobody can guess which way it would go.
        let is_any = up > 0.0;
        self.up = if is_any { up } else { 0.0 };
        self.since = if is_any { self.since } else { row + 1 };
        if up > self.alarm {
            (self.down, self.calm) = (0.0, row + 1);
            let course = Course::new(row + 1, self.rate_hz);
            self.run = Some(Run { alarm: row, placed: None, course, sum: 0.0 });
        }
    }

    #[inline]
    fn follow(&mut self, row: u64, power: f64, times: f64) {
        self.down += 0.5 * (FAINT.ln() - (1.0 - 1.0 / FAINT) * times);
        if self.down <= 0.0 {
            (self.down, self.calm) = (0.0, row + 1);
        }
        let envelope = self.envelope.at(row);
        let Some(run) = &mut self.run else { return };
        run.sum += power;
        run.course.put(row, envelope);
        if run.placed.is_none() && row >= run.alarm + self.rows.wait {
            self.place(row);
        }
    }

    /// Places the onset of what goes on, from what is known at `row`.
    fn place(&mut self, row: u64) {
        let Some(alarm) = self.run.as_ref().map(|run| run.alarm) else { return };
        let oldest = (row + 1).saturating_sub(self.past.rows());
        let first = self.since.saturating_sub(self.rows.back).max(self.clear).max(oldest).min(alarm);
        let rest = self.floor.power();
        let times = |row: u64| self.past.at(row).powi(2) / rest;
        let start = rise(first, row.min(self.calm.max(alarm)), times);
        let ratio = self.local(start, row, 1);
        let lowest = start.saturating_sub(self.rows.foot).max(first);
        let onset = foot(lowest, start, (ratio / 4.0).clamp(2.0, LOUD), times);
        let window = onset..(onset + 5 * self.rows.local).min(row + 1);
        let (delay, spread) =
            self.weigh.as_ref().map_or((0.0, 0.0), |weigh| weigh.delay(&self.past.copy(window)));
        let mut course = Course::new(onset, self.rate_hz);
        (onset..=row).for_each(|row| course.put(row, self.envelope.at(row)));
        let sum = (onset..=row).map(|row| self.past.at(row).powi(2)).sum();
        let sd = uncertainty(self.local(onset, row, 3), spread, self.rate_hz);
        let placed = Some(Place { row: onset, delay, sd });
        self.run = Some(Run { alarm, placed, course, sum });
    }

    /// Mean power, as a multiple of rest, of some times the local rows from `first` on.
    fn local(&self, first: u64, last: u64, times: u64) -> f64 {
        let end = (first + times * self.rows.local).min(last + 1).max(first + 1);
        let sum: f64 = (first..end).map(|row| self.past.at(row).powi(2)).sum();
        sum / float(end - first) / self.floor.power()
    }

    /// Ends what goes on; rest began about at `calm`.
    fn close(&mut self, row: u64, calm: u64) -> Option<Found> {
        if self.run.as_ref()?.placed.is_none() {
            self.place(row);
        }
        let run = self.run.take()?;
        let onset = run.placed?;
        let first = onset.row.max((row + 1).saturating_sub(self.past.rows())) + 1;
        let rest = self.floor.power();
        let last = calm.max(first);
        let steps = (0..10).map(|step| last.saturating_sub(step * self.rows.local).max(first));
        let level = steps.map(|row| self.local(row, last, 1)).fold(1.0, f64::max);
        let end = if calm > row {
            calm
        } else {
            fall(first, last, level.max(FAINT), |row| self.past.at(row).powi(2) / rest)
        };
        self.clear = row + 1;
        (self.up, self.since) = (0.0, row + 1);
        let end_sd = uncertainty(level, 0.0, self.rate_hz);
        Some(self.found(&run, onset, end.max(onset.row + 1), end_sd))
    }

    fn found(&self, run: &Run, onset: Place, end: u64, end_sd: f64) -> Found {
        let back = |row: u64, delay: f64| row.saturating_sub(count(delay));
        let start = back(onset.row, onset.delay + DROWNED * onset.sd);
        let end = (end + count(DROWNED * end_sd)).saturating_sub(count(onset.delay)).max(start + 1);
        // The envelope's two poles lag by sqrt(2) / (2 pi f) behind what it follows.
        let lag = onset.delay + self.rate_hz * std::f64::consts::SQRT_2 / std::f64::consts::TAU / ENVELOPE_HZ;
        let rest = self.floor.envelope();
        let duration = float(end - start);
        let spread = 2.0 * onset.sd.hypot(end_sd);
        let rows = float(end - start).max(1.0);
        Found {
            onset: start,
            apex: back(run.course.apex(), lag).clamp(start, end - 1),
            end,
            top: run.course.top(),
            rest,
            ratio: run.sum / rows / self.floor.power(),
            rise: run.course.rise(rest).unwrap_or(f64::NAN),
            onset_sd: onset.sd,
            end_sd,
            duration: [(duration - spread).max(0.0), duration, duration + spread],
            bursts: run.course.bursts(rest),
        }
    }

    pub(super) fn save(&self, tape: &mut Tape) {
        self.weigh.iter().for_each(|weigh| weigh.save(tape));
        tape.f64(self.hum_limit).f64(self.alarm);
        self.past.save(tape);
        self.envelope.save(tape);
        self.floor.save(tape);
        tape.u64(self.clear).f64(self.up).u64(self.since).f64(self.down).u64(self.calm);
        tape.u64(u64::from(self.run.is_some()));
        if let Some(run) = &self.run {
            tape.u64(run.alarm).f64(run.sum).u64(u64::from(run.placed.is_some()));
            if let Some(Place { row, delay, sd }) = run.placed {
                tape.u64(row).f64(delay).f64(sd);
            }
            run.course.save(tape);
        }
    }

    pub(super) fn load(&mut self, reel: &mut Reel<'_>) -> Option<()> {
        if let Some(weigh) = &mut self.weigh {
            weigh.load(reel)?;
        }
        (self.hum_limit, self.alarm) = (reel.f64()?, reel.f64()?);
        self.past.load(reel)?;
        self.envelope.load(reel)?;
        self.floor.load(reel)?;
        (self.clear, self.up, self.since) = (reel.u64()?, reel.f64()?, reel.u64()?);
        (self.down, self.calm) = (reel.f64()?, reel.u64()?);
        if reel.u64()? == 1 {
            let (alarm, sum, placed) = (reel.u64()?, reel.f64()?, reel.u64()? == 1);
            let placed = if placed {
                Some(Place { row: reel.u64()?, delay: reel.f64()?, sd: reel.f64()? })
            } else {
                None
            };
            self.run = Some(Run { alarm, placed, course: Course::load(reel)?, sum });
        }
        Some(())
    }
}

/// Standard uncertainty of a change from rest to `ratio` times its power, rows: the half-width that holds 68 % of the
/// errors. 20 ms over the ratio of amplitudes is what simulated bursts of 3 to 20 dB gave (a test holds it to that);
/// the delay's spread over the channel's own spectrum and the rounding to rows come on top.
fn uncertainty(ratio: f64, spread: f64, rate_hz: f64) -> f64 {
    let blur = 0.02 * rate_hz / ratio.max(1.5).sqrt();
    (blur * blur + spread * spread + 1.0 / 12.0).sqrt()
}
