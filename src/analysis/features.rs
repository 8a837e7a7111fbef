//! WINDOWS OF FEATURES: one row per window and channel over a whole recording, from its clean samples.
//!
//! Windows are aligned to row 0. Those that hold a gap, rows of two epochs or filters that had not settled are left
//! out and counted, or kept with their flags. What a kind of channel cannot have is refused with the reason.

mod error;
mod flaws;
mod rest;
mod threshold;

pub use error::FeaturesError;
pub use threshold::Threshold;

use crate::dsp::features::{Extractor, Feature, Needs, Windows};
use crate::emg::units::{length, wide};
use crate::emg::{Channel, Kind};
use crate::store::StoreError;
use crate::store::reader::Joined;
use flaws::Flaws;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Options {
    /// Length of a window, seconds.
    pub window_s: f64,
    /// From the start of one window to the next, seconds.
    pub step_s: f64,
    /// Columns, in order.
    pub features: Vec<Feature>,
    /// Names of channels; none for all that carry EMG.
    pub channels: Vec<String>,
    /// What counts as a crossing, a turn, a step or activity.
    pub threshold: Threshold,
    /// Whether windows with flags become rows too.
    pub flagged: bool,
}

/// A channel and what is computed of it.
#[derive(Debug)]
struct Lane {
    /// Column of the recording.
    column: usize,
    /// Threshold in the channel's unit; NaN where it is not known.
    threshold: f64,
    /// Of the features it can have.
    extractor: Extractor,
    /// Where their values stand among all that are wanted.
    places: Vec<usize>,
}

/// One window of one channel.
#[derive(Debug)]
pub struct Row<'a> {
    /// The channel.
    pub channel: &'a Channel,
    /// First row of the window.
    pub sample: u64,
    /// First row of the window, seconds from row 0 at the recording's rate.
    pub onset_s: f64,
    /// The row after the last one, likewise.
    pub end_s: f64,
    /// Threshold that was used, in the channel's unit; NaN where it is not known.
    pub threshold: f64,
    /// One value per feature; NaN where it cannot be.
    pub values: &'a [f64],
    /// What is wrong with the window; empty for a sound one.
    pub flags: &'a [&'static str],
}

/// How many windows became rows and how many did not, counted per channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows.
    pub kept: u64,
    /// Windows left out because they were flagged.
    pub left_out: u64,
}

/// A table that is about to be made.
#[derive(Debug)]
pub struct Table<'a> {
    joined: &'a Joined,
    options: Options,
    rate_hz: f64,
    window: usize,
    step: usize,
    lanes: Vec<Lane>,
    remarks: Vec<String>,
}

impl<'a> Table<'a> {
    /// Checks what is wanted against the recording and finds the thresholds, for which the whole recording is gone
    /// through once where they are multiples of the noise at rest.
    pub fn plan(joined: &'a Joined, options: Options) -> Result<Self, FeaturesError> {
        let rate_hz = joined.first().facts().sampling_rate_hz;
        if !(rate_hz.is_finite() && rate_hz > 0.0) {
            return Err(FeaturesError::RateUnknown { path: joined.first().path().to_owned() });
        }
        let window = rows("window", options.window_s, rate_hz, 4)?;
        let step = rows("step", options.step_s, rate_hz, 1)?;
        let columns = chosen(joined.channels(), &options.channels)?;
        let thresholds = thresholds(joined, &columns, &options, rate_hz)?;
        let lane = |(&column, &threshold): (&usize, &f64)| {
            let kind = joined.channels()[column].kind;
            let wanted = options.features.iter().enumerate();
            let fits: Vec<(usize, Feature)> =
                wanted.filter(|(_, feature)| has(kind, feature.needs())).map(|(at, f)| (at, *f)).collect();
            let features: Vec<Feature> = fits.iter().map(|(_, feature)| *feature).collect();
            let extractor = Extractor::new(&features, window, rate_hz);
            Lane { column, threshold, extractor, places: fits.into_iter().map(|(at, _)| at).collect() }
        };
        let lanes = columns.iter().zip(&thresholds).map(lane).collect();
        let remarks = remarks(joined.channels(), &columns, &options.features);
        Ok(Self { joined, options, rate_hz, window, step, lanes, remarks })
    }

    /// Rows per second that windows and frequencies go by.
    #[must_use]
    pub fn rate_hz(&self) -> f64 {
        self.rate_hz
    }

    /// Sentences about features that channels cannot have.
    #[must_use]
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Rows of the recording that are there.
    #[must_use]
    pub fn length(&self) -> u64 {
        length_of(self.joined)
    }

