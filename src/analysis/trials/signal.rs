//! The amplitudes of some rows, and what of them is lost, an artefact, or not settled.

use super::find::{Trial, signed};
use super::measure::Fault;
use crate::emg::marker::Placed;
use crate::emg::units::{float, index, wide};
use crate::emg::{Artefact, Kind};
use crate::pipeline::Span;
use crate::store::StoreError;
use crate::store::reader::{Joined, Recording};
use std::ops::Range;

/// Which amplitude is averaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signal {
    /// The envelope of raw channels; the cleaned samples of all others, which their sensors have rectified.
    #[default]
    Amplitude,
    /// The envelope of every channel, smoothed twice where the sensor smooths.
    Envelope,
    /// Magnitudes of the cleaned samples, without smoothing.
    Rectified,
    /// Root mean square of the cleaned samples.
    Rms,
}

impl Signal {
    /// All signals.
    pub const ALL: [Self; 4] = [Self::Amplitude, Self::Envelope, Self::Rectified, Self::Rms];

    /// The word on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Amplitude => "amplitude",
            Self::Envelope => "envelope",
            Self::Rectified => "rectified",
            Self::Rms => "rms",
        }
    }

    pub(super) fn is_envelope(self, kind: Kind) -> bool {
        self == Self::Envelope || self == Self::Amplitude && kind == Kind::Raw
    }
}

/// What some rows of one channel hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amount {
    /// Mean of the amplitudes that are neither lost nor artefacts, in the channel's unit; NaN where there are none.
    pub mean: f64,
    /// Share of the rows' values that are missing, 0 to 1; NaN where the signal has none there.
    pub lost: f64,
    /// Share of the values that are there and were judged artefacts.
    pub artefact: f64,
    /// Share of the values in the mean for which a filter had not settled.
    pub settling: f64,
}

impl Amount {
    /// What too many of its rows are, where at most this share may be lost or artefacts.
    pub(super) fn fault(&self, most_lost: f64) -> Option<Fault> {
        let spoiled = (1.0 - self.lost) * self.artefact;
        if self.lost > most_lost {
            Some(Fault::Lost)
        } else if spoiled > most_lost {
            Some(Fault::Artefact)
        } else if self.lost + spoiled > most_lost || self.mean.is_nan() {
            Some(match (self.lost > 0.0, spoiled > 0.0) {
                (true, true) => Fault::LostAndArtefact,
                (false, true) => Fault::Artefact,
                (_, false) => Fault::Lost,
            })
        } else {
            None
        }
    }
}

/// Reads amplitudes of one recording.
pub(super) struct Reader<'a> {
    joined: &'a Joined,
    artefacts: &'a [Artefact],
    signal: Signal,
    spans: Vec<Span>,
    /// Rows before which the source was away.
    holes: Vec<i64>,
    end: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        joined: &'a Joined,
        artefacts: &'a [Artefact],
        signal: Signal,
    ) -> Result<Self, StoreError> {
        let gaps = joined.table(Recording::gaps)?;
        let mut spans = joined.table(Recording::spans)?;
        spans.retain(|span| span.settled_sample > span.sample);
        Ok(Self {
            joined,
            artefacts,
            signal,
            spans,
            holes: gaps.iter().filter(|gap| !gap.exact).map(|gap| signed(gap.sample)).collect(),
            end: joined.segments.iter().map(|segment| segment.clean_span().end).max().unwrap_or(0),
        })
    }

    /// What lies in these rows against a trial's onset.
    pub(super) fn strip(&self, trial: &Trial, rows: &Range<i64>) -> Result<Strip<'a>, StoreError> {
        let onset = signed(trial.onset);
        let held = self.clamp(onset + rows.start)..self.clamp(onset + rows.end);
        let is_envelope = |channel: &crate::emg::Channel| self.signal.is_envelope(channel.kind);
        let kinds: Vec<bool> = self.joined.channels().iter().map(is_envelope).collect();
        let read = |envelope: bool| -> Result<Matrix, StoreError> {
            let is_used = kinds.contains(&envelope);
            if is_used { Matrix::read(self.joined, envelope, &held) } else { Ok(Matrix::default()) }
        };
        let near = |from: u64, to: u64| from < held.end && held.start < to;
        Ok(Strip {
            onset,
            signal: self.signal,
            clean: read(false)?,
            envelope: read(true)?,
            kinds,
            artefacts: self
                .artefacts
                .iter()
                .filter(|one| !one.retracted && near(one.onset, one.end))
                .collect(),
            spans: self.spans.iter().filter(|s| near(s.sample, s.settled_sample)).copied().collect(),
        })
    }

    fn clamp(&self, row: i64) -> u64 {
        u64::try_from(row).unwrap_or(0).min(self.end)
    }

    /// Why these rows cannot be used.
    pub(super) fn fault(
        &self,
        trial: &Trial,
        rows: &Range<i64>,
        amount: &Amount,
        most_lost: f64,
    ) -> Option<Fault> {
        let onset = signed(trial.onset);
        let (start, end) = (onset + rows.start, onset + rows.end);
        // A hole may lie between the onset and the rows as well as inside them.
        let reach = onset.min(start) + 1..=onset.max(end - 1);
        let is_away =
            trial.placed == Placed::BetweenEpochs || self.holes.iter().any(|hole| reach.contains(hole));
        if amount.lost.is_nan() {
            Some(Fault::Empty)
        } else if start < 0 {
            Some(Fault::Before)
        } else if end > signed(self.end) {
            Some(Fault::After)
        } else if is_away {
            Some(Fault::Away)
        } else {
            amount.fault(most_lost)
        }
    }
}

