//! Draws the app ten times a second, or as often as the link carries, and rings its bell, on a thread of its
//! own: a link that stalls blocks this thread and no other, so keys and markers pass it by.

use super::job;
use super::meter::{Meter, Pace};
use crate::emg::units;
use crate::tui::app::App;
use crate::tui::{Error, view};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes are counted over this long.
const COUNTED: Duration = Duration::from_secs(1);
/// What makes a terminal ring.
const BELL: &[u8] = b"\x07";
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
    let lock = || app.lock().unwrap_or_else(PoisonError::into_inner);
    let meter = Meter::default();
    let out = BufWriter::with_capacity(PICTURE_BYTES, meter.around(io::stdout()));
    // Never `clear` it: that asks the terminal where its cursor is, and the answer belongs to the key reader.
    let mut terminal = Terminal::new(CrosstermBackend::new(out))?;
    let (mut pace, mut counted) = (Pace::default(), Instant::now());
    // No picture is ever queued: the next one is composed when this one is written.
    while matches!(stopped.recv_timeout(pace.frame()), Err(RecvTimeoutError::Timeout)) {
        let _pen = job::pen();
        let (ring, repaint) = {
            let mut app = lock();
            app.link.slowed_to = pace.slowed_to();
            (std::mem::take(&mut app.wishes.ring), std::mem::take(&mut app.wishes.repaint))
        };
        if repaint {
            let size = terminal.size()?;
            terminal.resize(size.into())?;
        }
        // The lock is held while the picture is composed, not while it is written.
        terminal.draw(|frame| view::draw(&lock(), frame))?;
        if ring {
            terminal.backend_mut().write_all(BELL)?;
            Write::flush(terminal.backend_mut())?;
        }
        pace.drawn(meter.held_up());
        if counted.elapsed() >= COUNTED {
            let bytes = units::float(meter.bytes()) / counted.elapsed().as_secs_f64();
            lock().link.bytes_per_s = units::count(bytes);
            counted = Instant::now();
        }
    }
    Ok(())
}
