//! What is to be thought of a measured muscle, in a word and in a sentence of advice.
//!
//! The measure of all is what expressions reach: 8 % of the maximum (published means lie between 7 and 9.2 %).

use super::Muscle;
use crate::emg::{Channel, Kind};

/// An expression, share of the maximum.
const EXPRESSION: f64 = 0.08;
/// A contraction that rises above rest by fewer deviations of the rest is none.
const RISE_SDS: f64 = 5.0;
/// An expression must rise above rest by so many deviations of the rest.
const CLEAR_SDS: f64 = 3.0;
/// An expression on a rectified or smoothed signal must have so many counts.
const SMOOTH_COUNTS: f64 = 10.0;
/// The same on a raw signal, whose swing over many rows shows less than a count.
const RAW_COUNTS: f64 = 1.0;
/// Contractions may differ by this share of the greatest.
const SPREAD: f64 = 0.2;

/// What is to be thought of one muscle's calibration; the first that is true, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// There is no contraction to judge yet.
    #[default]
    Open,
    /// No contraction rose above rest by 5 deviations of the rest: it cannot be kept.
    NoRise,
    /// 8 % of the maximum has less than 10 counts of the converter (raw signals: 1 count).
    Small,
    /// The strongest contraction came near the converter's rail, or stood still at the sensor's own.
    Rail,
    /// 8 % of the maximum does not rise above rest by 3 deviations of the rest.
    Noisy,
    /// The contractions differ by more than 20 % of the greatest.
    Differ,
    /// Nothing speaks against it.
    Ok,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 7] =
        [Self::Open, Self::NoRise, Self::Small, Self::Rail, Self::Noisy, Self::Differ, Self::Ok];

    /// In a word or two.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "--",
            Self::NoRise => "no rise",
            Self::Small => "too small",
            Self::Rail => "near the rail",
            Self::Noisy => "noisy",
            Self::Differ => "trials differ",
            Self::Ok => "ok",
        }
    }

    /// What to do about it; empty where there is nothing.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Open | Self::Ok => "",
            Self::NoRise => {
                "no contraction rose above rest: see that the electrodes sit on this muscle, then redo"
            }
            Self::Small => {
                "an expression has too few counts: turn the sensor's trimpot up (or raise the gain), then redo"
            }
            Self::Rail => {
                "the contraction was cut off: turn the sensor's trimpot down (or lower the gain), then redo"
            }
            Self::Noisy => {
                "an expression does not stand out of this rest: let the subject relax, clean the skin, start again"
            }
            Self::Differ => "the contractions differ by more than 20 %: encourage the subject and redo",
        }
    }
}

/// Judges a muscle that has contracted, and may have come near a rail.
pub(super) fn judge(muscle: &Muscle, channel: &Channel, near_rail: bool) -> Verdict {
    let range = muscle.mvc() - muscle.rest_mean;
    let expression = EXPRESSION * range;
    let smallest = if channel.kind == Kind::Raw { RAW_COUNTS } else { SMOOTH_COUNTS };
    if muscle.trials.is_empty() || range.is_nan() {
        Verdict::Open
    } else if range <= 0.0 || range < RISE_SDS * muscle.rest_sd {
        Verdict::NoRise
    } else if counts_are_known(channel) && expression / channel.scale.abs() < smallest {
        Verdict::Small
    } else if near_rail {
        Verdict::Rail
    } else if expression < CLEAR_SDS * muscle.rest_sd {
        Verdict::Noisy
    } else if muscle.spread() > SPREAD {
        Verdict::Differ
    } else {
        Verdict::Ok
    }
}

/// Numbers that a program sent as text need not be a converter's counts.
fn counts_are_known(channel: &Channel) -> bool {
    channel.adc_bits > 0 && channel.scale.is_finite() && channel.scale != 0.0
}
