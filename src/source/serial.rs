//! A BOARD ON A SERIAL PORT that prints lines: the port is opened, lost and found again here.
//!
//! What the bytes mean is `text`'s business. A hang-up ends an epoch, never the recording: the same path is
//! tried again until the board is back. `recorder` calls this from its acquiring thread; nothing is written
//! to the board.

mod connect;

use self::connect::connect;
use super::text::{Batch, Decoder, Refusals, Shape};
use super::uri::SerialOptions;
use super::{Description, Error, Packet, Reading, Source};
use crate::emg::{Cause, Channel, Kind, Stamp};
use serialport::TTYPort;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A read waits so long for a byte, and gathers bytes for as long.
const GATHER: Duration = Duration::from_millis(20);
/// Between two attempts to find a lost board.
const RETRY: Duration = Duration::from_millis(200);
/// Refused lines are reported no more often, lest a wrong baud rate fill the log.
const REPORT: Duration = Duration::from_secs(1);
/// More bytes of an unreadable stream are not shown.
const SHOWN: usize = 24;

/// How long opening waits for rows.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// While nothing readable comes.
    silent: Duration,
    /// While text comes, as from a board that introduces itself, or too few rows.
    greeted: Duration,
}

/// Text lines from a serial port.
#[derive(Debug)]
pub struct Serial {
    options: SerialOptions,
    stop: Arc<AtomicBool>,
    patience: Patience,
    /// None while the board is away.
    port: Option<TTYPort>,
    decoder: Decoder,
    /// The first bytes since opening, and how many came in all.
    seen: (Vec<u8>, u64),
    epoch: u32,
    /// Rows of this epoch so far.
    index: u64,
    /// Of the next packet.
    cause: Cause,
    ready: VecDeque<Reading>,
    /// When the board went away, and when to look for it next.
    lost: Instant,
    retry: Instant,
    reported: Instant,
}

impl Serial {
    /// A port that is yet to be opened; opening ends early once `stop` is set.
    #[must_use]
    pub fn new(options: SerialOptions, stop: Arc<AtomicBool>) -> Self {
        let now = Instant::now();
        Self {
            decoder: Decoder::new(options.format, options.time),
            options,
            stop,
            patience: Patience { silent: Duration::from_secs(5), greeted: Duration::from_secs(10) },
            port: None,
            seen: (Vec::new(), 0),
            epoch: 0,
            index: 0,
            cause: Cause::Unknown,
            ready: VecDeque::new(),
            lost: now,
            retry: now,
            reported: now,
        }
    }

    fn subject(&self) -> String {
        self.options.path.display().to_string()
    }

    fn connect(&self) -> Result<TTYPort, Error> {
        connect(&self.options.path, self.options.baud, GATHER)
    }

