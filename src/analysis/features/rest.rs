//! How a channel is at rest, found in the recording itself: its quietest tenth.
//!
//! A recording in which a muscle never rests has no such tenth, and the noise found is too great; nobody can tell
//! from the signal alone. A threshold given as a level needs none of this.

use super::flaws::Flaws;
use super::{FeaturesError, rows};
use crate::dsp::features::amplitude::variance;
use crate::dsp::features::{Windows, rms};
use crate::emg::Kind;
use crate::emg::units::{count, float_len, index};
use crate::store::reader::Joined;

/// Length of the stretches that are compared, seconds.
const STRETCH_S: f64 = 0.25;

/// The share of stretches that count as rest.
const QUIET: f64 = 0.1;

/// A channel at rest, in its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rest {
    /// What it stands at; 0 for a raw signal, which is band-passed.
    pub(super) level: f64,
    /// Standard deviation about it.
    pub(super) noise: f64,
}

impl Rest {
    /// So many times the noise above the level.
    pub(super) fn above(&self, factor: f64) -> f64 {
        self.level + factor * self.noise
    }
}

/// Level and noise of every sound stretch of one channel.
type Stretches = Vec<Rest>;

/// Goes through a recording; none for a channel without a single sound stretch.
pub(super) fn of(joined: &Joined, rate_hz: f64) -> Result<Vec<Option<Rest>>, FeaturesError> {
    let channels = joined.channels();
    let stretch = rows("window", STRETCH_S, rate_hz, 2)?;
    let mut windows = Windows::new(channels.len(), stretch, stretch);
    let mut flaws = Flaws::new(channels.len());
    let mut found: Vec<Stretches> = vec![Vec::new(); channels.len()];
    for block in joined.again() {
        let (_, block) = block?;
        flaws.hear(&block.spans);
        windows.push(block.sample, &block.clean, |window| {
            for (column, (stretches, channel)) in found.iter_mut().zip(channels).enumerate() {
                if flaws.of(&window, column).is_empty() {
                    stretches.push(measure(window.channel(column), channel.kind));
                }
            }
            flaws.forget(window.sample);
        });
    }
    Ok(found.into_iter().map(quietest).collect())
}

fn measure(x: &[f64], kind: Kind) -> Rest {
    if kind == Kind::Raw {
        return Rest { level: 0.0, noise: rms(x) };
    }
    Rest { level: x.iter().sum::<f64>() / float_len(x.len()), noise: variance(x).sqrt() }
}

/// The stretch at the upper end of the quietest tenth; its noise is the median of theirs.
fn quietest(mut stretches: Stretches) -> Option<Rest> {
    let by_strength = |a: &Rest, b: &Rest| a.level.total_cmp(&b.level).then(a.noise.total_cmp(&b.noise));
    stretches.sort_unstable_by(by_strength);
    let last = index(count((QUIET * float_len(stretches.len())).ceil())).checked_sub(1)?;
    let Rest { level, noise } = *stretches.get(last)?;
    // Among raw stretches the noise is what they were sorted by.
    if level == 0.0 {
        return Some(Rest { level, noise });
    }
    let mut noises: Vec<f64> = stretches[..=last].iter().map(|rest| rest.noise).collect();
    noises.sort_unstable_by(f64::total_cmp);
    Some(Rest { level, noise: noises[noises.len() / 2] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(level: f64, noise: f64) -> Rest {
        Rest { level, noise }
    }

    #[test]
    fn activity_in_nine_tenths_of_a_recording_does_not_hide_its_rest() {
        let raw = (0..100).map(|n| rest(0.0, if n % 10 == 0 { 2.0 } else { 40.0 })).collect();
        assert_eq!(quietest(raw), Some(rest(0.0, 2.0)));
        let envelope = (0..100).map(|n| if n % 10 == 0 { rest(0.3, 0.01) } else { rest(2.0, 0.5) }).collect();
        assert_eq!(quietest(envelope), Some(rest(0.3, 0.01)));
    }

    #[test]
    fn one_stretch_is_its_own_quietest_and_none_is_none() {
        assert_eq!(quietest(vec![rest(0.0, 7.0)]), Some(rest(0.0, 7.0)));
        assert_eq!(quietest(Vec::new()), None);
        assert!((rest(0.3, 0.01).above(3.0) - 0.33).abs() < 1e-12);
    }
}
