//! Some features of window after window; what several of them share is computed once.

use super::amplitude::Bump;
use super::course::Course;
use super::spectral::{self, Power};
use super::spectrum::Spectrum;
use super::{Feature, amplitude, order};

/// Computes a list of features.
#[derive(Clone, Debug)]
pub struct Extractor {
    features: Vec<Feature>,
    rate_hz: f64,
    /// Where one of them needs it.
    spectrum: Option<Spectrum>,
}

/// What features of one window share; what none of them needs is left as it is.
struct Shared {
    course: Course,
    power: Option<Power>,
    ar: [f64; order::AR_ORDER],
    bump: Bump,
}

impl Extractor {
    /// Plans these features of windows of `rows` rows.
    ///
    /// # Panics
    /// When a window would hold no row.
    #[must_use]
    pub fn new(features: &[Feature], rows: usize, rate_hz: f64) -> Self {
        assert!(rows > 0, "features need at least one row");
        let spectral = features.iter().any(|&feature| is_spectral(feature));
        let spectrum = spectral.then(|| Spectrum::new(spectral::points(rows)));
        Self { features: features.to_vec(), rate_hz, spectrum }
    }

    /// The features, in the order of their values.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// Appends the features of a window to `out`; `threshold` in the unit of `x`, NaN where it is not known. All are
    /// NaN where a value is missing.
    ///
    /// # Panics
    /// When the window has more rows than planned and spectral features are wanted.
    pub fn run(&mut self, x: &[f64], threshold: f64, out: &mut Vec<f64>) {
        let course = Course::of(x, threshold);
        // A missing value is in the sum; so is every infinite one.
        if x.is_empty() || !course.absolute.is_finite() {
            out.extend(self.features.iter().map(|_| f64::NAN));
            return;
        }
        let wants = |from: Feature, to: Feature| self.features.iter().any(|f| (from..=to).contains(f));
        let shared = Shared {
            course,
            power: self.spectrum.as_mut().map(|spectrum| Power::of(x, self.rate_hz, spectrum)),
            ar: if wants(Feature::Ar1, Feature::Ar4) { order::prediction(x) } else { Default::default() },
            bump: if wants(Feature::TimeToPeak, Feature::HalfWidth) { Bump::of(x) } else { Bump::default() },
        };
        out.extend(self.features.iter().map(|&feature| shared.value(feature, x, threshold, self.rate_hz)));
    }
}

fn is_spectral(feature: Feature) -> bool {
    (Feature::Mnf..=Feature::Vcf).contains(&feature)
}

impl Shared {
    fn value(&self, feature: Feature, x: &[f64], threshold: f64, rate_hz: f64) -> f64 {
        let Course { rows, absolute, square, length, crossings, turns } = self.course;
        match feature {
            Feature::Mav => absolute / rows,
            Feature::Zc => crossings,
            Feature::Ssc => turns,
            Feature::Wl => length,
            Feature::Rms => (square / rows).sqrt(),
            Feature::Iemg => absolute,
            Feature::Mmav1 => amplitude::mmav1(x),
            Feature::Mmav2 => amplitude::mmav2(x),
            Feature::Ssi => square,
            Feature::Var => amplitude::variance(x),
            Feature::Aac => length / rows,
            Feature::Dasdv => (amplitude::squared_steps(x) / (rows - 1.0)).sqrt(),
            Feature::Log => amplitude::log_detector(x),
            Feature::Mfl => amplitude::squared_steps(x).sqrt().log10(),
            Feature::Msr => amplitude::root(x),
            Feature::Ls => amplitude::l_scale(x),
            Feature::Wamp => amplitude::willison(x, threshold),
            Feature::Myop => amplitude::active(x, threshold) / rows,
            Feature::Ar1 => self.ar[0],
            Feature::Ar2 => self.ar[1],
            Feature::Ar3 => self.ar[2],
            Feature::Ar4 => self.ar[3],
            Feature::Activity => order::spread(x),
            Feature::Mobility => order::mobility(x),
            Feature::Complexity => order::complexity(x),
            Feature::Sampen => order::sample_entropy(x),
            Feature::Kurtosis => order::kurtosis(x),
            Feature::Skewness => order::skewness(x),
            Feature::Peak => amplitude::peak(x),
            Feature::Area => absolute / rate_hz,
            Feature::Duration => amplitude::active(x, threshold) / rate_hz,
            Feature::TimeToPeak => self.bump.apex / rate_hz,
            Feature::RiseSlope => self.bump.slope * rate_hz,
            Feature::HalfWidth => self.bump.width / rate_hz,
            spectral => self.power.as_ref().map_or(f64::NAN, |power| in_spectrum(power, spectral)),
        }
    }
}

fn in_spectrum(power: &Power, feature: Feature) -> f64 {
    let [total, first, second, third] = power.moments;
    match feature {
        Feature::Mnf => power.mean_hz(),
        Feature::Mdf => power.median_hz,
        Feature::Mnp => total / power.bins,
        Feature::Ttp => total,
        Feature::Sm1 => first,
        Feature::Sm2 => second,
        Feature::Sm3 => third,
        Feature::Fr => power.ratio,
        Feature::Psr => power.near_peak,
        Feature::Vcf => power.central_variance(),
        _ => f64::NAN,
    }
}
