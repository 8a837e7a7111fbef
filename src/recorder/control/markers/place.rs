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
            let half_row_us = 0.5e6 / fit.rate_hz;
            let sure_us = fit.residual_us + half_row_us;
            let from = vitals.fit_from;
            let before_us = crate::emg::units::float_ns(fit.time_of(from) - stamp.host_ns) / 1000.0;
            // The line says nothing of what happened before it began: the nearest row is as wrong as it is late.
            if before_us > half_row_us {
                let placed = if from == 0 { Placed::Provisional } else { Placed::BetweenEpochs };
                return Place { sample: from, placed, uncertainty_us: micros(before_us + sure_us) };
            }
            let in_gap = vitals.last_gap.is_some_and(|gap| covers(&gap, sample));
            let placed = if in_gap { Placed::InGap } else { Placed::Fit };
            Place { sample, placed, uncertainty_us: micros(sure_us) }
        }
        _ => {
            let placed = if vitals.alive { Placed::Provisional } else { Placed::BetweenEpochs };
            let age_us = crate::emg::units::float_ns((stamp.host_ns - vitals.newest_ns).abs()) / 1000.0;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emg::clock::Fit;

    #[test]
    fn what_happened_before_the_first_row_is_as_unsure_as_it_is_early() {
        let now = Stamp::now();
        let shared = Shared::default();
        let origin_ns = now.host_ns - 1_000_000_000;
        let fit = Fit { epoch: 0, sample: 0, origin_ns, rate_hz: 1000.0, drift_ppm: 0.0, residual_us: 20.0 };
        let mut vitals = shared.lock();
        (vitals.fit, vitals.alive, vitals.newest_ns, vitals.next_row) = (Some(fit), true, now.host_ns, 1000);
        drop(vitals);
        let during = place(now.plus_ns(-400_000_000), &shared);
        assert_eq!((during.sample, during.placed, during.uncertainty_us), (600, Placed::Fit, 520));
        let before = place(now.plus_ns(-3_000_000_000), &shared);
        assert_eq!((before.sample, before.placed), (0, Placed::Provisional));
        assert_eq!(before.uncertainty_us, 2_000_520);
        // The same moment, but the line belongs to an epoch that began at row 500: 100 ms before it.
        shared.lock().fit_from = 500;
        let earlier = place(now.plus_ns(-600_000_000), &shared);
        assert_eq!((earlier.sample, earlier.placed), (500, Placed::BetweenEpochs));
        assert_eq!(earlier.uncertainty_us, 100_520);
    }
}
