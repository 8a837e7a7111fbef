//! Conversions between counts, seconds and nanoseconds, written once so that no other room casts.
//!
//! Units live in names (`rate_hz`, `host_ns`); these helpers keep their arithmetic saturating and explicit.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the one place where numbers change their type"
)]

/// Nanoseconds in a second.
pub const NS_PER_S: f64 = 1e9;

/// A count as a float; exact below 2^53, which at 4 kHz is 71,000 years.
#[must_use]
pub fn float(count: u64) -> f64 {
    count as f64
}

/// A length as a float.
#[must_use]
pub fn float_len(count: usize) -> f64 {
    count as f64
}

/// A signed nanosecond value as a float.
#[must_use]
pub fn float_ns(ns: i64) -> f64 {
    ns as f64
}

/// The nearest whole count to `value`, 0 for negatives and NaN.
#[must_use]
pub fn count(value: f64) -> u64 {
    value.round() as u64
}

/// The nearest whole length to `value`, 0 for negatives and NaN.
#[must_use]
pub fn length(value: f64) -> usize {
    value.round() as usize
}

/// Seconds as whole nanoseconds, saturating.
#[must_use]
pub fn nanos(seconds: f64) -> i64 {
    (seconds * NS_PER_S).round() as i64
}

/// Nanoseconds as seconds.
#[must_use]
pub fn seconds(ns: i64) -> f64 {
    ns as f64 / NS_PER_S
}

/// The duration of `rows` at `rate_hz`, in nanoseconds.
#[must_use]
pub fn rows_ns(rows: u64, rate_hz: f64) -> i64 {
    nanos(rows as f64 / rate_hz)
}

/// The nearest whole number of rows in `ms` milliseconds at `rate_hz`, negative for a time before.
#[must_use]
pub fn rows_in(ms: i64, rate_hz: f64) -> i64 {
    (ms as f64 * rate_hz / 1e3).round() as i64
}

/// A float as the `f32` the files hold.
#[must_use]
pub fn narrow(value: f64) -> f32 {
    value as f32
}

/// The nearest `i32` to `value`, saturating, 0 for NaN.
#[must_use]
pub fn int32(value: f64) -> i32 {
    value.round() as i32
}

/// The nearest `i16` to `value`, saturating, 0 for NaN.
#[must_use]
pub fn int16(value: f64) -> i16 {
    value.round() as i16
}

/// A length that fits the file's `u64`.
#[must_use]
pub fn wide(len: usize) -> u64 {
    len as u64
}

/// A stored `u64` as an index; saturates on machines with smaller addresses.
#[must_use]
pub fn index(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// A small count as `u32`, saturating.
#[must_use]
pub fn small(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
