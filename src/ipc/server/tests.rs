//! Stories over real sockets. Nothing here looks at a clock: waits end when what they wait for happens.

use super::*;
use crate::ipc::message::hello::MAGIC;
use crate::ipc::message::{COMMANDS, EVENTS, Hello, Message, Reply, Versions};
use crate::ipc::stream::{Inbound, send};
use crate::ipc::{Link, codec, connect, list, request, stop};
use crate::session::command::Action;
use crate::session::snapshot::ChannelState;
use crate::session::{Answer, Bins, ClientId, Clients, Command, Session, Snapshot};
use crossbeam_channel::{Receiver, bounded};
use proptest::prelude::*;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

/// Long enough for any machine; reached only where something is broken.
const LONG: Duration = Duration::from_mins(1);

struct Station {
    server: Server,
    incoming: Receiver<Incoming>,
    path: PathBuf,
    _dir: TempDir,
}

fn station() -> Station {
    let dir = tempfile::tempdir().unwrap();
    let path = socket::path(dir.path(), "quiet-3f").unwrap();
    let (tell, incoming) = bounded(64);
    let identity = Identity { id: "quiet-3f".into(), version: "0.1.0".into() };
    let server = Server::bind(&path, Access::Owner, identity, tell).unwrap();
    Station { server, incoming, path, _dir: dir }
}

impl Station {
    fn next(&self) -> Incoming {
        self.incoming.recv_timeout(LONG).expect("the recorder hears something")
    }

    /// The number of the client that connects now.
    fn arrival(&self) -> ClientId {
        match self.next() {
            Incoming::Connected { client, .. } => client,
            other => panic!("{other:?} came before Connected"),
        }
    }

    fn departure(&self, of: ClientId) {
        assert_eq!(self.next(), Incoming::Disconnected { client: of });
    }

    fn viewer(&self, name: &str) -> (ClientId, Session) {
        let (session, _) = connect(&self.path, name).unwrap();
        let client = self.arrival();
        self.server.outbox().subscribe(client, Vec::new());
        (client, session)
    }

    /// A client without threads, so that it reads only when told to.
    fn raw(&self) -> Inbound<UnixStream> {
        let stream = UnixStream::connect(&self.path).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        Inbound::new(stream, codec::EVENT_LIMIT)
    }

    fn greeted(&self) -> (ClientId, Inbound<UnixStream>) {
        let mut raw = self.raw();
        send(&raw.stream, &hello(COMMANDS, EVENTS)).unwrap();
        assert!(matches!(reply(&mut raw), Reply::Welcome(_)));
        (self.arrival(), raw)
    }
}

fn hello(commands: Versions, events: Versions) -> Hello {
    Hello { magic: MAGIC, commands, events, name: "test".into() }
}

fn reply(raw: &mut Inbound<UnixStream>) -> Reply {
    Reply::from_body(&raw.body().unwrap().expect("a reply")).unwrap()
}

fn heard(raw: &mut Inbound<UnixStream>) -> Option<Event> {
    raw.body().unwrap().map(|body| Event::from_body(&body).unwrap())
}

fn hear(session: &Session) -> Event {
    session.events.recv_timeout(LONG).expect("the viewer hears something")
}

fn notice(number: i64) -> Event {
    Event::Notice { utc_ns: number, level: 3, text: format!("notice {number} {}", "x".repeat(100)) }
}

fn tick(rows: u64) -> Event {
    Event::Tick(Box::new(Snapshot { rows, ..Snapshot::default() }))
}

/// A tick of eight channels, about 1 KiB on the wire.
fn full_tick(rows: u64) -> Event {
    let channel = crate::emg::Channel::new("zygomaticus major left", crate::emg::Kind::Raw);
    let state = ChannelState {
        channel,
        level: 1.5,
        mvc_percent: 20.0,
        offset: 3.0,
        floor: 0.5,
        range_percent: 40.0,
        flags: vec!["settling".into()],
        line_level: 0.5,
        line_hz: 50.0,
    };
    Event::Tick(Box::new(Snapshot { rows, channels: vec![state; 8], ..Snapshot::default() }))
}

fn finished(text: &str) -> Event {
    Event::Finished { code: 0, text: text.into() }
}

