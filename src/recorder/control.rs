//! Thread `control`: commands in, markers to the journal, pictures out, the state of the whole.
//!
//! The only place that changes [`State`]. Waits for nobody but its own queue, and listens until every file is sealed.

mod markers;
mod snapshot;
mod watch;

pub(super) use markers::Markers;
use markers::Wanted;
pub(super) use snapshot::Gauge;

use super::acquire::{Ending, Orders, Told};
use super::journal::{Report, Request};
use super::process::SharedPicture;
use super::vitals::{Alarm, Shared};
use crate::emg::marker::{LABEL_BYTES, clip};
use crate::emg::{ClockOffset, Stamp};
use crate::session::command::Action;
use crate::session::snapshot::State;
use crate::session::{Answer, ClientId, Clients, Command, Event, Incoming};
use crossbeam_channel::{Receiver, Sender, never, select_biased, tick};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use watch::Lateness;

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
    lateness: Lateness,
    /// Alarms already announced, by their sentences.
    announced: BTreeMap<Alarm, String>,
}

impl Control {
    /// Runs until every file is sealed or given up, or, while only monitoring, until told to stop.
    pub(super) fn run(&mut self) {
        let ticker = tick(TICK);
        let (mut closed, mut sealed) = (false, false);
        while !(closed && sealed) {
            // What a thread says before another one ends comes before that end.
            select_biased! {
                recv(self.signals) -> signal => match signal {
                    Ok(Signal::Stop) => self.stop(),
                    Err(_) => self.signals = never(),
                },
                recv(self.reports) -> report => closed = self.reported(report.ok()),
                recv(ticker) -> _ => self.tick(),
                recv(self.told) -> told => match told {
                    Ok(Told::Begun) => self.begun(),
                    Ok(Told::Ended(ending)) => self.ended(Some(ending)),
                    Err(_) => self.ended(None),
                },
                recv(self.sealed) -> _ => {
                    sealed = true;
                    self.sealed = never();
                }
                recv(self.incoming) -> incoming => match incoming {
                    Ok(incoming) => self.hear(incoming),
                    Err(_) => self.incoming = never(),
                },
            }
        }
        if self.writes {
            self.state = State::Closed;
            self.tick();
        }
    }

