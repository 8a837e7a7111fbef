//! A BOARD ON A SERIAL PORT: the port is opened, asked what is behind it, lost and found again here.
//!
//! What bytes mean is `framed`'s, `chords`' and `text`'s business; who says what until samples flow is `serial/talk`'s. A
//! hang-up or a reset ends an epoch, never the recording: the same board is looked for until it is back. `recorder`
//! calls this from its acquiring thread.
//!
//! # Delays
//!
//! A driver may hold bytes back to gather more. Only FTDI's lets this be changed without `unsafe` (its 16 ms timer, a
//! file below `/sys`): it is set to 1 ms where this user may. The kernel's low-latency flag (`TIOCSSERIAL`) is not
//! set, because `rustix` has no call for it; the CH340, the `CP210x` and the 16U2 of a Mega have no
//! such setting.

mod connect;
mod port;
mod probe;
mod seek;
mod talk;

use self::port::{GATHER, Port};
use self::seek::Search;
use self::talk::{Refusal, Talk};
use super::ports::Usb;
use super::text::Refusals;
use super::uri::SerialOptions;
use super::{Description, Error, Reading, Source};
use crate::emg::{Cause, Stamp};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// Refusals are reported no more often, lest a wrong baud rate fill the log.
const REPORT: Duration = Duration::from_secs(1);
/// A board that was found or reset again has this long to send rows.
const RETURN: Duration = Duration::from_secs(5);

/// How long opening waits.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// While nothing readable comes.
    silent: Duration,
    /// While text comes, as from a board that introduces itself, or too few rows.
    greeted: Duration,
    /// For a frame at a baud rate that may be wrong: a board boots within 2 s.
    frames: Duration,
    /// For a word of a board that has sent rows and is asked whether it is still there.
    mute: Duration,
}

/// A board on a serial port.
#[derive(Debug)]
pub struct Serial {
    options: SerialOptions,
    stop: Arc<AtomicBool>,
    patience: Patience,
    /// Whether it ever sent rows.
    begun: bool,
    /// None while the board is away.
    port: Option<Port>,
    /// None before it was opened.
    talk: Option<Talk>,
    /// Baud rates to look for it at: it was found at the first, and may have been told to go on at another.
    bauds: Vec<u32>,
    /// The USB device behind the port, if it is one.
    usb: Option<Usb>,
    /// Where the port in use is; another than the one named once the board has come back elsewhere.
    path: PathBuf,
    /// When rows stopped, until they come again.
    away: Option<Instant>,
    /// While no port is known to be the board's.
    search: Option<Search>,
    /// When the board was last asked to begin.
    asked: Instant,
    ready: VecDeque<Reading>,
    reported: Instant,
}

impl Serial {
    /// A port that is yet to be opened; opening ends early once `stop` is set.
    #[must_use]
    pub fn new(options: SerialOptions, stop: Arc<AtomicBool>) -> Self {
        let now = Instant::now();
        Self {
            path: options.path.clone(),
            options,
            stop,
            patience: Patience {
                silent: Duration::from_secs(5),
                greeted: Duration::from_secs(10),
                frames: Duration::from_secs(2),
                mute: Duration::from_secs(10),
            },
            begun: false,
            port: None,
            talk: None,
            bauds: Vec::new(),
            usb: None,
            away: None,
            search: None,
            asked: now,
            ready: VecDeque::new(),
            reported: now,
        }
    }

    fn subject(&self) -> String {
        self.path.display().to_string()
    }

    /// Reads from the open port and says what is due; what came before a hang-up goes out before the news of it.
    fn pull(&mut self) -> Result<(), Error> {
        let (Some(port), Some(talk)) = (&mut self.port, &mut self.talk) else { return Ok(()) };
        let gathered = port.gather(|bytes| talk.push(bytes, Stamp::now()));
        let now = Instant::now();
        let said = gathered
            .and_then(|()| talk.turn().map_or(Ok(()), |baud| port.set_baud(baud)))
            .and_then(|()| talk.say(now).map_or(Ok(()), |line| port.say(&line)));
        let refusal = talk.refusal().cloned();
        let mute = talk.silence(now) >= self.patience.mute;
        self.hand_over();
        if let Err(error) = said {
            self.lose(Cause::Unplugged, &format!("went away ({error})"));
        } else if let Some(refusal) = refusal {
            return self.refuse(refusal);
        } else if mute {
            let mute_s = self.patience.mute.as_secs_f64();
            let what = format!("has said nothing for {mute_s:.0} s, though it was asked: it is opened again");
            self.lose(Cause::Stall, &what);
        } else if self.away.is_some() && self.asked.elapsed() >= RETURN {
            self.turn_away("what answers is not the board, or does not begin to send");
        }
        Ok(())
    }