#[test]
fn a_command_reaches_the_recorder_and_its_answer_the_one_who_asked() {
    let station = station();
    let (session, welcome) = connect(&station.path, "attach@pts/3").unwrap();
    assert_eq!((welcome.id.as_str(), welcome.version.as_str()), ("quiet-3f", "0.1.0"));
    assert_eq!(welcome.pid, std::process::id());
    let client = match station.next() {
        Incoming::Connected { client, name, pid } => {
            assert_eq!((name.as_str(), pid), ("attach@pts/3", std::process::id()));
            client
        }
        other => panic!("{other:?}"),
    };
    let (_, other) = station.viewer("other");
    assert_eq!(station.server.outbox().watching(), 1, "who has not subscribed does not look");
    let command = Command { request: 9, action: Action::RetractLast };
    session.commands.send(command.clone()).unwrap();
    assert_eq!(station.next(), Incoming::Command { client, command });
    let answer = Event::Answer { request: 9, answer: Answer::Stored { id: 4, sample: 1000 } };
    station.server.outbox().send_to(client, answer.clone());
    assert_eq!(hear(&session), answer);
    drop(session);
    station.departure(client);
    assert!(other.events.is_empty(), "an answer is for one client");
}

#[test]
fn a_late_joiner_gets_history_before_anything_newer() {
    let station = station();
    let (session, _) = connect(&station.path, "late").unwrap();
    let client = station.arrival();
    let outbox = station.server.outbox();
    outbox.broadcast(tick(1));
    let bins = |first| {
        Event::Bins(Bins {
            first,
            rows_per_bin: 10,
            channels: 2,
            clean: vec![(0.0, 1.0); 4],
            raw: Vec::new(),
        })
    };
    outbox.subscribe(client, vec![bins(0)]);
    outbox.broadcast(bins(2));
    outbox.broadcast(tick(2));
    assert_eq!([hear(&session), hear(&session)], [bins(0), bins(2)]);
    assert_eq!(hear(&session), tick(2));
}

#[test]
fn a_history_too_long_for_one_frame_arrives_in_several() {
    let station = station();
    let (session, _) = connect(&station.path, "late").unwrap();
    let client = station.arrival();
    let pair = |bin: u16| (f32::from(bin % 1000), f32::from(bin / 1000));
    let clean: Vec<_> = (0..40_000_u16).flat_map(|bin| [pair(bin); 20]).collect();
    let whole = Bins { first: 7, rows_per_bin: 10, channels: 20, clean: clean.clone(), raw: clean };
    station.server.outbox().subscribe(client, vec![Event::Bins(whole.clone())]);
    let mut got = Bins { clean: Vec::new(), raw: Vec::new(), ..whole.clone() };
    let mut parts = 0;
    while got.len() < whole.len() {
        let Event::Bins(part) = hear(&session) else { panic!("only bins were sent") };
        assert_eq!(part.first, 7 + crate::emg::units::wide(got.len()), "no bin is missing");
        got.clean.extend(part.clean);
        got.raw.extend(part.raw);
        parts += 1;
    }
    assert!(got == whole && parts > 1);
}

#[test]
fn a_stalled_viewer_loses_pictures_and_nothing_else_and_holds_up_nobody() {
    let station = station();
    let (_, lively) = station.viewer("lively");
    let (stalled_id, mut stalled) = station.greeted();
    let outbox = station.server.outbox();
    outbox.subscribe(stalled_id, Vec::new());
    let watching = thread::Builder::new().spawn(move || {
        let mut notices = Vec::new();
        let mut rows = 0;
        for event in lively.events {
            match event {
                Event::Tick(snapshot) => rows = snapshot.rows,
                Event::Notice { utc_ns, .. } => notices.push(utc_ns),
                Event::Finished { .. } => return (notices, rows, true),
                _ => {}
            }
        }
        (notices, rows, false)
    });
    for number in 0..10_000 {
        outbox.broadcast(full_tick(number));
        if number % 20 == 0 {
            outbox.broadcast(notice(i64::try_from(number).unwrap()));
        }
    }
    outbox.send_to(stalled_id, Event::Answer { request: 1, answer: Answer::Done });
    let all: Vec<i64> = (0..10_000).step_by(20).collect();
    // The stalled one wakes up: everything said is there, of the pictures only what its socket held and the last.
    let (mut notices, mut ticks, mut answers) = (Vec::new(), Vec::new(), 0);
    while ticks.last() != Some(&9_999) {
        match heard(&mut stalled).expect("it is still connected") {
            Event::Tick(snapshot) => ticks.push(snapshot.rows),
            Event::Notice { utc_ns, .. } => notices.push(utc_ns),
            _ => answers += 1,
        }
    }
    assert_eq!((notices, answers), (all.clone(), 1));
    assert!(ticks.is_sorted() && ticks.len() < 9_000, "{} ticks were kept for it", ticks.len());
    station.server.finish(0, "stored".into(), LONG);
    assert_eq!(watching.unwrap().join().unwrap(), (all, 9_999, true));
    assert_eq!(heard(&mut stalled), Some(finished("stored")));
}

