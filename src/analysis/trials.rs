//! TRIALS: how strongly each muscle acted in each bin of each trial, against a baseline of the same trial.
//!
//! One [`Row`] per trial, channel and bin, excluded ones included with their reason. A trial begins at a marker that
//! stands. Rows go by sample numbers, so bins tile the window without a gap or an overlap at any rate. Called by `cli`.
//!
//! # Definitions
//!
//! *Amplitude* ([`Signal`]): for raw channels the envelope; for rectified and envelope channels the cleaned samples,
//! which are the amplitude already. The envelope is causal, so it tells of a muscle later than the muscle acted; the
//! same holds for baseline and window.
//!
//! *Mean*: of the amplitudes in the bin that are there and that nobody judged an artefact. Nothing is interpolated.
//!
//! *Measure* ([`Measure`]), of a bin's mean `m` and the baseline's mean `b`: difference `m - b`, ratio `100 m / b`
//! (percent of baseline), log-ratio `ln(m / b)`. These, and standardising within muscle and subject, are the choices
//! that decide results in Rutkowska et al. 2024, Behavior Research Methods 56:7331-7344.
//!
//! *Standardised* ([`standardise`]): `z = (v - mean) / sd`, the mean and the sd (n - 1) being those of all values of
//! one subject, muscle and side that are not excluded, over all sessions, runs, conditions, trials and bins of the
//! table, after the measure. A table of other trials therefore has other z values.

mod find;
mod judged;
mod measure;
mod signal;
mod summary;

pub use find::Trial;
pub use judged::{Judges, judged};
pub use measure::{Exclusion, Fault, Measure, standardise};
pub use signal::{Amount, Signal};
pub use summary::{Summary, summarise};

use crate::emg::units::{float, rows_in};
use crate::emg::{Artefact, Channel, Kind};
use crate::store::StoreError;
use crate::store::layout::State;
use crate::store::reader::{Joined, Recording};
use signal::Reader;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// A stretch of time against a trial's onset, milliseconds, the end exclusive.
pub type Span = Range<i64>;

/// What is asked of every recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What a trial is compared with.
    pub baseline: Span,
    /// What is told of a trial.
    pub window: Span,
    /// Width of a bin, milliseconds; divides the window.
    pub bin_ms: i64,
    /// How a bin is compared with the baseline.
    pub measure: Measure,
    /// Which amplitude is averaged.
    pub signal: Signal,
    /// Largest share of a bin or baseline that may be lost or an artefact, 0 to 1.
    pub most_lost: f64,
    /// Labels of the markers that begin trials; none for all.
    pub labels: Vec<String>,
    /// Names of the channels; none for all that carry EMG.
    pub channels: Vec<String>,
}

/// A recording that rows come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    /// BIDS subject.
    pub subject: String,
    /// BIDS session, may be empty.
    pub session: String,
    /// BIDS task.
    pub task: String,
    /// BIDS run, 0 where there is none.
    pub run: u32,
    /// Name of its first file, without the ending.
    pub recording: String,
    /// Rows per second.
    pub rate_hz: f64,
}

/// One bin of one trial on one channel.
#[derive(Clone, Debug)]
pub struct Row {
    /// Whose.
    pub origin: Arc<Origin>,
    /// Which trial.
    pub trial: Arc<Trial>,
    /// Which channel.
    pub channel: Arc<Channel>,
    /// Bin, counted from 1.
    pub bin: usize,
    /// Where the bin lies.
    pub span: Span,
    /// The measure, standardised if asked for; NaN where excluded.
    pub value: f64,
    /// What the bin holds.
    pub amount: Amount,
    /// Mean amplitude of the baseline, in the channel's unit; NaN where there is none.
    pub baseline: f64,
    /// Why there is no value.
    pub exclusion: Option<Exclusion>,
}

