//! Features of a window of signal: the Hudgins set and the rest of the usual table, as functions of a slice.
//!
//! [`Feature`] is the catalogue with every formula; an [`Extractor`] computes some of them for window after window.
//! Thresholds are in the unit of the values, always: nothing here knows counts from volts. A window with a missing
//! value (NaN) has no features. Called by `analysis` for tables and by `infer` for models.

pub mod amplitude;
mod catalogue;
pub mod course;
mod extract;
pub mod order;
pub mod spectral;
pub mod spectrum;
mod window;

pub use catalogue::{Feature, Needs};
pub use extract::Extractor;
pub use window::{Window, Windows};

/// Mean absolute value; 0 without values, as below.
#[must_use]
pub fn mav(x: &[f64]) -> f64 {
    mean(x, f64::abs)
}

/// Root mean square.
#[must_use]
pub fn rms(x: &[f64]) -> f64 {
    mean(x, |v| v * v).sqrt()
}

/// Natural logarithm of the root mean square, never below that of `floor`, so that silence is no infinity.
#[must_use]
pub fn log_rms(x: &[f64], floor: f64) -> f64 {
    // `max` would prefer the floor to a NaN.
    let rms = rms(x);
    if rms < floor { floor.ln() } else { rms.ln() }
}

fn mean(x: &[f64], value: impl Fn(f64) -> f64) -> f64 {
    let sum: f64 = x.iter().map(|&v| value(v)).sum();
    if x.is_empty() { 0.0 } else { sum / crate::emg::units::float_len(x.len()) }
}

#[cfg(test)]
mod tests;