    /// Goes through the recording and shows every row of the table, windows in order and channels within a window.
    /// `seen` hears how many rows of the recording have gone by.
    pub fn run<E: From<FeaturesError>>(
        &mut self,
        mut show: impl FnMut(&Row<'_>) -> Result<(), E>,
        mut seen: impl FnMut(u64),
    ) -> Result<Tally, E> {
        let mut windows = Windows::new(self.joined.channels().len(), self.window, self.step);
        let mut flaws = Flaws::new(self.joined.channels().len());
        let mut tally = Tally::default();
        let mut values = vec![f64::NAN; self.options.features.len()];
        let mut found = Vec::new();
        let mut gone_by = 0;
        for block in self.joined.again() {
            let (_, block) = block.map_err(FeaturesError::from)?;
            flaws.hear(&block.spans);
            let mut outcome = Ok(());
            windows.push(block.sample, &block.clean, |window| {
                for lane in &mut self.lanes {
                    let words = flaws.of(&window, lane.column);
                    if outcome.is_err() || !(words.is_empty() || self.options.flagged) {
                        tally.left_out += u64::from(outcome.is_ok());
                        continue;
                    }
                    found.clear();
                    lane.extractor.run(window.channel(lane.column), lane.threshold, &mut found);
                    values.fill(f64::NAN);
                    lane.places.iter().zip(&found).for_each(|(&place, &value)| values[place] = value);
                    tally.kept += 1;
                    outcome = show(&Row {
                        channel: &self.joined.channels()[lane.column],
                        sample: window.sample,
                        onset_s: crate::emg::units::float(window.sample) / self.rate_hz,
                        end_s: crate::emg::units::float(window.end()) / self.rate_hz,
                        threshold: lane.threshold,
                        values: &values,
                        flags: &words,
                    });
                }
                flaws.forget(window.sample);
            });
            outcome?;
            gone_by += wide(block.clean.len() / self.joined.channels().len());
            seen(gone_by);
        }
        Ok(tally)
    }
}

/// Rows of a recording that are there.
fn length_of(joined: &Joined) -> u64 {
    joined.segments.iter().map(crate::store::reader::Recording::rows).sum()
}

/// A time as whole rows, at least `least`.
fn rows(what: &'static str, seconds: f64, rate_hz: f64, least: usize) -> Result<usize, FeaturesError> {
    let rows = length(seconds * rate_hz);
    if rows < least {
        return Err(FeaturesError::TooShort { what, seconds, rate_hz, least });
    }
    Ok(rows)
}

/// The columns of the named channels, of all that carry EMG without names.
fn chosen(channels: &[Channel], names: &[String]) -> Result<Vec<usize>, FeaturesError> {
    let carries = |channel: &Channel| !matches!(channel.kind, Kind::Aux | Kind::Trigger);
    let known =
        || channels.iter().filter(|c| carries(c)).map(|c| c.name.clone()).collect::<Vec<_>>().join(", ");
    let find = |name: &String| {
        let column = channels.iter().position(|channel| channel.name == *name);
        let column = column.ok_or_else(|| FeaturesError::NoChannel { name: name.clone(), known: known() })?;
        let kind = channels[column].kind;
        if carries(&channels[column]) {
            Ok(column)
        } else {
            Err(FeaturesError::NotEmg { name: name.clone(), kind: kind.word(), known: known() })
        }
    };
    let all: Vec<usize> = (0..channels.len()).filter(|&column| carries(&channels[column])).collect();
    match names {
        [] if all.is_empty() => Err(FeaturesError::NoEmg),
        [] => Ok(all),
        names => names.iter().map(find).collect(),
    }
}

/// The threshold of each of these columns in its own unit; 0, never asked, where no feature has one.
fn thresholds(
    joined: &Joined,
    columns: &[usize],
    options: &Options,
    rate_hz: f64,
) -> Result<Vec<f64>, FeaturesError> {
    if !options.features.iter().any(|feature| feature.has_threshold()) {
        return Ok(vec![0.0; columns.len()]);
    }
    let channels = joined.channels();
    match &options.threshold {
        Threshold::Rest(factor) => {
            let rests = rest::of(joined, rate_hz)?;
            Ok(columns
                .iter()
                .map(|&column| rests[column].map_or(f64::NAN, |rest| rest.above(*factor)))
                .collect())
        }
        Threshold::Level { value, unit } => {
            columns.iter().map(|&column| threshold::convert(*value, unit, &channels[column])).collect()
        }
    }
}

/// Whether a kind of channel can have a feature.
fn has(kind: Kind, needs: Needs) -> bool {
    match needs {
        Needs::Any => true,
        Needs::Raw => kind == Kind::Raw,
        Needs::Smooth => kind == Kind::Envelope,
    }
}

/// One sentence for each kind of channel that cannot have everything.
fn remarks(channels: &[Channel], columns: &[usize], features: &[Feature]) -> Vec<String> {
    let refusals = [
        (
            Kind::Raw,
            "a raw signal swings about zero all through a contraction, and only an envelope has that shape",
        ),
        (
            Kind::Rectified,
            "its sign and its spectrum were lost when it was rectified, and it is not smooth either",
        ),
        (
            Kind::Envelope,
            "its sensor rectified and smoothed the signal, so its sign and its spectrum are gone",
        ),
    ];
    let sentence = |(kind, why): (Kind, &str)| {
        let own = columns.iter().map(|&column| &channels[column]).filter(|channel| channel.kind == kind);
        let names: Vec<&str> = own.map(|channel| channel.name.as_str()).collect();
        let refused = features.iter().filter(|feature| !has(kind, feature.needs()));
        let refused: Vec<&str> = refused.map(|feature| feature.name()).collect();
        (!names.is_empty() && !refused.is_empty())
            .then(|| format!("{} ({}): {} n/a: {why}", names.join(", "), kind.word(), refused.join(", ")))
    };
    refusals.into_iter().filter_map(sentence).collect()
}

impl From<StoreError> for FeaturesError {
    fn from(source: StoreError) -> Self {
        Self::Store(source)
    }
}

#[cfg(test)]
mod tests;
