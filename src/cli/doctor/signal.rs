//! What the channels carry at rest, by the eyes that watch a recording: the same filters, the same observer.

use super::look::Seen;
use crate::emg::units::{count, float};
use crate::emg::{Channel, Preflight, Quality, RawBlock, Stamp};
use crate::face::Observer;
use crate::face::quality::sheet;
use crate::pipeline::{Input, Pipeline, Reason, preset};
use crate::source::Description;
use std::sync::Arc;

/// A rate this close to the declared one is the declared one.
const SAME: f64 = 0.02;

/// What a recording would be made with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) filter: preset::Options,
    /// Mains the notches are for; none where they shall be found.
    pub(super) mains_hz: Option<f64>,
}

/// One line per channel, one about the mains, and what the filters have to say about the rate.
pub(super) fn checks(
    channels: &[Channel],
    wish: &Wish,
    description: &Description,
    seen: &Seen,
) -> Vec<Preflight> {
    let Some(measured_hz) = seen.rate_hz else { return Vec::new() };
    let declared = description.nominal_hz.filter(|hz| (measured_hz / hz - 1.0).abs() <= SAME);
    let rate_hz = declared.unwrap_or_else(|| float(count(measured_hz)).max(1.0));
    let (qualities, remarks) = observe(channels, &wish.filter, rate_hz, seen);
    let advice = "choose another `preset`, or a faster board";
    let mut checks: Vec<Preflight> =
        remarks.into_iter().map(|remark| Preflight::warn("filter", remark, advice)).collect();
    let mut raw = Vec::new();
    seen.samples.widen(&mut raw);
    for (at, channel) in channels.iter().enumerate() {
        let column: Vec<f64> = raw.iter().skip(at).step_by(channels.len()).copied().collect();
        checks.push(one(channel, newest(&qualities, at).as_ref(), &column, rate_hz));
    }
    if let Some(hz) = sheet::mains(&qualities) {
        crate::cli::mains::keep(hz);
    }
    checks.extend(mains(wish.mains_hz, &qualities));
    checks
}

/// The quality of every whole second, and what the filters remark.
fn observe(
    channels: &[Channel],
    filter: &preset::Options,
    rate_hz: f64,
    seen: &Seen,
) -> (Vec<Quality>, Vec<String>) {
    let occasion = preset::Occasion {
        sample: 0,
        reason: Reason::Start,
        rate_hz: Some(rate_hz),
        decimation: preset::decimation(Some(rate_hz)),
        first_id: 0,
    };
    let (change, remarks) = preset::chains(channels, filter, &occasion);
    let rows = RawBlock {
        sample: 0,
        channels: channels.len(),
        epoch: 0,
        device_index: 0,
        device_us: 0,
        stamp: Stamp::default(),
        samples: seen.samples.clone(),
        digital: Vec::new(),
    };
    let (mut pipeline, mut observer) = (Pipeline::new(channels), Observer::new(channels));
    let inputs = [Input::Chains(Arc::new(change)), Input::Rows(Arc::new(rows))];
    let found = inputs.iter().flat_map(|input| observer.step(input, &pipeline.step(input)).quality);
    (found.collect(), remarks)
}

/// A channel's newest quality, with the mains of the newest second in which they were heard.
fn newest(qualities: &[Quality], channel: usize) -> Option<Quality> {
    let of_channel = || qualities.iter().rev().filter(|quality| usize::from(quality.channel) == channel);
    let mut newest = *of_channel().next()?;
    if let Some(heard) = of_channel().find(|quality| quality.line_hz.is_finite()) {
        (newest.line_hz, newest.line_level) = (heard.line_hz, heard.line_level);
    }
    Some(newest)
}

fn one(channel: &Channel, quality: Option<&Quality>, raw: &[f64], rate_hz: f64) -> Preflight {
    let name = format!("ch {}", channel.name);
    if raw.iter().any(|value| !value.is_finite()) {
        return Preflight::warn(&name, "values are missing", "check what the board sends for this channel");
    }
    // A few seconds are too short for an envelope's flag, and long enough to wonder.
    if let Some(first) =
        raw.first().filter(|first| raw.iter().all(|value| value.to_bits() == first.to_bits()))
    {
        let advice = "check its electrodes, its sensor's supply and the wire to its pin";
        return Preflight::warn(&name, format!("every value is {first}"), advice);
    }
    match quality {
        Some(quality) if quality.floor.is_finite() => {
            sheet::check(channel, quality, sheet::seen_kind(channel, raw, rate_hz))
        }
        _ => Preflight::skip(&name, "too few rows for a noise floor"),
    }
}

