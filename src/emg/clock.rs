//! Two clocks of the host, and the line that ties a device's sample index to them.
//!
//! Host time of a sample is the lower envelope of arrival minus index over rate: delays only ever add,
//! so the earliest arrivals tell the truth (minimum per second, least squares over two minutes).

use super::units::{NS_PER_S, count, float, float_ns, nanos};
use std::collections::VecDeque;

/// One moment on both host clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// `CLOCK_BOOTTIME`, nanoseconds: runs through a suspend, never steps.
    pub host_ns: i64,
    /// Wall clock, nanoseconds since 1970 UTC: may step.
    pub utc_ns: i64,
}

impl Stamp {
    /// The present moment.
    #[must_use]
    pub fn now() -> Self {
        let read = |id| {
            let t = rustix::time::clock_gettime(id);
            t.tv_sec * 1_000_000_000 + t.tv_nsec
        };
        Self { host_ns: read(rustix::time::ClockId::Boottime), utc_ns: read(rustix::time::ClockId::Realtime) }
    }

    /// This moment moved by `ns` on both clocks.
    #[must_use]
    pub fn plus_ns(self, ns: i64) -> Self {
        Self { host_ns: self.host_ns.saturating_add(ns), utc_ns: self.utc_ns.saturating_add(ns) }
    }
}

/// One second of arrivals is one bucket; its earliest arrival is kept.
const BUCKET_NS: i64 = 1_000_000_000;
/// Buckets the line is drawn through: two minutes.
const BUCKETS: usize = 120;
/// Without a nominal rate there is no line before this many buckets: one moment has no slope.
const LINE_AFTER: usize = 2;
/// Tells early from late arrivals inside the first bucket where no rate is known.
const FIRST_GUESS_HZ: f64 = 1000.0;
/// Below this many buckets the nominal rate, or else the way from the first bucket to the last arrival, gives the
/// slope, and only the origin is fitted.
const SLOPE_AFTER: usize = 10;

/// A line through one epoch: `host_ns = origin_ns + (sample - first) / rate_hz`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// Epoch the line belongs to.
    pub epoch: u32,
    /// Row the line starts at.
    pub sample: u64,
    /// Host time of that row.
    pub origin_ns: i64,
    /// Measured rate.
    pub rate_hz: f64,
    /// Measured against nominal rate, parts per million; NaN where no nominal rate is known.
    pub drift_ppm: f64,
    /// Root mean square distance of the bucket minima from the line, microseconds.
    pub residual_us: f64,
}

impl Fit {
    /// The row nearest to a host time; it may lie ahead of the newest row, never before row 0.
    #[must_use]
    pub fn row_at(&self, host_ns: i64) -> u64 {
        let rows = (float_ns(host_ns - self.origin_ns) / NS_PER_S * self.rate_hz).round();
        if rows < 0.0 { self.sample.saturating_sub(count(-rows)) } else { self.sample + count(rows) }
    }

    /// Host time of a row.
    #[must_use]
    pub fn time_of(&self, row: u64) -> i64 {
        let rows = if row >= self.sample { float(row - self.sample) } else { -float(self.sample - row) };
        self.origin_ns + nanos(rows / self.rate_hz)
    }
}

/// Collects arrivals of one epoch and draws its line.
#[derive(Clone, Debug)]
pub struct Fitter {
    epoch: u32,
    first: u64,
    nominal_hz: Option<f64>,
    first_ns: i64,
    /// Earliest arrival of each second: (rows since `first`, nanoseconds since `first_ns`), by delay.
    buckets: VecDeque<(f64, f64)>,
    bucket_start_ns: i64,
    last: Option<(f64, f64)>,
}

impl Fitter {
    /// A fitter for an epoch that starts at row `first`, whose first row arrived at `host_ns`.
    #[must_use]
    pub fn new(epoch: u32, first: u64, host_ns: i64, nominal_hz: Option<f64>) -> Self {
        Self {
            epoch,
            first,
            nominal_hz,
            first_ns: host_ns,
            buckets: VecDeque::with_capacity(BUCKETS),
            bucket_start_ns: host_ns,
            last: None,
        }
    }

    /// Row `row` was complete at `host_ns`.
    pub fn arrived(&mut self, row: u64, host_ns: i64) {
        let point = (float(row.saturating_sub(self.first)), float_ns(host_ns - self.first_ns));
        self.last = Some(point);
        let rate = self.slope_guess_hz().unwrap_or(FIRST_GUESS_HZ);
        let delay = |(rows, ns): (f64, f64)| ns - rows / rate * NS_PER_S;
        if host_ns - self.bucket_start_ns >= BUCKET_NS || self.buckets.is_empty() {
            self.bucket_start_ns = host_ns;
            if self.buckets.len() == BUCKETS {
                self.buckets.pop_front();
            }
            self.buckets.push_back(point);
        } else if let Some(best) = self.buckets.back_mut()
            && delay(point) < delay(*best)
        {
            *best = point;
        }
    }

