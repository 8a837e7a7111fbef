//! Draws the app ten times a second on a thread of its own: a link that stalls blocks this thread and no
//! other, so keys and markers pass it by.

use crate::tui::app::App;
use crate::tui::{Error, view};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use std::io::{self, BufWriter};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// One frame: traces move ten times a second, and no picture is ever queued.
const FRAME: Duration = Duration::from_millis(100);
/// How long the end waits for a picture that is on its way.
const PATIENCE: Duration = Duration::from_secs(1);
/// Bytes gathered before they are written: a whole picture of a large terminal.
const PICTURE_BYTES: usize = 64 * 1024;

/// A thread that draws until told otherwise.
#[derive(Debug)]
pub(crate) struct Painter {
    stop: Sender<()>,
    ended: Receiver<io::Error>,
}

impl Painter {
    /// Starts to draw `app`.
    pub(crate) fn start(app: Arc<Mutex<App>>) -> Result<Self, Error> {
        let (stop, stopped) = bounded(1);
        let (failed, ended) = bounded(1);
        let spawned = thread::Builder::new().name("tui-painter".to_owned()).spawn(move || {
            if let Err(error) = paint(&app, &stopped) {
                let _ = failed.send(error);
            }
        });
        spawned.map_err(|source| Error::Thread { name: "tui-painter", source })?;
        Ok(Self { stop, ended })
    }

    /// Why drawing ended by itself, if it did: its cause, or none after a panic.
    pub(crate) fn ended(&self) -> &Receiver<io::Error> {
        &self.ended
    }

    /// Ends the drawing, waiting a second at most for a terminal that takes no more bytes.
    pub(crate) fn stop(self) {
        let _ = self.stop.try_send(());
        let _ = self.ended.recv_timeout(PATIENCE);
    }
}

fn paint(app: &Mutex<App>, stopped: &Receiver<()>) -> io::Result<()> {
    let out = BufWriter::with_capacity(PICTURE_BYTES, io::stdout());
    // Never `clear` it: that asks the terminal where its cursor is, and the answer belongs to the key reader.
    let mut terminal = Terminal::new(CrosstermBackend::new(out))?;
    while matches!(stopped.recv_timeout(FRAME), Err(RecvTimeoutError::Timeout)) {
        // The lock is held while the picture is composed, not while it is written.
        terminal.draw(|frame| view::draw(&app.lock().unwrap_or_else(PoisonError::into_inner), frame))?;
    }
    Ok(())
}