/// Why a recording gives no trials.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is not closed.
    #[error("{path} is still being recorded, or was left by a crash", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// Times mean nothing in it.
    #[error("{path} has no known rate, so seconds cannot be counted in it", path = path.display())]
    NoRate {
        /// The file.
        path: PathBuf,
    },
    /// Rest is about 0 in the envelopes, and nothing can be divided by that.
    #[error("the envelope in {path} is on its own baseline ({words}), so `{measure}` would divide by what is left near 0", path = path.display(), measure = measure.word())]
    OnBaseline {
        /// The file.
        path: PathBuf,
        /// What was done to the envelope.
        words: String,
        /// The measure asked for.
        measure: Measure,
    },
    /// A channel that was asked for is not there.
    #[error("{path} has no channel `{name}`", path = path.display())]
    NoChannel {
        /// The file.
        path: PathBuf,
        /// The channel asked for.
        name: String,
        /// Those there are.
        names: String,
    },
    /// No marker begins a trial.
    #[error("{path} has no trial", path = path.display())]
    NoTrial {
        /// The file.
        path: PathBuf,
        /// The labels of its markers.
        labels: String,
    },
}

impl Error {
    /// What to do next.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::Store(error) => error.advice(),
            Self::Open { .. } => "wait for its end, or run `myograph recover` on its journal".to_owned(),
            Self::NoRate { .. } => "record or import it with a rate".to_owned(),
            Self::OnBaseline { path, .. } => format!(
                "ask for `--measure difference`, or filter it anew with `myograph clean {} -o NEW.h5 --envelope-baseline off`",
                path.display()
            ),
            Self::NoChannel { names, .. } => format!("choose of its channels with `--channels`: {names}"),
            Self::NoTrial { labels, .. } if labels.is_empty() => {
                "leave it out: it has no markers, and a trial begins at one".to_owned()
            }
            Self::NoTrial { labels, .. } => format!("choose of its markers with `--markers`: {labels}"),
        }
    }
}

/// The trials of a recording as rows: trial by trial, channel by channel, bin by bin. Nothing is standardised yet.
///
/// `artefacts` are the judgements whose rows enter no mean.
///
/// # Panics
/// When the bins do not divide the window.
pub fn rows(joined: &Joined, artefacts: &[Artefact], plan: &Plan) -> Result<Vec<Row>, Error> {
    let width = plan.window.end - plan.window.start;
    assert!(plan.bin_ms > 0 && width > 0 && width % plan.bin_ms == 0, "bins divide the window");
    let origin = Arc::new(origin(joined)?);
    let channels = channels(joined, plan)?;
    divides(joined, &channels, plan)?;
    let markers = joined.table(Recording::markers)?;
    let in_rows = |span: &Span| rows_in(span.start, origin.rate_hz)..rows_in(span.end, origin.rate_hz);
    let used = [in_rows(&plan.baseline), in_rows(&plan.window)];
    let trials = find::trials(&markers, &plan.labels, &used);
    if trials.is_empty() {
        let (path, labels) = (joined.first().path().to_owned(), find::labels(&markers));
        return Err(Error::NoTrial { path, labels });
    }
    let reader = Reader::new(joined, artefacts, plan.signal)?;
    let mut rows = Vec::new();
    for trial in trials {
        let trial = Arc::new(trial);
        let baseline = reader.strip(&trial, &used[0])?;
        let window = reader.strip(&trial, &used[1])?;
        for (at, channel) in &channels {
            let base = baseline.amount(*at, &used[0]);
            let base_fault = reader.fault(&trial, &used[0], &base, plan.most_lost);
            for (bin, start) in (1..).zip((plan.window.start..plan.window.end).step_by(step(plan.bin_ms))) {
                let span = start..start + plan.bin_ms;
                let amount = window.amount(*at, &in_rows(&span));
                let fault = reader.fault(&trial, &in_rows(&span), &amount, plan.most_lost);
                let judged = match (base_fault, fault) {
                    (Some(fault), _) => Err(Exclusion::Baseline(fault)),
                    (None, Some(fault)) => Err(Exclusion::Window(fault)),
                    (None, None) => plan.measure.of(amount.mean, base.mean),
                };
                rows.push(Row {
                    origin: Arc::clone(&origin),
                    trial: Arc::clone(&trial),
                    channel: Arc::clone(channel),
                    bin,
                    span,
                    value: judged.unwrap_or(f64::NAN),
                    amount,
                    baseline: base.mean,
                    exclusion: judged.err(),
                });
            }
        }
    }
    Ok(rows)
}

