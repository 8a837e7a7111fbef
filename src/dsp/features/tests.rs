//! Features against other libraries, and the laws that hold whatever the signal.

use super::{Feature as F, *};
use crate::emg::units::float_len;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What scripts/golden-features found.
const GOLDEN: &str = include_str!("../../../tests/golden/features.txt");

/// libemg's default, which takes volts for granted; used for all of its windows.
const WAMP_THRESHOLD: f64 = 2e-3;

/// A window and what others say of it, by library and name.
struct Golden {
    rate_hz: f64,
    x: Vec<f64>,
    others: BTreeMap<(String, String), f64>,
}

fn golden() -> Vec<Golden> {
    let mut all: Vec<Golden> = Vec::new();
    for line in GOLDEN.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["window", rate] => {
                all.push(Golden { rate_hz: rate.parse().unwrap(), x: Vec::new(), others: BTreeMap::new() });
            }
            ["x", ref values @ ..] => {
                all.last_mut().unwrap().x = values.iter().map(|v| v.parse().unwrap()).collect();
            }
            [library, name, value] => {
                let key = (library.to_owned(), name.to_owned());
                all.last_mut().unwrap().others.insert(key, value.parse().unwrap());
            }
            _ => panic!("{line}"),
        }
    }
    all
}

impl Golden {
    fn other(&self, library: &str, name: &str) -> f64 {
        self.others[&(library.to_owned(), name.to_owned())]
    }

    fn ours(&self, feature: Feature, threshold: f64) -> f64 {
        one(feature, &self.x, self.rate_hz, threshold)
    }

    fn rows(&self) -> f64 {
        float_len(self.x.len())
    }
}

fn one(feature: Feature, x: &[f64], rate_hz: f64, threshold: f64) -> f64 {
    let mut out = Vec::new();
    Extractor::new(&[feature], x.len().max(1), rate_hz).run(x, threshold, &mut out);
    out[0]
}

fn all(x: &[f64], threshold: f64) -> Vec<f64> {
    let mut out = Vec::new();
    Extractor::new(&Feature::ALL, x.len().max(1), 1000.0).run(x, threshold, &mut out);
    out
}

#[track_caller]
fn near(ours: f64, other: f64, what: &str) {
    assert!((ours - other).abs() <= 1e-9 * other.abs().max(1e-12), "{what}: {ours} instead of {other}");
}

#[test]
fn figures_of_other_libraries_are_met_where_definitions_agree() {
    for golden in golden() {
        for (name, feature) in [
            ("MAV", Feature::Mav),
            ("ZC", Feature::Zc),
            ("SSC", Feature::Ssc),
            ("WL", Feature::Wl),
            ("RMS", Feature::Rms),
            ("IAV", Feature::Iemg),
            ("DASDV", Feature::Dasdv),
            ("LS", Feature::Ls),
            ("MNF", Feature::Mnf),
            ("MDF", Feature::Mdf),
            ("MNP", Feature::Mnp),
            ("SM1", Feature::Sm1),
            ("SM2", Feature::Sm2),
            ("SM3", Feature::Sm3),
            ("AR1", Feature::Ar1),
            ("AR2", Feature::Ar2),
            ("AR3", Feature::Ar3),
            ("AR4", Feature::Ar4),
            ("SKEW", Feature::Skewness),
            ("KURT", Feature::Kurtosis),
        ] {
            near(golden.ours(feature, 0.0), golden.other("libemg", name), name);
        }
        near(golden.ours(Feature::Wamp, WAMP_THRESHOLD), golden.other("libemg", "WAMP"), "WAMP");
        near(golden.ours(Feature::Myop, WAMP_THRESHOLD), golden.other("numpy", "MYOP"), "MYOP");
        for (name, feature) in [
            ("ACTIVITY", Feature::Activity),
            ("MOBILITY", Feature::Mobility),
            ("COMPLEXITY", Feature::Complexity),
            ("SAMPEN", Feature::Sampen),
        ] {
            near(golden.ours(feature, 0.0), golden.other("neurokit2", name), name);
        }
        for (name, feature) in [
            ("SSI", Feature::Ssi),
            ("AAC", Feature::Aac),
            ("LOG", Feature::Log),
            ("MFL", Feature::Mfl),
            ("MSR", Feature::Msr),
            ("MMAV1", Feature::Mmav1),
            ("MMAV2", Feature::Mmav2),
        ] {
            near(golden.ours(feature, 0.0), golden.other("numpy", name), name);
        }
    }
}

