//! Thread `control`: commands in, markers to the journal, pictures out, the state of the whole.
//!
//! The only place that changes [`State`]. Waits for nobody but its own queue, and listens until every file is sealed.

mod calibrate;
mod commands;
pub mod hooks;
mod load;
mod markers;
mod news;
mod snapshot;
mod viewers;
mod watch;

pub(super) use markers::Markers;
pub(super) use snapshot::Gauge;

use super::acquire::{Ending, Orders, Told};
use super::alarms::Alarms;
use super::journal::{Report, Request};
use super::process::SharedPicture;
use super::vitals::{Shared, Stage};
use crate::emg::{ClockOffset, Preflight};
use crate::pipeline::preset;
use crate::session::snapshot::State;
use crate::session::{Answer, ClientId, Clients, Event, Incoming};
use commands::Filtering;
use crossbeam_channel::{Receiver, Sender, never, select_biased, tick};
use hooks::Runner;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use viewers::Viewers;
use watch::Watch;

/// Pictures are sent this often.
const TICK: Duration = Duration::from_millis(100);
/// Sealing that takes this many ticks may be given up: 2 s.
const PATIENCE_TICKS: u32 = 20;

/// What the outside may tell a recorder besides its front ends' commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// End the recording and seal it; said again once sealing takes long, leave the rest to `recover`.
    Stop,
}

/// Starts to write: creates the journal, or says why it cannot.
pub(super) type Begin = Box<dyn FnMut() -> Result<(), String> + Send>;

/// The thread's belongings.
pub(super) struct Control {
    pub(super) incoming: Receiver<Incoming>,
    pub(super) signals: Receiver<Signal>,
    pub(super) reports: Receiver<Report>,
    pub(super) told: Receiver<Told>,
    /// Disconnects when every journal is projected or given up.
    pub(super) sealed: Receiver<()>,
    pub(super) requests: Sender<Request>,
    pub(super) orders: Arc<Orders>,
    pub(super) clients: Arc<dyn Clients>,
    pub(super) vitals: Arc<Shared>,
    pub(super) picture: Arc<SharedPicture>,
    pub(super) gauge: Gauge,
    pub(super) markers: Markers,
    pub(super) state: State,
    pub(super) begin: Begin,
    /// There is a journal.
    pub(super) writes: bool,
    /// The sheet, until the recording has it.
    pub(super) preflight: Vec<Preflight>,
    pub(super) hooks: Runner,
    pub(super) so_far: SoFar,
}

/// What has happened.
#[derive(Debug, Default)]
pub(super) struct SoFar {
    /// Somebody asked for the end.
    asked: bool,
    /// Ticks since the last rows were read.
    draining: u32,
    /// How the recording failed.
    pub(super) failure: Option<String>,
    /// The newest sentences, for screens that come later.
    notices: VecDeque<Event>,
    /// The thread that reads the source has ended.
    ended: bool,
    /// Filters that were asked for and are not in force yet.
    filtering: Option<Filtering>,
    /// Who changed them last before the recording began, for its log.
    filtered_before: Option<String>,
    /// Offsets of senders' clocks found while only monitoring.
    clocks: Vec<ClockOffset>,
    watch: Watch,
    alarms: Alarms,
    viewers: Viewers,
}

impl Control {
    /// Runs until every file is sealed or given up, or, while only monitoring, until told to stop.
    pub(super) fn run(&mut self) {
        if self.state == State::Recording {
            self.write_preflight();
        }
        let vitals = self.vitals.clone();
        let ticker = tick(TICK);
        let mut said = self.hooks.said();
        let (mut closed, mut sealed) = (false, false);
        while !(closed && sealed) {
            // What a thread says before another one ends comes before that end.
            select_biased! {
                recv(self.signals) -> signal => match signal {
                    Ok(Signal::Stop) => self.stop(),
                    Err(_) => self.signals = never(),
                },
                recv(self.reports) -> report => closed = self.reported(report.ok()),
                recv(ticker) -> _ => { let _ = vitals.guard(Stage::Control, || self.tick()); },
                recv(self.told) -> told => match told {
                    Ok(Told::Begun) => self.begun(),
                    Ok(Told::Filtered(result)) => self.filtered(result),
                    Ok(Told::Said(level, text)) => self.notify(level, text),
                    Ok(Told::Ended(ending)) => self.ended(Some(ending)),
                    Err(_) => self.ended(None),
                },
                recv(said) -> sentence => match sentence {
                    Ok((level, text)) => self.say(level, text),
                    Err(_) => said = never(),
                },
                recv(self.sealed) -> _ => {
                    sealed = true;
                    self.sealed = never();
                }
                recv(self.incoming) -> incoming => match incoming {
                    Ok(incoming) => { let _ = vitals.guard(Stage::Control, || self.hear(incoming)); },
                    Err(_) => self.incoming = never(),
                },
            }
        }
        if self.writes {
            self.state = State::Closed;
            self.tick();
        }
    }