/// Refuses to divide by the baseline of an envelope that was put on its baseline.
fn divides(joined: &Joined, channels: &[(usize, Arc<Channel>)], plan: &Plan) -> Result<(), Error> {
    if plan.measure == Measure::Difference {
        return Ok(());
    }
    let changes = joined.changes()?;
    let is_used = |id: &u32| {
        let enveloped = channels.iter().filter(|(_, channel)| plan.signal.is_envelope(channel.kind));
        let mut columns = enveloped.map(|(at, _)| *at);
        columns.any(|at| changes.iter().any(|change| change.assignment.get(at) == Some(id)))
    };
    let mut chains = changes.iter().flat_map(|change| &change.chains);
    match chains.find(|chain| chain.takes_baseline() && is_used(&chain.id)) {
        Some(chain) => {
            let (path, words) = (joined.first().path().to_owned(), chain.words.clone());
            Err(Error::OnBaseline { path, words, measure: plan.measure })
        }
        None => Ok(()),
    }
}

fn step(ms: i64) -> usize {
    usize::try_from(ms).unwrap_or(usize::MAX)
}

fn origin(joined: &Joined) -> Result<Origin, Error> {
    if let Some(open) = joined.segments.iter().find(|segment| segment.facts().state == State::Open) {
        return Err(Error::Open { path: open.path().to_owned() });
    }
    let first = joined.first();
    let facts = first.facts();
    if !(facts.sampling_rate_hz.is_finite() && facts.sampling_rate_hz > 0.0) {
        return Err(Error::NoRate { path: first.path().to_owned() });
    }
    Ok(Origin {
        subject: facts.entities.subject.clone(),
        session: facts.entities.session.clone(),
        task: facts.entities.task.clone(),
        run: facts.entities.run,
        recording: first.path().file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        rate_hz: facts.sampling_rate_hz,
    })
}

/// The channels asked for with their columns, in the order of columns.
fn channels(joined: &Joined, plan: &Plan) -> Result<Vec<(usize, Arc<Channel>)>, Error> {
    let all = joined.channels();
    if let Some(name) = plan.channels.iter().find(|name| all.iter().all(|channel| channel.name != **name)) {
        let names: Vec<&str> = all.iter().map(|channel| channel.name.as_str()).collect();
        let path = joined.first().path().to_owned();
        return Err(Error::NoChannel { path, name: name.clone(), names: names.join(", ") });
    }
    let is_wanted = |channel: &Channel| match plan.channels[..] {
        [] => !matches!(channel.kind, Kind::Aux | Kind::Trigger),
        _ => plan.channels.contains(&channel.name),
    };
    let wanted = all.iter().enumerate().filter(|(_, channel)| is_wanted(channel));
    Ok(wanted.map(|(at, channel)| (at, Arc::new(channel.clone()))).collect())
}

impl Row {
    /// The muscle, or the channel's name where no muscle is known.
    #[must_use]
    pub fn muscle(&self) -> &str {
        if self.channel.muscle.is_empty() { &self.channel.name } else { &self.channel.muscle }
    }

    /// When the trial began, seconds of signal after the recording's first row.
    #[must_use]
    pub fn onset_s(&self) -> f64 {
        float(self.trial.onset) / self.origin.rate_hz
    }
}

#[cfg(test)]
mod tests;