/// Which mains are heard, and whether the notches are for them; none where no channel can hear any.
fn mains(wished_hz: Option<f64>, qualities: &[Quality]) -> Option<Preflight> {
    let hear = qualities.iter().any(|quality| quality.line_level.is_finite());
    let heard = sheet::mains(qualities);
    Some(match (heard, wished_hz) {
        _ if !hear => return None,
        (None, None) => Preflight::ok("mains", "no 50 Hz or 60 Hz hum: `auto` will be 50 Hz"),
        (None, Some(hz)) => Preflight::ok("mains", format!("no hum; the notches are for {hz} Hz")),
        (Some(hz), None) => Preflight::ok("mains", format!("{hz} Hz found")),
        (Some(hz), Some(wished)) if (hz - wished).abs() < 1.0 => Preflight::ok("mains", format!("{hz} Hz")),
        (Some(hz), Some(wished)) => Preflight::warn(
            "mains",
            format!("{hz} Hz found, but the notches are for {wished} Hz"),
            format!("record with `--line-frequency {hz}`"),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emg::units::{float_len, int16};
    use crate::emg::{Kind, SampleType, Samples};
    use std::f64::consts::TAU;

    /// The lines about four seconds at 1000 Hz of one channel, told to expect 50 Hz.
    fn judged(value: impl Fn(usize) -> f64) -> Vec<Preflight> {
        let channel = Channel { adc_bits: 10, offset: 512.0, ..Channel::new("a", Kind::Raw) };
        let description = Description {
            uri: "test:".into(),
            board: "a test".into(),
            channels: vec![channel.clone()],
            sample_type: SampleType::I16,
            nominal_hz: Some(1000.0),
            losses_counted: true,
            digital: false,
            can_wait: false,
            remarks: vec![],
        };
        let samples =
            Samples::I16((0..4000).map(|row| int16((512.0 + value(row)).clamp(0.0, 1023.0))).collect());
        let seen = Seen { span_s: 4.0, rate_hz: Some(1000.0), samples, lost: 0, refused: 0, ended: None };
        checks(
            &[channel],
            &Wish { filter: preset::Options::default(), mains_hz: Some(50.0) },
            &description,
            &seen,
        )
    }

    /// Uniform noise of 4 counts rms, and `hum` counts rms at `hz`.
    fn humming(hum: f64, hz: f64) -> impl Fn(usize) -> f64 {
        let noise = |row: usize| (float_len(row * 7919 % 10_007) / 10_007.0 - 0.5) * 4.0 * 12_f64.sqrt();
        move |row| noise(row) + hum * 2_f64.sqrt() * (TAU * hz / 1000.0 * float_len(row)).sin()
    }

    #[test]
    fn hum_is_said_where_it_drowns_the_rest() {
        let quiet = judged(humming(0.0, 50.0));
        assert_eq!((quiet[0].outcome.word(), quiet[1].outcome.word()), ("ok", "ok"), "{quiet:?}");
        let hums = judged(humming(8.0, 50.0));
        assert!(hums[0].outcome.word() == "ok" && hums[0].value.contains("50 Hz 8.0"), "{hums:?}");
        let loud = judged(humming(60.0, 50.0));
        assert!(loud[0].outcome.word() == "warn" && loud[0].value.contains("50 Hz 60.0 count"), "{loud:?}");
        let abroad = judged(humming(20.0, 60.0));
        assert!(abroad[1].advice.contains("--line-frequency 60"), "{abroad:?}");
    }

    #[test]
    fn a_channel_without_an_electrode_shows() {
        assert!(judged(|_| 0.0)[0].value.contains("every value is 512"));
        let square = judged(|row| if row % 20 < 10 { -600.0 } else { 600.0 });
        assert!(square[0].value.contains("saturated") && square[0].value.contains("off"), "{square:?}");
    }
}
