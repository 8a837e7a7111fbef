//! The text export of AcqKnowledge: a title, `1 msec/sample`, `15 channels`, two lines (name, unit) for each
//! channel, a line of channel numbers, a line of sample counts, then rows.

use super::super::text::Delimiter;
use super::{Column, Format, Head, may_be_emg, unit_word};
use crate::emg::Kind;

/// More channels than any amplifier has; a larger number is damage.
const MAX_CHANNELS: usize = 1024;

/// What the first lines say, or none where they are no such header.
pub(super) fn head(preview: &[&str]) -> Option<Head> {
    let at = preview.iter().take(5).position(|line| interval_s(line).is_some())?;
    let nominal_hz = interval_s(preview[at]).map(|seconds| 1.0 / seconds);
    let count = channel_count(preview.get(at + 1)?)?;
    let pairs = preview.get(at + 2..at + 2 + 2 * count)?;
    let after = at + 2 + 2 * count;
    let rest = &preview[after..];
    let mut warnings = Vec::new();
    let mut columns: Vec<Column> =
        pairs.chunks_exact(2).map(|pair| column(pair[0], pair[1], &mut warnings)).collect();
    let delimiter = Delimiter::sniff(rest);
    let mut fields = Vec::new();
    delimiter.split(rest.first()?, &mut fields);
    let numbered = fields.iter().any(|field| field.starts_with("CH"));
    if numbered && let Some(name) = time_name(fields[0]) {
        columns.insert(0, Column::number(name, Kind::Aux));
    }
    let announced_rows = rest.get(1).filter(|_| numbered).and_then(|line| {
        delimiter.split(line, &mut fields);
        fields.retain(|field| !field.is_empty());
        let first = fields.first()?;
        first.parse().ok().filter(|rows: &u64| *rows > 0 && fields.iter().all(|field| field == first))
    });
    Some(Head {
        format: Format::AcqKnowledge,
        delimiter,
        columns,
        skip: after + usize::from(numbered) + usize::from(announced_rows.is_some()),
        nominal_hz,
        announced_rows,
        warnings,
    })
}

/// Seconds in `1 msec/sample`.
fn interval_s(line: &str) -> Option<f64> {
    let (number, unit) = line.trim().strip_suffix("/sample")?.split_once(' ')?;
    let seconds = match unit.trim() {
        "usec" => 1e-6,
        "msec" => 1e-3,
        "sec" | "seconds" => 1.0,
        "min" | "minutes" => 60.0,
        _ => return None,
    };
    let interval = number.parse::<f64>().ok()? * seconds;
    (interval.is_finite() && interval > 0.0).then_some(interval)
}

/// The number in `15 channels`.
fn channel_count(line: &str) -> Option<usize> {
    let (number, word) = line.trim().split_once(' ')?;
    let count = number.parse().ok()?;
    (word.trim().starts_with("channel") && (1..=MAX_CHANNELS).contains(&count)).then_some(count)
}

/// The name our clock understands for the time column that may stand before the channels.
fn time_name(field: &str) -> Option<&'static str> {
    match field.to_lowercase().as_str() {
        "msec" | "milliseconds" => Some("time_ms"),
        "sec" | "seconds" => Some("time_s"),
        "min" | "minutes" => Some("time_min"),
        _ => None,
    }
}

/// Digital lines and the marker line are triggers; what was processed already, or is no voltage, is kept and
/// shown and never filtered as EMG.
fn column(name: &str, unit: &str, warnings: &mut Vec<String>) -> Column {
    let (name, unit) = (name.trim(), unit_word(unit));
    let lower = name.to_lowercase();
    let kind = if lower.starts_with("digital") || lower == "marker" {
        Kind::Trigger
    } else if lower.contains("processed") {
        warnings.push(format!(
            "channel `{name}` was processed before its export: imported as aux; if you know what it is, say \
             --columns NAME=COL:rectified:UNIT or envelope"
        ));
        Kind::Aux
    } else if may_be_emg(&unit) {
        Kind::Raw
    } else {
        warnings.push(format!("channel `{name}` is in {unit}, which is no voltage: imported as aux"));
        Kind::Aux
    };
    let mut column = Column::number(name, kind);
    column.channel.unit = unit;
    column
}
