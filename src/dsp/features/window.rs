//! Overlapping windows over rows, aligned to row 0 of the recording: window `k` holds rows `k x step ..`.
//!
//! Whoever joins late gets the same windows as whoever was there from the start, and so does whoever is given the
//! rows in other blocks. Called by `analysis` over a whole recording and by `infer` as rows come.

use crate::emg::units::{index, wide};

/// Cuts rows into windows.
#[derive(Clone, Debug)]
pub struct Windows {
    length: usize,
    step: u64,
    /// First row held in `columns`.
    held: u64,
    /// Row that goes on where the last one ended.
    next: u64,
    /// First row of the window to come.
    start: u64,
    /// Rows held, one column per channel.
    columns: Vec<Vec<f64>>,
    /// For each channel the row after its last missing value.
    missing: Vec<u64>,
}

/// All channels over the rows of one window.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// First row.
    pub sample: u64,
    from: usize,
    length: usize,
    columns: &'a [Vec<f64>],
    missing: &'a [u64],
}

impl Window<'_> {
    /// The values of a channel in order of rows, NaN where they are missing.
    #[must_use]
    pub fn channel(&self, channel: usize) -> &[f64] {
        &self.columns[channel][self.from..][..self.length]
    }

    /// Whether no value of a channel is missing.
    #[must_use]
    pub fn is_whole(&self, channel: usize) -> bool {
        self.missing[channel] <= self.sample
    }

    /// The row after the last one.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.sample + wide(self.length)
    }
}

impl Windows {
    /// No rows yet; windows of `length` rows, one every `step` rows.
    ///
    /// # Panics
    /// When a window would hold no row or no channel, or never move on.
    #[must_use]
    pub fn new(channels: usize, length: usize, step: usize) -> Self {
        assert!(channels > 0 && length > 0 && step > 0, "windows need channels, rows and a step");
        Self {
            length,
            step: wide(step),
            held: 0,
            next: 0,
            start: 0,
            columns: vec![Vec::new(); channels],
            missing: vec![0; channels],
        }
    }

    /// Takes `rows x channels` values from row `sample` on and shows each window they complete, in order. Rows may be
    /// left out between two calls: windows that would hold some of them do not appear.
    ///
    /// # Panics
    /// When the last row is not whole.
    pub fn push(&mut self, sample: u64, values: &[f32], mut show: impl FnMut(Window<'_>)) {
        let channels = self.columns.len();
        assert!(values.len().is_multiple_of(channels), "the last row of a block is not whole");
        if sample != self.next {
            self.begin_again(sample);
        }
        let mut rest = values;
        while !rest.is_empty() {
            let wanted = index((self.start + wide(self.length)).saturating_sub(self.next));
            let rows = (rest.len() / channels).min(wanted);
            let (now, later) = rest.split_at(rows * channels);
            self.keep(now, rows);
            rest = later;
            if rows == wanted {
                show(Window {
                    sample: self.start,
                    from: index(self.start - self.held),
                    length: self.length,
                    columns: &self.columns,
                    missing: &self.missing,
                });
                self.start += self.step;
                self.forget();
            }
        }
    }

    /// Holds no rows; the next window is the first that lies behind `sample`.
    fn begin_again(&mut self, sample: u64) {
        self.columns.iter_mut().for_each(Vec::clear);
        (self.held, self.next) = (sample, sample);
        self.start = sample.next_multiple_of(self.step);
    }

    fn keep(&mut self, values: &[f32], rows: usize) {
        let channels = self.columns.len();
        // Looked for over all channels at once: rows are seldom missing.
        let sound = values.iter().fold(true, |sound, value| sound & value.is_finite());
        for (channel, column) in self.columns.iter_mut().enumerate() {
            column.extend(values.chunks_exact(channels).map(|row| f64::from(row[channel])));
            let new = &column[column.len() - rows..];
            if !sound && let Some(last) = new.iter().rposition(|value| !value.is_finite()) {
                self.missing[channel] = self.next + wide(last) + 1;
            }
        }
        self.next += wide(rows);
    }

    /// Lets go of rows no window needs any more, a window's length at a time so that few are moved.
    fn forget(&mut self) {
        let needless = index(self.start.min(self.next) - self.held);
        if needless >= self.length {
            self.columns.iter_mut().for_each(|column| drop(column.drain(..needless)));
            self.held += wide(needless);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Start, values of both channels and whether they are whole, of all windows.
    type Seen = Vec<(u64, Vec<u64>, [bool; 2])>;

    fn see(windows: &mut Windows, sample: u64, values: &[f32], seen: &mut Seen) {
        windows.push(sample, values, |window| {
            let bits = [0, 1].iter().flat_map(|&c| window.channel(c)).map(|value| value.to_bits()).collect();
            seen.push((window.sample, bits, [window.is_whole(0), window.is_whole(1)]));
        });
    }

    #[test]
    fn windows_begin_at_multiples_of_the_step() {
        let mut windows = Windows::new(1, 4, 2);
        let mut seen = Vec::new();
        windows.push(0, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], |w| {
            seen.push((w.sample, w.end(), w.channel(0).to_vec()));
        });
        assert_eq!(seen, [(0, 4, vec![0.0, 1.0, 2.0, 3.0]), (2, 6, vec![2.0, 3.0, 4.0, 5.0])]);
    }

    #[test]
    fn who_joins_late_begins_with_the_next_window_of_all() {
        let mut windows = Windows::new(1, 3, 5);
        let mut seen = Vec::new();
        windows.push(7, &[7.0, 8.0, 9.0, 10.0, 11.0, 12.0], |w| seen.push((w.sample, w.channel(0).to_vec())));
        windows.push(21, &[21.0; 7], |w| seen.push((w.sample, w.channel(0).to_vec())));
        assert_eq!(seen, [(10, vec![10.0, 11.0, 12.0]), (25, vec![21.0; 3])]);
    }

    #[test]
    fn a_missing_value_spoils_the_windows_it_lies_in_and_no_other_channel() {
        let mut windows = Windows::new(2, 2, 1);
        let mut seen = Vec::new();
        see(&mut windows, 0, &[1.0, 1.0, 1.0, f32::NAN, 1.0, 1.0, 1.0, 1.0], &mut seen);
        let whole: Vec<[bool; 2]> = seen.iter().map(|(_, _, whole)| *whole).collect();
        assert_eq!(whole, [[true, false], [true, false], [true, true]]);
    }

    proptest! {
        #[test]
        fn the_size_of_pushes_does_not_matter(
            values in prop::collection::vec(prop_oneof![9 => -9.0..9.0_f32, 1 => Just(f32::NAN)], 0..200),
            cuts in prop::collection::vec(0..100_usize, 0..6),
            first in 0..30_u64,
            length in 1..20_usize,
            step in 1..30_usize,
        ) {
            let values = &values[..values.len() / 2 * 2];
            let mut whole = Vec::new();
            see(&mut Windows::new(2, length, step), first, values, &mut whole);
            let mut windows = Windows::new(2, length, step);
            let (mut parts, mut at) = (Vec::new(), 0);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| (cut * 2).min(values.len())).collect();
            cuts.sort_unstable();
            for cut in cuts.into_iter().chain([values.len()]) {
                see(&mut windows, first + wide(at / 2), &values[at..cut], &mut parts);
                at = cut;
            }
            prop_assert_eq!(&whole, &parts);
            let rows = first..first + wide(values.len() / 2);
            let expected = (0..rows.end).step_by(step)
                .filter(|start| *start >= rows.start && start + wide(length) <= rows.end);
            prop_assert_eq!(whole.iter().map(|w| w.0).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        }
    }
}
