//! Where segments end: at a chunk border, the rotation time after their first row.

use crate::emg::units::count;
use std::time::Duration;

/// The next border of a recording.
#[derive(Debug)]
pub(super) struct Border {
    rotate: Option<Duration>,
    chunk_rows: u64,
    segment_rows: Option<u64>,
    first_row: u64,
}

impl Border {
    pub(super) fn new(rotate: Option<Duration>, chunk_rows: u32) -> Self {
        Self { rotate, chunk_rows: u64::from(chunk_rows.max(1)), segment_rows: None, first_row: 0 }
    }

    /// The rotation time can be counted in rows from now on.
    pub(super) fn rate_known(&mut self, rate_hz: Option<f64>) {
        if let (Some(rotate), Some(rate)) = (self.rotate, rate_hz) {
            let chunks = count(rotate.as_secs_f64() * rate).div_ceil(self.chunk_rows);
            self.segment_rows = Some(chunks.max(1) * self.chunk_rows);
        }
    }

    /// Rows that fit between `row` and the border.
    pub(super) fn rows_left(&self, row: u64) -> u64 {
        let Some(rows) = self.segment_rows else {
            return u64::MAX;
        };
        let past = row - self.first_row;
        // A rate that became known late may have moved the border behind us: the next chunk border serves.
        let end = if past > rows { past.next_multiple_of(self.chunk_rows) } else { rows };
        end - past
    }

    /// A segment begins at `row`.
    pub(super) fn crossed(&mut self, row: u64) {
        self.first_row = row;
    }
}
