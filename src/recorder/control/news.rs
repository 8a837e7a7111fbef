//! What the recorder says by itself: alarms as they begin and end, sentences for the log, pictures.

use super::hooks::News;
use super::watch::{View, is_crowded};
use super::{Control, snapshot};
use crate::emg::Stamp;
use crate::recorder::PIECES;
use crate::recorder::alarms::Change;
use crate::recorder::journal::Request;
use crate::recorder::vitals::Stage;
use crate::session::alarm::Priority;
use crate::session::snapshot::State;
use crate::session::{Alarm, Event, Snapshot};

/// Sentences kept for screens that come later.
const NOTICES: usize = 200;

impl Control {
    /// Ten times a second: what is wrong, and the picture of it.
    pub(super) fn tick(&mut self) {
        self.vitals.beat(Stage::Control);
        self.watch();
        self.urge();
        let bins = self.picture.lock().take_fresh();
        if let Some(bins) = bins {
            self.clients.broadcast(Event::Bins(bins));
        }
        let snapshot = self.snapshot();
        self.clients.broadcast(Event::Tick(Box::new(snapshot)));
    }

    fn watch(&mut self) {
        let now = Stamp::now();
        let vitals = self.vitals.lock().clone();
        let quality = self.picture.lock().quality.clone();
        let view = View {
            state: self.state,
            vitals: &vitals,
            quality: &quality,
            channels: &self.gauge.channels,
            source: &self.gauge.description,
            crowded: is_crowded(self.vitals.queued(Stage::Journal), PIECES),
            stuck: self.vitals.stuck(self.gauge.description.can_wait, now.host_ns),
            now_ns: now.host_ns,
        };
        for (kind, channel, sentence) in self.so_far.watch.look(&view) {
            match self.so_far.alarms.observe(kind, channel, sentence, now) {
                Some(Change::Raised(alarm)) => self.announce(&alarm, true),
                Some(Change::Over(alarm)) => self.announce(&alarm, false),
                None => {}
            }
        }
    }

    /// An alarm begins or is over: screens, log and the operator's command hear of it.
    fn announce(&mut self, alarm: &Alarm, raised: bool) {
        if raised {
            self.say(level(alarm), sentence(alarm));
        } else {
            self.say(3, format!("over: {}", alarm.text));
        }
        let file = self.vitals.lock().files.last().cloned().unwrap_or_default();
        if let Err(name) = self.hooks.alarm(&News { id: &self.gauge.id, file: &file, raised, alarm }) {
            self.say(2, format!("{name} was not run: too many of its commands wait"));
        }
    }

    /// What was wrong, and who changed the filters, before a recording began is in its log too.
    pub(super) fn log_what_was(&mut self) {
        if let Some(text) = self.so_far.filtered_before.take() {
            self.log(3, text);
        }
        for alarm in self.so_far.alarms.open() {
            self.log(level(alarm), sentence(alarm));
        }
    }

    /// Sends the pre-flight sheet to the journal, once.
    pub(super) fn write_preflight(&mut self) {
        for line in std::mem::take(&mut self.preflight) {
            // The recording begins: nothing else waits in this queue.
            let _ = self.requests.try_send(Request::Preflight(line));
        }
    }

    /// A sentence for the log of the recording and of every screen: 1 alarm, 2 warning, 3 information.
    pub(super) fn say(&mut self, level: u8, text: String) {
        self.log(level, text.clone());
        self.notify(level, text);
    }

    /// A sentence for every screen, those that come later too.
    pub(super) fn notify(&mut self, level: u8, text: String) {
        let notice = Event::Notice { utc_ns: Stamp::now().utc_ns, level, text };
        if self.so_far.notices.len() == NOTICES {
            self.so_far.notices.pop_front();
        }
        self.so_far.notices.push_back(notice.clone());
        self.clients.broadcast(notice);
    }

    fn log(&self, level: u8, text: String) {
        if self.writes {
            // A log that cannot keep up loses lines, never the recording.
            let _ = self.requests.try_send(Request::Log(level, text));
        }
    }

    /// Says, once, that sealing may be left to others.
    fn urge(&mut self) {
        if self.state != State::Draining {
            return;
        }
        self.so_far.draining += 1;
        if self.so_far.draining == super::PATIENCE_TICKS {
            let text = "the file is still being sealed; stop once more to leave that to `myograph recover`";
            self.notify(3, text.to_owned());
        }
    }

    pub(super) fn snapshot(&mut self) -> Snapshot {
        self.gauge.read(&snapshot::Facts {
            state: self.state,
            shared: &self.vitals,
            picture: &self.picture,
            markers: &self.markers,
            alarms: self.so_far.alarms.open().cloned().collect(),
            viewers: self.so_far.viewers.looking(),
            requests: self.requests.len(),
        })
    }
}

fn level(alarm: &Alarm) -> u8 {
    match alarm.priority {
        Priority::First => 1,
        Priority::Second => 2,
        Priority::Third => 3,
    }
}

/// What is wrong, and what to do.
fn sentence(alarm: &Alarm) -> String {
    format!("{}; {}", alarm.text, alarm.advice)
}
