//! Senders over real TCP and a recorder that answers; nothing here looks at a clock.

use super::*;
use crate::emg::{Stamp, marker};
use crate::session::command::Action;
use crate::session::{Command, MarkRequest, Snapshot};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};

/// Reached only where something is broken.
const LONG: Duration = Duration::from_mins(1);

/// More than any story says.
const HEARD: usize = 4096;

/// A recorder that stores every marker under the next number and hears of everything else.
struct Station {
    address: SocketAddr,
    listener: Option<Listener>,
    heard: Receiver<Incoming>,
    _answering: JoinHandle<()>,
}

struct Nobody;

impl Clients for Nobody {
    fn send_to(&self, client: ClientId, _: Event) {
        panic!("{client:?} is no sender");
    }

    fn broadcast(&self, _: Event) {}

    fn subscribe(&self, _: ClientId, _: Vec<Event>) {}
}

fn station(token: Option<&str>) -> Station {
    let (tell, incoming) = bounded(64);
    let (log, heard) = bounded(HEARD);
    let terms = Terms { host: "127.0.0.1".into(), port: 0, token: token.map(Into::into) };
    let listener = Listener::bind(&terms, tell).unwrap();
    let voice = Switchboard::new(Nobody, Some(&listener));
    let answer = move || {
        let mut stored = 0;
        for message in incoming {
            if let Incoming::Command { client, command: Command { request, action } } = &message {
                let answer = match action {
                    Action::Mark(_) => {
                        stored += 1;
                        Answer::Stored { id: stored, sample: 100 * stored }
                    }
                    Action::Status => Answer::Status(Box::new(Snapshot { rows: 7, ..Snapshot::default() })),
                    _ => Answer::Done,
                };
                voice.send_to(*client, Event::Answer { request: *request, answer });
            }
            log.send(message).unwrap();
        }
    };
    let answering = thread::Builder::new().spawn(answer).unwrap();
    Station { address: listener.address(), listener: Some(listener), heard, _answering: answering }
}

impl Station {
    fn sender(&self) -> Sender {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        Sender { lines: BufReader::new(stream) }
    }

    /// The next marker that reaches the recorder.
    fn mark(&self) -> MarkRequest {
        loop {
            if let Incoming::Command { command: Command { action: Action::Mark(request), .. }, .. } =
                self.next()
            {
                return request;
            }
        }
    }

    fn next(&self) -> Incoming {
        self.heard.recv_timeout(LONG).expect("the recorder hears something")
    }
}

struct Sender {
    lines: BufReader<TcpStream>,
}

impl Sender {
    fn write(&mut self, bytes: &[u8]) {
        // It may have been put out already.
        let _ = self.lines.get_mut().write_all(bytes);
    }

    fn read(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        (!line.is_empty()).then(|| serde_json::from_str(&line).unwrap())
    }

    fn say(&mut self, line: &Value) -> Value {
        self.write(format!("{line}\n").as_bytes());
        self.read().expect("every line is answered")
    }

