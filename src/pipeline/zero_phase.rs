//! A whole recording filtered without delay: forward and backward through the chains it ran under, span by span.
//!
//! For after the fact only: a value depends on what came later in its span. What was raw and where spans begin is
//! what the running pipeline says; only the values differ. A floor under the envelope is tracked forward, as it always
//! is: it is not linear and delays nothing but itself. Held in memory: 20 bytes per value. Called by `clean`, and by
//! `verify` for the files it made.

use super::run::{CleanBlock, Pipeline};
use super::{Chain, Input, Span};
use crate::dsp::envelope::{Envelope, Path};
use crate::dsp::{envelope, zero_phase};
use crate::emg::Channel;
use crate::emg::units::{index, narrow, wide};
use std::collections::BTreeMap;

/// The last word on a chain that was run this way.
const WORD: &str = " zero-phase";

/// Says of a chain that it ran forward and backward; the identity has no direction.
#[must_use]
pub fn marked(chain: Chain) -> Chain {
    if is_marked(&chain) || (chain.sections.is_empty() && chain.envelope_sections.is_empty()) {
        return chain;
    }
    Chain { words: chain.words + WORD, delay_samples: 0.0, ..chain }
}

/// Whether a chain ran forward and backward.
#[must_use]
pub fn is_marked(chain: &Chain) -> bool {
    chain.words.ends_with(WORD)
}

/// Clean rows and envelope rows of a whole recording.
#[derive(Debug)]
pub struct ZeroPhase {
    first: u64,
    channels: usize,
    decimation: u32,
    clean: Vec<f32>,
    envelope: Vec<f32>,
}

impl ZeroPhase {
    /// Filters everything that `inputs` bring after what `pipeline` has seen.
    pub fn of<E>(
        channels: &[Channel],
        mut pipeline: Pipeline,
        inputs: impl Iterator<Item = Result<Input, E>>,
    ) -> Result<Self, E> {
        let mut spans: Vec<Span> = pipeline.spans().collect();
        let (mut values, mut first) = (Vec::new(), None);
        for input in inputs {
            let input = input?;
            let block = pipeline.step(&input);
            match &input {
                Input::Chains(_) => {}
                Input::Gap(_) => values.resize(values.len() + block.clean.len(), f64::NAN),
                Input::Rows(rows) => {
                    let start = values.len();
                    rows.samples.widen(&mut values);
                    for row in values[start..].chunks_exact_mut(channels.len()) {
                        row.iter_mut().zip(channels).for_each(|(v, c)| *v = (*v - c.offset) * c.scale);
                    }
                }
            }
            first.get_or_insert(block.sample);
            spans.extend(block.spans);
        }
        let changes = pipeline.changes();
        let decimation = changes.first().map_or(1, |change| change.decimation);
        let rows = values.len() / channels.len();
        let first = first.unwrap_or(pipeline.row());
        let kept = index(envelope::kept_count(first, rows, decimation));
        let mut whole = Self {
            first,
            channels: channels.len(),
            decimation,
            clean: vec![f32::NAN; values.len()],
            envelope: vec![f32::NAN; kept * channels.len()],
        };
        let chains: Vec<Chain> = changes.into_iter().flat_map(|change| change.chains).collect();
        for (stretch, together) in whole.stretches(&spans, &values) {
            if let Some(chain) = chains.iter().find(|chain| chain.id == stretch.chain) {
                whole.filter(chain, &stretch, &together, &values);
            }
        }
        Ok(whole)
    }

    /// Puts its values where the running pipeline's stood. The states its spans began from are none of these values'.
    pub fn replace(&self, block: &mut CleanBlock) {
        let from = |values: &[f32], first: u64, start: u64, length: usize| {
            let at = index(start.saturating_sub(first)) * self.channels;
            values.get(at..at + length).map(<[f32]>::to_vec)
        };
        if let Some(clean) = from(&self.clean, self.first, block.sample, block.clean.len()) {
            block.clean = clean;
        }
        let first = envelope::first_at(self.first, self.decimation);
        if let Some(envelope) = from(&self.envelope, first, block.envelope_first, block.envelope.len()) {
            block.envelope = envelope;
        }
        block.starts.clear();
    }

    /// Where a filter runs without a break, and the channels on which it does: from a span's first row to the next
    /// span or the first missing value.
    fn stretches(&self, spans: &[Span], values: &[f64]) -> BTreeMap<Stretch, Vec<usize>> {
        let rows = values.len() / self.channels;
        let mut stretches: BTreeMap<Stretch, Vec<usize>> = BTreeMap::new();
        for channel in 0..self.channels {
            let own: Vec<&Span> = spans.iter().filter(|span| usize::from(span.channel) == channel).collect();
            let row = |span: &Span| index(span.sample.saturating_sub(self.first)).min(rows);
            let ends = own.iter().skip(1).map(|span| row(span)).chain([rows]);
            for (span, end) in own.iter().zip(ends) {
                let start = row(span);
                let mut column = (start..end).map(|row| values[row * self.channels + channel]);
                let present = column.position(|value| !value.is_finite());
                let end = present.map_or(end, |rows| start + rows);
                if start < end {
                    let stretch = Stretch { start, end, chain: span.chain };
                    stretches.entry(stretch).or_default().push(channel);
                }
            }
        }
        stretches
    }

    /// Filters the channels that share a stretch.
    fn filter(&mut self, chain: &Chain, stretch: &Stretch, together: &[usize], values: &[f64]) {
        let rows = stretch.start..stretch.end;
        let width = together.len();
        let all = &values[rows.start * self.channels..rows.end * self.channels];
        let rows_of = all.chunks_exact(self.channels);
        let mut some: Vec<f64> =
            rows_of.flat_map(|row| together.iter().map(|&channel| row[channel])).collect();
        zero_phase::filter(&chain.sections, width, &mut some);
        for (row, some) in rows.zip(some.chunks_exact(width)) {
            let to = &mut self.clean[row * self.channels..][..self.channels];
            together.iter().zip(some).for_each(|(&channel, &value)| to[channel] = narrow(value));
        }
        if chain.rectify {
            for value in &mut some {
                *value = value.abs();
            }
        }
        zero_phase::filter(&chain.envelope_sections, width, &mut some);
        if chain.tracker.is_some() {
            lower(chain, width, &mut some);
        }
        let start = self.first + wide(stretch.start);
        let first =
            envelope::first_at(start, self.decimation) - envelope::first_at(self.first, self.decimation);
        for (at, row) in envelope::kept(start, some.len() / width, self.decimation).enumerate() {
            let to = &mut self.envelope[(index(first) + at) * self.channels..][..self.channels];
            let some = &some[row * width..][..width];
            together.iter().zip(some).for_each(|(&channel, &value)| to[channel] = narrow(value));
        }
    }
}

/// Takes the floor away from smoothed envelopes.
fn lower(chain: &Chain, width: usize, values: &mut [f64]) {
    let path = Path { rectify: false, sections: &[], tracker: chain.tracker };
    let mut floors = Envelope::new(&vec![path; width]);
    for (channel, &first) in values[..width].iter().enumerate() {
        floors.start(channel, first, chain.settle_rows);
    }
    floors.run(values);
}

/// Rows, counted from the first, over which one chain ran on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Stretch {
    start: usize,
    end: usize,
    chain: u32,
}
