//! One channel as a min/max envelope: every column is lit from its lowest to its highest value, so that
//! no burst, however short, falls between two columns.

use super::Dots;
use super::sweep::{Lit, Span, Sweep};
use crate::tui::history::History;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

/// A trace, ready to be drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope<'a> {
    /// Where the values are.
    pub(crate) history: &'a History,
    /// Which of its channels.
    pub(crate) channel: usize,
    /// Which bins belong in which column.
    pub(crate) sweep: Sweep,
    /// Which values belong at the edges.
    pub(crate) span: Span,
    /// Which characters.
    pub(crate) dots: Dots,
    /// The trace's style.
    pub(crate) style: Style,
    /// Cells, counted from the left edge, through which a marker line runs.
    pub(crate) marks: &'a [u16],
    /// Their style.
    pub(crate) mark_style: Style,
}

impl Envelope<'_> {
    /// The lit dots of a dot column.
    fn lit(&self, column: u16, height: u16) -> Option<Lit> {
        let (from, to) = self.sweep.bins_of(u64::from(column))?;
        let extent = self.history.extent(self.channel, from, to)?;
        Some(self.span.lit(extent, height))
    }

    /// The character of one cell, given its dot columns.
    fn cell(&self, lit: [Option<Lit>; 2], row: u16, rows: u16) -> Option<char> {
        let any = |beyond: fn(&Lit) -> bool| lit.iter().flatten().any(beyond);
        if row == 0 && any(|l| l.above) {
            return Some('^');
        }
        if row + 1 == rows && any(|l| l.below) {
            return Some('v');
        }
        let (first, last) = (row * self.dots.tall(), (row + 1) * self.dots.tall() - 1);
        let inside = |l: Lit| {
            (l.top <= last && l.bottom >= first)
                .then(|| (l.top.max(first) - first, l.bottom.min(last) - first))
        };
        self.dots.glyph(lit.map(|l| l.and_then(inside)))
    }
}

impl Widget for Envelope<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        let height = area.height * self.dots.tall();
        for x in 0..area.width {
            let column = x * self.dots.wide();
            let second = (self.dots.wide() > 1).then_some(column + 1);
            let lit = [self.lit(column, height), second.and_then(|c| self.lit(c, height))];
            let marked = self.marks.contains(&x);
            for y in 0..area.height {
                let cell = &mut buffer[(area.x + x, area.y + y)];
                match self.cell(lit, y, area.height) {
                    // The shape of the signal is kept: the line shows even where the signal fills it.
                    Some(glyph) if marked => cell.set_char(glyph).set_style(self.mark_style),
                    Some(glyph) => cell.set_char(glyph).set_style(self.style),
                    None if marked => cell.set_char(self.dots.pick('┊', ':')).set_style(self.mark_style),
                    None => cell.set_char(' '),
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Bins;
    use proptest::prelude::*;

    /// A trace of noise below 4, and the same with one value of 90 in one bin.
    fn histories(bins: u64, spike: u64) -> (History, History) {
        let value = |b: u64| f32::from(u8::try_from(b * 7919 % 5).unwrap());
        let quiet: Vec<_> = (0..bins).map(|b| (-value(b), value(b))).collect();
        let mut loud = quiet.clone();
        loud[usize::try_from(spike).unwrap()].1 = 90.0;
        let fill = |clean: Vec<(f32, f32)>| {
            let mut history = History::default();
            history.push(&Bins { first: 0, rows_per_bin: 4, channels: 1, raw: Vec::new(), clean });
            history
        };
        (fill(quiet), fill(loud))
    }

    fn draw(history: &History, dots: Dots, size: (u16, u16), window: u64) -> Buffer {
        let area = Rect::new(0, 0, size.0, size.1);
        let mut buffer = Buffer::empty(area);
        let columns = u64::from(size.0 * dots.wide());
        Envelope {
            history,
            channel: 0,
            sweep: Sweep::new(window, columns, history.end(), 2),
            span: Span { low: -100.0, high: 100.0 },
            dots,
            style: Style::new(),
            marks: &[],
            mark_style: Style::new(),
        }
        .render(area, &mut buffer);
        buffer
    }

    proptest! {
        #[test]
        fn one_row_of_excursion_is_seen_in_its_column(
            width in 1_u16..200, rows in 2_u16..8, window in 50_u64..4000, at in 0.0_f64..1.0,
            dots in prop_oneof![Just(Dots::Braille), Just(Dots::Block), Just(Dots::Ascii)],
        ) {
            let end = window * 2 - 1;
            let spike = crate::emg::units::count(at * crate::emg::units::float(end - 1));
            let columns = u64::from(width * dots.wide());
            let (quiet, loud) = histories(end, spike);
            let Some(column) = Sweep::new(window, columns, end, 2).column_of(spike) else { return Ok(()) };
            let cell = u16::try_from(column).unwrap() / dots.wide();
            let (without, with) = (draw(&quiet, dots, (width, rows), window), draw(&loud, dots, (width, rows), window));
            let differs = (0..rows).any(|y| without[(cell, y)] != with[(cell, y)]);
            prop_assert!(differs, "bin {} is invisible in column {}", spike, column);
        }

        #[test]
        fn a_drawn_cell_never_changes_until_the_pen_passes(
            width in 4_u16..120, window in 200_u64..3000, from in 0.0_f64..1.0, more in 1_u64..150,
        ) {
            let (all, _) = histories(window * 3, 0);
            let cut = |end: u64| {
                let clean = (0..end).filter_map(|b| all.extent(0, b, b + 1)).collect();
                let mut history = History::default();
                history.push(&Bins { first: 0, rows_per_bin: 4, channels: 1, raw: Vec::new(), clean });
                history
            };
            let end = window + crate::emg::units::count(from * crate::emg::units::float(window - 151));
            let (before, after) = (cut(end), cut(end + more));
            let (old, new) = (draw(&before, Dots::Braille, (width, 3), window), draw(&after, Dots::Braille, (width, 3), window));
            let pen = (end % window) * u64::from(width) / window;
            for x in 0..width {
                for y in 0..3 {
                    if u64::from(x) + 1 < pen {
                        prop_assert_eq!(&old[(x, y)], &new[(x, y)], "column {} behind pen {}", x, pen);
                    }
                }
            }
        }
    }

    #[test]
    fn clipping_is_said_at_the_edge() {
        let mut history = History::default();
        history.push(&Bins {
            first: 0,
            rows_per_bin: 4,
            channels: 1,
            raw: Vec::new(),
            clean: vec![(-500.0, 0.0); 4],
        });
        let buffer = draw(&history, Dots::Braille, (2, 2), 8);
        assert_eq!(buffer[(0, 1)].symbol(), "v");
    }
}
