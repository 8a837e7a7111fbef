//! Where a marker belongs: its row by the clock's line, and how sure that is.

use crate::emg::marker::Placed;
use crate::emg::{Gap, Stamp};
use crate::recorder::vitals::Shared;

/// A newest row this far from now belongs to a source with another clock than ours.
const OWN_TIME_NS: i64 = 2_000_000_000;

/// Where a marker belongs.
#[derive(Clone, Copy, Debug)]
pub(in crate::recorder::control) struct Place {
    pub(in crate::recorder::control) sample: u64,
    pub(in crate::recorder::control) placed: Placed,
    pub(in crate::recorder::control) uncertainty_us: u32,
}

/// The row nearest to a stamp by the fit in force; while none serves, the newest row.
pub(in crate::recorder::control) fn place(stamp: Stamp, vitals: &Shared) -> Place {
    let vitals = vitals.lock();
    let now = Stamp::now().host_ns;
    let own_time = (now - vitals.newest_ns).abs() < OWN_TIME_NS;
    let micros = |us: f64| u32::try_from(crate::emg::units::count(us)).unwrap_or(u32::MAX);
    let newest = vitals.next_row.saturating_sub(1);
    match vitals.fit {
        Some(fit) if own_time && vitals.alive => {
            let sample = fit.row_at(stamp.host_ns);
            let placed = if vitals.last_gap.is_some_and(|gap| covers(&gap, sample)) {
                Placed::InGap
            } else {
                Placed::Fit
            };
            let half_row_us = 0.5e6 / fit.rate_hz;
            Place { sample, placed, uncertainty_us: micros(fit.residual_us + half_row_us) }
        }
        _ => {
            let placed = if vitals.alive { Placed::Provisional } else { Placed::BetweenEpochs };
            let age_us = crate::emg::units::float_ns(now - vitals.newest_ns) / 1000.0;
            Place { sample: newest, placed, uncertainty_us: micros(age_us) }
        }
    }
}

fn covers(gap: &Gap, sample: u64) -> bool {
    (gap.sample..gap.sample + gap.filled()).contains(&sample)
}

/// The row nearest to a host time, as [`place`] finds it.
pub(in crate::recorder::control) fn row_at(host_ns: i64, vitals: &Shared) -> u64 {
    place(Stamp { host_ns, utc_ns: 0 }, vitals).sample
}