    fn hear(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Connected { client, name, .. } => self.markers.joined(client, name),
            Incoming::Disconnected { client } => self.markers.left(client),
            Incoming::Command { client, command } => self.obey(client, command),
        }
    }

    fn obey(&mut self, client: ClientId, Command { request, action }: Command) {
        let answer = match action {
            Action::Mark(_) | Action::RetractLast if self.state != State::Recording => {
                Some(Answer::Refused(format!("not stored: the station is {}", self.state.word())))
            }
            Action::Mark(wanted) => {
                let place = markers::place(wanted.stamp, &self.vitals);
                self.markers.request((client, request), Wanted::Marker(wanted), place, &self.requests)
            }
            Action::RetractLast => {
                let place = markers::place(Stamp::now(), &self.vitals);
                self.markers.request((client, request), Wanted::Retraction, place, &self.requests)
            }
            Action::Record => Some(self.record()),
            Action::Stop => {
                self.stop();
                Some(Answer::Done)
            }
            Action::Take | Action::Acknowledge | Action::Filter(_) => {
                Some(Answer::Refused("not yet".to_owned()))
            }
            Action::ClockOffset(offset) => Some(self.clock_offset(&offset)),
            Action::Status => Some(Answer::Status(Box::new(self.snapshot()))),
            Action::Subscribe { .. } => {
                let history = self.picture.lock().history();
                let tick = Event::Tick(Box::new(self.snapshot()));
                self.clients.subscribe(client, vec![tick, Event::Bins(history)]);
                Some(Answer::Subscribed { client: client.0 })
            }
        };
        if let Some(answer) = answer {
            self.clients.send_to(client, Event::Answer { request, answer });
        }
    }

    /// Sends an offset to the journal with the row it belongs to; nobody waits for it, as the next one may come.
    fn clock_offset(&self, offset: &ClockOffset) -> Answer {
        if self.state != State::Recording {
            return Answer::Refused(format!("not stored: the station is {}", self.state.word()));
        }
        let sample = markers::row_at(offset.host_ns, &self.vitals);
        let sender = clip(&offset.sender, LABEL_BYTES);
        match self.requests.try_send(Request::ClockOffset(ClockOffset { sender, sample, ..offset.clone() })) {
            Ok(()) => Answer::Done,
            Err(_) => Answer::Refused("not stored: the journal is busy".to_owned()),
        }
    }

    /// From monitoring to recording.
    fn record(&mut self) -> Answer {
        let refused = |word: &str| Answer::Refused(format!("the station is already {word}"));
        match self.state {
            State::Monitoring if self.so_far.asked => return refused("ending"),
            State::Monitoring if self.writes => return refused("about to record"),
            State::Monitoring => {}
            state => return refused(state.word()),
        }
        match (self.begin)() {
            Ok(()) => {
                self.writes = true;
                self.orders.record.store(true, Ordering::Relaxed);
                Answer::Done
            }
            Err(why) => Answer::Refused(why),
        }
    }

    /// Rows count from 0 from here on, so markers have a place.
    fn begun(&mut self) {
        if self.state == State::Monitoring {
            self.state = State::Recording;
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
        if self.writes {
            self.state = State::Draining;
        }
    }

    /// No more rows; a failure if that was not the plan.
    fn ended(&mut self, ending: Option<Ending>) {
        self.told = never();
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

    fn tick(&mut self) {
        self.watch();
        self.announce();
        let bins = self.picture.lock().take_fresh();
        if let Some(bins) = bins {
            self.clients.broadcast(Event::Bins(bins));
        }
        let snapshot = self.snapshot();
        self.clients.broadcast(Event::Tick(Box::new(snapshot)));
    }

    /// What only time shows.
    fn watch(&mut self) {
        let vitals = self.vitals.lock().clone();
        let text = || "the disk is nearly full: free space or stop before it is".to_owned();
        self.vitals.alarm(Alarm::Disk, vitals.short_of_space.then(text));
        let late = self.so_far.lateness.look(&vitals, self.state == State::Recording, Stamp::now().host_ns);
        self.vitals.alarm(Alarm::Late, late.map(str::to_owned));
        if self.state == State::Draining {
            self.so_far.draining += 1;
            if self.so_far.draining == PATIENCE_TICKS {
                let text =
                    "the file is still being sealed; stop once more to leave that to `myograph recover`";
                let text = text.to_owned();
                self.clients.broadcast(Event::Notice { utc_ns: Stamp::now().utc_ns, level: 3, text });
            }
        }
    }

    /// New and ended alarms go to the log of the recording and of every screen.
    fn announce(&mut self) {
        let now = self.vitals.lock().alarms.clone();
        let ended = self.so_far.announced.iter().filter(|(kind, _)| !now.contains_key(kind));
        let begun = now.iter().filter(|(kind, _)| !self.so_far.announced.contains_key(kind));
        let lines: Vec<(u8, String)> = begun
            .map(|(_, text)| (1, text.clone()))
            .chain(ended.map(|(_, text)| (3, format!("over: {text}"))))
            .collect();
        for (level, text) in lines {
            if self.state == State::Recording {
                let _ = self.requests.try_send(Request::Log(level, text.clone()));
            }
            self.clients.broadcast(Event::Notice { utc_ns: Stamp::now().utc_ns, level, text });
        }
        self.so_far.announced = now;
    }

    fn snapshot(&mut self) -> crate::session::Snapshot {
        let clients = self.clients.watching();
        self.gauge.read(self.state, &self.vitals, &self.picture, &self.markers, clients)
    }
}