    /// What answers cannot be used: for good where no row ever came, otherwise it is not what the recording began with.
    fn refuse(&mut self, refusal: Refusal) -> Result<(), Error> {
        let Refusal { reason, advice } = refusal;
        if !self.begun {
            return Err(Error::Open { subject: self.subject(), reason, advice });
        }
        self.turn_away(&format!("{reason}; {advice}"));
        Ok(())
    }

    /// Moves what the talk has to the readings.
    fn hand_over(&mut self) {
        let Some(talk) = &mut self.talk else { return };
        if talk.flows()
            && let Some(port) = &mut self.port
        {
            port.part_with(talk.farewell());
            self.begun = true;
            if let Some(since) = self.away.take() {
                let away_s = since.elapsed().as_secs_f64();
                let sentence = format!("{} is back after {away_s:.1} s", self.path.display());
                self.ready.push_back(Reading::Back(sentence));
            }
            self.search = None;
        }
        talk.take(&mut self.ready);
        if matches!(self.ready.back(), Some(Reading::Gone { .. })) {
            (self.away, self.asked) = (Some(Instant::now()), Instant::now());
        }
        if self.reported.elapsed() >= REPORT {
            self.report();
        }
    }

    /// The board is gone. Held any longer, the file would keep it from getting its old name back.
    fn lose(&mut self, cause: Cause, what: &str) {
        let subject = self.subject();
        self.close();
        if self.search.is_none() {
            self.report();
            self.ready.push_back(Reading::Gone { cause, sentence: format!("{subject} {what}") });
            self.search = Some(Search::new(Instant::now()));
        }
    }

    /// What is on this port is not the board, or not as it was.
    fn turn_away(&mut self, sentence: &str) {
        self.close();
        let now = Instant::now();
        let search = self.search.get_or_insert_with(|| Search::new(now));
        if search.refused(sentence, now) {
            let sentence = format!("{}: {sentence}", self.path.display());
            self.ready.push_back(Reading::Gone { cause: Cause::Unplugged, sentence });
        }
    }

    fn close(&mut self) {
        self.port = None;
        self.away.get_or_insert_with(Instant::now);
        if let Some(talk) = &mut self.talk {
            talk.hang_up(Stamp::now());
            talk.take(&mut self.ready);
        }
    }

    /// Looks for a lost board, or waits a little.
    fn seek(&mut self) {
        let (Some(search), Some(talk)) = (&mut self.search, &mut self.talk) else { return };
        let now = Instant::now();
        let early = search.early(now);
        if !early.is_zero() {
            std::thread::sleep(early.min(GATHER));
            return;
        }
        let asks = matches!(talk, Talk::Board(_));
        let Some(path) = search.next(&self.options.path, self.usb.as_ref(), asks, now) else { return };
        let Some(baud) = search.baud(&self.bauds) else { return };
        if let Ok(port) = Port::open(&path, baud) {
            (self.port, self.path, self.asked) = (Some(port), path, now);
            talk.reopened();
        }
    }

    fn report(&mut self) {
        let refused = self.talk.as_mut().and_then(Talk::take_refused);
        if let Some(Refusals { lines, example, .. }) = refused {
            self.reported = Instant::now();
            self.ready.push_back(Reading::Refused { lines, example });
        }
    }
}

impl Source for Serial {
    /// Waits up to 5 s for a word of a board or a line of numbers, up to 10 s for a board that sends other text first.
    fn open(&mut self) -> Result<Description, Error> {
        (self.port, self.talk, self.away, self.search) = (None, None, None, None);
        self.begun = false;
        self.ready.clear();
        self.path.clone_from(&self.options.path);
        let found = probe::find(&self.options, self.patience, &self.stop)?;
        (self.port, self.talk, self.bauds) = (Some(found.port), Some(found.talk), found.bauds);
        self.usb = seek::usb_of(&self.path);
        self.hand_over();
        Ok(found.description)
    }

    fn read(&mut self) -> Result<Reading, Error> {
        if self.ready.is_empty() {
            if self.port.is_some() {
                self.pull()?;
            } else {
                self.seek();
            }
        }
        Ok(self.ready.pop_front().unwrap_or(Reading::Idle))
    }
}

#[cfg(test)]
mod tests;
