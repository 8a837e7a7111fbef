//! Two clocks of the host, and the line that ties a device's sample index to them.
//!
//! The index is the clock; a [`Fit`] says when its rows were, and a [`Fitter`] draws it from arrivals. Arrivals are
//! of a packet's last byte and belong to its last row. What every packet takes on its way (bytes x 10 / baud on the
//! wire, 2.4 ms for 8 channels x 10 rows at 500 kbaud, and the bridge's own delay) shifts all rows alike: it cannot
//! be told from here and stays in.

mod fitter;

pub use fitter::Fitter;

use rustix::time::ClockId;

use super::units::{NS_PER_S, count, float, float_ns, nanos};

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
        Self { host_ns: read(ClockId::Boottime), utc_ns: read(ClockId::Realtime) }
    }

    /// This moment moved by `ns` on both clocks.
    #[must_use]
    pub fn plus_ns(self, ns: i64) -> Self {
        Self { host_ns: self.host_ns.saturating_add(ns), utc_ns: self.utc_ns.saturating_add(ns) }
    }
}

/// One moment on the host's clocks, for whoever looks whether they still agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// `CLOCK_MONOTONIC`, nanoseconds: stands still while the computer sleeps.
    pub awake_ns: i64,
    /// `CLOCK_BOOTTIME`, nanoseconds.
    pub boot_ns: i64,
    /// Wall clock, nanoseconds since 1970 UTC.
    pub utc_ns: i64,
    /// How long reading them took, nanoseconds: they agree no better than that.
    pub torn_ns: i64,
}

impl Clocks {
    /// The present moment.
    #[must_use]
    pub fn now() -> Self {
        let awake_ns = read(ClockId::Monotonic);
        let (boot_ns, utc_ns) = (read(ClockId::Boottime), read(ClockId::Realtime));
        Self { awake_ns, boot_ns, utc_ns, torn_ns: read(ClockId::Monotonic) - awake_ns }
    }
}

fn read(clock: ClockId) -> i64 {
    let t = rustix::time::clock_gettime(clock);
    t.tv_sec * 1_000_000_000 + t.tv_nsec
}

/// What the clock of another machine shows against the host's: its time = host time + `offset_ns`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClockOffset {
    /// Whose clock; at most [`super::marker::LABEL_BYTES`] bytes of UTF-8.
    pub sender: String,
    /// The row at that time.
    pub sample: u64,
    /// When it was found, `CLOCK_BOOTTIME` nanoseconds.
    pub host_ns: i64,
    /// Other clock less host clock, nanoseconds.
    pub offset_ns: i64,
    /// Half-width of the interval that holds the true offset, microseconds.
    pub uncertainty_us: u32,
}

/// A line through one epoch: row `r` was at `origin_ns + (r - sample) / rate_hz`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// Epoch the line belongs to.
    pub epoch: u32,
    /// Row at which the line was drawn; it holds from here until the next one.
    pub sample: u64,
    /// Host time of that row.
    pub origin_ns: i64,
    /// Measured rate; the nominal one in the first seconds, unless that is plainly wrong.
    pub rate_hz: f64,
    /// Rate of the last five minutes against the nominal one, parts per million, positive for a fast device; NaN in
    /// the first minute and where no nominal rate is known.
    pub drift_ppm: f64,
    /// Root mean square distance of the bucket minima from the line, microseconds. One-sided: the share of the
    /// delay that varies even among the earliest of each second.
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

#[cfg(test)]
mod tests;
