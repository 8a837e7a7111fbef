//! A bin against its baseline, and values against their kind: numbers in, numbers or a reason out.

use super::Row;
use crate::emg::units::float_len;
use std::collections::HashMap;

/// How a bin is compared with the baseline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// Bin less baseline, in the channel's unit.
    #[default]
    Difference,
    /// Bin as percent of the baseline.
    Ratio,
    /// Natural logarithm of bin over baseline: doubling and halving are equally far from 0.
    LogRatio,
}

/// What is wrong with the rows of a bin or a baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// They begin before the recording.
    Before,
    /// They end after it.
    After,
    /// The source was away between them and the onset, for a time nobody knows exactly.
    Away,
    /// Too many are missing.
    Lost,
    /// Too many were judged artefacts.
    Artefact,
    /// Too many are missing or artefacts, though neither alone would be too many.
    LostAndArtefact,
    /// They are fewer than the signal has values for.
    Empty,
}

/// Why a bin has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exclusion {
    /// Its baseline cannot be had.
    Baseline(Fault),
    /// It cannot be had itself.
    Window(Fault),
    /// The baseline is 0 or less, which nothing can be divided by.
    BaselineNotPositive,
    /// The ratio is 0 or less and has no logarithm.
    RatioNotPositive,
    /// Fewer than two values of its subject and muscle, or all the same.
    NoSpread,
}

impl Measure {
    /// All measures.
    pub const ALL: [Self; 3] = [Self::Difference, Self::Ratio, Self::LogRatio];

    /// The word on the command line and in tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Difference => "difference",
            Self::Ratio => "ratio",
            Self::LogRatio => "log-ratio",
        }
    }

    /// The unit of its values on a channel of that unit.
    #[must_use]
    pub fn unit(self, channel: &str) -> &str {
        match self {
            Self::Difference => channel,
            Self::Ratio => "%",
            Self::LogRatio => "ln",
        }
    }

    /// The value of a bin's mean against the baseline's.
    pub fn of(self, mean: f64, baseline: f64) -> Result<f64, Exclusion> {
        if self == Self::Difference {
            return Ok(mean - baseline);
        }
        // NaN is not positive either.
        if baseline.partial_cmp(&0.0) != Some(std::cmp::Ordering::Greater) {
            return Err(Exclusion::BaselineNotPositive);
        }
        let ratio = mean / baseline;
        match self {
            Self::LogRatio if ratio > 0.0 => Ok(ratio.ln()),
            Self::LogRatio => Err(Exclusion::RatioNotPositive),
            Self::Ratio | Self::Difference => Ok(100.0 * ratio),
        }
    }
}

impl Exclusion {
    /// The reason in tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Baseline(Fault::Before) => "baseline before the recording",
            Self::Baseline(Fault::After) => "baseline after the recording",
            Self::Baseline(Fault::Away) => "source away in the baseline",
            Self::Baseline(Fault::Lost) => "baseline lost",
            Self::Baseline(Fault::Artefact) => "baseline artefact",
            Self::Baseline(Fault::LostAndArtefact) => "baseline lost and artefact",
            Self::Baseline(Fault::Empty) => "baseline too short",
            Self::Window(Fault::Before) => "bin before the recording",
            Self::Window(Fault::After) => "bin after the recording",
            Self::Window(Fault::Away) => "source away before the bin",
            Self::Window(Fault::Lost) => "bin lost",
            Self::Window(Fault::Artefact) => "bin artefact",
            Self::Window(Fault::LostAndArtefact) => "bin lost and artefact",
            Self::Window(Fault::Empty) => "bin too short",
            Self::BaselineNotPositive => "baseline not positive",
            Self::RatioNotPositive => "ratio not positive",
            Self::NoSpread => "no spread to standardise by",
        }
    }
}

/// Mean and standard deviation (n - 1); NaN where there are too few values.
pub(super) fn moments(values: &[f64]) -> (f64, f64) {
    let n = float_len(values.len());
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0)).sqrt())
}

/// Replaces values by z scores within muscle and subject; see the definitions of this room.
pub fn standardise(rows: &mut [Row]) {
    let key = |row: &Row| {
        let channel = &row.channel;
        let muscle = row.muscle().to_owned();
        (row.origin.subject.clone(), muscle, channel.side.clone(), channel.unit.clone())
    };
    let mut values: HashMap<_, Vec<f64>> = HashMap::new();
    for row in rows.iter().filter(|row| row.exclusion.is_none()) {
        values.entry(key(row)).or_default().push(row.value);
    }
    let spreads: HashMap<_, _> = values.into_iter().map(|(key, values)| (key, moments(&values))).collect();
    for row in rows.iter_mut().filter(|row| row.exclusion.is_none()) {
        let (mean, sd) = spreads.get(&key(row)).copied().unwrap_or((f64::NAN, f64::NAN));
        if sd > 0.0 {
            row.value = (row.value - mean) / sd;
        } else {
            (row.value, row.exclusion) = (f64::NAN, Some(Exclusion::NoSpread));
        }
    }
}