#[test]
fn a_viewer_that_leaves_too_much_unread_is_hung_up() {
    let station = station();
    let (client, _stalled) = station.greeted();
    let outbox = station.server.outbox();
    outbox.subscribe(client, Vec::new());
    let mut said = 0;
    while station.incoming.is_empty() {
        outbox.broadcast(notice(said));
        said += 1;
        assert!(said < 10_000_000, "the queue is bounded");
    }
    station.departure(client);
    assert_eq!(outbox.watching(), 0);
}

#[test]
fn a_killed_client_is_noticed_and_its_torn_command_is_not_heard() {
    let station = station();
    let (client, raw) = station.greeted();
    let body = Command { request: 1, action: Action::Stop }.to_body().unwrap();
    let frame = codec::frame(&body, codec::COMMAND_LIMIT).unwrap();
    (&raw.stream).write_all(&frame[..frame.len() - 1]).unwrap();
    drop(raw);
    station.departure(client);
}

#[test]
fn a_program_that_is_no_client_is_refused_and_others_stay() {
    let station = station();
    let (_, session) = station.viewer("honest");
    let greetings: [&[u8]; 3] = [b"GET / HTTP/1.1\r\n\r\n", &[4, 0, 0, 0, 1, 2, 3, 4], &[0, 0, 0, 0]];
    for garbage in greetings {
        let mut raw = station.raw();
        (&raw.stream).write_all(garbage).unwrap();
        let Reply::Refused { code, sentence } = reply(&mut raw) else { panic!("{garbage:?} was welcomed") };
        assert_eq!(Refusal::from_code(code), Refusal::Garbled);
        assert!(sentence.contains("not a myograph greeting"), "{sentence}");
    }
    station.server.outbox().broadcast(notice(1));
    assert_eq!(hear(&session), notice(1));
    assert!(station.incoming.is_empty(), "the recorder never hears of them");
}

