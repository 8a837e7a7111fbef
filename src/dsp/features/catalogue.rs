//! The catalogue: every feature with its formula, its name in tables and models, and what signal it needs.
//!
//! `x` are the `N` values of a window, `i` counts from 1, `T` is the threshold. Where two libraries disagree, the
//! entry says which definition this one is; `tests/golden/features.txt` holds the figures of both.

/// What a signal must be for a feature to mean anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Any signal.
    Any,
    /// One that swings about zero: the muscle's own voltage, band-passed.
    Raw,
    /// One that rises and falls once per contraction: an envelope.
    Smooth,
}

/// One column of a table of features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Feature {
    /// Mean absolute value: `1/N sum |x_i|` (Hudgins et al. 1993, IEEE Trans. Biomed. Eng. 40:82).
    Mav,
    /// Zero crossings: neighbours of opposite sign with `|x_{i+1} - x_i| > T` (Hudgins 1993). A value of exactly 0 has
    /// no sign. `libemg`: the same with `T = 0`.
    Zc,
    /// Slope sign changes: `x_i` greater or less than both neighbours, and by more than `T` than one of them (Hudgins
    /// 1993; later papers compare the product of both differences with a squared unit). `libemg`: that product with
    /// `>= 0`, which also counts every row of a plateau.
    Ssc,
    /// Waveform length: `sum |x_{i+1} - x_i|` (Hudgins 1993).
    Wl,
    /// Root mean square: `sqrt(1/N sum x_i^2)`.
    Rms,
    /// Integrated EMG: `sum |x_i|`, not multiplied by the rate or its inverse; see [`Feature::Area`].
    Iemg,
    /// Modified mean absolute value 1, see [`super::amplitude::mmav1`].
    Mmav1,
    /// Modified mean absolute value 2, see [`super::amplitude::mmav2`].
    Mmav2,
    /// Simple square integral: `sum x_i^2`.
    Ssi,
    /// Variance: `sum (x_i - mean)^2 / (N - 1)`. `libemg` divides by `N`; the usual formula assumes a mean of 0.
    Var,
    /// Average amplitude change: `1/N sum |x_{i+1} - x_i|`. `libemg` (`MAVFD`) divides by `N - 1`.
    Aac,
    /// Difference absolute standard deviation value: `sqrt(sum (x_{i+1} - x_i)^2 / (N - 1))`.
    Dasdv,
    /// Log detector: `exp(1/N sum ln |x_i|)`. `libemg` adds 1 to `|x_i|`, which means something else in every unit.
    Log,
    /// Maximum fractal length: `log10 sqrt(sum (x_{i+1} - x_i)^2)` (Arjunan & Kumar 2010, J. Neuroeng. Rehabil. 7:53).
    /// `libemg` takes `log10 sum |x_{i+1} - x_i|`.
    Mfl,
    /// Mean squared root: `1/N sum sqrt |x_i|`. `libemg` takes roots of negative values to be imaginary and the
    /// absolute value of the mean; equal where no value is negative.
    Msr,
    /// L-scale, see [`super::amplitude::l_scale`].
    Ls,
    /// Willison amplitude: steps `|x_{i+1} - x_i| > T`.
    Wamp,
    /// Myopulse percentage rate as a share: rows with `|x_i| >= T`, over `N`.
    Myop,
    /// Linear prediction, `a_1` of [`super::order::prediction`].
    Ar1,
    /// `a_2` of the same.
    Ar2,
    /// `a_3` of the same.
    Ar3,
    /// `a_4` of the same.
    Ar4,
    /// Mean frequency, hertz: `sum f P / sum P`; for spectra see [`super::spectral`].
    Mnf,
    /// Median frequency, hertz: the first bin at which `P` summed so far exceeds half of the whole.
    Mdf,
    /// Mean power: `sum P` over the number of bins.
    Mnp,
    /// Total power: `sum P`.
    Ttp,
    /// First spectral moment: `sum f P`.
    Sm1,
    /// Second spectral moment: `sum f^2 P`.
    Sm2,
    /// Third spectral moment: `sum f^3 P`.
    Sm3,
    /// Frequency ratio: power below over power above [`super::spectral::SPLIT_HZ`]. Papers split where it suits them;
    /// this border is ours.
    Fr,
    /// Power spectrum ratio: share within [`super::spectral::NEAR_HZ`] of the strongest bin.
    Psr,
    /// Variance of the central frequency: `sum f^2 P / sum P - MNF^2`.
    Vcf,
    /// Hjorth's activity: variance over `N`. `libemg` does not take the mean out.
    Activity,
    /// Hjorth's mobility, see [`super::order::mobility`]. `libemg` divides squared differences by `N` and keeps means.
    Mobility,
    /// Hjorth's complexity, see [`super::order::complexity`]. `libemg` 2.0.3 neither divides by the mobility nor keeps
    /// windows apart.
    Complexity,
    /// Sample entropy, see [`super::order::sample_entropy`]. `libemg` uses a tolerance of 0.3 and compares one pattern
    /// more.
    Sampen,
    /// Kurtosis, 3 for a normal distribution: `m_4 / m_2^2`.
    Kurtosis,
    /// Skewness: `m_3 / m_2^1.5`.
    Skewness,
    /// Greatest `|x_i|`.
    Peak,
    /// Area under the rectified signal, unit times seconds: `sum |x_i| / rate`.
    Area,
    /// Seconds in all with `|x_i| >= T`.
    Duration,
    /// Seconds from the window's first row to its first greatest value.
    TimeToPeak,
    /// Mean rise from the lowest value before the greatest one up to it, unit per second.
    RiseSlope,
    /// Seconds around the greatest value at or above half way down to the lowest.
    HalfWidth,
}

