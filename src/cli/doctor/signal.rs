//! What the channels carry at rest: the noise floor after the recording's own filters, and how much the mains hum.
//!
//! The floor is the rms of the quietest tenth of the windows, so a blink does not count. Simple on purpose.

use super::Check;
use super::look::Seen;
use crate::dsp::tone::tone_rms;
use crate::emg::units::{count, float, index, length, narrow};
use crate::emg::{Channel, Kind, RawBlock, Stamp};
use crate::pipeline::{Input, Pipeline, Reason, preset};
use crate::source::Description;
use std::sync::Arc;

/// Windows whose rms is compared.
const WINDOW_S: f64 = 0.1;
/// Fewer of them say nothing.
const WINDOWS: usize = 10;
/// A rate this close to the declared one is the declared one.
const SAME: f64 = 0.02;
/// Share of rows at an end of the converter's range that is too many.
const SATURATED: f64 = 0.01;
/// Hum so many times the noise floor is worth a word, where it also stands out so far from the frequencies beside it.
const HUMS: f64 = 5.0;
/// Frequencies beside the mains, Hz off.
const BESIDE_HZ: [f64; 4] = [-6.0, -4.0, 4.0, 6.0];

/// One line per channel, and what the filters have to say about the rate.
pub(super) fn checks(
    channels: &[Channel],
    filter: &preset::Options,
    description: &Description,
    seen: &Seen,
) -> Vec<Check> {
    let Some(measured_hz) = seen.rate_hz else { return Vec::new() };
    let declared = description.nominal_hz.filter(|hz| (measured_hz / hz - 1.0).abs() <= SAME);
    let rate_hz = declared.unwrap_or_else(|| float(count(measured_hz)).max(1.0));
    let occasion = preset::Occasion {
        sample: 0,
        reason: Reason::Start,
        rate_hz: Some(rate_hz),
        decimation: preset::decimation(Some(rate_hz)),
        first_id: 0,
    };
    let (change, remarks) = preset::chains(channels, filter, &occasion);
    let advice = "choose another `preset`, or a faster board";
    let mut checks: Vec<Check> =
        remarks.into_iter().map(|remark| Check::warn("filter", remark, advice)).collect();
    let mut pipeline = Pipeline::new(channels);
    pipeline.step(&Input::Chains(Arc::new(change)));
    let out = pipeline.step(&Input::Rows(Arc::new(RawBlock {
        sample: 0,
        channels: channels.len(),
        epoch: 0,
        device_index: 0,
        device_us: 0,
        stamp: Stamp::default(),
        samples: seen.samples.clone(),
        digital: Vec::new(),
    })));
    let mut raw = Vec::new();
    seen.samples.widen(&mut raw);
    for (at, channel) in channels.iter().enumerate() {
        let settled = out.spans.iter().find(|span| usize::from(span.channel) == at);
        let settled = settled.map_or(0, |span| index(span.settled_sample));
        let column = |values: &[f64]| values.iter().skip(at).step_by(channels.len()).copied().collect();
        let clean: Vec<f64> = out.clean.iter().map(|&value| f64::from(value)).collect();
        let clean: Vec<f64> = column(&clean);
        let rows = Rows { raw: column(&raw), clean: &clean[settled.min(clean.len())..], rate_hz };
        checks.push(one(channel, filter.line_hz, &rows));
    }
    checks
}

/// One channel's rows.
struct Rows<'a> {
    /// As sent.
    raw: Vec<f64>,
    /// Behind the filters, once they have settled.
    clean: &'a [f64],
    rate_hz: f64,
}

