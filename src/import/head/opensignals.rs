//! OpenSignals text, as `BioSPPy` writes it too: lines behind `#`, then rows of counts.
//!
//! Old headers say `# Sampling Rate (Hz):= 1000.00`, new ones hold one line of JSON about each device. Only
//! five keys of one device are needed, so that line is searched and not parsed.

use super::super::text::{Delimiter, comment};
use super::{Column, Format, Head};
use crate::emg::Kind;

/// What the first lines say, or none where they are no such header.
pub(super) fn head(preview: &[&str]) -> Option<Head> {
    let skip = preview.iter().position(|line| !line.trim().is_empty() && comment(line).is_none())?;
    let notes: Vec<&str> = preview[..skip].iter().filter_map(|line| comment(line)).collect();
    let json = notes.iter().find(|note| note.starts_with('{') && note.contains("\"sampling rate\""));
    let rate = json.map_or_else(|| old(&notes, "sampling rate"), |json| values(json, "sampling rate"));
    let nominal_hz = rate.first()?.parse().ok().filter(|hz: &f64| hz.is_finite() && *hz > 0.0)?;
    let delimiter = Delimiter::sniff(&preview[skip..]);
    let rows = &preview[skip..];
    let mut fields = Vec::new();
    delimiter.split(rows.first()?, &mut fields);
    let width = delimiter.width(rows).max(1) - usize::from(fields.len() > 1 && fields.last() == Some(&""));
    let mut warnings = Vec::new();
    let columns = match json {
        Some(json) => json_columns(json, width, &mut warnings),
        None => old_columns(&notes, width, &mut warnings),
    };
    Some(Head {
        format: Format::OpenSignals,
        delimiter,
        columns,
        skip,
        nominal_hz: Some(nominal_hz),
        announced_rows: None,
        warnings,
    })
}

/// The values of `KEY ... := a, b` among the old header lines, by the beginning of the key.
fn old(notes: &[&str], key: &str) -> Vec<String> {
    let line = notes
        .iter()
        .filter_map(|note| note.split_once(":="))
        .find(|(name, _)| name.get(..key.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(key)));
    let listed = line.map_or("", |(_, values)| values);
    listed.split(['\t', ',']).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect()
}

fn old_columns(notes: &[&str], width: usize, warnings: &mut Vec<String>) -> Vec<Column> {
    let labels = old(notes, "labels");
    if labels.len() != width {
        warnings
            .push(format!("the header names {} of {width} columns; they are named by number", labels.len()));
    }
    let bits = old(notes, "resolution");
    let column = |at: usize| {
        let name = labels.get(at).filter(|_| labels.len() == width).map_or("", String::as_str);
        let mut column = Column::number(name, Kind::Raw);
        let bits = bits.get(at).or(bits.first().filter(|_| bits.len() == 1));
        column.channel.adc_bits = bits.and_then(|bits| bits.parse().ok()).unwrap_or(0);
        column
    };
    (0..width).map(column).collect()
}

fn json_columns(json: &str, width: usize, warnings: &mut Vec<String>) -> Vec<Column> {
    let names = values(json, "column");
    if names.len() != width || json.matches("\"sampling rate\"").count() > 1 {
        warnings.push(format!(
            "the header describes {} of {width} columns or several devices; they are named by number and all \
             taken as raw",
            names.len()
        ));
        return (0..width).map(|_| Column::number("", Kind::Raw)).collect();
    }
    let bits = values(json, "resolution");
    let mut sensors = values(json, "sensor").into_iter();
    let column = |(at, name): (usize, &String)| {
        let wire = |first| name.strip_prefix(first).is_some_and(|rest: &str| rest.parse::<u8>().is_ok());
        let mut column = Column::number(name, Kind::Aux);
        column.channel.adc_bits = bits.get(at).and_then(|bits| bits.parse().ok()).unwrap_or(0);
        if wire('I') || wire('O') {
            column.channel.kind = Kind::Trigger;
        } else if name != "nSeq" {
            column.channel.sensor = sensors.next().unwrap_or_default();
            let emg = ["", "EMG", "RAW", "CUSTOM"].contains(&column.channel.sensor.as_str());
            if emg {
                column.channel.kind = Kind::Raw;
            } else {
                let sensor = &column.channel.sensor;
                warnings.push(format!("column `{name}` is of a sensor called {sensor}: imported as aux"));
            }
        }
        column
    };
    names.iter().enumerate().map(column).collect()
}

/// The values behind `"key":` in one line of JSON: one, or those of a flat list.
fn values(json: &str, key: &str) -> Vec<String> {
    let quoted = format!("\"{key}\"");
    let after = json.split_once(quoted.as_str()).and_then(|(_, rest)| rest.trim_start().strip_prefix(':'));
    let after = after.unwrap_or("").trim_start();
    let listed = match after.strip_prefix('[') {
        Some(list) => list.split(']').next().unwrap_or(""),
        None => after.split([',', '}']).next().unwrap_or(""),
    };
    let clean = |value: &str| value.trim().trim_matches('"').to_owned();
    listed.split(',').map(clean).filter(|value| !value.is_empty()).collect()
}
