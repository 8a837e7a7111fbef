//! What lies over a trace: gaps, settling filters, judgements, the cursor. A trace keeps its shape under all of them;
//! what is drawn in its stead is drawn only where there is none.

use crate::emg::Gap;
use crate::session::review::Window;
use crate::tui::app::review::Review;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use std::ops::Range;

/// The cells of a trace and the rows each of them shows.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    rows: Vec<Range<u64>>,
}

impl Cells {
    /// The cells of a window over `cells` cells of `wide` dot columns each.
    pub(super) fn new(window: Window, cells: u16, wide: u16) -> Self {
        let sweep = Review::sweep(window, u64::from(cells) * u64::from(wide));
        let row = |bin: u64| (window.first + bin).saturating_mul(window.rows_per_bin);
        let of = |cell: u16| {
            let first = sweep.bins_of(u64::from(cell) * u64::from(wide));
            let last = sweep.bins_of(u64::from(cell) * u64::from(wide) + u64::from(wide) - 1);
            match (first, last) {
                (Some((from, _)), Some((_, to))) => row(from)..row(to),
                _ => 0..0,
            }
        };
        Self { rows: (0..cells).map(of).collect() }
    }

    /// The cell that shows a row.
    pub(super) fn of(&self, row: u64) -> Option<u16> {
        let after = self.rows.partition_point(|rows| rows.end <= row);
        self.rows.get(after).filter(|rows| rows.contains(&row)).and_then(|_| u16::try_from(after).ok())
    }

    /// The rows a cell shows.
    pub(super) fn rows(&self, cell: u16) -> Option<&Range<u64>> {
        self.rows.get(usize::from(cell)).filter(|rows| !rows.is_empty())
    }

    /// The cells that show any of these rows.
    pub(super) fn touching(&self, rows: &Range<u64>) -> Range<u16> {
        let from = self.rows.partition_point(|cell| cell.end <= rows.start);
        let to = self.rows.partition_point(|cell| cell.start < rows.end);
        let cell = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        cell(from)..cell(to.max(from))
    }

    /// The cells all of whose rows a gap filled.
    pub(super) fn lost(&self, gap: &Gap) -> Range<u16> {
        let rows = gap.sample..gap.sample.saturating_add(gap.filled());
        let from = self.rows.partition_point(|cell| cell.start < rows.start);
        let to = self.rows.partition_point(|cell| cell.end <= rows.end);
        let cell = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        cell(from)..cell(to.max(from))
    }
}

/// Draws over the cells of a trace: `glyph` where nothing stands, `style` everywhere.
pub(super) fn lay(area: Rect, cells: Range<u16>, glyph: char, style: Style, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    for x in cells.start.min(area.width)..cells.end.min(area.width) {
        for y in area.top()..area.bottom() {
            let cell = &mut buffer[(area.x + x, y)];
            if cell.symbol() == " " {
                cell.set_char(glyph);
            }
            cell.set_style(style);
        }
    }
}

/// Writes a word into the cells if it has room there.
pub(super) fn say(area: Rect, cells: &Range<u16>, text: &str, style: Style, buffer: &mut Buffer) {
    let room = usize::from(cells.end.min(area.width).saturating_sub(cells.start));
    if area.height > 0 && text.chars().count() + 2 <= room {
        buffer.set_stringn(area.x + cells.start + 1, area.y, text, room, style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emg::Cause;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_row_of_a_window_is_in_a_cell_and_only_whole_cells_are_lost(
            from in 0_u64..100_000, length in 1_u64..300_000, cells in 1_u16..300, at in 0.0_f64..1.0, lost in 0_u64..9000,
        ) {
            let window = Window::over(&(from..from + length), false);
            let all = Cells::new(window, cells, 2);
            let row = from + crate::emg::units::count(at * crate::emg::units::float(length - 1));
            let cell = all.of(row).expect("it has a cell");
            prop_assert!(all.touching(&(row..row + 1)).contains(&cell));
            let gap = Gap { sample: row, missing: lost, exact: true, epoch: 0, cause: Cause::Counter, host_ns: 0 };
            for cell in all.lost(&gap) {
                let rows = &all.rows[usize::from(cell)];
                prop_assert!(rows.start >= row && rows.end <= row + lost);
            }
        }
    }
}
