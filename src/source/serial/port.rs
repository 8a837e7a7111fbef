//! One open port: bytes in, lines out. Bytes mean nothing here.

use super::connect::connect;
use crate::source::Error;
use serialport::{SerialPort, TTYPort};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// A read waits so long for a byte, and gathers bytes for as long.
pub(super) const GATHER: Duration = Duration::from_millis(20);

/// An open port; closing it leaves no board sending to nobody.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) tty: TTYPort,
    /// Said before the port is closed.
    farewell: &'static str,
}

impl Port {
    pub(super) fn open(path: &Path, baud: u32) -> Result<Self, Error> {
        Ok(Self { tty: connect(path, baud, GATHER)?, farewell: "" })
    }

    /// Hands what comes within [`GATHER`] to `take`. Any error means that the board is gone:
    /// the crate turns a hang-up into `BrokenPipe`, and ENXIO, EIO and ENODEV into one kind for all.
    pub(super) fn gather(&mut self, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        let began = Instant::now();
        let mut buffer = [0; 4096];
        while began.elapsed() < GATHER {
            match self.tty.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => take(&buffer[..length]),
                Err(error) if is_idle(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes a command; what a full line does not take is said again by those who wait for an answer.
    pub(super) fn say(&mut self, line: &str) -> io::Result<()> {
        match self.tty.write_all(line.as_bytes()) {
            Err(error) if !is_idle(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Another baud rate on the open port, which does not reset the board.
    pub(super) fn set_baud(&mut self, baud: u32) -> io::Result<()> {
        self.tty.set_baud_rate(baud).map_err(io::Error::from)
    }

    /// What to say before the port is closed.
    pub(super) fn part_with(&mut self, farewell: &'static str) {
        self.farewell = farewell;
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let _ = self.tty.write_all(self.farewell.as_bytes());
    }
}

/// Whether an error means only that nothing has come yet, or that nothing can go now.
fn is_idle(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}