/// Each difference that the catalogue speaks of, turned back into the other's figure.
#[test]
fn where_definitions_differ_they_differ_as_documented() {
    for golden in golden() {
        let libemg = |name: &str| golden.other("libemg", name);
        let (x, n) = (&golden.x, golden.rows());
        let ours = |feature| golden.ours(feature, 0.0);
        near(ours(Feature::Var) * (n - 1.0) / n, libemg("VAR"), "VAR is over N there");
        near(ours(Feature::Aac) * n / (n - 1.0), libemg("MAVFD"), "MAVFD is over N - 1");
        let plus_one: Vec<f64> = x.iter().map(|v| v.abs() + 1.0).collect();
        near(amplitude::log_detector(&plus_one), libemg("LD"), "LD adds 1");
        near(ours(Feature::Wl).log10(), libemg("MFL"), "MFL is of absolute steps");
        let roots = |sign: f64| x.iter().map(|v| (v * sign).max(0.0).sqrt()).sum::<f64>() / n;
        near(roots(1.0).hypot(roots(-1.0)), libemg("MSR"), "MSR has imaginary roots");
        near(ours(Feature::Ssi) / n, libemg("ACT"), "ACT keeps the mean");
        let mobility = (amplitude::squared_steps(x) / ours(Feature::Ssi)).sqrt();
        near(mobility, libemg("MOB"), "MOB keeps means and divides by N");
        let steps: Vec<f64> = x.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let complexity = (amplitude::squared_steps(&steps) / amplitude::squared_steps(x)).sqrt();
        near(complexity, libemg("COMP"), "COMP is not over the mobility");
        near(libemg_entropy(x), libemg("SAMPEN"), "SAMPEN has its own tolerance and patterns");
    }
    let plateau = [0.0, 1.0, 1.0, 1.0, 0.0];
    near(one(Feature::Ssc, &plateau, 1000.0, 0.0), 0.0, "libemg counts 3: every row of the plateau");
}

/// libemg's: 0.3 standard deviations over N, and for each length a number of patterns of its own.
fn libemg_entropy(x: &[f64]) -> f64 {
    let tolerance = 0.3 * order::spread(x).sqrt();
    let mean = |m: usize| {
        let alike = |i: usize, j: usize| (0..m).all(|k| (x[i + k] - x[j + k]).abs() <= tolerance);
        let others = |i: usize| (0..=x.len() - m).filter(|&j| i != j && alike(i, j)).count();
        float_len((0..x.len() - m).map(others).sum()) / float_len(x.len() - m)
    };
    (mean(2) / mean(3)).ln()
}

#[test]
fn roots_are_equal_where_nothing_is_negative() {
    let golden = golden();
    let envelope = golden.last().unwrap();
    near(envelope.ours(Feature::Msr, 0.0), envelope.other("libemg", "MSR"), "MSR");
}

#[test]
fn an_envelope_has_its_shape() {
    // 10 ms up, 20 ms down, on an offset of 1 V.
    let bump =
        |n: usize| if n < 10 { float_len(n) / 10.0 } else { (1.0 - float_len(n - 10) / 20.0).max(0.0) };
    let x: Vec<f64> = (0..50).map(|n| 1.0 + bump(n)).collect();
    near(one(Feature::TimeToPeak, &x, 1000.0, 0.0), 0.010, "time to peak");
    near(one(Feature::RiseSlope, &x, 1000.0, 0.0), 100.0, "slope, volts per second");
    near(one(Feature::HalfWidth, &x, 1000.0, 0.0), 0.016, "half width: rows 5 to 20");
    near(one(Feature::Peak, &x, 1000.0, 0.0), 2.0, "peak");
    near(one(Feature::Duration, &x, 1000.0, 1.49), 0.016, "duration over 1.49 V");
    near(one(Feature::Area, &[-2.0; 500], 1000.0, 0.0), 1.0, "area");
}

#[test]
fn one_missing_value_leaves_nothing_known() {
    for gap in [f64::NAN, f64::INFINITY] {
        let mut x = vec![1.0; 60];
        x[30] = gap;
        assert!(all(&x, 0.0).iter().all(|value| value.is_nan()));
    }
    assert!(all(&[], 0.0).iter().all(|value| value.is_nan()));
}

#[test]
fn without_a_threshold_only_what_needs_one_is_unknown() {
    let x: Vec<f64> = golden()[0].x.clone();
    for (feature, value) in Feature::ALL.into_iter().zip(all(&x, f64::NAN)) {
        assert_eq!(value.is_nan(), feature.has_threshold(), "{feature:?} {value}");
    }
}