fn one(channel: &Channel, line_hz: f64, rows: &Rows<'_>) -> Check {
    let name = format!("ch {}", channel.name);
    if rows.raw.iter().any(|value| !value.is_finite()) {
        return Check::warn(&name, "values are missing", "check what the board sends for this channel");
    }
    let (low, high) = extent(&rows.raw);
    if narrow(high - low) == 0.0 {
        let value = format!("every value is {low}");
        return Check::warn(
            &name,
            value,
            "check its electrodes, its sensor's supply and the wire to its pin",
        );
    }
    let clipped = clipped(channel, &rows.raw);
    if clipped > SATURATED {
        let value = format!("{:.0} % of its rows are at the end of the converter's range", clipped * 100.0);
        return Check::warn(&name, value, "lower the sensor's gain, or press its electrodes on again");
    }
    let Some(floor) = floor(rows.clean, rows.rate_hz) else {
        return Check::skip(&name, "too few rows for a noise floor");
    };
    let unit = &channel.unit;
    let value = format!("noise floor {} {unit}", number(floor));
    if channel.kind != Kind::Raw || line_hz * 2.0 >= rows.rate_hz {
        return Check::ok(&name, value);
    }
    let tone = |hz: f64| tone_rms(&rows.raw, rows.rate_hz, hz) * channel.scale.abs();
    let hum = tone(line_hz);
    let beside = BESIDE_HZ.map(|off| tone(line_hz + off)).iter().sum::<f64>() / 4.0;
    let value = format!("{value}, {line_hz} Hz {} {unit} rms", number(hum));
    let other_hz = if line_hz < 55.0 { 60.0 } else { 50.0 };
    if hum > HUMS * floor && hum > HUMS * beside {
        let advice =
            "check the reference electrode; move mains cables, chargers and lamps away; run on battery";
        return Check::warn(&name, value, advice);
    }
    if 2.0 * other_hz < rows.rate_hz && tone(other_hz) > HUMS * hum.max(beside) && tone(other_hz) > floor {
        let value = format!("{value}, but {other_hz} Hz {} {unit} rms", number(tone(other_hz)));
        return Check::warn(&name, value, format!("record with `--line-frequency {other_hz}`"));
    }
    Check::ok(&name, value)
}

fn extent(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)))
}

/// Share of rows at either end of the converter's range; 0 where the range is not known.
fn clipped(channel: &Channel, raw: &[f64]) -> f64 {
    if channel.adc_bits == 0 || raw.is_empty() {
        return 0.0;
    }
    let top = 2_f64.powi(i32::from(channel.adc_bits)) - 1.0;
    let at_end = raw.iter().filter(|&&value| value <= 0.0 || value >= top).count();
    crate::emg::units::float_len(at_end) / crate::emg::units::float_len(raw.len())
}

/// Rms about their mean of the quietest tenth of the windows; none where there are too few.
fn floor(clean: &[f64], rate_hz: f64) -> Option<f64> {
    let rows = length(rate_hz * WINDOW_S).max(2);
    let mut levels: Vec<f64> = clean.chunks_exact(rows).map(deviation).collect();
    levels.sort_by(f64::total_cmp);
    (levels.len() >= WINDOWS).then(|| levels[levels.len() / 10])
}

fn deviation(window: &[f64]) -> f64 {
    let n = crate::emg::units::float_len(window.len());
    let mean = window.iter().sum::<f64>() / n;
    (window.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt()
}

/// Three digits that matter.
fn number(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v if v >= 0.1 => format!("{v:.2}"),
        v => format!("{v:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emg::units::float_len;
    use std::f64::consts::TAU;

    /// Four seconds at 1000 Hz: uniform noise of 1 count rms, and `hum` counts rms at `hz`.
    fn judged(hum: f64, hz: f64) -> Check {
        let noise = |at: usize| (float_len(at * 7919 % 10_007) / 10_007.0 - 0.5) * 12_f64.sqrt();
        let wave = |at: usize| hum * 2_f64.sqrt() * (TAU * hz / 1000.0 * float_len(at)).sin();
        let clean: Vec<f64> = (0..4000).map(noise).collect();
        let raw = (0..4000).map(|at| 512.0 + noise(at) + wave(at)).collect();
        one(&Channel::new("a", Kind::Raw), 50.0, &Rows { raw, clean: &clean, rate_hz: 1000.0 })
    }

    #[test]
    fn hum_is_said_where_it_drowns_the_rest() {
        assert_eq!(judged(0.0, 50.0).verdict.word(), "ok");
        assert_eq!(judged(2.0, 50.0).verdict.word(), "ok", "the notch takes that away");
        let loud = judged(50.0, 50.0);
        assert!(loud.verdict.word() == "warn" && loud.value.contains("50 Hz 50.0 count"), "{loud:?}");
        assert!(judged(10.0, 60.0).advice.contains("--line-frequency 60"));
    }

    #[test]
    fn a_channel_without_an_electrode_shows() {
        let channel = Channel { adc_bits: 10, ..Channel::new("a", Kind::Raw) };
        let judge = |raw: Vec<f64>| {
            let clean = raw.clone();
            one(&channel, 50.0, &Rows { raw, clean: &clean, rate_hz: 1000.0 })
        };
        assert!(judge(vec![512.0; 4000]).value.contains("every value is 512"));
        let square = (0..4000).map(|at| if at % 20 < 10 { 0.0 } else { 1023.0 });
        assert!(judge(square.collect()).value.contains("100 % of its rows"));
        assert_eq!(judge((1..41).map(f64::from).collect()).verdict.word(), "skip");
    }
}
