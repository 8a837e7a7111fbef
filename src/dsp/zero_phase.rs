//! Forward and backward through the same sections, so that nothing is delayed: for whole signals, after the fact.
//!
//! Equal to `SciPy`'s `sosfiltfilt` with its default padding. `pipeline/zero_phase` calls this span by span.

use super::Section;
use super::cascade::Cascade;

/// Filters `rows x channels` values in place, all channels under one chain, first forward and then backward. Both ways
/// begin steady on a reflection of the signal about its end, [`reach`] rows long where there are that many.
///
/// # Panics
/// When the last row is not whole.
pub fn filter(sections: &[Section], channels: usize, values: &mut Vec<f64>) {
    assert!(channels > 0 && values.len().is_multiple_of(channels), "the last row is not whole");
    if sections.is_empty() || values.is_empty() {
        return;
    }
    let rows = values.len() / channels;
    let pad = reach(sections).min(rows - 1);
    reflect(values, channels, pad);
    let mut cascade = Cascade::new(&vec![sections; channels]);
    for _ in 0..2 {
        for (channel, &first) in values[..channels].iter().enumerate() {
            cascade.start(channel, first);
        }
        cascade.run(values);
        turn_round(values, channels);
    }
    values.truncate((pad + rows) * channels);
    values.drain(..pad * channels);
}

/// Rows of reflection at either end: three times the number of taps the sections would have as one filter.
#[must_use]
pub fn reach(sections: &[Section]) -> usize {
    let first_order = |at: usize| sections.iter().filter(|section| section[at] == 0.0).count();
    3 * (2 * sections.len() + 1 - first_order(2).min(first_order(5)))
}

/// Adds `pad` rows before and behind: the signal turned by half a circle about its first and its last value.
fn reflect(values: &mut Vec<f64>, channels: usize, pad: usize) {
    let rows = values.len() / channels;
    let mirrored = |values: &[f64], about: usize, of: usize| -> Vec<f64> {
        let pairs = values[about * channels..][..channels].iter().zip(&values[of * channels..]);
        pairs.map(|(end, value)| 2.0 * end - value).collect()
    };
    let before: Vec<f64> = (0..pad).flat_map(|at| mirrored(values, 0, pad - at)).collect();
    let behind: Vec<f64> = (0..pad).flat_map(|at| mirrored(values, rows - 1, rows - 2 - at)).collect();
    values.splice(..0, before);
    values.extend(behind);
}

/// The last row becomes the first.
fn turn_round(values: &mut [f64], channels: usize) {
    values.reverse();
    values.chunks_exact_mut(channels).for_each(<[f64]>::reverse);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::design::{Band, butterworth};
    use crate::emg::units::float_len;
    use std::f64::consts::TAU;

    fn wave(rows: usize, hz: f64) -> Vec<f64> {
        (0..rows).map(|at| (TAU * hz * float_len(at) / 1000.0).sin()).collect()
    }

    #[test]
    fn a_tone_in_the_band_is_neither_delayed_nor_turned_over() {
        let sections = butterworth(4, Band::BandPass(20.0, 450.0), 1000.0);
        let tone = wave(2000, 100.0);
        let mut values = tone.clone();
        filter(&sections, 1, &mut values);
        let worst =
            |range: std::ops::Range<usize>| range.map(|at| (values[at] - tone[at]).abs()).fold(0.0, f64::max);
        assert!(worst(300..1700) < 1e-3, "{}", worst(300..1700));
    }

    #[test]
    fn channels_do_not_touch_each_other() {
        let sections = butterworth(2, Band::LowPass(20.0), 1000.0);
        let columns = [wave(500, 3.0), wave(500, 70.0), wave(500, 11.0)];
        let mut together: Vec<f64> = (0..500).flat_map(|at| columns.iter().map(move |c| c[at])).collect();
        filter(&sections, 3, &mut together);
        for (channel, column) in columns.iter().enumerate() {
            let mut alone = column.clone();
            filter(&sections, 1, &mut alone);
            assert!(
                alone
                    .iter()
                    .zip(together[channel..].iter().step_by(3))
                    .all(|(a, b)| a.to_bits() == b.to_bits())
            );
        }
    }

    #[test]
    fn the_shortest_signals_stay_finite_and_a_constant_stays_what_it_is() {
        let sections = butterworth(2, Band::LowPass(20.0), 1000.0);
        for rows in 0..40 {
            let mut values = vec![7.5; rows];
            filter(&sections, 1, &mut values);
            assert_eq!(values.len(), rows);
            assert!(values.iter().all(|value| (value - 7.5).abs() < 1e-9), "{rows} rows: {values:?}");
        }
        let mut untouched = vec![1.0, -2.0];
        filter(&[], 1, &mut untouched);
        assert_eq!(untouched, [1.0, -2.0]);
    }
}
