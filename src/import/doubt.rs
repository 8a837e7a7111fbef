//! What cannot be true, or cannot be what it is called, said before anybody builds on it.

use super::table::Table;
use crate::emg::units::float_len;
use crate::emg::{Channel, Kind};

/// Rows over which a mean is taken as constant when neighbours are compared.
const BLOCK: usize = 1000;
/// Below this correlation of neighbours in every channel the rows are independent of each other. Quiet 1 kHz EMG of
/// a 12-bit amplifier has 0.37, bursts 0.46, facial EMG 0.8, envelopes above 0.9.
const WHITE: f64 = 0.05;
/// Facial EMG begins near 20 Hz and needs at least 200 Hz to be more than a guess.
const SLOW_HZ: f64 = 200.0;

/// All doubts about the channels, in sentences.
pub(super) fn all(
    table: &Table,
    columns: &[usize],
    channels: &[Channel],
    rate_hz: Option<f64>,
) -> Vec<String> {
    let mut said = Vec::new();
    said.extend(white(table, columns));
    let raw = || columns.iter().zip(channels).filter(|(_, channel)| channel.kind == Kind::Raw);
    if let Some(rate) = rate_hz.filter(|rate| *rate < SLOW_HZ && raw().next().is_some()) {
        said.push(format!(
            "{rate:.3} Hz cannot carry EMG above {:.1} Hz: a raw channel at this rate is no EMG; an envelope or \
             rectified average is said with --columns NAME=COL:envelope:UNIT",
            rate / 2.0
        ));
    }
    let unitless = raw().filter(|(column, channel)| {
        channel.unit == "count" && table.column(**column).any(|value| value.fract().abs() > 0.0)
    });
    let names: Vec<String> = unitless.map(|(_, channel)| format!("`{}`", channel.name)).collect();
    if !names.is_empty() {
        said.push(format!(
            "no unit is known of {}: the values are fractions and kept as counts; say it with --columns \
             NAME=COL:raw:mV",
            names.join(", ")
        ));
    }
    for (_, channel) in raw().filter(|(column, _)| only_rises(table.column(**column))) {
        said.push(format!(
            "channel `{}` only ever rises: a counter or a time, and no EMG; a header line that calls it `millis` or \
             `time_s` makes it the time column",
            channel.name
        ));
    }
    for (column, channel) in columns.iter().zip(channels) {
        let missing = table.column(*column).filter(|value| value.is_nan()).count();
        if missing > 0 {
            said.push(format!(
                "channel `{}` lacks {missing} of {} values; they are stored as NaN",
                channel.name,
                table.rows()
            ));
        }
    }
    said
}

/// Whether each value is above the one before, for long enough to be no chance.
fn only_rises(values: impl Iterator<Item = f64>) -> bool {
    let mut rows = 0;
    values.inspect(|_| rows += 1).is_sorted_by(|a, b| a < b) && rows >= 20
}

/// Says that no channel's values depend on the ones before, as those of every real sensor do.
fn white(table: &Table, columns: &[usize]) -> Option<String> {
    let moving: Vec<f64> = columns.iter().filter_map(|column| neighbours(table.column(*column))).collect();
    let low = moving.iter().copied().reduce(f64::min)?;
    let high = moving.iter().copied().reduce(f64::max)?;
    (low > -WHITE && high < WHITE).then(|| {
        format!(
            "the rows look generated: in no channel does a value depend on the one before (white spectrum, \
             correlation of neighbours {low:.3} to {high:.3}); no rate, no filter and no window can be trusted"
        )
    })
}

/// Correlation of each value with the next (lag-1 autocorrelation about the mean of each block); none for short,
/// constant or incomplete columns.
fn neighbours(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    let (mut products, mut squares) = (0.0, 0.0);
    for block in values.chunks_exact(BLOCK) {
        let mean = block.iter().sum::<f64>() / float_len(BLOCK);
        squares += block.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        products += block.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum::<f64>();
    }
    (squares > 0.0).then(|| products / squares)
}
