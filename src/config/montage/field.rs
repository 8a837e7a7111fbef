//! Every field of a channel a montage file may set: its name, allowed form and how it is read.

use crate::config::value;
use crate::emg::marker::{LABEL_BYTES, NOTE_BYTES};
use crate::emg::{Channel, Kind};

/// One field of a channel in a montage file.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) form: &'static str,
    pub(super) read: fn(&mut Channel, &str) -> Option<()>,
}

/// A [`Field`] in one line: reading assigns to the channel's field.
macro_rules! field {
    ($name:literal, $form:literal, $field:ident = |$text:ident| $read:expr) => {
        Field {
            name: $name,
            form: $form,
            read: |channel, $text| {
                channel.$field = $read?;
                Some(())
            },
        }
    };
}

/// All fields a `[[channel]]` block may set.
pub(super) const FIELDS: &[Field] = &[
    field!(
        "name",
        "1 to 64 bytes, unique in the montage",
        name = |text| value::some(text).and_then(|text| short(&text, LABEL_BYTES))
    ),
    field!(
        "kind",
        "`raw`, `rectified`, `envelope`, `aux` or `trigger`",
        kind = |text| { Kind::ALL.into_iter().find(|kind| kind.word() == text) }
    ),
    field!("muscle", "at most 64 bytes", muscle = |text| short(text, LABEL_BYTES)),
    field!(
        "side",
        "`left`, `right`, `midline` or empty",
        side = |text| { ["left", "right", "midline", ""].contains(&text).then(|| text.to_owned()) }
    ),
    field!(
        "action-unit",
        "one action unit such as `AU12`, or several such as `AU6/AU7`, or empty",
        action_unit = |text| action_units(text)
    ),
    field!(
        "unit",
        "`count`, `V`, `mV`, or `uV` where `gain` was measured",
        unit = |text| { ["count", "V", "mV", "uV"].contains(&text).then(|| text.to_owned()) }
    ),
    field!("offset", "a number of raw steps", offset = |text| number(text)),
    field!("scale", "units per raw step, not 0", scale = |text| number(text).filter(|scale| *scale != 0.0)),
    field!("gain", "a number above 0", gain = |text| positive(text)),
    field!(
        "adc-bits",
        "a whole number from 1 to 32",
        adc_bits = |text| text.parse().ok().filter(|bits| (1..=32).contains(bits))
    ),
    field!("reference-v", "volts above 0", reference_v = |text| positive(text)),
    field!("skew-us", "microseconds from 0 on", skew_us = |text| number(text).filter(|skew| *skew >= 0.0)),
    field!("sensor", "at most 64 bytes", sensor = |text| short(text, LABEL_BYTES)),
    field!(
        "sensor-tau-s",
        "seconds above 0, on channels of kind `envelope` only",
        sensor_tau_s = |text| positive(text)
    ),
    field!("electrode", "at most 64 bytes", electrode = |text| short(text, LABEL_BYTES)),
    field!("size-mm", "millimetres above 0", size_mm = |text| positive(text)),
    field!("spacing-mm", "millimetres above 0", spacing_mm = |text| positive(text)),
    field!("impedance-kohm", "kiloohms above 0", impedance_kohm = |text| positive(text)),
    field!("position", "at most 256 bytes", position = |text| short(text, NOTE_BYTES)),
];

fn short(text: &str, bytes: usize) -> Option<String> {
    (text.len() <= bytes).then(|| text.to_owned())
}

/// Whether a text fits the recording's own field for it.
pub(super) fn plain(text: &str) -> bool {
    (1..=NOTE_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn positive(text: &str) -> Option<f64> {
    number(text).filter(|number| *number > 0.0)
}

/// Sixteen bytes hold three action units, the most one site is asked to stand for.
fn action_units(text: &str) -> Option<String> {
    let one = |unit: &str| unit.strip_prefix("AU").and_then(|n| n.parse::<u8>().ok()).is_some_and(|n| n > 0);
    (text.is_empty() || (text.len() <= 16 && text.split('/').all(one))).then(|| text.to_owned())
}