    fn refused(&mut self, line: &[u8]) -> String {
        self.write(line);
        let answer = self.read().expect("every line is answered");
        assert_eq!(answer["ok"], false, "{answer}");
        answer["error"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_marker_is_answered_when_it_is_stored_and_says_who_sent_it() {
    let station = station(None);
    let mut sender = station.sender();
    assert_eq!(sender.say(&json!({ "name": "stim" })), json!({ "ok": true }));
    let answer = sender.say(&json!({ "mark": "stim_on", "note": "left" }));
    assert_eq!(answer, json!({ "ok": true, "id": 1, "sample": 100 }));
    let Incoming::Connected { name, client, .. } = station.next() else { panic!("nobody came") };
    assert_eq!((name.as_str(), client.0 > FIRST), ("stim@127.0.0.1", true));
    let request = station.mark();
    assert_eq!((request.label.as_str(), request.note.as_str()), ("stim_on", "left"));
    assert_eq!((request.origin, request.uncertainty_us), (marker::Origin::Network, u32::MAX));
    drop(sender);
    assert_eq!(station.next(), Incoming::Disconnected { client });
}

#[test]
fn a_marker_is_put_where_the_senders_clock_says_as_sure_as_its_pings_were() {
    let station = station(None);
    let mut sender = station.sender();
    // A clock that shows 1000 s when the host's shows `zero`.
    let zero = Stamp::now().host_ns - 1_000_000_000_000;
    let clock = |host_ns: i64| crate::emg::units::seconds(host_ns - zero);
    let mut last = Value::Null;
    for _ in 0..8 {
        last = sender.say(&json!({ "ping": clock(Stamp::now().host_ns) }));
        assert_eq!(last["ok"], true);
    }
    let uncertainty = last["uncertainty"].as_f64().unwrap();
    let when = Stamp::now();
    sender.say(&json!({ "mark": "flip", "t": clock(when.host_ns) - 2.5 }));
    let request = station.mark();
    let off_us = (when.host_ns - 2_500_000_000 - request.stamp.host_ns).abs() / 1000;
    assert!(off_us <= i64::from(request.uncertainty_us), "{off_us} of {} us", request.uncertainty_us);
    assert!(f64::from(request.uncertainty_us) < 1e6 * uncertainty + 1e4);
    let far = sender.say(&json!({ "mark": "flip", "t": clock(when.host_ns) - 1e6 }));
    assert!(far["error"].as_str().unwrap().contains("take both from one clock"), "{far}");
}

#[test]
fn an_offset_reaches_the_recorder_before_the_marker_that_rests_on_it() {
    let station = station(None);
    let mut sender = station.sender();
    for t in 0..3 {
        sender.say(&json!({ "ping": t }));
    }
    sender.say(&json!({ "mark": "x", "t": 2 }));
    let mut offsets = 0;
    loop {
        match station.next() {
            Incoming::Command { command: Command { action: Action::ClockOffset(offset), .. }, .. } => {
                assert!(offset.sender.starts_with("tcp@127.0.0.1:") && offset.offset_ns < 0, "{offset:?}");
                offsets += 1;
            }
            Incoming::Command { command: Command { action: Action::Mark(_), .. }, .. } => break,
            _ => {}
        }
    }
    assert!(offsets > 0);
}

#[test]
fn a_line_sent_again_has_its_key_again_and_another_line_another_one() {
    let station = station(None);
    let key = |line: Value| {
        // Each on a connection of its own, as after a link that broke.
        station.sender().say(&line);
        station.mark().key
    };
    let first = key(json!({ "mark": "a", "key": 1, "t": 5 }));
    assert_eq!(key(json!({ "mark": "a", "key": 1, "t": 5 })), first);
    assert_ne!(key(json!({ "mark": "a", "key": 2, "t": 5 })), first);
    assert_ne!(key(json!({ "mark": "b", "key": 1, "t": 5 })), first, "a number used twice loses no marker");
    assert_ne!(key(json!({ "mark": "a" })), key(json!({ "mark": "a" })));
}

#[test]
fn with_a_token_nothing_is_heard_before_it() {
    let station = station(Some("open-sesame"));
    for line in
        [&b"{\"token\": \"open-sesam\"}\n"[..], b"{\"mark\": \"x\"}\n", b"{\"name\": \"x\"}\n", b"hello\n"]
    {
        let mut stranger = station.sender();
        stranger.write(line);
        stranger.write(b"{\"mark\": \"x\"}\n");
        assert_eq!(stranger.read().unwrap()["ok"], false);
        assert_eq!(stranger.read(), None, "one refusal, and it is put out");
    }
    assert!(station.heard.is_empty());
    let mut sender = station.sender();
    assert_eq!(sender.say(&json!({ "token": "open-sesame", "name": "stim" })), json!({ "ok": true }));
    assert_eq!(sender.say(&json!({ "mark": "x" }))["ok"], true);
    assert!(sender.refused(b"{\"token\": \"guess\"}\n").contains("first line"));
}

#[test]
fn other_addresses_than_loopback_need_a_token() {
    let terms = Terms { host: "0.0.0.0".into(), port: 0, token: None };
    let error = Listener::bind(&terms, bounded(1).0).unwrap_err();
    assert!(matches!(error, Error::NoToken { .. }) && error.advice().contains("MYOGRAPH_TOKEN"), "{error}");
    let terms = Terms { token: Some("open-sesame".into()), ..terms };
    Listener::bind(&terms, bounded(1).0).unwrap();
}

#[test]
fn lines_may_come_in_pieces_and_several_at_once() {
    let station = station(None);
    let mut sender = station.sender();
    for piece in [&b"{\"ma"[..], b"rk\": \"a\"}", b"\r\n{\"mark\": \"b\"}\n{\"status\": true}\n{\"mark\":"] {
        sender.write(piece);
    }
    assert_eq!(sender.read().unwrap()["id"], 1);
    assert_eq!(sender.read().unwrap()["id"], 2);
    assert_eq!(sender.read().unwrap()["rows"], 7);
    drop(sender);
    let labels = [station.mark().label, station.mark().label];
    assert_eq!(labels, ["a", "b"]);
    while !matches!(station.next(), Incoming::Disconnected { .. }) {}
    assert!(station.heard.is_empty(), "half a line is none");
}

#[test]
fn a_huge_line_is_refused_and_its_sender_put_out() {
    let station = station(None);
    let mut sender = station.sender();
    let why = sender.refused(&vec![b'x'; 100_000]);
    assert!(why.contains("4096 bytes"), "{why}");
    assert_eq!(sender.read(), None);
    let mut other = station.sender();
    let longest = format!("{{\"mark\": \"x\"{}}}\n", " ".repeat(LINE - 14));
    other.write(longest.as_bytes());
    assert_eq!(other.read().unwrap()["ok"], true, "exactly as much as allowed");
}

/// Longest line.
const LINE: usize = super::line::LINE_BYTES;

#[test]
fn the_seventeenth_sender_is_refused_until_another_leaves() {
    let station = station(None);
    let mut inside: Vec<_> = (0..GUESTS).map(|_| station.sender()).collect();
    for sender in &mut inside {
        assert_eq!(sender.say(&json!({ "status": true }))["ok"], true);
    }
    let mut late = station.sender();
    assert!(late.read().unwrap()["error"].as_str().unwrap().contains("16 senders"));
    inside.pop();
    while !matches!(station.next(), Incoming::Disconnected { .. }) {}
    let hall = &station.listener.as_ref().unwrap().hall;
    while hall.lock().by_id.len() == GUESTS {
        thread::yield_now();
    }
    assert_eq!(station.sender().say(&json!({ "mark": "x" }))["ok"], true);
}

#[test]
fn a_listener_that_ends_hangs_up_and_its_port_is_free() {
    let mut station = station(None);
    let mut sender = station.sender();
    sender.say(&json!({ "mark": "x" }));
    drop(station.listener.take());
    assert_eq!(sender.read(), None);
    drop(sender);
    assert!(TcpStream::connect(station.address).is_err());
}

#[test]
fn the_recorder_says_where_it_listens() {
    let terms = Terms { host: "localhost".into(), port: 0, token: None };
    let listener = Listener::bind(&terms, bounded(1).0).unwrap();
    let listens = |event| match event {
        Event::Tick(snapshot) => snapshot.system.listens,
        other => panic!("{other:?}"),
    };
    let tick = || Event::Tick(Box::default());
    let told = listens(Switchboard::new(Nobody, Some(&listener)).complete(tick()));
    assert_eq!(told, listener.address().to_string());
    assert_eq!(listens(Switchboard::new(Nobody, None).complete(tick())), "");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn no_bytes_make_a_marker_or_stop_the_next_sender(
        bytes in prop::collection::vec(any::<u8>(), 0..6000),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let station = station(None);
        let mut sender = station.sender();
        let mut rest = bytes.as_slice();
        for cut in cuts {
            let (piece, later) = rest.split_at(cut.index(rest.len() + 1));
            sender.write(piece);
            rest = later;
        }
        sender.write(rest);
        drop(sender);
        prop_assert_eq!(&station.sender().say(&json!({ "mark": "after" }))["id"], 1);
    }
}
