//! What a text stream was found to be: how many columns, their names, their number type, its clock.

use super::cells::{Cell, Cells};
use super::clock::Unit;
use crate::emg::units::int32;
use crate::emg::{SampleType, Samples};

/// What two lines of the same stream have in common.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Form {
    labels: Vec<String>,
    columns: usize,
    /// The first column is a wall clock.
    pub(super) clock: bool,
}

impl Form {
    /// The form of one line.
    pub(super) fn of(cells: &Cells) -> Self {
        Self {
            labels: cells.labels.clone(),
            columns: cells.values.len(),
            clock: matches!(cells.values.first(), Some(Cell::Clock(_))),
        }
    }

    /// Whether a line has this form.
    pub(super) fn fits(&self, cells: &Cells) -> bool {
        let clock = matches!(cells.values.first(), Some(Cell::Clock(_)));
        self.columns == cells.values.len() && self.clock == clock && self.labels == cells.labels
    }

    /// Columns, a clock included.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Names its lines carry, or none.
    pub(super) fn labels(&self) -> &[String] {
        &self.labels
    }
}

/// The layout every row of a stream has, fixed once it has been found.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    pub(super) form: Form,
    /// One name per channel, unique.
    pub names: Vec<String>,
    /// `I32` where every probed value was a whole number that fits, else `F64`.
    pub sample_type: SampleType,
    /// What the leading time column counts, where there is one.
    pub time: Option<Unit>,
    /// Rows per second over the probed lines, where their times say.
    pub rate_hz: Option<f64>,
    /// What was found and what follows from it, in sentences.
    pub remarks: Vec<String>,
}

impl Shape {
    /// The time and the channels of a line, or none where it has another shape.
    pub(super) fn row<'a>(&self, cells: &'a Cells) -> Option<(Option<f64>, &'a [Cell])> {
        let channels = cells.values.get(self.form.columns - self.names.len()..)?;
        let time = self.time.and(cells.values.first()).map(|cell| cell.float());
        let told = time.is_none_or(f64::is_finite);
        let numbers =
            self.sample_type == SampleType::F64 || channels.iter().all(|cell| whole(*cell).is_some());
        (self.form.fits(cells) && told && numbers).then_some((time, channels))
    }

    /// Appends the channels that [`Shape::row`] handed out.
    pub(super) fn append(channels: &[Cell], samples: &mut Samples) {
        match samples {
            Samples::I32(values) => values.extend(channels.iter().filter_map(|cell| whole(*cell))),
            Samples::F64(values) => values.extend(channels.iter().map(|cell| cell.float())),
            Samples::I16(_) | Samples::F32(_) => {}
        }
    }
}

/// A value as `i32`, where nothing is lost; the type's minimum is kept for missing rows.
pub(super) fn whole(cell: Cell) -> Option<i32> {
    let fits = |value: i32| (value != i32::MIN).then_some(value);
    match cell {
        Cell::Int(value) => i32::try_from(value).ok().and_then(fits),
        Cell::Float(value) if value.fract() == 0.0 && value.abs() < 2_147_483_648.0 => fits(int32(value)),
        Cell::Float(_) | Cell::Clock(_) => None,
    }
}
