//! What is done about the baseline of the envelope: nothing, a high-pass, or a floor that is tracked.

use std::ops::RangeInclusive;

/// Edges of a high-pass, Hz: lower ones never settle, higher ones take expressions for drift.
const EDGES_HZ: RangeInclusive<f64> = 0.01..=1.0;
/// Time constants of a floor's fall, seconds: shorter ones follow the troughs of the noise, longer ones leave the
/// envelope below zero behind a contraction.
const FALLS_S: RangeInclusive<f64> = 0.1..=2.0;
/// Those of its rise: shorter ones take expressions for drift, longer ones lose a floor that rises.
const RISES_S: RangeInclusive<f64> = 20.0..=600.0;
/// Both where none are said: chosen on simulated faces, face and limb recordings.
const USUAL_S: (f64, f64) = (0.5, 60.0);

/// What is done about the baseline of the envelope.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Baseline {
    /// It stays where it is.
    #[default]
    Off,
    /// A high-pass of the first order with its edge here, Hz: linear, and sinks under a long contraction.
    HighPass(f64),
    /// A floor that falls quickly and rises slowly is taken away; see [`crate::pipeline::Tracker`].
    Track {
        /// Time constant of its fall, seconds.
        fall_s: f64,
        /// Time constant of its rise, seconds.
        rise_s: f64,
    },
}

impl Baseline {
    /// What a word may be, in a sentence's middle.
    pub const FORM: &'static str = "off, the edge of a high-pass from 0.01 to 1 Hz, track, or track:FALL/RISE in seconds, 0.1 to 2 and 20 to 600";

    /// Reads `off`, an edge such as `0.1`, `track`, or `track:0.5/60`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let within = |text: &str, range: RangeInclusive<f64>| {
            text.trim().parse::<f64>().ok().filter(|number| range.contains(number))
        };
        match word {
            "off" => Some(Self::Off),
            "track" => Some(Self::Track { fall_s: USUAL_S.0, rise_s: USUAL_S.1 }),
            _ => {
                let Some(times) = word.strip_prefix("track:") else {
                    return within(word, EDGES_HZ).map(Self::HighPass);
                };
                let (fall, rise) = times.split_once('/')?;
                Some(Self::Track { fall_s: within(fall, FALLS_S)?, rise_s: within(rise, RISES_S)? })
            }
        }
    }

    /// As a chain is named, behind its other filters; nothing without one.
    pub(super) fn operator(self) -> String {
        match self {
            Self::Off => String::new(),
            Self::HighPass(hz) => format!(" HP{hz}"),
            Self::Track { fall_s, rise_s } => format!(" BL track {fall_s}/{rise_s}s"),
        }
    }
}

impl std::fmt::Display for Baseline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::HighPass(hz) => write!(f, "{hz}"),
            Self::Track { fall_s, rise_s } if (*fall_s, *rise_s) == USUAL_S => f.write_str("track"),
            Self::Track { fall_s, rise_s } => write!(f, "track:{fall_s}/{rise_s}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_baseline_is_read_as_it_is_shown() {
        for word in ["off", "0.05", "1", "track", "track:0.25/120"] {
            assert_eq!(Baseline::from_word(word).unwrap().to_string(), word);
        }
        assert_eq!(Baseline::from_word("track:0.5/60"), Baseline::from_word("track"));
        for wrong in
            ["", "on", "5", "0", "nan", "track:", "track:1", "track:0.5/1", "track:9/60", "track 1/60"]
        {
            assert_eq!(Baseline::from_word(wrong), None, "`{wrong}`");
        }
    }
}
