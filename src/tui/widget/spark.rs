//! A minute as a row of bars, the newest at the right, after ratatui's `Sparkline`.

use super::Dots;
use crate::emg::units;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::bar::{NINE_LEVELS, Set};
use ratatui::widgets::{Sparkline, Widget};

/// Bars for terminals that show nothing but ASCII.
const ASCII: Set<'static> = Set {
    full: "#",
    seven_eighths: "#",
    three_quarters: "=",
    five_eighths: "=",
    half: "-",
    three_eighths: "-",
    one_quarter: ".",
    one_eighth: ".",
    empty: " ",
};
/// Steps of a bar of full height; more than any screen can show.
const FULL: f64 = 1000.0;

/// A row of bars, ready to be drawn.
#[derive(Clone, Debug)]
pub(crate) struct Spark<'a> {
    /// Values, oldest first; NaN where nothing is known.
    pub(crate) values: &'a std::collections::VecDeque<f64>,
    /// The value of a full bar; the largest of the values where it is NaN.
    pub(crate) full: f64,
    /// Which characters.
    pub(crate) dots: Dots,
    /// The bars' style.
    pub(crate) style: Style,
}

impl Widget for Spark<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let largest = self.values.iter().copied().fold(f64::NAN, f64::max);
        let full = if self.full.is_nan() { largest } else { self.full };
        let steps = |value: &f64| (!value.is_nan()).then(|| units::count(value / full * FULL));
        let width = usize::from(area.width);
        let absent = std::iter::repeat_n(None, width.saturating_sub(self.values.len()));
        let newest = self.values.iter().skip(self.values.len().saturating_sub(width));
        Sparkline::default()
            .data(absent.chain(newest.map(steps)))
            .max(units::count(FULL))
            .bar_set(self.dots.pick(NINE_LEVELS, ASCII))
            .style(self.style)
            .render(area, buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(values: &[f64], full: f64, dots: Dots) -> String {
        let area = Rect::new(0, 0, 6, 1);
        let mut buffer = Buffer::empty(area);
        let values = values.iter().copied().collect();
        Spark { values: &values, full, dots, style: Style::new() }.render(area, &mut buffer);
        (0..6).map(|x| buffer[(x, 0)].symbol()).collect()
    }

    #[test]
    fn the_newest_second_stands_at_the_right() {
        assert_eq!(drawn(&[0.0, 4.0, 8.0], f64::NAN, Dots::Braille), "    ▄█");
        assert_eq!(drawn(&[0.0, 50.0, 100.0], 100.0, Dots::Ascii), "    -#");
        let many: Vec<f64> = (1..=60).map(f64::from).collect();
        assert!(drawn(&many, f64::NAN, Dots::Braille).ends_with('█'));
    }

    #[test]
    fn what_is_not_known_is_blank_and_nothing_is_no_bar() {
        assert_eq!(drawn(&[8.0, f64::NAN, 8.0], f64::NAN, Dots::Braille), "   █ █");
        assert_eq!(drawn(&[0.0, 0.0], f64::NAN, Dots::Braille), "      ");
        assert_eq!(drawn(&[f64::NAN], f64::NAN, Dots::Braille), "      ");
    }
}
