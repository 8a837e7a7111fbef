//! Labels at rows: steps of stimulus lines, changes of a label column.

use super::table::Table;
use super::{Hole, Mark, Options, row_of};
use crate::emg::marker::{LABEL_BYTES, clip};

/// A step may be this share of its size larger or smaller.
const TOLERANCE: f64 = 0.2;

/// All marks in the order of their rows.
pub(super) fn all(
    table: &Table,
    options: &Options,
    columns: &[usize],
    holes: &[Hole],
    warnings: &mut Vec<String>,
) -> Vec<Mark> {
    let mark =
        |at, label: &str, code| Mark { sample: row_of(holes, at), label: clip(label, LABEL_BYTES), code };
    let labels = table.labels.iter().filter(|(_, label)| !label.is_empty());
    let mut marks: Vec<Mark> =
        labels.map(|(at, label)| mark(*at, label, label.parse().unwrap_or(0))).collect();
    for (spec, column) in options.markers.iter().zip(columns) {
        let onsets = steps(table.column(*column), spec.step);
        if onsets.is_empty() {
            warnings.push(format!(
                "column `{}` has no step of {} from one row to the next: no marker `{}`",
                table.name(*column),
                spec.step,
                spec.label
            ));
        }
        marks.extend(onsets.into_iter().map(|at| mark(at, &spec.label, 0)));
    }
    marks.sort_by_key(|mark| mark.sample);
    marks
}

/// Rows that differ from the value before by `size` within [`TOLERANCE`]. Missing values are passed over, and a
/// row right behind such a row is the same edge.
fn steps(values: impl Iterator<Item = f64>, size: f64) -> Vec<usize> {
    let mut found = Vec::new();
    let (mut before, mut edge) = (f64::NAN, false);
    for (at, value) in values.enumerate().filter(|(_, value)| value.is_finite()) {
        let is = (value - before - size).abs() <= TOLERANCE * size.abs();
        if is && !edge {
            found.push(at);
        }
        (before, edge) = (value, is);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::steps;

    #[test]
    fn an_onset_is_one_step_of_the_right_size_and_sign() {
        let line = [5.0, 5.0, 0.1, 0.0, 5.0, 4.0, 0.0, 3.0, 0.0];
        assert_eq!(steps(line.into_iter(), -5.0), [2, 6]);
        assert_eq!(steps(line.into_iter(), 5.0), [4]);
        assert_eq!(steps([0.0].into_iter(), 5.0), [0_usize; 0]);
    }

    #[test]
    fn a_missing_value_hides_no_onset_and_one_edge_is_one_onset() {
        assert_eq!(steps([5.0, f64::NAN, 0.0].into_iter(), -5.0), [2]);
        assert_eq!(steps([10.0, 5.0, 0.0, 5.0, 0.0].into_iter(), -5.0), [1, 4]);
    }
}
