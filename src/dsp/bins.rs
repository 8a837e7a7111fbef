//! Minimum and maximum of fixed runs of rows, so that a screen of any width shows every spike.
//!
//! Bins are aligned to row 0 of the recording: whoever joins late or misses some gets the same bins. Called by the
//! recorder for its viewers and by readers of files.

use crate::emg::units::{index, wide};

/// Minimum and maximum of a bin; both NaN where all its rows are missing.
pub type MinMax = (f32, f32);

/// Nothing seen yet.
const NOTHING: MinMax = (f32::NAN, f32::NAN);

/// Collects rows into bins.
#[derive(Clone, Debug)]
pub struct Binner {
    rows_per_bin: u32,
    /// Row that goes on where the last one ended.
    next: u64,
    /// The unfinished bin, one entry per channel.
    open: Vec<MinMax>,
}

/// Bins that became complete.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Complete {
    /// Number of the first bin; bin `b` holds rows `b x rows_per_bin ..`.
    pub first: u64,
    /// `bins x channels` pairs.
    pub bins: Vec<MinMax>,
}

impl Binner {
    /// No rows yet.
    ///
    /// # Panics
    /// When a bin would hold no row or a row no channel.
    #[must_use]
    pub fn new(channels: usize, rows_per_bin: u32) -> Self {
        assert!(channels > 0 && rows_per_bin > 0, "bins need at least one channel and one row");
        Self { rows_per_bin, next: 0, open: vec![NOTHING; channels] }
    }

    /// Takes `rows x channels` values from row `sample` on and gives the bins they complete. Rows may be left out
    /// between two calls: the bin that was open is then given up, and the next one holds only what it was given.
    ///
    /// # Panics
    /// When the last row is not whole.
    pub fn push(&mut self, sample: u64, values: &[f32]) -> Complete {
        if sample != self.next {
            self.open.fill(NOTHING);
        }
        let channels = self.open.len();
        let mut complete = Complete { first: sample / u64::from(self.rows_per_bin), bins: Vec::new() };
        self.next = sample;
        let mut rest = values;
        while !rest.is_empty() {
            let wanted = u64::from(self.rows_per_bin) - self.next % u64::from(self.rows_per_bin);
            let rows = (rest.len() / channels).min(index(wanted));
            assert!(rows > 0, "{} values are no whole row of {channels} channels", rest.len());
            let (now, later) = rest.split_at(rows * channels);
            for row in now.chunks_exact(channels) {
                // `min` and `max` prefer the number to the NaN.
                let widen = |(bin, &value): (&mut MinMax, &f32)| *bin = (bin.0.min(value), bin.1.max(value));
                self.open.iter_mut().zip(row).for_each(widen);
            }
            self.next += wide(rows);
            if self.next.is_multiple_of(u64::from(self.rows_per_bin)) {
                complete.bins.extend_from_slice(&self.open);
                self.open.fill(NOTHING);
            }
            rest = later;
        }
        complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bits(bins: &[MinMax]) -> Vec<(u32, u32)> {
        bins.iter().map(|(low, high)| (low.to_bits(), high.to_bits())).collect()
    }

    #[test]
    fn a_spike_of_one_row_is_seen() {
        let mut binner = Binner::new(1, 50);
        let mut values = [0.0_f32; 100];
        values[70] = 900.0;
        assert_eq!(binner.push(0, &values).bins, [(0.0, 0.0), (0.0, 900.0)]);
    }

    #[test]
    fn a_bin_is_missing_only_where_all_of_it_is() {
        let mut binner = Binner::new(1, 2);
        let nan = f32::NAN;
        let complete = binner.push(0, &[nan, 3.0, nan, nan, -0.5, nan]);
        assert_eq!(complete.bins[0], (3.0, 3.0));
        assert!(complete.bins[1].0.is_nan() && complete.bins[1].1.is_nan());
        assert_eq!(complete.bins[2], (-0.5, -0.5));
    }

    #[test]
    fn who_skips_rows_goes_on_with_the_right_number() {
        let mut binner = Binner::new(1, 10);
        assert!(binner.push(0, &[1.0; 7]).bins.is_empty());
        let complete = binner.push(95, &[2.0; 16]);
        assert_eq!(complete.first, 9);
        assert_eq!(complete.bins, [(2.0, 2.0), (2.0, 2.0)]);
    }

    proptest! {
        #[test]
        fn the_size_of_pushes_does_not_matter(
            values in prop::collection::vec(prop_oneof![4 => -9.0..9.0_f32, 1 => Just(f32::NAN)], 0..60),
            cut in 0..60_usize,
            first in 0..20_u64,
        ) {
            let values = &values[..values.len() / 2 * 2];
            let cut = (cut * 2).min(values.len());
            let whole = Binner::new(2, 7).push(first, values);
            let mut binner = Binner::new(2, 7);
            let mut parts = binner.push(first, &values[..cut]);
            parts.bins.extend(binner.push(first + wide(cut / 2), &values[cut..]).bins);
            prop_assert_eq!(whole.first, parts.first);
            prop_assert_eq!(bits(&whole.bins), bits(&parts.bins));
        }
    }
}
