//! The full scale of one trace: found by itself once in a window, or set by hand.

use crate::emg::Kind;
use crate::tui::widget::Span;

/// A full scale and who chose it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    /// The value that stays in place when the gain changes.
    anchor: f64,
    /// From the anchor to the edge.
    reach: f64,
    /// Whether values lie on one side of the anchor only.
    one_sided: bool,
    /// Whether `+` or `-` set it, so that it stays.
    pub(crate) by_hand: bool,
}

/// A scale is kept while the signal fills at least this share of it.
const FILLED: f64 = 0.18;

impl Scale {
    /// The scale that holds `extent` of a channel of a kind: a round number about zero for what swings,
    /// from zero up for envelopes, about its own middle for anything else.
    pub(crate) fn fit(kind: Kind, (low, high): (f32, f32)) -> Self {
        let (low, high) = (f64::from(low), f64::from(high));
        let (anchor, reach, one_sided) = match kind {
            Kind::Raw => (0.0, high.abs().max(low.abs()), false),
            Kind::Rectified | Kind::Envelope => (0.0, high.abs(), true),
            Kind::Aux | Kind::Trigger => {
                let middle = f64::midpoint(low, high);
                (middle, high - middle, false)
            }
        };
        Self { anchor, reach: step_up(reach), one_sided, by_hand: false }
    }

    /// This scale, or the fitting one where the signal outgrew it or hardly moves in it.
    #[must_use]
    pub(crate) fn follow(self, kind: Kind, extent: (f32, f32)) -> Self {
        let wanted = Self::fit(kind, extent);
        let drifted = (wanted.anchor - self.anchor).abs() > self.reach / 2.0;
        let share = wanted.reach / self.reach;
        let serves = !drifted && (FILLED..=1.0).contains(&share);
        if self.by_hand || serves { self } else { wanted }
    }

    /// One step larger (`wider`) or smaller, by hand.
    #[must_use]
    pub(crate) fn step(self, wider: bool) -> Self {
        let reach = if wider { step_up(self.reach * 1.001) } else { step_down(self.reach) };
        Self { reach, by_hand: true, ..self }
    }

    /// The values at the edges.
    pub(crate) fn span(self) -> Span {
        let low = if self.one_sided { self.anchor } else { self.anchor - self.reach };
        Span { low, high: self.anchor + self.reach }
    }

    /// The scale in words, e.g. `+-200`.
    pub(crate) fn word(self, plus_minus: &str) -> String {
        let plain = if self.reach >= 1.0 { format!("{:.0}", self.reach) } else { format!("{}", self.reach) };
        match (self.one_sided, self.anchor == 0.0) {
            (true, _) => format!("0..{plain}"),
            (false, true) => format!("{plus_minus}{plain}"),
            (false, false) => format!("{:.0}{plus_minus}{plain}", self.anchor),
        }
    }
}

/// Full scales within a decade: close enough that a trace fills at least two thirds of its height.
const STEPS: [f64; 7] = [1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0];

/// The next of [`STEPS`] x 10^n at or above `value`; 1 for what is no positive number.
fn step_up(value: f64) -> f64 {
    let Some(decade) = decade(value) else { return 1.0 };
    let mut steps = STEPS.into_iter().map(|step| step * decade);
    steps.find(|step| *step >= value * 0.999_999).unwrap_or(10.0 * decade)
}

/// The next step below `value`.
fn step_down(value: f64) -> f64 {
    let Some(decade) = decade(value) else { return 1.0 };
    let steps = STEPS.into_iter().map(|step| step * decade);
    steps.rev().find(|step| *step < value * 0.999).unwrap_or(0.7 * decade)
}

/// The power of ten at or below a positive number.
fn decade(value: f64) -> Option<f64> {
    (value.is_finite() && value > 1e-12).then(|| 10_f64.powf(value.log10().floor()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_round_numbers_that_hold_the_signal() {
        assert_eq!(Scale::fit(Kind::Raw, (-130.0, 90.0)).span(), Span { low: -150.0, high: 150.0 });
        assert_eq!(Scale::fit(Kind::Envelope, (3.0, 41.0)).span(), Span { low: 0.0, high: 50.0 });
        assert_eq!(Scale::fit(Kind::Aux, (490.0, 510.0)).span(), Span { low: 490.0, high: 510.0 });
        assert_eq!(Scale::fit(Kind::Raw, (0.0, 0.0)).span(), Span { low: -1.0, high: 1.0 });
        assert_eq!(Scale::fit(Kind::Raw, (-130.0, 90.0)).word("±"), "±150");
    }

    #[test]
    fn a_scale_stays_unless_it_must_go() {
        let scale = Scale::fit(Kind::Raw, (-130.0, 90.0));
        assert_eq!(scale.follow(Kind::Raw, (-60.0, 60.0)), scale, "quieter is not a reason to move");
        assert_eq!(scale.follow(Kind::Raw, (-230.0, 60.0)).word("±"), "±300");
        assert_eq!(scale.follow(Kind::Raw, (-9.0, 6.0)).word("±"), "±10");
        let mine = scale.step(true);
        assert_eq!(mine.word("±"), "±200");
        assert_eq!(mine.follow(Kind::Raw, (-9.0, 6.0)), mine, "what was set by hand stays");
        assert_eq!(mine.step(false).word("±"), "±150");
        assert_eq!(mine.step(false).step(false).word("±"), "±100");
    }
}