    /// Reads until the lines have a shape.
    fn find_shape(&mut self) -> Result<Shape, Error> {
        let began = Instant::now();
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Error::Stopped { subject: self.subject() });
            }
            self.gather().map_err(|error| Error::Open {
                subject: self.subject(),
                reason: format!("it went away while being opened ({error})"),
                advice: "check the cable, then try again".to_owned(),
            })?;
            self.decoder.settle(Stamp::now());
            if let Some(shape) = self.decoder.shape() {
                return Ok(shape.clone());
            }
            let waiting = self.decoder.greeted() || self.decoder.started();
            let patience = if waiting { self.patience.greeted } else { self.patience.silent };
            if self.decoder.hopeless().is_some() || began.elapsed() >= patience {
                return Err(self.unreadable(began.elapsed()));
            }
        }
    }

    /// What came instead of rows.
    fn unreadable(&self, waited: Duration) -> Error {
        let (first, bytes) = &self.seen;
        let mut hex = String::new();
        for byte in first {
            // Writing to a string cannot fail.
            let _ = write!(hex, " {byte:02x}");
        }
        let came = format!(
            "{bytes} bytes came in {:.0} s at {} baud, the first are (hex){hex}; tried: csv, plotter",
            waited.as_secs_f64(),
            self.options.baud
        );
        let (reason, advice) = match self.decoder.hopeless() {
            _ if *bytes == 0 => (
                format!("not one byte came in {:.0} s", waited.as_secs_f64()),
                "check that the sketch is on the board and prints, and that this is its port",
            ),
            Some(why) => (format!("{why}; {came}"), "let the sketch print one line of numbers per sample"),
            None if first.windows(2).any(|pair| pair == [0xc7, 0x7c]) => {
                (came, "this looks like the Chords protocol, which is not in this version yet")
            }
            None => {
                (came, "check the baud rate, as in `?baud=9600`, and that the sketch prints lines of numbers")
            }
        };
        Error::Unreadable { subject: self.subject(), reason, advice: advice.to_owned() }
    }

    fn describe(&self, shape: Shape) -> Description {
        let options = &self.options;
        Description {
            uri: options.uri.clone(),
            board: format!("text lines on {} at {} baud", options.path.display(), options.baud),
            channels: shape.names.into_iter().map(|name| Channel::new(name, Kind::Raw)).collect(),
            sample_type: shape.sample_type,
            nominal_hz: options.rate_hz,
            losses_counted: false,
            digital: false,
            can_wait: false,
            remarks: shape.remarks,
        }
    }

    /// Hands what comes within [`GATHER`] to the decoder. Any error means that the board is gone:
    /// the crate turns a hang-up into `BrokenPipe`, and ENXIO, EIO and ENODEV into one kind for all.
    fn gather(&mut self) -> io::Result<()> {
        let Some(port) = &mut self.port else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let began = Instant::now();
        let mut buffer = [0; 4096];
        while began.elapsed() < GATHER {
            match port.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => {
                    let bytes = &buffer[..length];
                    let room = SHOWN.saturating_sub(self.seen.0.len());
                    self.seen.0.extend(bytes.iter().take(room));
                    self.seen.1 += crate::emg::units::wide(length);
                    self.decoder.push(bytes, Stamp::now());
                }
                Err(error) if is_idle(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads from the open port; what came before a hang-up goes out before the news of it.
    fn pull(&mut self) {
        let gathered = self.gather();
        self.hand_over();
        let Err(error) = gathered else { return };
        // Held any longer, the file would keep the board from getting its old name back.
        self.port = None;
        self.report();
        self.decoder.restart();
        self.lost = Instant::now();
        self.retry = self.lost + RETRY;
        let sentence = format!("{} went away ({error})", self.subject());
        self.ready.push_back(Reading::Gone { cause: Cause::Unplugged, sentence });
    }

    /// Looks for a lost board, or waits a little.
    fn seek(&mut self) {
        let early = self.retry.saturating_duration_since(Instant::now());
        if !early.is_zero() {
            std::thread::sleep(early.min(GATHER));
            return;
        }
        match self.connect() {
            Ok(port) => {
                self.port = Some(port);
                self.begin_epoch(Cause::Unplugged);
                let away_s = self.lost.elapsed().as_secs_f64();
                self.ready
                    .push_back(Reading::Back(format!("{} is back after {away_s:.1} s", self.subject())));
            }
            Err(_) => self.retry = Instant::now() + RETRY,
        }
    }

    fn begin_epoch(&mut self, cause: Cause) {
        self.epoch += 1;
        self.index = 0;
        self.cause = cause;
    }

    fn hand_over(&mut self) {
        while let Some(batch) = self.decoder.take() {
            if batch.restarted {
                self.begin_epoch(Cause::Restart);
            }
            let packet = self.packet(batch);
            self.ready.push_back(Reading::Rows(packet));
        }
        if self.reported.elapsed() >= REPORT {
            self.report();
        }
    }

    fn packet(&mut self, batch: Batch) -> Packet {
        let index = self.index;
        self.index += batch.rows;
        Packet {
            epoch: self.epoch,
            index,
            device_us: batch.device_us,
            stamp: batch.stamp,
            samples: batch.samples,
            digital: Vec::new(),
            cause: std::mem::replace(&mut self.cause, Cause::Unknown),
        }
    }

    fn report(&mut self) {
        if let Some(Refusals { lines, example, .. }) = self.decoder.take_refused() {
            self.reported = Instant::now();
            self.ready.push_back(Reading::Refused { lines, example });
        }
    }
}

/// Whether an error of a read means only that nothing has come yet.
fn is_idle(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}

impl Source for Serial {
    /// Waits up to 5 s for a line of numbers, up to 10 s for a board that sends other text first.
    fn open(&mut self) -> Result<Description, Error> {
        *self = Self { patience: self.patience, ..Self::new(self.options.clone(), Arc::clone(&self.stop)) };
        self.port = Some(self.connect()?);
        match self.find_shape() {
            Ok(shape) => {
                self.hand_over();
                Ok(self.describe(shape))
            }
            Err(error) => {
                self.port = None;
                Err(error)
            }
        }
    }

    fn read(&mut self) -> Result<Reading, Error> {
        if self.ready.is_empty() {
            if self.port.is_some() {
                self.pull();
            } else {
                self.seek();
            }
        }
        Ok(self.ready.pop_front().unwrap_or(Reading::Idle))
    }
}

#[cfg(test)]
mod tests;
