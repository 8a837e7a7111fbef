//! What a recording holds, in a handful of numbers. Callers: `cli` (`inspect`, `stop`), `verify`.

use super::Recording;
use crate::emg::units::{float, wide};
use crate::store::StoreError;
use crate::store::layout::State;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What a recording holds; the fields are the keys of `inspect --json` and `verify --json`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// The file.
    pub file: String,
    /// Version of its format, empty where it could not be read.
    pub format_version: String,
    /// Whether it is whole.
    pub state: State,
    /// Rows of raw samples.
    pub rows: u64,
    /// Columns.
    pub channels: u64,
    /// Rate the filters were designed for, else the claimed one; NaN where neither is known.
    pub sampling_rate_hz: f64,
    /// Rows at that rate plus the time between epochs; NaN without a rate.
    pub duration_s: f64,
    /// Marker rows, all actions counted.
    pub markers: u64,
    /// Gap rows.
    pub gaps: u64,
    /// Samples missing per channel, counted ones and estimates together.
    pub samples_lost: u64,
    /// Whether they could be counted; else there may be more, and a damaged value looks like any other.
    pub losses_counted: bool,
    /// Runs without reopen, reset or suspend.
    pub epochs: u64,
    /// Rows of predictions of each model.
    pub predictions: BTreeMap<String, u64>,
    /// What was checked; empty unless asked for.
    pub checks: Vec<Check>,
}

/// One check of `verify`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was checked, one word.
    pub name: &'static str,
    /// Whether it holds.
    pub ok: bool,
    /// What was found, one sentence.
    pub detail: String,
}

impl Summary {
    /// A summary of a file of which nothing could be read.
    #[must_use]
    pub fn unread(path: &Path) -> Self {
        Self {
            file: path.display().to_string(),
            sampling_rate_hz: f64::NAN,
            duration_s: f64::NAN,
            ..Self::default()
        }
    }

    /// What an open recording holds.
    pub fn of(recording: &Recording) -> Result<Self, StoreError> {
        let facts = recording.facts();
        let gaps = recording.gaps()?;
        let blocks = recording.blocks()?;
        let between = gaps.iter().filter(|gap| !gap.exact).map(|gap| gap.missing);
        let rows = recording.rows();
        Ok(Self {
            format_version: facts.format_version.clone(),
            state: facts.state,
            rows,
            channels: wide(recording.channels().len()),
            sampling_rate_hz: facts.sampling_rate_hz,
            duration_s: float(between.fold(rows, u64::saturating_add)) / facts.sampling_rate_hz,
            markers: wide(recording.markers()?.len()),
            gaps: wide(gaps.len()),
            samples_lost: gaps.iter().fold(0, |sum, gap| sum.saturating_add(gap.missing)),
            losses_counted: facts.losses_counted,
            epochs: wide(blocks.iter().map(|block| block.epoch).collect::<BTreeSet<_>>().len()),
            predictions: recording.predictions()?,
            ..Self::unread(recording.path())
        })
    }
}

/// What the recording in a file holds.
pub fn inspect(path: &Path) -> Result<Summary, StoreError> {
    Summary::of(&Recording::open(path)?)
}
