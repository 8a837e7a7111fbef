//! What a user types after `--format`, `--columns` and `--markers`, parsed; no file is looked at here.

use crate::emg::Kind;
use std::fmt;
use std::str::FromStr;

/// A sensor that smooths for longer shows no expression, seconds.
const LONGEST_TAU_S: f64 = 10.0;

/// The text formats that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table with or without a header line; comma, semicolon, tab or spaces between its fields.
    Csv,
    /// The text export of AcqKnowledge.
    AcqKnowledge,
    /// OpenSignals text, old (`# Sampling Rate (Hz):= 1000`) and new (one line of JSON).
    OpenSignals,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Csv, Self::AcqKnowledge, Self::OpenSignals];

    /// The word on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::AcqKnowledge => "acqknowledge",
            Self::OpenSignals => "opensignals",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Format {
    type Err = SpecError;

    fn from_str(word: &str) -> Result<Self, SpecError> {
        Self::ALL
            .into_iter()
            .find(|format| format.word() == word)
            .ok_or_else(|| SpecError::Format { word: word.to_owned() })
    }
}

/// One channel: `NAME=COL:KIND:UNIT`, and behind an envelope sensor its time constant: `NAME=COL:envelope:UNIT:tauSECONDS`.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnSpec {
    /// The channel's name.
    pub name: String,
    /// The column, by its number counted from 1 or by its name in the header.
    pub column: String,
    /// What it carries.
    pub kind: Kind,
    /// `uV`, `mV`, `V` or `count`.
    pub unit: String,
    /// Time constant of the sensor's own smoothing, seconds; none where nobody measured it.
    pub tau_s: Option<f64>,
}

/// One kind of marker: `NAME=COL:stepSIZE`.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkerSpec {
    /// The label the markers get.
    pub label: String,
    /// The column, by its number counted from 1 or by its name in the header.
    pub column: String,
    /// From one row to the next, in the column's unit; its sign tells rising from falling.
    pub step: f64,
}

/// What is wrong with a word after a flag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// Not a format.
    #[error("`{word}` is no format that can be imported. Say csv, acqknowledge or opensignals")]
    Format {
        /// What was typed.
        word: String,
    },
    /// Not `NAME=COL:KIND:UNIT`.
    #[error("`{text}` does not say a column. Write NAME=COL:KIND:UNIT, as in zyg=2:raw:mV")]
    Column {
        /// What was typed.
        text: String,
    },
    /// Not a kind.
    #[error("`{word}` in `{text}` is no kind. Say raw, rectified, envelope, aux or trigger")]
    Kind {
        /// The kind that was typed.
        word: String,
        /// All that was typed.
        text: String,
    },
    /// Not a unit.
    #[error("`{word}` in `{text}` is no unit. Say uV, mV, V or count")]
    Unit {
        /// The unit that was typed.
        word: String,
        /// All that was typed.
        text: String,
    },
    /// Not a time constant.
    #[error(
        "`{word}` in `{text}` is no time constant of an envelope sensor. Write seconds above 0 and up to 10 behind \
         kind `envelope`, as in zyg=2:envelope:mV:tau0.08"
    )]
    Tau {
        /// The word that was typed.
        word: String,
        /// All that was typed.
        text: String,
    },
    /// Not `NAME=COL:stepSIZE`.
    #[error("`{text}` does not say a marker. Write NAME=COL:stepSIZE, as in happy=7:step-5")]
    Marker {
        /// What was typed.
        text: String,
    },
}

impl FromStr for ColumnSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let wrong = || SpecError::Column { text: text.to_owned() };
        let (name, rest) = named(text).ok_or_else(wrong)?;
        // From the right, so that a header name may hold a colon.
        let (rest, tau) = match rest.rsplit_once(':') {
            Some((rest, last)) if last.starts_with("tau") => (rest, Some(last)),
            _ => (rest, None),
        };
        let (rest, unit) = rest.rsplit_once(':').ok_or_else(wrong)?;
        let (column, kind) = rest.rsplit_once(':').ok_or_else(wrong)?;
        if column.is_empty() {
            return Err(wrong());
        }
        if !["uV", "mV", "V", "count"].contains(&unit) {
            return Err(SpecError::Unit { word: unit.to_owned(), text: text.to_owned() });
        }
        let kind = Kind::ALL
            .into_iter()
            .find(|known| known.word() == kind)
            .ok_or_else(|| SpecError::Kind { word: kind.to_owned(), text: text.to_owned() })?;
        let tau_s = tau.map(|word| seconds(word, kind, text)).transpose()?;
        Ok(Self { name: name.to_owned(), column: column.to_owned(), kind, unit: unit.to_owned(), tau_s })
    }
}

