//! Which bins a column of a sweep shows, and which values its height spans: whole numbers and no drawing.
//!
//! A window of `bins` bins is a pass; pass `p` holds the absolute bins `p x bins ..`, and column `c` always
//! holds the same share of its pass. So a column, once drawn, stays until the pen comes again.

use crate::emg::units;

/// The geometry of a sweep at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sweep {
    /// Bins in a pass, at least 1.
    bins: u64,
    /// Dot columns, at least 1.
    columns: u64,
    /// The bin after the newest one.
    end: u64,
    /// Empty dot columns in front of the pen.
    gap: u64,
}

impl Sweep {
    /// A sweep of `bins` bins over `columns` dot columns, drawn up to bin `end`, `gap` columns blank
    /// in front of the pen.
    pub(crate) fn new(bins: u64, columns: u64, end: u64, gap: u64) -> Self {
        Self { bins: bins.max(1), columns: columns.max(1), end, gap }
    }

    /// Bins of a column within any pass.
    fn share(&self, column: u64) -> (u64, u64) {
        let from = column * self.bins / self.columns;
        (from, ((column + 1) * self.bins / self.columns).max(from + 1))
    }

    /// First bin of the pass that is being drawn.
    fn pass_start(&self) -> u64 {
        self.end / self.bins * self.bins
    }

    /// The bins `from..to` a dot column shows: of this pass where they are complete, of the one before
    /// ahead of the pen, none in the pen gap and before the first row.
    pub(crate) fn bins_of(&self, column: u64) -> Option<(u64, u64)> {
        let (from, to) = self.share(column);
        let start = self.pass_start();
        if start + to <= self.end {
            return Some((start + from, start + to));
        }
        let before = start.checked_sub(self.bins)?;
        (column >= self.pen() + self.gap).then_some((before + from, before + to))
    }

    /// The first column that is not complete in this pass.
    pub(crate) fn pen(&self) -> u64 {
        let done = self.end - self.pass_start();
        let mut pen = done * self.columns / self.bins;
        while pen > 0 && self.share(pen - 1).1 > done {
            pen -= 1;
        }
        pen
    }

    /// The dot column that shows a bin now; none while it is not drawn.
    pub(crate) fn column_of(&self, bin: u64) -> Option<u64> {
        let place = bin % self.bins;
        let guess = place * self.columns / self.bins;
        (guess.saturating_sub(1)..=(guess + 1).min(self.columns - 1))
            .find(|&c| self.bins_of(c).is_some_and(|(from, to)| (from..to).contains(&bin)))
    }
}

/// The values between the bottom and the top of a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    /// Value at the bottom edge.
    pub(crate) low: f64,
    /// Value at the top edge.
    pub(crate) high: f64,
}

/// Where a column of a trace is lit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lit {
    /// Uppermost dot row, 0 at the top.
    pub(crate) top: u16,
    /// Lowest dot row.
    pub(crate) bottom: u16,
    /// The signal goes on above the top.
    pub(crate) above: bool,
    /// The signal goes on below the bottom.
    pub(crate) below: bool,
}

impl Span {
    /// The dot rows of `height` that a range of values lights, at least one.
    pub(crate) fn lit(self, (low, high): (f32, f32), height: u16) -> Lit {
        let last = height.saturating_sub(1);
        let row = |value: f32| {
            let share = (self.high - f64::from(value)) / (self.high - self.low);
            let row = units::length((share * f64::from(last)).clamp(0.0, f64::from(last)));
            u16::try_from(row).unwrap_or(last)
        };
        Lit {
            top: row(high),
            bottom: row(low),
            above: f64::from(high) > self.high,
            below: f64::from(low) < self.low,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_drawn_column_stays_until_the_pen_comes_again(
            bins in 1_u64..5000, columns in 1_u64..400, end in 0_u64..20_000, more in 1_u64..6000, gap in 0_u64..8,
        ) {
            let now = Sweep::new(bins, columns, end, gap);
            let later = Sweep::new(bins, columns, end + more, gap);
            for column in 0..columns {
                let (was, is) = (now.bins_of(column), later.bins_of(column));
                if let (Some((from, _)), Some((later_from, _))) = (was, is) {
                    prop_assert!(later_from == from || later_from >= from + bins, "moved without the pen");
                    prop_assert_eq!((later_from - from) % bins, 0);
                }
            }
        }

        #[test]
        fn every_bin_behind_the_pen_is_in_exactly_one_column_or_in_all_that_share_it(
            bins in 1_u64..3000, columns in 1_u64..300, end in 1_u64..9000,
        ) {
            let sweep = Sweep::new(bins, columns, end, 4);
            let start = end / bins * bins;
            for bin in start..end {
                let shown = (0..columns).filter(|&c| sweep.bins_of(c).is_some_and(|(a, b)| (a..b).contains(&bin)));
                let count = shown.count();
                // The newest bins wait until their column is whole.
                let waits = end - bin <= bins / columns + 1;
                prop_assert!(count >= 1 || waits, "bin {} of {}..{}", bin, start, end);
                prop_assert!(count <= 1 || bins < columns);
                prop_assert_eq!(sweep.column_of(bin).is_some(), count > 0);
            }
        }
    }

    #[test]
    fn the_pen_leaves_a_gap_before_the_old_pass() {
        let sweep = Sweep::new(100, 10, 130, 2);
        assert_eq!(sweep.bins_of(2), Some((120, 130)), "drawn just now");
        assert_eq!((sweep.bins_of(3), sweep.bins_of(4)), (None, None), "the gap");
        assert_eq!(sweep.bins_of(5), Some((50, 60)), "left from the pass before");
        assert_eq!(Sweep::new(100, 10, 30, 2).bins_of(5), None, "there was no pass before");
    }

    #[test]
    fn values_beyond_the_span_are_cut_and_said() {
        let span = Span { low: -1.0, high: 1.0 };
        assert_eq!(span.lit((-0.1, 5.0), 9), Lit { top: 0, bottom: 4, above: true, below: false });
        assert_eq!(span.lit((0.0, 0.0), 9), Lit { top: 4, bottom: 4, above: false, below: false });
    }
}