use Feature as F;

impl Feature {
    /// All features, in the order of tables.
    #[rustfmt::skip]
    pub const ALL: [Self; 44] = [
        F::Mav, F::Zc, F::Ssc, F::Wl, F::Rms, F::Iemg, F::Mmav1, F::Mmav2, F::Ssi, F::Var, F::Aac, F::Dasdv, F::Log,
        F::Mfl, F::Msr, F::Ls, F::Wamp, F::Myop, F::Ar1, F::Ar2, F::Ar3, F::Ar4, F::Mnf, F::Mdf, F::Mnp, F::Ttp,
        F::Sm1, F::Sm2, F::Sm3, F::Fr, F::Psr, F::Vcf, F::Activity, F::Mobility, F::Complexity, F::Sampen,
        F::Kurtosis, F::Skewness, F::Peak, F::Area, F::Duration, F::TimeToPeak, F::RiseSlope, F::HalfWidth,
    ];

    /// The time-domain set of Hudgins et al. 1993, and RMS.
    pub const HUDGINS: [Self; 5] = [F::Mav, F::Zc, F::Ssc, F::Wl, F::Rms];

    /// What is left to say of an envelope: how strong, and what shape.
    #[must_use]
    pub fn amplitude() -> Vec<Self> {
        Self::ALL.into_iter().filter(|feature| feature.needs() != Needs::Raw).collect()
    }

    /// The name in tables and models.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            F::Mav => "mav",
            F::Zc => "zc",
            F::Ssc => "ssc",
            F::Wl => "wl",
            F::Rms => "rms",
            F::Iemg => "iemg",
            F::Mmav1 => "mmav1",
            F::Mmav2 => "mmav2",
            F::Ssi => "ssi",
            F::Var => "var",
            F::Aac => "aac",
            F::Dasdv => "dasdv",
            F::Log => "log",
            F::Mfl => "mfl",
            F::Msr => "msr",
            F::Ls => "ls",
            F::Wamp => "wamp",
            F::Myop => "myop",
            F::Ar1 => "ar1",
            F::Ar2 => "ar2",
            F::Ar3 => "ar3",
            F::Ar4 => "ar4",
            F::Mnf => "mnf",
            F::Mdf => "mdf",
            F::Mnp => "mnp",
            F::Ttp => "ttp",
            F::Sm1 => "sm1",
            F::Sm2 => "sm2",
            F::Sm3 => "sm3",
            F::Fr => "fr",
            F::Psr => "psr",
            F::Vcf => "vcf",
            F::Activity => "activity",
            F::Mobility => "mobility",
            F::Complexity => "complexity",
            F::Sampen => "sampen",
            F::Kurtosis => "kurtosis",
            F::Skewness => "skewness",
            F::Peak => "peak",
            F::Area => "area",
            F::Duration => "duration",
            F::TimeToPeak => "time_to_peak",
            F::RiseSlope => "rise_slope",
            F::HalfWidth => "half_width",
        }
    }

    /// The feature of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.name() == name)
    }

    /// What signal it needs.
    #[must_use]
    pub fn needs(self) -> Needs {
        match self {
            F::TimeToPeak | F::RiseSlope | F::HalfWidth => Needs::Smooth,
            F::Zc | F::Ssc | F::Wamp => Needs::Raw,
            _ if (F::Ar1..=F::Skewness).contains(&self) => Needs::Raw,
            _ => Needs::Any,
        }
    }

    /// Whether it depends on the threshold.
    #[must_use]
    pub fn has_threshold(self) -> bool {
        matches!(self, F::Zc | F::Ssc | F::Wamp | F::Myop | F::Duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_is_found_by_its_name() {
        for (at, feature) in Feature::ALL.into_iter().enumerate() {
            assert_eq!(Feature::from_name(feature.name()), Some(feature));
            assert_eq!(feature as usize, at, "{feature:?} stands elsewhere in the list");
        }
    }

    #[test]
    fn an_envelope_keeps_no_feature_of_a_swinging_signal() {
        let amplitude = Feature::amplitude();
        for gone in ["zc", "ssc", "wamp", "ar1", "mnf", "mdf", "complexity", "sampen", "skewness"] {
            assert!(!amplitude.iter().any(|feature| feature.name() == gone), "{gone}");
        }
        for kept in ["mav", "iemg", "var", "wl", "rise_slope", "duration", "peak"] {
            assert!(amplitude.iter().any(|feature| feature.name() == kept), "{kept}");
        }
    }
}
