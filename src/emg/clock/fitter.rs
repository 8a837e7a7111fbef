//! The lower envelope of arrivals: the earliest of each second, a straight line through the earliest of two minutes.
//!
//! Delays only ever add, so the earliest arrivals tell the truth and neither a stall nor a queue can pull the line.
//! An arrival costs a comparison; the line is drawn once a bucket, and bent, never broken. `recorder` owns one for
//! each epoch.

use super::Fit;
use crate::emg::units::{NS_PER_S, count, float, float_len, float_ns, nanos};
use std::collections::VecDeque;

/// A bucket spans at least this much host time, so that whatever a stall held back shares it with arrivals on time ...
const BUCKET_NS: f64 = 1e9;
/// ... and this many arrivals, lest the earliest of them be late. The first buckets do not wait for that: a slow
/// source gets a rough line soon.
const ARRIVALS: u32 = 20;
/// Buckets the line is drawn through: two minutes.
const LINE: usize = 120;
/// Buckets the drift is taken from: longer is less noise, shorter less delay; five minutes keep a clock that wanders
/// by 2 ppm within an hour to 1 ppm.
const DRIFT: usize = 300;
/// Drift is not shown before the buckets span this much.
const DRIFT_AFTER_NS: f64 = 60e9;
/// Below this many buckets the line has the nominal slope, or the slope from the first bucket to the newest.
const SLOPE_AFTER: usize = 10;
/// A nominal rate this far off is no drift but a wrong rate, and not waited for ...
const WRONG: f64 = 0.02;
/// ... once there are this many buckets.
const WRONG_AFTER: usize = 3;
/// Tells early from late arrivals inside the first bucket where no rate is known.
const FIRST_GUESS_HZ: f64 = 1000.0;
/// One drawing moves the newest row by no more than this, or a hundredth of a row, and never by more than half one.
const SLEW_NS: f64 = 50_000.0;
/// Buckets this far beside the line, all on one side ...
const BESIDE_NS: f64 = 20e6;
/// ... and so many in a row, are on another line: lines of text were lost, or a board changed its rate.
const BESIDE: u32 = 10;

/// An arrival: rows since the epoch's first, nanoseconds since that one's.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    rows: f64,
    ns: f64,
}

/// A line through a point.
#[derive(Clone, Copy, Debug)]
struct Line {
    through: Point,
    ns_per_row: f64,
}

impl Line {
    fn at(&self, rows: f64) -> f64 {
        self.through.ns + (rows - self.through.rows) * self.ns_per_row
    }

    /// How much later than on the line a point is.
    fn delay(&self, point: Point) -> f64 {
        point.ns - self.at(point.rows)
    }

    /// Least squares; none where the points do not rise.
    fn through<'a>(points: impl ExactSizeIterator<Item = &'a Point> + Clone) -> Option<Self> {
        let n = float_len(points.len());
        let (rows, ns) = points.clone().fold((0.0, 0.0), |(rows, ns), p| (rows + p.rows, ns + p.ns));
        let mean = Point { rows: rows / n, ns: ns / n };
        let (xx, xy) = points.fold((0.0, 0.0), |(xx, xy), p| {
            let dx = p.rows - mean.rows;
            (xx + dx * dx, xy + dx * (p.ns - mean.ns))
        });
        (xx > 0.0 && xy > 0.0).then(|| Self { through: mean, ns_per_row: xy / xx })
    }

    /// Root mean square distance of points, nanoseconds.
    fn residual<'a>(&self, points: impl ExactSizeIterator<Item = &'a Point>) -> f64 {
        let n = float_len(points.len().max(1));
        (points.map(|&p| self.delay(p).powi(2)).sum::<f64>() / n).sqrt()
    }
}

/// The bucket that is being filled.
#[derive(Clone, Copy, Debug)]
struct Open {
    start_ns: f64,
    arrivals: u32,
    earliest: Point,
}

