//! Minima and maxima of any stretch of a recording, however long: what a screen draws of it.
//!
//! Rows are read in pieces. What is finer than [`COARSE`] rows a bin is read anew each time, which is little; what is
//! coarser is made of bins of [`COARSE`] rows, which are kept once they were read: 1.8 MB for an hour of 8 channels at
//! 1 kHz. Every row is in a bin, so a single one that stands out is seen at every scale.

use super::Recording;
use crate::dsp::bins::{Binner, MinMax};
use crate::emg::units::{index, narrow, wide};
use crate::emg::{Gap, Samples};
use crate::store::StoreError;
use std::collections::HashMap;
use std::ops::Range;

/// Rows in a bin that is kept.
pub const COARSE: u64 = 256;

/// Rows read at a time: at most 40 ms of reading 8 channels, measured without optimisation on a loaded machine, so that
/// whoever asks for something else does not wait.
pub const PIECE: u64 = 65_536;

/// Nothing there.
const NOTHING: MinMax = (f32::NAN, f32::NAN);

/// Which signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// As the device sent it, in the channel's unit.
    Raw,
    /// Filtered.
    Clean,
}

/// Bins of a stretch, filled piece by piece.
#[derive(Clone, Debug)]
pub struct Stretch {
    signal: Signal,
    rows_per_bin: u64,
    first: u64,
    channels: usize,
    pieces: Range<u64>,
    next: u64,
    /// `bins x channels` pairs; NaN where rows are missing, lie outside the file or were not read yet.
    pub bins: Vec<MinMax>,
}

impl Stretch {
    /// Bins `first ..` of `rows_per_bin` rows each, none read yet.
    ///
    /// # Panics
    /// When `rows_per_bin` is no power of two: bins would not end where kept ones do.
    #[must_use]
    pub fn new(recording: &Recording, signal: Signal, rows_per_bin: u64, bins: Range<u64>) -> Self {
        assert!(rows_per_bin.is_power_of_two(), "bins of {rows_per_bin} rows");
        let channels = recording.channels().len();
        let span = recording.signal_span(signal);
        let row = |bin: u64| bin.saturating_mul(rows_per_bin).clamp(span.start, span.end);
        let (start, end) = (row(bins.start), row(bins.end));
        Self {
            signal,
            rows_per_bin,
            first: bins.start,
            channels,
            pieces: start / PIECE..if start < end { end.div_ceil(PIECE) } else { start / PIECE },
            next: start / PIECE,
            bins: vec![NOTHING; index(bins.end.saturating_sub(bins.start)) * channels],
        }
    }

    /// Share of it that was read, 0 to 1.
    #[must_use]
    pub fn read(&self) -> f64 {
        let all = self.pieces.end - self.pieces.start;
        if all == 0 {
            1.0
        } else {
            crate::emg::units::float(self.next - self.pieces.start) / crate::emg::units::float(all)
        }
    }

    /// Whether nothing is left to read.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.next >= self.pieces.end
    }

    /// Rows that belong to it.
    fn rows(&self) -> Range<u64> {
        let row = |bin: u64| bin.saturating_mul(self.rows_per_bin);
        row(self.first)..row(self.first.saturating_add(wide(self.bins.len() / self.channels.max(1))))
    }

    /// Takes in bins of `rows` rows each that begin at row `start`.
    fn merge(&mut self, start: u64, rows: u64, bins: &[MinMax]) {
        for (n, from) in (0..).zip(bins.chunks_exact(self.channels)) {
            let Some(bin) = ((start + n * rows) / self.rows_per_bin).checked_sub(self.first) else {
                continue;
            };
            let at = index(bin).saturating_mul(self.channels);
            let Some(into) = self.bins.get_mut(at..at.saturating_add(self.channels)) else { continue };
            for (into, from) in into.iter_mut().zip(from) {
                // `min` and `max` prefer the number to the NaN.
                *into = (into.0.min(from.0), into.1.max(from.1));
            }
        }
    }
}