    /// The nominal rate, or rows per second from the first bucket to the last arrival.
    fn slope_guess_hz(&self) -> Option<f64> {
        if self.nominal_hz.is_some() {
            return self.nominal_hz;
        }
        let (from, to) = (self.buckets.front()?, self.last?);
        let (rows, ns) = (to.0 - from.0, to.1 - from.1);
        (self.buckets.len() >= LINE_AFTER && rows > 0.0 && ns > 0.0).then(|| rows / ns * NS_PER_S)
    }

    /// The line as it stands; none before the first arrival, nor before a slope is known.
    #[must_use]
    pub fn fit(&self) -> Option<Fit> {
        self.last?;
        let guess = NS_PER_S / self.slope_guess_hz()?;
        let n = f64::from(super::units::small(self.buckets.len()));
        let (mean_x, mean_y) = self.buckets.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n));
        let (sxx, sxy) = self.buckets.iter().fold((0.0, 0.0), |(xx, xy), p| {
            let dx = p.0 - mean_x;
            (xx + dx * dx, xy + dx * (p.1 - mean_y))
        });
        let fitted = self.buckets.len() >= SLOPE_AFTER && sxx > 0.0 && sxy > 0.0;
        let ns_per_row = if fitted { sxy / sxx } else { guess };
        let origin = if fitted {
            mean_y - ns_per_row * mean_x
        } else {
            self.buckets.iter().map(|p| p.1 - ns_per_row * p.0).fold(f64::INFINITY, f64::min)
        };
        let residual =
            self.buckets.iter().map(|p| (p.1 - origin - ns_per_row * p.0).powi(2)).sum::<f64>() / n;
        let rate_hz = NS_PER_S / ns_per_row;
        Some(Fit {
            epoch: self.epoch,
            sample: self.first,
            origin_ns: self.first_ns + nanos(origin / NS_PER_S),
            rate_hz,
            drift_ppm: self.nominal_hz.map_or(f64::NAN, |nominal| (rate_hz / nominal - 1.0) * 1e6),
            residual_us: residual.sqrt() / 1000.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_arrivals_do_not_move_the_line() {
        let mut fitter = Fitter::new(1, 0, 5_000_000_000, Some(1000.0));
        for row in (0..60_000_u64).step_by(20) {
            // Every arrival is up to 15 ms late, one in each second is on time.
            let late = i64::try_from((row * 7919) % 16).unwrap() * 1_000_000;
            let late = if row % 1000 == 0 { 0 } else { late };
            fitter.arrived(row, 5_000_000_000 + nanos(float(row) / 1000.05) + late);
        }
        let fit = fitter.fit().unwrap();
        assert!((fit.drift_ppm - 50.0).abs() < 3.0, "{fit:?}");
        let truth = 5_000_000_000 + nanos(30.0);
        let row = fit.row_at(truth);
        assert!(row.abs_diff(30_001) <= 1, "row {row}");
        assert!((fit.time_of(row) - truth).abs() < 1_500_000);
    }

    #[test]
    fn a_row_before_the_epoch_is_not_negative() {
        let fit =
            Fit { epoch: 0, sample: 5, origin_ns: 0, rate_hz: 1000.0, drift_ppm: 0.0, residual_us: 0.0 };
        assert_eq!(fit.row_at(-1_000_000_000), 0);
        assert_eq!(fit.row_at(10_000_000), 15);
    }

    #[test]
    fn without_a_rate_there_is_no_line_before_there_is_a_slope() {
        let mut fitter = Fitter::new(0, 0, 0, None);
        for row in 0..200_u64 {
            fitter.arrived(row, nanos(float(row) / 200.0));
            assert_eq!(fitter.fit(), None, "row {row}");
        }
        fitter.arrived(200, nanos(1.0));
        assert!((fitter.fit().unwrap().rate_hz - 200.0).abs() < 1e-6);
    }

    #[test]
    fn rows_that_waited_for_the_first_look_do_not_bend_the_slope() {
        let mut fitter = Fitter::new(0, 0, 0, None);
        // A second's worth of rows lay in the port when it was opened.
        fitter.arrived(199, 0);
        for row in 200..400_u64 {
            fitter.arrived(row, nanos(float(row - 199) / 200.0));
        }
        assert!((fitter.fit().unwrap().rate_hz - 200.0).abs() < 1e-6);
    }
}