impl FromStr for MarkerSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let wrong = || SpecError::Marker { text: text.to_owned() };
        let (label, rest) = named(text).ok_or_else(wrong)?;
        let (column, step) = rest.rsplit_once(':').ok_or_else(wrong)?;
        let step: f64 = step.strip_prefix("step").and_then(|size| size.parse().ok()).ok_or_else(wrong)?;
        if column.is_empty() || step == 0.0 || !step.is_finite() {
            return Err(wrong());
        }
        Ok(Self { label: label.to_owned(), column: column.to_owned(), step })
    }
}

/// The time constant in `tauSECONDS`; only what is rectified and smoothed has one.
fn seconds(word: &str, kind: Kind, text: &str) -> Result<f64, SpecError> {
    let tau_s = word.strip_prefix("tau").and_then(|seconds| seconds.parse().ok());
    let known = tau_s.filter(|tau_s| kind == Kind::Envelope && *tau_s > 0.0 && *tau_s <= LONGEST_TAU_S);
    known.ok_or_else(|| SpecError::Tau { word: word.to_owned(), text: text.to_owned() })
}

/// `NAME=REST`, both with something in them.
fn named(text: &str) -> Option<(&str, &str)> {
    text.trim().split_once('=').filter(|(name, rest)| !name.is_empty() && !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_said_by_name_place_kind_and_unit() {
        let zyg: ColumnSpec = "zyg=4:rectified:mV".parse().unwrap();
        assert_eq!((zyg.name.as_str(), zyg.column.as_str()), ("zyg", "4"));
        assert_eq!((zyg.kind, zyg.unit.as_str()), (Kind::Rectified, "mV"));
        let colon: ColumnSpec = "x=EMG: left:raw:uV".parse().unwrap();
        assert_eq!((colon.column.as_str(), colon.tau_s), ("EMG: left", None));
        let sensor: ColumnSpec = "x=EMG: left:envelope:count:tau0.08".parse().unwrap();
        assert_eq!((sensor.column.as_str(), sensor.unit.as_str()), ("EMG: left", "count"));
        assert_eq!((sensor.kind, sensor.tau_s), (Kind::Envelope, Some(0.08)));
    }

    #[test]
    fn a_marker_is_said_by_label_place_and_step() {
        let happy: MarkerSpec = "happy=7:step-5".parse().unwrap();
        assert_eq!(happy, MarkerSpec { label: "happy".into(), column: "7".into(), step: -5.0 });
        assert!((("up=DIO 1:step+2.5").parse::<MarkerSpec>().unwrap().step - 2.5).abs() < f64::EPSILON);
    }

    #[test]
    fn what_is_wrong_is_said_with_what_was_typed() {
        let said = |text: &str| text.parse::<ColumnSpec>().unwrap_err().to_string();
        assert!(said("zyg").contains("`zyg`"), "{}", said("zyg"));
        assert!(said("zyg=4:raw").contains("NAME=COL:KIND:UNIT"));
        assert!(said("zyg=4:smooth:mV").contains("`smooth`"));
        assert!(said("zyg=4:raw:kV").contains("uV, mV, V or count"));
        for text in
            ["z=2:envelope:mV:tau0", "z=2:envelope:mV:tau80ms", "z=2:envelope:mV:taunan", "z=2:raw:mV:tau0.1"]
        {
            assert!(said(text).contains("time constant") && said(text).contains("tau0.08"), "{}", said(text));
        }
        for text in ["happy=7", "happy=7:5", "happy=7:step0", "=7:step5", "happy=:step5", "happy=7:stepnan"] {
            assert!(text.parse::<MarkerSpec>().is_err(), "{text}");
        }
        assert!("xlsx".parse::<Format>().unwrap_err().to_string().contains("csv"));
    }
}
