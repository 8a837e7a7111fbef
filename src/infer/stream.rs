//! Rolling predictions: rows of the pipeline in, predictions out, the same however the rows were cut.
//!
//! Strides are counted from row 0 of the recording. A missing value never enters a model; what a step model keeps is
//! forgotten wherever filters begin anew. No clock, no thread: lateness is the caller's business.

mod lane;
mod verdicts;

use super::{Error, Mismatches, Model, Station};
use crate::emg::units::{index, length, wide};
use crate::emg::{Prediction, Quality};
use crate::pipeline::{Chain, CleanBlock, Input, Reason, Span};
use lane::{Fed, Lane, Start};
use verdicts::Verdicts;

/// Microseconds of some clock; a constant where nobody asks how long a model took.
pub type Clock = fn() -> u64;

/// Predicts with several models at once.
#[derive(Debug)]
pub struct Predictor {
    lanes: Vec<Lane>,
    channels: usize,
    /// The row that follows; rows left out by the caller are missing.
    row: u64,
    chains: Vec<Chain>,
    /// For each channel the first row of its latest span.
    begun: Vec<Option<u64>>,
    verdicts: Verdicts,
    clock: Clock,
}

impl Predictor {
    /// A predictor with these models, before the first row of a recording or of a part of it.
    pub fn new(models: Vec<Model>, station: &Station, clock: Clock) -> Result<Self, Mismatches> {
        let mut lanes = Vec::with_capacity(models.len());
        for model in models {
            station.check(model.card())?;
            // A station that has passed has every column.
            let columns = station.columns(model.card()).unwrap_or_default();
            lanes.push(Lane::new(model, columns, station.chains.decimation.max(1)));
        }
        let longest = lanes.iter().map(Lane::reach).max().unwrap_or(0);
        let second = wide(length(station.rate_hz.unwrap_or(0.0)));
        let channels = station.channels.len();
        Ok(Self {
            lanes,
            channels,
            row: 0,
            chains: station.chains.chains.clone(),
            begun: vec![None; channels],
            verdicts: Verdicts::new(channels, second, longest),
            clock,
        })
    }

    /// The models, in the order of [`Prediction::model`].
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.lanes.iter().map(Lane::model)
    }

    /// Takes what was found of a channel over a second. It holds from the second's end on, so it must come before
    /// the rows that follow that second are stepped over.
    pub fn judge(&mut self, quality: &Quality) {
        self.verdicts.judge(quality, self.row);
    }

    /// Takes the pipeline's next input together with what the pipeline made of it. Predictions come in the order of
    /// their last rows, those of one row in the order of the models.
    pub fn step(&mut self, input: &Input, clean: &CleanBlock) -> Vec<Prediction> {
        if let Input::Chains(change) = input {
            for chain in &change.chains {
                if !self.chains.iter().any(|known| known.id == chain.id) {
                    self.chains.push(chain.clone());
                }
            }
        }
        if clean.sample != self.row {
            self.lanes.iter_mut().for_each(Lane::lose);
        }
        self.row = clean.sample + wide(clean.clean.len() / self.channels.max(1));
        let begun = &mut self.begun;
        let new = clean.spans.iter().filter(|span| {
            let row = begun.get_mut(index(u64::from(span.channel)));
            row.is_some_and(|row| row.replace(span.sample) != Some(span.sample))
        });
        let starts: Vec<Start<'_>> = new.filter_map(|span| start(span, &self.chains)).collect();
        let mut found = Vec::new();
        for (model, lane) in (0..).zip(&mut self.lanes) {
            let (first, values) = if lane.is_fed_envelopes() {
                (clean.envelope_first, &clean.envelope)
            } else {
                (clean.sample, &clean.clean)
            };
            let (channels, verdicts, clock) = (self.channels, &self.verdicts, self.clock);
            let before = found.len();
            lane.feed(&Fed { first, values, channels, starts: &starts, verdicts, clock }, &mut found);
            found[before..].iter_mut().for_each(|prediction: &mut Prediction| prediction.model = model);
        }
        found.sort_by_key(|prediction| (prediction.end, prediction.model));
        found
    }

    /// Windows and strides of a model, so far, in which values were missing or filters were others than it knows.
    #[must_use]
    pub fn skipped(&self, model: usize) -> u64 {
        self.lanes.get(model).map_or(0, Lane::skipped)
    }

    /// Models that failed since the last call, each with its reason; they predict nothing any more.
    pub fn failures(&mut self) -> Vec<(usize, Error)> {
        let failures = self.lanes.iter_mut().map(Lane::failure).enumerate();
        failures.filter_map(|(model, failure)| Some((model, failure?))).collect()
    }
}

fn start<'a>(span: &Span, chains: &'a [Chain]) -> Option<Start<'a>> {
    Some(Start {
        channel: index(u64::from(span.channel)),
        row: span.sample,
        settled: span.settled_sample,
        after_gap: matches!(span.reason, Reason::Gap | Reason::Reconnect),
        chain: chains.iter().find(|chain| chain.id == span.chain)?,
    })
}

#[cfg(test)]
mod tests;