/// What was read of a recording so far, in coarse bins.
#[derive(Debug, Default)]
pub struct Outline {
    pieces: HashMap<(Signal, u64), Box<[MinMax]>>,
}

impl Outline {
    /// Reads the next piece of a stretch. Rows a growing file has not got yet are not remembered as missing.
    pub fn advance(
        &mut self,
        recording: &Recording,
        gaps: &[Gap],
        stretch: &mut Stretch,
    ) -> Result<(), StoreError> {
        let (signal, piece) = (stretch.signal, stretch.next);
        stretch.next += 1;
        let span = recording.signal_span(signal);
        let rows = (piece * PIECE).max(span.start)..((piece + 1) * PIECE).min(span.end);
        if stretch.rows_per_bin < COARSE {
            let wanted = stretch.rows();
            let rows = rows.start.max(wanted.start)..rows.end.min(wanted.end);
            let bins = read(recording, gaps, signal, &rows, stretch.rows_per_bin)?;
            stretch.merge(rows.start, stretch.rows_per_bin, &bins);
            return Ok(());
        }
        if let Some(kept) = self.pieces.get(&(signal, piece)) {
            stretch.merge(rows.start, COARSE, kept);
            return Ok(());
        }
        let bins = read(recording, gaps, signal, &rows, COARSE)?;
        stretch.merge(rows.start, COARSE, &bins);
        if rows.end == (piece + 1) * PIECE {
            self.pieces.insert((signal, piece), bins.into_boxed_slice());
        }
        Ok(())
    }
}

/// Bins of these rows; the first and the last one hold what there is of them.
fn read(
    recording: &Recording,
    gaps: &[Gap],
    signal: Signal,
    rows: &Range<u64>,
    rows_per_bin: u64,
) -> Result<Vec<MinMax>, StoreError> {
    if rows.start >= rows.end {
        return Ok(Vec::new());
    }
    let channels = recording.channels().len();
    let mut values = match signal {
        Signal::Clean => recording.clean(rows.clone())?,
        Signal::Raw => in_units(recording, &recording.raw(rows.clone())?),
    };
    if signal == Signal::Raw {
        blank(gaps, rows, channels, &mut values);
    }
    // The last bin is complete when its rows are there, be they nothing.
    let short = (rows_per_bin - rows.end % rows_per_bin) % rows_per_bin;
    values.extend(std::iter::repeat_n(f32::NAN, index(short) * channels));
    let rows_per_bin = u32::try_from(rows_per_bin).unwrap_or(u32::MAX);
    Ok(Binner::new(channels, rows_per_bin).push(rows.start, &values).bins)
}

/// Raw values as the channels' units.
fn in_units(recording: &Recording, samples: &Samples) -> Vec<f32> {
    let channels = recording.channels();
    let value = |at: usize| {
        let channel = &channels[at % channels.len()];
        narrow((samples.get(at) - channel.offset) * channel.scale)
    };
    (0..samples.len()).map(value).collect()
}

/// Makes what gaps filled missing: what stands there is no measurement.
fn blank(gaps: &[Gap], rows: &Range<u64>, channels: usize, values: &mut [f32]) {
    for gap in gaps.iter().filter(|gap| gap.filled() > 0) {
        let from = gap.sample.clamp(rows.start, rows.end) - rows.start;
        let to = gap.sample.saturating_add(gap.filled()).clamp(rows.start, rows.end) - rows.start;
        if let Some(lost) = values.get_mut(index(from) * channels..index(to.max(from)) * channels) {
            lost.fill(f32::NAN);
        }
    }
}

impl Recording {
    /// The rows of which this signal lies in the file.
    #[must_use]
    pub fn signal_span(&self, signal: Signal) -> Range<u64> {
        match signal {
            Signal::Raw => self.span(),
            Signal::Clean => self.clean_span(),
        }
    }
}

#[cfg(test)]
mod tests;
