//! The time under a sweep: a number at each second that has room, dots between, and a sign for each marker.

use ratatui::{buffer::Buffer, layout::Rect, style::Style, widgets::Widget};

/// A time ruler for a window of whole seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ruler<'a> {
    /// Length of the window, seconds.
    pub(crate) seconds: u16,
    /// Style of numbers and dots.
    pub(crate) style: Style,
    /// Cells at which a marker stands, with its sign.
    pub(crate) marks: &'a [(u16, char)],
    /// The cell the pen is at.
    pub(crate) pen: Option<u16>,
    /// The foot of a marker line, left of its sign.
    pub(crate) line: char,
    /// Style of both.
    pub(crate) mark_style: Style,
}

/// Cells a number needs to be read apart from the next one.
const ROOM: u32 = 5;

impl Widget for Ruler<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        if area.is_empty() || self.seconds == 0 {
            return;
        }
        for x in area.left()..area.right() {
            buffer[(x, area.y)].set_char('.').set_style(self.style);
        }
        let cells = |seconds: u16| u32::from(area.width) * u32::from(seconds) / u32::from(self.seconds);
        let step = (1..=self.seconds).find(|s| cells(*s) >= ROOM).unwrap_or(self.seconds);
        for second in (0..self.seconds).step_by(usize::from(step)) {
            let x = area.x + u16::try_from(cells(second)).unwrap_or(area.width);
            let text = if second == 0 { "0s".to_owned() } else { second.to_string() };
            buffer.set_stringn(x, area.y, text, usize::from(area.right() - x), self.style);
        }
        if let Some(x) = self.pen.filter(|x| *x < area.width) {
            buffer[(area.x + x, area.y)].set_char('>').set_style(self.mark_style);
        }
        for (x, sign) in self.marks.iter().filter(|(x, _)| *x < area.width) {
            for (x, sign) in [(*x, self.line), (x + 1, *sign)] {
                if x < area.width {
                    buffer[(area.x + x, area.y)].set_char(sign).set_style(self.mark_style);
                }
            }
        }
    }
}
