//! A channel's line on the pre-flight sheet, and which mains a face hears.

use super::advice::advice;
use super::second::Second;
use crate::dsp::line::MAINS_HZ;
use crate::emg::finding::preflight::Preflight;
use crate::emg::finding::quality::flag;
use crate::emg::{Channel, Kind, Quality};

/// Flags that say nothing yet when a source was only looked at for a few seconds.
const LATER: u32 = flag::SETTLING | flag::KIND | flag::CROSSTALK | flag::MOTION;

/// The sheet's line about a channel, from its newest quality and the kind its signal looks like.
#[must_use]
pub fn check(channel: &Channel, quality: &Quality, seen: Option<Kind>) -> Preflight {
    let name = format!("ch {}", channel.name);
    let mut said = vec![format!("noise floor {} {}", number(quality.floor), channel.unit)];
    said.extend(hum(channel, quality));
    let strange = seen.filter(|seen| *seen != channel.kind);
    said.extend(strange.map(|seen| format!("declared {} but looks {}", channel.kind.word(), seen.word())));
    let flags = quality.flags & !LATER | if strange.is_some() { flag::KIND } else { 0 };
    said.extend(flag::words(flags & !(flag::LINE | flag::KIND)).into_iter().map(str::to_owned));
    let value = said.join(", ");
    match advice(flags, channel.kind).as_slice() {
        [] => Preflight::ok(&name, value),
        sentences => Preflight::warn(&name, value, sentence_within(sentences)),
    }
}

/// What kind of signal these raw rows look like; none where they are too quiet to tell, or hold a gap.
#[must_use]
pub fn seen_kind(channel: &Channel, raw: &[f64], rate_hz: f64) -> Option<Kind> {
    let second = Second { raw, clean: &[], active: Vec::new(), settled: 0, chain: 0, channel, rate_hz };
    let changes = raw.windows(2).map(|pair| (pair[1] - pair[0]).abs()).filter(|change| *change > 0.0);
    second.kind(&second.shape()?, changes.fold(f64::INFINITY, f64::min))
}

/// The mains that most of these qualities hear; none where none hears any.
#[must_use]
pub fn mains(qualities: &[Quality]) -> Option<f64> {
    let hears = |hz: f64| qualities.iter().filter(|quality| (quality.line_hz - hz).abs() < 1.0).count();
    let [fifty, sixty] = MAINS_HZ.map(hears);
    (fifty + sixty > 0).then(|| if fifty >= sixty { MAINS_HZ[0] } else { MAINS_HZ[1] })
}

/// Hum over the noise floor, decibels; NaN where either is not known.
#[must_use]
pub fn hum_db(quality: &Quality) -> f64 {
    20.0 * (quality.line_level / quality.floor).log10()
}

fn hum(channel: &Channel, quality: &Quality) -> Option<String> {
    if channel.kind != Kind::Raw || quality.line_level.is_nan() {
        return None;
    }
    let level = number(quality.line_level);
    Some(if quality.line_hz.is_nan() {
        "no 50 Hz or 60 Hz hum".to_owned()
    } else {
        format!("{:.0} Hz {level} {} rms ({:+.0} dB)", quality.line_hz, channel.unit, hum_db(quality))
    })
}

/// Sentences as the sheet's lines hold them, after a semicolon: small first letters, no full stop at the end.
fn sentence_within(sentences: &[&str]) -> String {
    let small = |sentence: &&str| {
        let mut letters = sentence.trim_end_matches('.').chars();
        letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect::<String>()
    };
    sentences.iter().map(small).collect::<Vec<_>>().join("; ")
}

/// Three digits that matter.
fn number(value: f64) -> String {
    match value {
        v if v.is_nan() => "unknown".to_owned(),
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v if v >= 0.1 || v <= 0.0 => format!("{v:.2}"),
        v => format!("{v:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quality(line_hz: f64, flags: u32) -> Quality {
        let line_level = if line_hz.is_nan() { 0.0 } else { 20.0 };
        Quality { sample: 0, channel: 0, level: 3.0, floor: 2.0, line_level, line_hz, flags }
    }

    fn zyg(kind: Kind) -> Channel {
        Channel { unit: "uV".into(), ..Channel::new("ZYG-L", kind) }
    }

    #[test]
    fn a_line_says_floor_hum_and_what_is_wrong() {
        let well = check(&zyg(Kind::Raw), &quality(50.0, flag::SETTLING), Some(Kind::Raw));
        assert_eq!((well.outcome.word(), well.check.as_str()), ("ok", "ch ZYG-L"));
        assert_eq!(well.value, "noise floor 2.00 uV, 50 Hz 20.0 uV rms (+20 dB)");
        let loud = check(&zyg(Kind::Raw), &quality(60.0, flag::LINE | flag::SATURATED), None);
        assert!(
            loud.value.ends_with(", saturated") && loud.advice.contains("reference electrode"),
            "{loud:?}"
        );
        let silent = check(&zyg(Kind::Raw), &quality(f64::NAN, 0), None);
        assert!(silent.value.ends_with("no 50 Hz or 60 Hz hum"), "{silent:?}");
        let strange = check(&zyg(Kind::Envelope), &quality(f64::NAN, 0), Some(Kind::Raw));
        assert!(strange.value.ends_with("declared envelope but looks raw"), "{strange:?}");
        assert!(
            !strange.value.contains("hum") && strange.advice.starts_with("declare the kind"),
            "{strange:?}"
        );
    }

    #[test]
    fn the_mains_are_what_most_channels_hear() {
        let hears = |all: &[f64]| {
            let qualities: Vec<Quality> = all.iter().map(|hz| quality(*hz, 0)).collect();
            mains(&qualities)
        };
        assert_eq!(hears(&[]), None);
        assert_eq!(hears(&[f64::NAN, f64::NAN]), None);
        assert_eq!(hears(&[f64::NAN, 60.0, 50.0, 60.0]), Some(60.0));
    }
}