#[test]
fn a_client_that_starts_to_speak_nonsense_is_told_and_hung_up() {
    let station = station();
    let (_, session) = station.viewer("honest");
    for (garbage, word) in [(&[2, 0, 0, 0, 9, 9][..], "cannot be read"), (&[255; 4][..], "at most 65536")] {
        let (client, mut raw) = station.greeted();
        (&raw.stream).write_all(garbage).unwrap();
        let Some(Event::Notice { level: 1, text, .. }) = heard(&mut raw) else { panic!("no reason given") };
        assert!(text.contains(word), "{text}");
        assert_eq!(heard(&mut raw), None);
        station.departure(client);
    }
    station.server.outbox().broadcast(notice(1));
    assert_eq!(hear(&session), notice(1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn no_bytes_move_the_recorder(bytes in prop::collection::vec(any::<u8>(), 0..600), greet in any::<bool>()) {
        let station = station();
        let raw = if greet { station.greeted().1 } else { station.raw() };
        // It may be put out before it has said all.
        let _ = (&raw.stream).write_all(&bytes);
        drop(raw);
        let mut link = Link::open(&station.path, "honest").unwrap();
        let answering = answer_all(&station, || Answer::Done);
        prop_assert_eq!(link.request(Action::Record, LONG).unwrap(), Answer::Done);
        drop(station);
        answering.join().unwrap();
    }
}

/// A recorder that gives every command the same answer until its server is gone.
fn answer_all(station: &Station, answer: fn() -> Answer) -> JoinHandle<()> {
    let (incoming, outbox) = (station.incoming.clone(), station.server.outbox());
    let run = move || {
        for message in incoming {
            if let Incoming::Command { client, command } = message {
                outbox.send_to(client, Event::Answer { request: command.request, answer: answer() });
            }
        }
    };
    thread::Builder::new().spawn(run).unwrap()
}

#[test]
fn a_version_nobody_speaks_is_refused_with_a_sentence_and_a_newer_program_speaks_the_older_one() {
    let station = station();
    let future = Versions { oldest: 8, newest: 9 };
    for (commands, events) in [(future, EVENTS), (COMMANDS, future)] {
        let mut raw = station.raw();
        send(&raw.stream, &hello(commands, events)).unwrap();
        let Reply::Refused { code, sentence } = reply(&mut raw) else { panic!("welcomed") };
        assert_eq!(Refusal::from_code(code), Refusal::Version);
        assert!(
            sentence.contains("speaks version 8 to 9 of") && sentence.contains("(0.1.0) 2"),
            "{sentence}"
        );
    }
    let mut raw = station.raw();
    let newer = Versions { oldest: 2, newest: 3 };
    send(&raw.stream, &hello(newer, newer)).unwrap();
    let Reply::Welcome(welcome) = reply(&mut raw) else { panic!("a newer program was refused") };
    assert_eq!((welcome.commands, welcome.events), (2, 2));
    let mut raw = station.raw();
    let older = Versions { oldest: 1, newest: 1 };
    send(&raw.stream, &hello(older, older)).unwrap();
    let Reply::Refused { sentence, .. } = reply(&mut raw) else { panic!("an older dashboard was welcomed") };
    assert!(sentence.contains("speaks version 1 of") && sentence.contains("(0.1.0) 2"), "{sentence}");
}

/// What a later program may ask: `levitate`, request 5, with a height.
const LATER: &[u8] = b"\x82\xa2is\xa8levitate\xa7request\x05\x81\xa6height\x02";

#[test]
fn a_command_of_a_later_program_is_refused_by_name_and_the_next_one_is_heard() {
    let station = station();
    let (client, mut raw) = station.greeted();
    (&raw.stream).write_all(&codec::frame(LATER, codec::COMMAND_LIMIT).unwrap()).unwrap();
    let Some(Event::Answer { request: 5, answer: Answer::Refused(why) }) = heard(&mut raw) else {
        panic!("no refusal")
    };
    assert_eq!(why, "this recorder (0.1.0) does not know that command, `levitate`");
    let stop = Command { request: 6, action: Action::Stop };
    send(&raw.stream, &stop).unwrap();
    assert_eq!(station.next(), Incoming::Command { client, command: stop });
}

#[test]
fn one_client_too_many_is_refused_until_another_leaves() {
    let station = station();
    let mut inside: Vec<_> = (0..CLIENTS).map(|_| station.greeted()).collect();
    let error = Link::open(&station.path, "late").unwrap_err();
    assert!(matches!(&error, Error::Refused { .. }) && error.to_string().contains("16 programs"), "{error}");
    let (client, raw) = inside.swap_remove(3);
    drop(raw);
    station.departure(client);
    let (again, _raw) = station.greeted();
    assert!(inside.iter().all(|(other, _)| *other != again) && again != client, "numbers are never reused");
}

#[test]
fn the_end_reaches_everybody_after_all_else_and_the_socket_goes() {
    let station = station();
    let (_, session) = station.viewer("viewer");
    let waiting = Link::open(&station.path, "stop").unwrap();
    station.arrival();
    let (_, stalled) = station.greeted();
    let outbox = station.server.outbox();
    outbox.broadcast(notice(1));
    outbox.broadcast(tick(5));
    station.server.finish(1, "stored with 2 gaps".into(), LONG);
    assert!(!station.path.exists());
    assert_eq!(outbox.watching(), 0);
    assert_eq!([hear(&session), hear(&session)], [notice(1), tick(5)]);
    assert_eq!(hear(&session), Event::Finished { code: 1, text: "stored with 2 gaps".into() });
    assert!(session.events.recv_timeout(LONG).is_err(), "nothing follows");
    let end = waiting.wait_finished().unwrap();
    assert_eq!((end.code, end.text.as_str()), (1, "stored with 2 gaps"));
    drop(stalled);
}

#[test]
fn the_end_does_not_wait_for_a_client_that_never_reads() {
    let station = station();
    let (client, mut stalled) = station.greeted();
    let outbox = station.server.outbox();
    outbox.subscribe(client, Vec::new());
    for number in 0..IMPORTANT_HALF {
        outbox.broadcast(notice(number));
        outbox.broadcast(tick(1));
    }
    let big = vec![(0.0, 0.0); 500_000];
    let bins = Bins { first: 0, rows_per_bin: 1, channels: 1, clean: big, raw: Vec::new() };
    outbox.broadcast(Event::Bins(bins));
    station.server.finish(0, String::new(), Duration::ZERO);
    assert!(!station.path.exists());
    while let Ok(Some(_)) = stalled.body() {}
}

/// Half of what a client may leave unread.
const IMPORTANT_HALF: i64 = 512;

#[test]
fn the_end_does_not_wait_for_commands_nobody_takes() {
    let station = station();
    let (_, raw) = station.greeted();
    for request in 0..200 {
        send(&raw.stream, &Command { request, action: Action::Status }).unwrap();
    }
    while !station.incoming.is_full() {
        thread::yield_now();
    }
    station.server.finish(0, String::new(), Duration::ZERO);
    assert!(station.incoming.is_full(), "nobody took any");
}

#[test]
fn stop_returns_what_the_recorder_ends_with() {
    let station = station();
    let path = station.path.clone();
    let stopping = thread::Builder::new().spawn(move || stop(&path, "stop")).unwrap();
    let client = station.arrival();
    let Incoming::Command { command: Command { request, action: Action::Stop }, .. } = station.next() else {
        panic!("not a stop")
    };
    station.server.outbox().send_to(client, Event::Answer { request, answer: Answer::Done });
    station.server.finish(1, "60,000 rows, 1 gap".into(), LONG);
    let end = stopping.join().unwrap().unwrap();
    assert_eq!((end.code, end.text.as_str()), (1, "60,000 rows, 1 gap"));
}

#[test]
fn a_stop_that_is_refused_or_whose_recorder_dies_says_so() {
    let station = station();
    let answering = answer_all(&station, || Answer::Refused("it is already draining.".into()));
    let error = stop(&station.path, "stop").unwrap_err();
    assert!(matches!(&error, Error::Declined { .. }) && error.to_string().contains("draining"), "{error}");
    drop(station);
    answering.join().unwrap();

    let station = super::tests::station();
    let waiting = Link::open(&station.path, "stop").unwrap();
    let (_, session) = (station.arrival(), connect(&station.path, "viewer").unwrap().0);
    station.arrival();
    drop(station);
    let error = waiting.wait_finished().unwrap_err();
    assert!(matches!(error, Error::Lost { .. }) && error.advice().contains("recover"), "{error}");
    assert!(session.events.recv_timeout(LONG).is_err(), "the dashboard sees that it is gone");
}

#[test]
fn whoever_asks_learns_why_nobody_answers() {
    let station = station();
    let error = request(&station.path, "status", Action::Status, Duration::from_millis(20)).unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    let path = station.path.clone();
    drop(station);
    let error = request(&path, "status", Action::Status, LONG).unwrap_err();
    assert!(matches!(error, Error::Nobody { .. }), "{error}");
}

#[test]
fn recorders_are_found_by_their_answer() {
    let station = station();
    let folder = station.path.parent().unwrap();
    drop(socket::listen(&socket::path(folder, "dead-00").unwrap(), Access::Owner).unwrap());
    let answering = answer_all(&station, || Answer::Status(Box::default()));
    let mut found = list(folder, "status").unwrap();
    assert_eq!(found.len(), 1);
    let mut link = found.remove(0).link.unwrap();
    assert_eq!(link.welcome().id, "quiet-3f");
    assert_eq!(link.request(Action::Status, LONG).unwrap(), Answer::Status(Box::default()));
    drop(station);
    answering.join().unwrap();
}

#[test]
fn a_socket_is_private_replaces_a_dead_one_and_is_never_taken_from_a_living_recorder() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("myograph");
    let path = socket::path(&folder, "quiet-3f").unwrap();
    let identity = || Identity { id: "quiet-3f".into(), version: "0.1.0".into() };
    let (tell, _incoming) = bounded(4);
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    drop(UnixListener::bind(&path).unwrap());
    let server = Server::bind(&path, Access::Owner, identity(), tell.clone()).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&path)), (0o700, 0o600));
    assert!(matches!(Server::bind(&path, Access::Owner, identity(), tell), Err(Error::Taken { .. })));
    assert!(path.exists(), "a failed bind leaves the living socket alone");
    drop(server);
    assert!(!path.exists());
}

#[test]
fn a_socket_file_that_vanishes_is_made_again() {
    let station = station();
    let (_, session) = station.viewer("before");
    std::fs::remove_file(&station.path).unwrap();
    let link = loop {
        match Link::open(&station.path, "after") {
            Ok(link) => break link,
            Err(_) => thread::yield_now(),
        }
    };
    assert_eq!(link.welcome().id, "quiet-3f");
    station.server.outbox().broadcast(notice(1));
    assert_eq!(hear(&session), notice(1));
}

#[test]
fn only_the_owner_and_root_may_enter() {
    assert!(may_enter(1000, 1000, Access::Owner) && may_enter(0, 1000, Access::Owner));
    assert!(!may_enter(1001, 1000, Access::Owner) && !may_enter(1000, 0, Access::Owner));
    assert!(may_enter(1001, 1000, Access::Group), "the kernel let it through the socket's mode");
}
