//! What front ends ask for, and what they are told: marks, control, filters, the begin and the end.

use super::markers::Wanted;
use super::{Control, markers, preset};
use crate::emg::marker::{LABEL_BYTES, clip};
use crate::emg::{ClockOffset, Quality, Stamp};
use crate::face::quality::sheet;
use crate::recorder::journal::Request;
use crate::session::command::{Action, FilterRequest};
use crate::session::snapshot::State;
use crate::session::{Answer, ClientId, Command, Event, Incoming};
use std::sync::atomic::Ordering;

/// Senders whose clocks are kept until a recording begins.
const MOST_CLOCKS: usize = 64;

/// Filters under way to the thread that puts them in force.
#[derive(Debug)]
pub(super) struct Filtering {
    client: ClientId,
    request: u64,
    /// Who asked; may have left when it is done.
    who: String,
    wanted: preset::Options,
}

impl Control {
    pub(super) fn hear(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Connected { client, name, .. } => {
                self.so_far.viewers.joined(client, name.clone());
                self.markers.joined(client, name);
            }
            Incoming::Disconnected { client } => {
                let moved = self.so_far.viewers.left(client);
                self.say_moved(moved);
                self.markers.left(client);
            }
            Incoming::Command { client, command } => self.obey(client, command),
        }
    }

    fn obey(&mut self, client: ClientId, Command { request, action }: Command) {
        let answer = match self.so_far.viewers.admit(client, &action) {
            Ok(moved) => {
                self.say_moved(moved);
                self.carry_out(client, request, action)
            }
            Err(why) => Some(Answer::Refused(why)),
        };
        if let Some(answer) = answer {
            self.clients.send_to(client, Event::Answer { request, answer });
        }
    }

    /// Does what is asked; the answer, where it does not come later.
    fn carry_out(&mut self, client: ClientId, request: u64, action: Action) -> Option<Answer> {
        match action {
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
            Action::Take => Some(Answer::Done),
            Action::Acknowledge => {
                self.acknowledge(client);
                Some(Answer::Done)
            }
            Action::Filter(wanted) => self.filter(client, request, &wanted),
            Action::ClockOffset(offset) => Some(self.clock_offset(&offset)),
            Action::Calibrate(wanted) => Some(self.calibrate(client, wanted)),
            Action::Status => Some(Answer::Status(Box::new(self.snapshot()))),
            Action::Subscribe { read_only } => {
                let moved = self.so_far.viewers.subscribe(client, read_only);
                let history = self.picture.lock().history();
                let tick = Event::Tick(Box::new(self.snapshot()));
                let notices = self.so_far.notices.iter().cloned();
                let history = [tick, Event::Bins(history)].into_iter().chain(notices).collect();
                self.clients.subscribe(client, history);
                self.say_moved(moved);
                Some(Answer::Subscribed { client: client.0 })
            }
        }
    }

    /// Sends an offset to the journal with the row it belongs to; nobody waits for it, as the next one may come. While
    /// only monitoring the newest of each sender is kept for the recording: one whose clock keeps pace says no other.
    fn clock_offset(&mut self, offset: &ClockOffset) -> Answer {
        let sender = clip(&offset.sender, LABEL_BYTES);
        match self.state {
            State::Monitoring => {
                let clocks = &mut self.so_far.clocks;
                clocks.retain(|other| other.sender != sender);
                clocks.drain(..(clocks.len() + 1).saturating_sub(MOST_CLOCKS));
                clocks.push(ClockOffset { sender, ..offset.clone() });
                return Answer::Done;
            }
            State::Recording => {}
            state => return Answer::Refused(format!("not stored: the station is {}", state.word())),
        }
        let sample = markers::row_at(offset.host_ns, &self.vitals);
        match self.requests.try_send(Request::ClockOffset(ClockOffset { sender, sample, ..offset.clone() })) {
            Ok(()) => Answer::Done,
            Err(_) => Answer::Refused("not stored: the journal is busy".to_owned()),
        }
    }

    /// The clocks that were known before the first row.
    pub(super) fn write_clocks(&mut self) {
        for offset in std::mem::take(&mut self.so_far.clocks) {
            let _ = self.requests.try_send(Request::ClockOffset(ClockOffset { sample: 0, ..offset }));
        }
    }

    fn say_moved(&mut self, sentence: Option<String>) {
        if let Some(sentence) = sentence {
            self.say(3, sentence);
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
                self.look_before();
                self.orders.record.store(true, Ordering::Relaxed);
                Answer::Done
            }
            Err(why) => Answer::Refused(why),
        }
    }

    /// What monitoring found, before the rows it was found in are forgotten: lines of the sheet, and the mains where
    /// the notches are to be for those that are heard.
    fn look_before(&mut self) {
        let heard: Vec<Quality> = self.picture.lock().quality.iter().flatten().copied().collect();
        for quality in &heard {
            if let Some(channel) = self.gauge.channels.get(usize::from(quality.channel)) {
                self.preflight.push(sheet::check(channel, quality, None));
            }
        }
        let found = sheet::mains(&heard).filter(|hz| self.gauge.auto_mains && preset::MAINS_HZ.contains(hz));
        let wanted =
            preset::Options { line_hz: found.unwrap_or(self.gauge.filter.line_hz), ..self.gauge.filter };
        if wanted != self.gauge.filter {
            self.orders.filter(wanted);
            self.gauge.filter = wanted;
            let text =
                format!("{} Hz mains were heard while monitoring: the notches are for them", wanted.line_hz);
            self.so_far.filtered_before = Some(text);
        }
    }

    fn acknowledge(&mut self, client: ClientId) {
        let who = self.so_far.viewers.name(client);
        for text in self.so_far.alarms.acknowledge(&who) {
            self.say(3, format!("{who} has seen: {text}"));
        }
    }

    /// Hands other filters to the thread that numbers rows; its answer is that of the request.
    fn filter(&mut self, client: ClientId, request: u64, wanted: &FilterRequest) -> Option<Answer> {
        let refused = |why: &str| Some(Answer::Refused(format!("the filters stay as they are: {why}")));
        let wanted = match wanted.over(self.gauge.filter) {
            Ok(wanted) => wanted,
            Err(why) => return refused(&why),
        };
        if self.so_far.ended || !matches!(self.state, State::Monitoring | State::Recording) {
            return refused("no more rows are read");
        }
        if self.so_far.filtering.is_some() {
            return refused("they are being changed already");
        }
        if wanted == self.gauge.filter {
            return Some(Answer::Done);
        }
        let who = self.so_far.viewers.name(client);
        self.so_far.filtering = Some(Filtering { client, request, who, wanted });
        self.orders.filter(wanted);
        None
    }

    /// What came of other filters: the row from which on they hold, or why they do not.
    pub(super) fn filtered(&mut self, result: Result<u64, String>) {
        let Some(Filtering { client, request, who, wanted }) = self.so_far.filtering.take() else { return };
        let answer = match result {
            Ok(row) => {
                self.gauge.filter = wanted;
                self.uncalibrate(row, &who);
                let what = format!("{who} set the filters to {wanted}");
                if self.state == State::Recording {
                    self.say(3, format!("{what} from row {row} on"));
                } else {
                    self.say(3, what.clone());
                    self.so_far.filtered_before = Some(what);
                }
                Answer::Done
            }
            Err(why) => Answer::Refused(format!("the filters stay as they are: {why}")),
        };
        self.clients.send_to(client, Event::Answer { request, answer });
    }
}
