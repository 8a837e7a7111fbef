//! The time under a review: round moments of the recording, as many as have room.

use super::super::words;
use crate::emg::units;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;
use std::ops::Range;

/// Distances of two labels in seconds, each a number people count in.
const STEPS_S: [f64; 19] = [
    0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0,
    21_600.0, 86_400.0,
];

/// A time axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis<'a> {
    /// The rows from the left to the right edge.
    pub(super) rows: &'a Range<u64>,
    /// Rows per second.
    pub(super) rate_hz: f64,
    /// Style of numbers and dots.
    pub(super) style: Style,
}

impl Axis<'_> {
    fn seconds(&self) -> Range<f64> {
        units::float(self.rows.start) / self.rate_hz..units::float(self.rows.end) / self.rate_hz
    }

    /// The smallest distance whose labels stand apart on so many cells.
    fn step(&self, width: u16) -> f64 {
        let seconds = self.seconds();
        let length = seconds.end - seconds.start;
        let apart = |step: &f64| step / length * f64::from(width) > f64::from(label_width(*step)) + 2.0;
        STEPS_S.into_iter().find(apart).unwrap_or(f64::INFINITY)
    }
}

/// Fractions are shown where labels are less than a second apart.
fn label(seconds: f64, step: f64) -> String {
    if step < 1.0 { words::hms_ms(seconds) } else { words::hms(seconds + 0.5e-3) }
}

fn label_width(step: f64) -> u16 {
    if step < 1.0 { 12 } else { 8 }
}

impl Widget for Axis<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        if area.is_empty() || self.rows.is_empty() {
            return;
        }
        for x in area.left()..area.right() {
            buffer[(x, area.y)].set_char('.').set_style(self.style);
        }
        let (seconds, step) = (self.seconds(), self.step(area.width));
        if !step.is_finite() {
            return;
        }
        let first = units::count((seconds.start / step).ceil());
        for n in first.. {
            let at = units::float(n) * step;
            let share = (at - seconds.start) / (seconds.end - seconds.start);
            let Ok(cell) = u16::try_from(units::count((share * f64::from(area.width)).floor())) else {
                return;
            };
            let text = label(at, step);
            // A label that would be cut is read as another time.
            if cell + label_width(step) > area.width {
                return;
            }
            buffer.set_stringn(
                area.x + cell,
                area.y,
                text,
                usize::from(area.right() - area.x - cell),
                self.style,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(rows: Range<u64>, width: u16) -> String {
        let area = Rect::new(0, 0, width, 1);
        let mut buffer = Buffer::empty(area);
        Axis { rows: &rows, rate_hz: 1000.0, style: Style::new() }.render(area, &mut buffer);
        (0..width).map(|x| buffer[(x, 0)].symbol().to_owned()).collect()
    }

    #[test]
    fn labels_are_round_moments_at_their_places() {
        assert_eq!(drawn(0..8000, 60), "00:00:00.......00:00:02.......00:00:04.......00:00:06.......");
        assert_eq!(drawn(500..1500, 48), "00:00:00.500............00:00:01.000............");
        assert_eq!(drawn(0..8000, 5), ".....", "no room, no label");
    }
}
