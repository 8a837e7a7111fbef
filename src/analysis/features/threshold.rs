//! Thresholds say their unit: a number alone would mean counts on one channel and volts on the next.

use super::FeaturesError;
use crate::emg::Channel;

/// What counts as a crossing, a turn, a step or activity.
#[derive(Clone, Debug, PartialEq)]
pub enum Threshold {
    /// So many times the noise at rest above the level at rest, of each channel its own.
    Rest(f64),
    /// The same level on all channels.
    Level {
        /// How much.
        value: f64,
        /// Of what: `count`, `V`, `mV` or `uV`; empty for 0, which is the same in every unit.
        unit: String,
    },
}

impl std::str::FromStr for Threshold {
    type Err = String;

    /// Reads `3x`, `0`, `12count`, `0.05mV`.
    fn from_str(text: &str) -> Result<Self, String> {
        let end = text.find(|c: char| c.is_alphabetic() || c == '\u{b5}').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let value = number.trim().parse::<f64>().ok().filter(|value| value.is_finite() && *value >= 0.0);
        let value =
            value.ok_or_else(|| format!("`{text}` is no threshold: `3x`, `12count`, `0.05mV` are"))?;
        match unit {
            "x" => Ok(Self::Rest(value)),
            "" if value == 0.0 => Ok(Self::Level { value, unit: String::new() }),
            "" => Err(format!(
                "`{text}` says no unit: `{text}x` is a multiple of the noise at rest, `{text}mV` a level"
            )),
            unit => Ok(Self::Level { value, unit: unit.replace(['\u{b5}', '\u{3bc}'], "u") }),
        }
    }
}

/// A level in the unit of a channel.
pub(super) fn convert(value: f64, unit: &str, channel: &Channel) -> Result<f64, FeaturesError> {
    if unit.is_empty() || unit == channel.unit {
        return Ok(value);
    }
    let volts =
        |unit: &str| [("V", 1.0), ("mV", 1e-3), ("uV", 1e-6)].into_iter().find(|(name, _)| *name == unit);
    match (volts(unit), volts(&channel.unit)) {
        (Some((_, from)), Some((_, to))) => Ok(value * from / to),
        _ => Err(FeaturesError::Unit {
            threshold: unit.to_owned(),
            channel: channel.name.clone(),
            unit: channel.unit.clone(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emg::Kind;

    fn channel(unit: &str) -> Channel {
        Channel { unit: unit.to_owned(), ..Channel::new("zyg", Kind::Raw) }
    }

    #[test]
    fn a_threshold_says_its_unit() {
        assert_eq!("3x".parse(), Ok(Threshold::Rest(3.0)));
        assert_eq!("0.05mV".parse(), Ok(Threshold::Level { value: 0.05, unit: "mV".to_owned() }));
        assert_eq!("5\u{b5}V".parse(), Ok(Threshold::Level { value: 5.0, unit: "uV".to_owned() }));
        assert_eq!("0".parse(), Ok(Threshold::Level { value: 0.0, unit: String::new() }));
        for wrong in ["5", "-1x", "mV", "", "x", "nanx"] {
            assert!(wrong.parse::<Threshold>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn volts_become_millivolts_and_never_counts() {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12 * b, "{a} {b}");
        near(convert(50.0, "uV", &channel("mV")).unwrap(), 0.05);
        near(convert(2.0, "count", &channel("count")).unwrap(), 2.0);
        near(convert(2e-3, "V", &channel("uV")).unwrap(), 2000.0);
        for (unit, of) in [("uV", "count"), ("count", "V"), ("mV", "g")] {
            assert!(matches!(convert(1.0, unit, &channel(of)), Err(FeaturesError::Unit { .. })));
        }
        assert!(convert(0.0, "", &channel("count")).unwrap().abs() < 1e-300);
    }
}
