//! Rows of trials as comma-separated text: one header line, no units in cells, an empty cell where nothing is known.

use crate::analysis::trials::{Measure, Row, Summary};
use crate::emg::units::{float, float_ns};

/// The columns of the table, in their order.
const COLUMNS: [&str; 31] = [
    "subject",
    "session",
    "task",
    "run",
    "recording",
    "trial",
    "marker",
    "condition",
    "code",
    "onset_row",
    "onset_s",
    "onset_uncertainty_s",
    "duration_s",
    "overlaps",
    "channel",
    "muscle",
    "side",
    "bin",
    "bin_start_s",
    "bin_end_s",
    "measure",
    "unit",
    "value",
    "mean",
    "baseline",
    "channel_unit",
    "share_lost",
    "share_artefact",
    "share_settling",
    "excluded",
    "exclusion",
];

/// The columns of the means over people.
const MEANS: [&str; 9] =
    ["condition", "muscle", "side", "bin", "people", "values", "excluded", "mean", "standard_error"];

/// How the values of a table came about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) measure: Measure,
    /// Whether they are z scores.
    pub(super) standardised: bool,
}

/// The table.
pub(super) fn table(rows: &[Row], told: Told) -> csv::Result<Vec<u8>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(COLUMNS)?;
    for row in rows {
        out.write_record(cells(row, told))?;
    }
    out.into_inner().map_err(|error| error.into_error().into())
}

/// The means over people.
pub(super) fn means(all: &[Summary]) -> csv::Result<Vec<u8>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(MEANS)?;
    for one in all {
        out.write_record([
            one.condition.clone(),
            one.muscle.clone(),
            one.side.clone(),
            one.bin.to_string(),
            one.people.to_string(),
            one.values.to_string(),
            one.excluded.to_string(),
            rounded(one.mean),
            rounded(one.se),
        ])?;
    }
    out.into_inner().map_err(|error| error.into_error().into())
}

fn cells(row: &Row, told: Told) -> [String; COLUMNS.len()] {
    let (origin, trial, channel, amount) = (&row.origin, &row.trial, &row.channel, &row.amount);
    let unit = if told.standardised { "z" } else { told.measure.unit(&channel.unit) };
    let overlaps: Vec<String> = trial.overlaps.iter().map(u32::to_string).collect();
    let seconds = |ms: i64| number(float_ns(ms) / 1e3);
    [
        origin.subject.clone(),
        origin.session.clone(),
        origin.task.clone(),
        if origin.run == 0 { String::new() } else { origin.run.to_string() },
        origin.recording.clone(),
        trial.number.to_string(),
        trial.marker.to_string(),
        trial.label.clone(),
        trial.code.to_string(),
        trial.onset.to_string(),
        number(row.onset_s()),
        number(f64::from(trial.uncertainty_us) / 1e6),
        number(trial.duration.map_or(f64::NAN, |rows| float(rows) / origin.rate_hz)),
        overlaps.join(" "),
        channel.name.clone(),
        channel.muscle.clone(),
        channel.side.clone(),
        row.bin.to_string(),
        seconds(row.span.start),
        seconds(row.span.end),
        told.measure.word().to_owned(),
        unit.to_owned(),
        number(row.value),
        number(amount.mean),
        number(row.baseline),
        channel.unit.clone(),
        number(amount.lost),
        number(amount.artefact),
        number(amount.settling),
        u8::from(row.exclusion.is_some()).to_string(),
        row.exclusion.map_or("", crate::analysis::trials::Exclusion::word).to_owned(),
    ]
}

/// A number that reads back to the bit; nothing where it is not known.
fn number(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { String::new() }
}

/// A number for people.
fn rounded(value: f64) -> String {
    if value.is_finite() { format!("{value:.4}") } else { String::new() }
}
