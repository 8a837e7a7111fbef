//! The envelope of a cleaned signal: rectified where asked, smoothed, put on its floor, and thinned out to a display's
//! pace.
//!
//! It keeps the time of its rows by the row count of the recording, so it needs no phase of its own.

mod tracker;

pub use tracker::Tracker;

use self::tracker::Floor;
use super::cascade::Cascade;
use super::{Memory, Section};
use crate::emg::units::wide;

/// How the envelope of one channel is made.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    /// Whether the absolute value is taken first.
    pub rectify: bool,
    /// Sections of the smoothing low-pass, none for no smoothing.
    pub sections: &'a [Section],
    /// The floor that is taken away from what they give.
    pub tracker: Option<Tracker>,
}

/// Envelopes of all channels.
#[derive(Clone, Debug)]
pub struct Envelope {
    rectify: Vec<bool>,
    smooth: Cascade,
    /// The floor of each channel that has one.
    floors: Vec<Option<Floor>>,
}

impl Envelope {
    /// Envelopes at rest, one path per channel.
    #[must_use]
    pub fn new(paths: &[Path<'_>]) -> Self {
        let chains: Vec<&[Section]> = paths.iter().map(|path| path.sections).collect();
        Self {
            rectify: paths.iter().map(|path| path.rectify).collect(),
            smooth: Cascade::new(&chains),
            floors: paths.iter().map(|path| path.tracker.map(Floor::new)).collect(),
        }
    }

    /// Turns `rows x channels` cleaned values into envelope values of the same rows, in place.
    pub fn run(&mut self, values: &mut [f64]) {
        if self.rectify.iter().all(|&rectify| rectify) {
            for value in values.iter_mut() {
                *value = value.abs();
            }
        } else {
            for row in values.chunks_exact_mut(self.rectify.len()) {
                for (value, &rectify) in row.iter_mut().zip(&self.rectify) {
                    *value = if rectify { value.abs() } else { *value };
                }
            }
        }
        self.smooth.run(values);
        let width = self.floors.len();
        for (channel, floor) in self.floors.iter_mut().enumerate() {
            if let Some(floor) = floor {
                values.iter_mut().skip(channel).step_by(width).for_each(|value| *value = floor.above(*value));
            }
        }
    }

    /// Puts a channel into the state that a constant cleaned signal of `value` would have led to, the floor being as
    /// high as its envelope; it takes `settling` rows until it has settled.
    pub fn start(&mut self, channel: usize, value: f64, settling: u64) {
        let value = if self.rectify[channel] { value.abs() } else { value };
        self.smooth.start(channel, value);
        if let Some(floor) = &mut self.floors[channel] {
            floor.recall([value; 2], settling);
        }
    }

    /// Puts a channel to rest.
    pub fn stop(&mut self, channel: usize) {
        self.start(channel, 0.0, 0);
    }

    /// State of a channel: one entry per section, and behind them that of its floor where it has one.
    #[must_use]
    pub fn memory(&self, channel: usize) -> Vec<Memory> {
        let mut memory = self.smooth.memory(channel);
        memory.extend(self.floors[channel].as_ref().map(Floor::memory));
        memory
    }

    /// Puts a channel into a state that [`Envelope::memory`] gave, `settling` rows before it has settled.
    ///
    /// # Panics
    /// When the state belongs to another path.
    pub fn recall(&mut self, channel: usize, memory: &[Memory], settling: u64) {
        let mut sections = memory;
        if let Some(floor) = &mut self.floors[channel] {
            let parts = memory.split_last();
            assert!(parts.is_some(), "a state without a floor for a path with one");
            if let Some((last, before)) = parts {
                floor.recall(*last, settling);
                sections = before;
            }
        }
        self.smooth.recall(channel, sections);
    }
}

/// Number of the first envelope row at or after a row: envelope row `j` belongs to row `(j + 1) x decimation - 1`.
#[must_use]
pub fn first_at(row: u64, decimation: u32) -> u64 {
    row / u64::from(decimation)
}

/// Which of `rows` rows from `first` on carry an envelope row, counted from 0.
pub fn kept(first: u64, rows: usize, decimation: u32) -> impl Iterator<Item = usize> {
    let step = usize::try_from(decimation).unwrap_or(usize::MAX);
    let phase = crate::emg::units::index(first % u64::from(decimation));
    (step - 1 - phase..rows).step_by(step)
}

/// How many of `rows` rows from `first` on carry an envelope row.
#[must_use]
pub fn kept_count(first: u64, rows: usize, decimation: u32) -> u64 {
    first_at(first + wide(rows), decimation) - first_at(first, decimation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::design::{Band, butterworth};

    #[test]
    fn rows_are_thinned_by_their_place_in_the_recording() {
        for first in 0..25_u64 {
            for rows in 0..40_usize {
                let by_hand: Vec<usize> =
                    (0..rows).filter(|&row| (first + wide(row) + 1).is_multiple_of(10)).collect();
                assert_eq!(kept(first, rows, 10).collect::<Vec<_>>(), by_hand);
                assert_eq!(kept_count(first, rows, 10), wide(by_hand.len()));
                if let Some(&row) = by_hand.first() {
                    assert_eq!((first_at(first, 10) + 1) * 10 - 1, first + wide(row));
                }
            }
        }
    }

    #[test]
    fn a_steady_tone_has_the_mean_of_its_rectified_self() {
        let smooth = butterworth(2, Band::LowPass(20.0), 1000.0);
        let mut envelope = Envelope::new(&[Path { rectify: true, sections: &smooth, tracker: None }]);
        let tone = |n: usize| (0.2 * std::f64::consts::PI * crate::emg::units::float_len(n)).sin() * 3.0;
        let mut values: Vec<f64> = (0..1000).map(tone).collect();
        envelope.start(0, values[0], 0);
        envelope.run(&mut values);
        // Mean of |sin| is 2 / pi; ten points a period and the ripple left at 200 Hz blur it by a few percent.
        let last = &values[500..];
        assert!(last.iter().all(|v| (v - 6.0 / std::f64::consts::PI).abs() < 0.1), "{:?}", &last[..10]);
    }
}
