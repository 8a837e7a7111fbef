//! Means over people: of each person's mean, never of trials, because trials of one person are not independent.

use super::Row;
use super::measure::moments;
use crate::emg::units::float_len;
use std::collections::BTreeMap;

/// One condition, muscle and bin over all people.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Label of the trials.
    pub condition: String,
    /// The muscle, or the channel's name where none is known.
    pub muscle: String,
    /// The muscle's side, may be empty.
    pub side: String,
    /// Bin, counted from 1.
    pub bin: usize,
    /// People with at least one value.
    pub people: usize,
    /// Values that are in it.
    pub values: usize,
    /// Values that were excluded.
    pub excluded: usize,
    /// Mean over people of each person's mean.
    pub mean: f64,
    /// Standard error of that mean over people (n - 1); NaN below two people.
    pub se: f64,
}

/// Sums a table up, in the order of condition, muscle, side and bin.
#[must_use]
pub fn summarise(rows: &[Row]) -> Vec<Summary> {
    type Key<'a> = (&'a str, &'a str, &'a str, usize);
    let mut cells: BTreeMap<Key<'_>, (BTreeMap<&str, Vec<f64>>, usize)> = BTreeMap::new();
    for row in rows {
        let key = (row.trial.label.as_str(), row.muscle(), row.channel.side.as_str(), row.bin);
        let (people, excluded) = cells.entry(key).or_default();
        if row.exclusion.is_none() {
            people.entry(&row.origin.subject).or_default().push(row.value);
        } else {
            *excluded += 1;
        }
    }
    let summary =
        |((condition, muscle, side, bin), (people, excluded)): (Key<'_>, (BTreeMap<_, Vec<f64>>, _))| {
            let means: Vec<f64> = people.values().map(|values| moments(values).0).collect();
            let (mean, sd) = moments(&means);
            Summary {
                condition: condition.to_owned(),
                muscle: muscle.to_owned(),
                side: side.to_owned(),
                bin,
                people: means.len(),
                values: people.values().map(Vec::len).sum(),
                excluded,
                mean,
                se: sd / float_len(means.len()).sqrt(),
            }
        };
    cells.into_iter().map(summary).collect()
}
