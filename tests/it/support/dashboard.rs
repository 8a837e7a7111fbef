//! A front end without a screen: it subscribes, asks, and hears the answers.

use super::{Station, limit, wait_for};
use myograph::ipc;
use myograph::session::command::{Action, FilterRequest};
use myograph::session::{Answer, Command, Event, Session, Snapshot};
use std::time::Instant;

/// A front end on the station's only recorder; hangs up when dropped.
pub(crate) struct Dashboard {
    session: Session,
    asked: u64,
}

impl Dashboard {
    /// Connects and subscribes under a name.
    pub(crate) fn open(station: &Station, name: &str, read_only: bool) -> Self {
        let folder = station.root().join("run");
        let socket = wait_for("a recorder's socket", || {
            ipc::socket::sockets(&folder).ok().and_then(|mut sockets| sockets.pop())
        });
        let (session, _) = ipc::connect(&socket.1, name).unwrap();
        let mut dashboard = Self { session, asked: 0 };
        let answer = dashboard.ask(Action::Subscribe { read_only });
        assert!(matches!(answer, Answer::Subscribed { .. }), "{answer:?}");
        dashboard
    }

    /// Asks and waits for the answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, action: Action) -> Answer {
        self.asked += 1;
        self.session.commands.send(Command { request: self.asked, action }).unwrap();
        let asked = self.asked;
        self.hear("an answer", |event| match event {
            Event::Answer { request, answer } if request == asked => Some(answer),
            _ => None,
        })
    }

    /// Asks for other filters.
    #[track_caller]
    pub(crate) fn filter(&mut self, preset: &str, line_hz: f64) -> Answer {
        let request = FilterRequest { preset: preset.to_owned(), line_hz, ..FilterRequest::default() };
        self.ask(Action::Filter(request))
    }

    /// Why what is asked is not done.
    #[track_caller]
    pub(crate) fn refused(&mut self, action: Action) -> String {
        match self.ask(action) {
            Answer::Refused(why) => why,
            other => panic!("not refused: {other:?}"),
        }
    }

    /// The state as it stands.
    #[track_caller]
    pub(crate) fn look(&mut self) -> Snapshot {
        match self.ask(Action::Status) {
            Answer::Status(snapshot) => *snapshot,
            other => panic!("no state: {other:?}"),
        }
    }

    /// Waits for the first event that `wanted` gives something for.
    #[track_caller]
    pub(crate) fn hear<T>(&mut self, what: &str, wanted: impl Fn(Event) -> Option<T>) -> T {
        let until = Instant::now() + limit();
        loop {
            let event = self.session.events.recv_deadline(until);
            let event = event.unwrap_or_else(|error| panic!("waited in vain for {what}: {error}"));
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    }
}