    /// Rows count from 0 from here on, so markers have a place.
    fn begun(&mut self) {
        if self.state == State::Monitoring {
            self.state = State::Recording;
            self.log_what_was();
            self.write_preflight();
            self.write_calibrations();
            self.write_clocks();
        }
    }

    fn stop(&mut self) {
        if self.so_far.asked && self.so_far.draining >= PATIENCE_TICKS {
            self.orders.give_up.store(true, Ordering::Relaxed);
        }
        self.so_far.asked = true;
        self.orders.stop.store(true, Ordering::Relaxed);
        self.drain();
    }

    fn drain(&mut self) {
        if self.writes && self.state != State::Draining {
            self.state = State::Draining;
            self.say_unkept();
            for open in self.markers.open().to_vec() {
                self.say(2, format!("the duration `{}` (marker {}) was never ended", open.label, open.id));
            }
        }
    }

    /// No more rows; a failure if that was not the plan.
    fn ended(&mut self, ending: Option<Ending>) {
        self.told = never();
        self.so_far.ended = true;
        self.filtered(Err("no more rows are read".to_owned()));
        self.drain();
        match ending {
            Some(Ending::Complete | Ending::SourceEnded) => {}
            Some(Ending::SourceFailed(sentence)) => self.so_far.failure = Some(sentence),
            None => {
                let text = "the thread that reads the source ended by itself: please report this";
                self.so_far.failure = Some(text.to_owned());
            }
        }
        // What would have begun a recording holds the ends of the other threads' queues.
        self.begin = Box::new(|| Err("the station has stopped".to_owned()));
    }

    /// Passes on what the journal says; true when it is closed.
    fn reported(&mut self, report: Option<Report>) -> bool {
        match report {
            Some(Report::Stored(ticket, marker)) => {
                let answer = Answer::Stored { id: marker.id, sample: marker.sample };
                let askers = self.markers.stored(ticket, &marker);
                self.clients.broadcast(Event::Marked(marker));
                self.answer(askers, &answer);
                self.resume_markers();
                false
            }
            Some(Report::NotStored(ticket, why)) => {
                let askers = self.markers.refused(ticket);
                self.answer(askers, &Answer::Refused(format!("not stored: {why}")));
                self.resume_markers();
                false
            }
            Some(Report::Done) => self.closed(),
            None => {
                if self.writes {
                    let text = "the thread that writes the journal ended by itself: please report this";
                    self.so_far.failure = Some(text.to_owned());
                    self.orders.stop.store(true, Ordering::Relaxed);
                }
                self.closed()
            }
        }
    }

    /// What waited for the markers before it.
    fn resume_markers(&mut self) {
        for (asker, answer) in self.markers.resume(&self.requests) {
            self.answer(vec![asker], &answer);
        }
    }

    /// The journal is closed: what has not been stored by now never will be.
    fn closed(&mut self) -> bool {
        self.reports = never();
        self.drain();
        let waiting = self.markers.all_waiting();
        self.answer(waiting, &Answer::Refused("not stored: the recording had ended".to_owned()));
        true
    }

    fn answer(&self, waiting: Vec<(ClientId, u64)>, answer: &Answer) {
        for (client, request) in waiting {
            self.clients.send_to(client, Event::Answer { request, answer: answer.clone() });
        }
    }
}
