//! How many bytes a second of this screen costs: a link over the sea must carry it.

use super::fixture::Watched;
use crate::session::Snapshot;
use crate::tui::keys::View;
use crate::tui::view;
use crate::tui::widget::Dots;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;

/// Counts what it is given.
struct Counter(Rc<Cell<usize>>);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Mean bytes per second of ten seconds at ten frames a second, after the first picture.
fn bytes_per_second(view: View, channels: usize, (width, height): (u16, u16)) -> usize {
    let well = |_: &mut Snapshot| {};
    let mut seen = Watched::new(Dots::Braille, channels).until(9.0, well);
    seen.app.view = view;
    let count = Rc::new(Cell::new(0));
    let viewport = Viewport::Fixed(Rect::new(0, 0, width, height));
    let backend = CrosstermBackend::new(Counter(Rc::clone(&count)));
    let mut terminal = Terminal::with_options(backend, TerminalOptions { viewport }).unwrap();
    terminal.draw(|frame| view::draw(&seen.app, frame)).unwrap();
    count.set(0);
    for _ in 0..100 {
        seen.tenth(well);
        terminal.draw(|frame| view::draw(&seen.app, frame)).unwrap();
    }
    count.get() / 10
}

#[test]
fn a_second_costs_less_than_twelve_kilobytes_in_every_view() {
    for (view, _, name) in View::TABLE {
        for size in [(80, 24), (120, 40), (200, 60)] {
            for (channels, limit) in [(8, 12_000), (16, 16_000)] {
                let cost = bytes_per_second(view, channels, size);
                println!("{name} at {size:?} with {channels} channels: {cost} bytes/s");
                assert!(cost < limit, "{name} at {size:?} with {channels} channels: {cost} bytes/s");
            }
        }
    }
}