/// Values of one of the two matrices, with what is known of their rows.
#[derive(Debug)]
struct Matrix {
    /// Rows per value.
    step: i64,
    /// Number of the first value.
    first: i64,
    width: usize,
    values: Vec<f32>,
}

impl Default for Matrix {
    fn default() -> Self {
        Self { step: 1, first: 0, width: 1, values: Vec::new() }
    }
}

impl Matrix {
    /// Value `j` belongs to row `(j + 1) x step - 1`: of every clean row, and as `/clean/envelope` counts.
    fn read(joined: &Joined, envelope: bool, rows: &Range<u64>) -> Result<Self, StoreError> {
        let step = if envelope { u64::from(joined.first().facts().decimation) } else { 1 };
        let wanted = rows.start / step..rows.end / step;
        let width = joined.channels().len();
        let mut values = vec![f32::NAN; index(wanted.end - wanted.start) * width];
        let fits = |segment: &&Recording| segment.channels().len() == width;
        for segment in joined.segments.iter().filter(fits) {
            let (held, found) = if envelope {
                (segment.envelope_span(), segment.envelope(wanted.clone())?)
            } else {
                (segment.clean_span(), segment.clean(wanted.clone())?)
            };
            let at = index(held.start.saturating_sub(wanted.start)) * width;
            if !found.is_empty() {
                values[at..at + found.len()].copy_from_slice(&found);
            }
        }
        Ok(Self { step: signed(step), first: signed(wanted.start), width, values })
    }

    /// Numbers of the values that belong to rows, whether they are there or not.
    fn numbers(&self, rows: &Range<i64>) -> Range<i64> {
        rows.start.div_euclid(self.step)..rows.end.div_euclid(self.step)
    }
}

/// The values of some rows around one onset.
pub(super) struct Strip<'a> {
    onset: i64,
    signal: Signal,
    clean: Matrix,
    envelope: Matrix,
    /// Of each channel, whether its envelope is meant.
    kinds: Vec<bool>,
    artefacts: Vec<&'a Artefact>,
    spans: Vec<Span>,
}

impl Strip<'_> {
    /// What these rows against the onset hold on a channel.
    pub(super) fn amount(&self, channel: usize, rows: &Range<i64>) -> Amount {
        let matrix = if self.kinds[channel] { &self.envelope } else { &self.clean };
        let numbers = matrix.numbers(&(self.onset + rows.start..self.onset + rows.end));
        let held = matrix.first..matrix.first + signed(wide(matrix.values.len() / matrix.width));
        let expected = float(u64::try_from(numbers.end - numbers.start).unwrap_or(0));
        let (mut sum, mut present, mut spoiled, mut settling) = (0.0, 0_u64, 0_u64, 0_u64);
        for number in numbers.start.max(held.start)..numbers.end.min(held.end) {
            let at = usize::try_from(number - held.start).unwrap_or(0) * matrix.width + channel;
            let value = f64::from(matrix.values[at]);
            if !value.is_finite() {
                continue;
            }
            present += 1;
            let row = u64::try_from((number + 1) * matrix.step - 1).unwrap_or(0);
            if self.artefacts.iter().any(|one| one.covers(row, Some(channel))) {
                spoiled += 1;
                continue;
            }
            let is_open = |span: &Span| (span.sample..span.settled_sample).contains(&row);
            let own = |span: &&Span| usize::from(span.channel) == channel;
            settling += u64::from(self.spans.iter().filter(own).any(is_open));
            sum += self.amplitude(value);
        }
        let used = float(present - spoiled);
        let share = |part: u64, whole: f64| if part == 0 { 0.0 } else { float(part) / whole };
        let mean = sum / used;
        Amount {
            mean: if self.signal == Signal::Rms { mean.sqrt() } else { mean },
            lost: (expected - float(present)) / expected,
            artefact: share(spoiled, float(present)),
            settling: share(settling, used),
        }
    }

    fn amplitude(&self, value: f64) -> f64 {
        match self.signal {
            Signal::Amplitude | Signal::Envelope => value,
            Signal::Rectified => value.abs(),
            Signal::Rms => value * value,
        }
    }
}
