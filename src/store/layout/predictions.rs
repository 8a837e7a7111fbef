//! `/predictions/NAME`: one table per model, its rows as wide as the model has classes.
//!
//! HDF5 types are fixed when a program is compiled, so there is one row type for each number of classes.

use super::attributes::{put, put_label, put_note};
use super::text::{Label, fixed};
use super::{TABLE_CHUNK, path};
use crate::emg::Prediction;
use crate::emg::finding::prediction::Participant;
use crate::emg::units::wide;
use hdf5::{Dataset, File, H5Type, Result};

/// Most classes a recorded model may have.
pub const MOST_CLASSES: usize = 16;

const DESCRIPTION: &str = "One row per prediction: made of rows first .. end; label: the likeliest class; \
    probabilities in the order of `classes`; took_us: 0 = not measured; flags: 1 gap, 2 settling, 4 bad channel, 8 late";

/// Declares a row type per number of classes, and what is done with each.
macro_rules! widths {
    ($($row:ident $classes:literal),*) => {
        $(
            #[derive(H5Type, Clone, Copy)]
            #[repr(C)]
            struct $row {
                first: u64,
                end: u64,
                label: Label,
                probabilities: [f32; $classes],
                took_us: u32,
                flags: u32,
            }

            impl $row {
                fn of(prediction: &Prediction, classes: &[String]) -> Self {
                    let mut probabilities = [f32::NAN; $classes];
                    probabilities.iter_mut().zip(&prediction.probabilities).for_each(|(to, from)| *to = *from);
                    let label = classes.get(usize::from(prediction.label)).map_or("", String::as_str);
                    Self {
                        first: prediction.first,
                        end: prediction.end,
                        label: fixed(label),
                        probabilities,
                        took_us: prediction.took_us,
                        flags: prediction.flags,
                    }
                }

                fn value(&self, model: u16) -> Prediction {
                    Prediction {
                        model,
                        first: self.first,
                        end: self.end,
                        label: top(&self.probabilities),
                        probabilities: self.probabilities.to_vec(),
                        took_us: self.took_us,
                        flags: self.flags,
                    }
                }
            }
        )*

        /// An empty table of a model of that many classes; false where no row type is as wide.
        fn empty(file: &File, path: &str, classes: usize) -> Result<Option<Dataset>> {
            let builder = file.new_dataset_builder().packed(true);
            match classes {
                $($classes => builder.empty::<$row>().chunk(TABLE_CHUNK).shape(0..).create(path).map(Some),)*
                _ => Ok(None),
            }
        }

        /// Appends rows behind the `at` there are.
        pub(crate) fn append(
            table: &Dataset,
            at: usize,
            classes: &[String],
            predictions: &[Prediction],
        ) -> Result<usize> {
            match classes.len() {
                $($classes => {
                    let rows: Vec<_> = predictions.iter().map(|p| <$row>::of(p, classes)).collect();
                    super::append(table, at, 1, &rows)
                })*
                _ => Ok(at),
            }
        }

        /// All rows of a table; none where it is of no width that is known.
        pub(crate) fn read(table: &Dataset, classes: usize, model: u16) -> Result<Option<Vec<Prediction>>> {
            match classes {
                $($classes => {
                    let rows: Vec<$row> = table.read_raw()?;
                    Ok(Some(rows.iter().map(|row| row.value(model)).collect()))
                })*
                _ => Ok(None),
            }
        }
    };
}

widths!(
    Row1 1, Row2 2, Row3 3, Row4 4, Row5 5, Row6 6, Row7 7, Row8 8, Row9 9, Row10 10, Row11 11, Row12 12, Row13 13,
    Row14 14, Row15 15, Row16 16
);

/// Where a model's predictions are.
pub(crate) fn path_of(model: &str) -> String {
    format!("{}/{}", path::PREDICTIONS, model.replace('/', "-"))
}

/// The tables of all models.
pub(super) fn create(file: &File, models: &[Participant]) -> Result<()> {
    for model in models {
        let Some(table) = empty(file, &path_of(&model.name), model.classes.len())? else {
            return Err(hdf5::Error::Internal(format!("a model of {} classes", model.classes.len())));
        };
        put_note(&table, "description", DESCRIPTION)?;
        put_note(&table, "model_file", &model.file)?;
        put_label(&table, "model_sha256", &model.sha256)?;
        put_label(&table, "mode", &model.mode)?;
        put(&table, "window", model.window)?;
        put(&table, "stride", model.stride)?;
        let classes: Vec<Label> = model.classes.iter().map(|class| fixed(class)).collect();
        table.new_attr::<Label>().shape(classes.len()).create("classes")?.write_raw(&classes)?;
    }
    Ok(())
}

/// Number of the greatest probability, the first of equals.
fn top(probabilities: &[f32]) -> u16 {
    let mut best = 0;
    for (at, probability) in probabilities.iter().enumerate() {
        if *probability > probabilities[best] {
            best = at;
        }
    }
    u16::try_from(best).unwrap_or(u16::MAX)
}

/// What a table says of its model.
pub(crate) fn participant(table: &Dataset, name: &str) -> Result<Participant> {
    use super::attributes::{number, text};
    let classes = table.attr("classes")?.read_raw::<Label>()?;
    Ok(Participant {
        name: name.to_owned(),
        file: text(table, "model_file")?,
        sha256: text(table, "model_sha256")?,
        classes: classes.iter().map(super::text::read).collect(),
        mode: text(table, "mode")?,
        window: number(table, "window")?,
        stride: number(table, "stride")?,
    })
}

/// Whether a table's rows have the columns of a model of that many classes, so that reading them is safe.
pub(crate) fn fits(table: &Dataset, classes: usize, file_bytes: u64) -> bool {
    let rows = table.shape().first().copied().unwrap_or(0);
    let width = 8 + 8 + 64 + 4 * classes + 8;
    table.ndim() == 1
        && (1..=MOST_CLASSES).contains(&classes)
        && wide(rows.saturating_mul(width)) <= file_bytes
}