/// Collects the arrivals of one epoch and draws its line.
#[derive(Clone, Debug)]
pub struct Fitter {
    epoch: u32,
    first: u64,
    first_ns: i64,
    nominal_hz: Option<f64>,
    /// The earliest arrival of each full bucket.
    buckets: VecDeque<Point>,
    open: Option<Open>,
    /// The line as told.
    line: Option<Line>,
    /// The line as it is to be.
    target: Option<Line>,
    /// Rows up to the newest arrival.
    newest: f64,
    /// The line has found the arrivals; from here on it is slewed.
    locked: bool,
    /// The buckets whose arrivals were compared by a guessed slope are forgotten.
    seasoned: bool,
    /// Newest buckets in a row beside the line: late ones count up, early ones down.
    beside: i32,
    drift_ppm: f64,
    residual_us: f64,
}

impl Fitter {
    /// A fitter for an epoch that starts at row `first`, whose first row arrived at `host_ns`.
    #[must_use]
    pub fn new(epoch: u32, first: u64, host_ns: i64, nominal_hz: Option<f64>) -> Self {
        Self {
            epoch,
            first,
            first_ns: host_ns,
            nominal_hz,
            buckets: VecDeque::with_capacity(DRIFT),
            open: None,
            line: None,
            target: None,
            newest: 0.0,
            locked: false,
            seasoned: false,
            beside: 0,
            drift_ppm: f64::NAN,
            residual_us: 0.0,
        }
    }

    /// The last byte of row `row`'s packet was read at `host_ns`.
    pub fn arrived(&mut self, row: u64, host_ns: i64) {
        let rows = float(row.saturating_sub(self.first));
        let point = Point { rows, ns: float_ns(host_ns - self.first_ns) };
        let few = if self.buckets.len() < SLOPE_AFTER { 1 } else { ARRIVALS };
        let full = |open: &Open| point.ns - open.start_ns >= BUCKET_NS && open.arrivals >= few;
        if let Some(open) = self.open.take_if(|open| full(open)) {
            self.close(open.earliest, point.rows);
        }
        let ns_per_row = self.detrend();
        let open = self.open.get_or_insert(Open { start_ns: point.ns, arrivals: 0, earliest: point });
        open.arrivals += 1;
        let later_ns = point.ns - open.earliest.ns - (point.rows - open.earliest.rows) * ns_per_row;
        if later_ns < 0.0 {
            open.earliest = point;
        }
        if self.buckets.len() < SLOPE_AFTER {
            self.follow(point.rows);
        } else if let Some(target) = self.target.filter(|_| !self.locked) {
            self.locked = self.bend(target, point.rows);
        }
        self.newest = point.rows;
    }

    /// The line as it stands; none before the first arrival, nor before a slope is known.
    #[must_use]
    pub fn fit(&self) -> Option<Fit> {
        let line = self.line?;
        Some(Fit {
            epoch: self.epoch,
            sample: self.first + count(line.through.rows),
            origin_ns: self.first_ns + nanos(line.through.ns / NS_PER_S),
            rate_hz: NS_PER_S / line.ns_per_row,
            drift_ppm: self.drift_ppm,
            residual_us: self.residual_us,
        })
    }

    /// The slope by which delays inside a bucket are compared, nanoseconds per row.
    fn detrend(&self) -> f64 {
        let guess = || NS_PER_S / self.nominal_hz.unwrap_or(FIRST_GUESS_HZ);
        self.line.map_or_else(guess, |line| line.ns_per_row)
    }

    /// A bucket is full; the newest arrival is of `now` rows.
    fn close(&mut self, earliest: Point, now: f64) {
        self.look_beside(earliest);
        if self.buckets.len() == DRIFT {
            self.buckets.pop_front();
        }
        self.buckets.push_back(earliest);
        let another_line = self.beside.unsigned_abs() >= BESIDE;
        if another_line {
            (self.beside, self.locked, self.seasoned, self.drift_ppm) = (0, false, false, f64::NAN);
        }
        if another_line || !self.seasoned && self.buckets.len() == 2 * SLOPE_AFTER {
            self.buckets.drain(..self.buckets.len().saturating_sub(SLOPE_AFTER));
            self.seasoned = !another_line;
        }
        if self.buckets.len() >= SLOPE_AFTER {
            self.draw(now);
        }
    }

