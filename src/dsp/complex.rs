//! The little complex arithmetic a filter design needs, and the bins of `line`.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A complex number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Complex {
    pub(super) re: f64,
    pub(super) im: f64,
}

impl Complex {
    pub(super) const fn new(re: f64, im: f64) -> Self {
        Self { re, im }
    }

    /// The number at `angle` (radians) on the unit circle.
    pub(super) fn unit(angle: f64) -> Self {
        Self::new(angle.cos(), angle.sin())
    }

    pub(super) fn abs(self) -> f64 {
        self.re.hypot(self.im)
    }

    /// The one of this number and its conjugate that lies in the upper half plane.
    pub(super) fn upper(self) -> Self {
        Self::new(self.re, self.im.abs())
    }

    /// The square root with a non-negative real part.
    pub(super) fn sqrt(self) -> Self {
        // The larger of the two halves comes first, the other by division: no cancellation.
        let half = f64::midpoint(self.abs(), self.re.abs()).sqrt();
        if half == 0.0 {
            Self::new(0.0, 0.0)
        } else if self.re >= 0.0 {
            Self::new(half, self.im / (2.0 * half))
        } else {
            Self::new(self.im.abs() / (2.0 * half), half.copysign(self.im))
        }
    }
}

impl From<f64> for Complex {
    fn from(re: f64) -> Self {
        Self::new(re, 0.0)
    }
}

impl Add for Complex {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::new(self.re + other.re, self.im + other.im)
    }
}

impl Sub for Complex {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::new(self.re - other.re, self.im - other.im)
    }
}

impl Neg for Complex {
    type Output = Self;
    fn neg(self) -> Self {
        Self::new(-self.re, -self.im)
    }
}

impl Mul for Complex {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self::new(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)
    }
}

impl Mul<f64> for Complex {
    type Output = Self;
    fn mul(self, factor: f64) -> Self {
        Self::new(self.re * factor, self.im * factor)
    }
}

impl Div for Complex {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let norm = other.re * other.re + other.im * other.im;
        let top = self * Self::new(other.re, -other.im);
        Self::new(top.re / norm, top.im / norm)
    }
}