#[test]
fn a_level_for_learning_is_never_infinite() {
    near(log_rms(&[3.0, -3.0], 1e-6), 3.0_f64.ln(), "log RMS");
    near(log_rms(&[0.0; 9], 1e-6), 1e-6_f64.ln(), "the floor");
    assert!(log_rms(&[f64::NAN, 1.0], 1e-6).is_nan());
    near(mav(&[1.0, -3.0]), 2.0, "MAV");
}

/// The power of the unit in which a feature comes, where it has one.
fn unit_power(feature: Feature) -> Option<f64> {
    Some(match feature {
        F::Mav
        | F::Wl
        | F::Rms
        | F::Iemg
        | F::Mmav1
        | F::Mmav2
        | F::Aac
        | F::Dasdv
        | F::Log
        | F::Ls
        | F::Peak
        | F::Area
        | F::RiseSlope => 1.0,
        F::Ssi | F::Var | F::Mnp | F::Ttp | F::Sm1 | F::Sm2 | F::Sm3 | F::Activity => 2.0,
        F::Msr => 0.5,
        F::Mfl => return None,
        _ => 0.0,
    })
}

fn signal() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-5.0..5.0_f64, 12..150)
}

/// Equal up to rounding; sums of signed terms cancel, so the allowance is of the greatest magnitude that may occur.
fn same(a: f64, b: f64, scale: f64) -> bool {
    a.to_bits() == b.to_bits()
        || a.is_nan() && b.is_nan()
        || (a - b).abs() <= 1e-7 * a.abs().max(b.abs()).max(scale)
}

proptest! {
    /// A signal in another unit has the same features in that unit, if the threshold is told in it too.
    #[test]
    fn features_follow_the_unit(x in signal(), exponent in -8..12_i32, threshold in 0.0..3.0_f64) {
        // A power of two: no rounding, so that counts are exact.
        let factor = 2.0_f64.powi(exponent);
        let scaled: Vec<f64> = x.iter().map(|v| v * factor).collect();
        let (before, after) = (all(&x, threshold), all(&scaled, threshold * factor));
        for ((feature, a), b) in Feature::ALL.into_iter().zip(before).zip(after) {
            match unit_power(feature) {
                Some(power) => prop_assert!(same(a * factor.powf(power), b, 1e-12), "{:?} {} {}", feature, a, b),
                None => prop_assert!(same(a + factor.log10(), b, 1e-9), "{:?} {} {}", feature, a, b),
            }
        }
    }

    /// Turning the electrodes round changes nothing but the sign of the skewness and the shape of bumps.
    #[test]
    fn features_do_not_know_which_way_up(x in signal(), threshold in 0.0..3.0_f64) {
        let turned: Vec<f64> = x.iter().map(|v| -v).collect();
        for ((feature, a), b) in Feature::ALL.into_iter().zip(all(&x, threshold)).zip(all(&turned, threshold)) {
            match feature.needs() {
                Needs::Smooth => {}
                _ if feature == Feature::Skewness => prop_assert!(same(a, -b, 1e-9)),
                _ => prop_assert!(same(a, b, 1e-9), "{:?} {} {}", feature, a, b),
            }
        }
    }

    /// What is counted without knowing which way time runs is the same backwards.
    #[test]
    fn sums_and_counts_do_not_know_which_way_time_runs(x in signal(), threshold in 0.0..3.0_f64) {
        let back: Vec<f64> = x.iter().rev().copied().collect();
        for feature in [F::Mav, F::Zc, F::Ssc, F::Wl, F::Rms, F::Wamp, F::Var, F::Mnf, F::Ar2, F::Ls, F::Log] {
            let (a, b) = (one(feature, &x, 1000.0, threshold), one(feature, &back, 1000.0, threshold));
            prop_assert!(same(a, b, 1e-6), "{:?} {} {}", feature, a, b);
        }
    }

    /// A feature is the same alone and among all.
    #[test]
    fn features_do_not_depend_on_each_other(x in signal(), threshold in 0.0..3.0_f64) {
        for (feature, among) in Feature::ALL.into_iter().zip(all(&x, threshold)) {
            prop_assert_eq!(one(feature, &x, 1000.0, threshold).to_bits(), among.to_bits(), "{:?}", feature);
        }
    }

    /// A greater threshold never counts more.
    #[test]
    fn counts_fall_with_the_threshold(x in signal(), low in 0.0..3.0_f64, more in 0.0..3.0_f64) {
        for feature in Feature::ALL.into_iter().filter(|feature| feature.has_threshold()) {
            let (a, b) = (one(feature, &x, 1000.0, low), one(feature, &x, 1000.0, low + more));
            prop_assert!(b <= a, "{:?} {} {}", feature, a, b);
        }
    }
}