    /// Counts the buckets that are beside the line.
    fn look_beside(&mut self, earliest: Point) {
        let delay = self.line.map_or(0.0, |line| line.delay(earliest));
        let side = i32::from(delay > BESIDE_NS) - i32::from(delay < -BESIDE_NS);
        self.beside = if self.beside * side > 0 { self.beside + side } else { side };
    }

    /// The newest `count` buckets, oldest first.
    fn last(&self, count: usize) -> impl ExactSizeIterator<Item = &Point> + Clone {
        self.buckets.range(self.buckets.len().saturating_sub(count)..)
    }

    /// Draws the line through the buckets.
    fn draw(&mut self, now: f64) {
        let Some(target) = Line::through(self.last(LINE)) else { return };
        self.target = Some(target);
        if self.locked {
            self.bend(target, now);
        }
        self.residual_us = target.residual(self.last(LINE)) / 1000.0;
        let spans = |first: &Point, last: &Point| last.ns - first.ns >= DRIFT_AFTER_NS;
        if let (Some(nominal), Some(long)) = (self.nominal_hz, Line::through(self.buckets.iter()))
            && self.buckets.front().zip(self.buckets.back()).is_some_and(|(first, last)| spans(first, last))
        {
            self.drift_ppm = (NS_PER_S / long.ns_per_row / nominal - 1.0) * 1e6;
        }
    }

    /// Before there are buckets enough: the floor of the last two, with the slope that is known.
    fn follow(&mut self, now: f64) {
        let (Some(ns_per_row), Some(open)) = (self.first_slope(), self.open) else { return };
        let through = |point: Point| Line { through: point, ns_per_row };
        let earlier =
            |floor: Line, &point: &Point| if floor.delay(point) < 0.0 { through(point) } else { floor };
        let floor = self.last(2).fold(through(open.earliest), earlier);
        self.bend(floor, now);
        self.residual_us = floor.residual(self.last(SLOPE_AFTER)) / 1000.0;
    }

    /// The nominal slope unless it is plainly wrong, else the slope from the first bucket to the newest.
    fn first_slope(&self) -> Option<f64> {
        let seen = || {
            let first = self.buckets.front()?;
            let open = self.open.as_ref().map(|open| &open.earliest);
            let last = if self.buckets.len() > 1 { self.buckets.back() } else { open }?;
            let (rows, ns) = (last.rows - first.rows, last.ns - first.ns);
            (rows > 0.0 && ns > 0.0).then(|| ns / rows)
        };
        let Some(nominal) = self.nominal_hz.map(|hz| NS_PER_S / hz) else { return seen() };
        let wrong = |seen: &f64| (nominal / seen - 1.0).abs() > WRONG;
        let plainly = || seen().filter(|_| self.buckets.len() >= WRONG_AFTER).filter(wrong);
        Some(plainly().unwrap_or(nominal))
    }

    /// Brings the line towards `target`, seen from the newest row: slewed once it is locked; before, forward at once
    /// and back by half the time since the last arrival. Whether it got there.
    fn bend(&mut self, target: Line, now: f64) -> bool {
        let aim = target.at(now);
        let ns = match self.line {
            None => aim,
            Some(line) => {
                let row = target.ns_per_row;
                let most = if self.locked { SLEW_NS.max(row / 100.0).min(row / 2.0) } else { f64::INFINITY };
                let back = most.min((now - self.newest).max(0.0) * line.ns_per_row / 2.0);
                line.at(now) + (aim - line.at(now)).clamp(-back, most)
            }
        };
        self.line = Some(Line { through: Point { rows: now, ns }, ns_per_row: target.ns_per_row });
        self.locked || ns <= aim
    }
}
