//! Recorders of version 1: what one really said, kept as bytes, and a stand-in that says it again.

use super::super::{COMMANDS, EVENTS, Hello, Message, command_body};
use super::*;
use crate::emg::{Stamp, marker};
use crate::ipc::codec::{COMMAND_LIMIT, EVENT_LIMIT, frame};
use crate::ipc::stream::Inbound;
use crate::ipc::{Link, connect};
use crate::session::command::{Action, FilterRequest};
use crate::session::snapshot::State;
use crate::session::{Answer, MarkRequest};
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What a recorder of version 1 (sim:?seed=7&channels=2) said to clients that sent the commands beside them.
const STATUS: &[u8] = include_bytes!("../../../../tests/golden/ipc_v1/status.bin");
const MARK: &[u8] = include_bytes!("../../../../tests/golden/ipc_v1/mark.bin");
const STOP: &[u8] = include_bytes!("../../../../tests/golden/ipc_v1/stop.bin");
/// Its answer, traces, first tick, the marker `smile` and the answer about it.
const SESSION: &[u8] = include_bytes!("../../../../tests/golden/ipc_v1/session.bin");

/// Reached only where something is broken.
const LONG: Duration = Duration::from_mins(1);

/// A recorder that says `script`, a frame for each command once it has greeted, then the rest; gives what it heard.
fn recorder(
    script: &'static [u8],
    commands: usize,
) -> (tempfile::TempDir, PathBuf, JoinHandle<Vec<Vec<u8>>>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let run = move || {
        let (stream, _) = listener.accept().unwrap();
        let mut heard = Inbound::new(&stream, COMMAND_LIMIT);
        let mut said = Inbound::new(script, EVENT_LIMIT);
        let hello = Hello::from_body(&heard.body().unwrap().unwrap()).unwrap();
        assert_eq!((hello.commands, hello.events), (COMMANDS, EVENTS));
        let say = |to: &mut Inbound<&[u8]>| {
            let body = to.body().unwrap();
            body.map(|body| (&stream).write_all(&frame(&body, EVENT_LIMIT).unwrap()).unwrap()).is_some()
        };
        say(&mut said);
        let mut bodies = Vec::new();
        for _ in 0..commands {
            bodies.push(heard.body().unwrap().unwrap());
            say(&mut said);
        }
        while say(&mut said) {}
        bodies
    };
    (folder, path, thread::Builder::new().spawn(run).unwrap())
}

fn mark(label: &str) -> Action {
    Action::Mark(MarkRequest {
        key: 1,
        stamp: Stamp { host_ns: 2, utc_ns: -3 },
        label: label.into(),
        note: String::new(),
        code: -1,
        origin: marker::Origin::Command,
        action: marker::Action::Add,
        refers_to: 0,
        uncertainty_us: 5,
    })
}

/// Whoever breaks this test breaks recorders that are running.
#[test]
fn the_bytes_of_version_1_stay() {
    let body = |request, action| command_body(&Command { request, action }, 1).unwrap();
    assert_eq!(body(300, mark("on")), [0xac, 2, 0, 1, 4, 5, 2, b'o', b'n', 0, 1, 1, 0, 0, 5]);
    assert_eq!(body(7, Action::RetractLast), [7, 1]);
    assert_eq!(body(7, Action::Record), [7, 2]);
    assert_eq!(body(7, Action::Stop), [7, 3]);
    assert_eq!(body(7, Action::Status), [7, 4]);
    assert_eq!(body(7, Action::Subscribe { read_only: true }), [7, 5]);
    let stored = Event::Answer { request: 7, answer: Answer::Stored { id: 1, sample: 200 } };
    assert_eq!(event(&[4, 7, 0, 1, 200, 1]).unwrap(), stored);
    assert_eq!(event(&[5, 0, 2, b'o', b'k']).unwrap(), Event::Finished { code: 0, text: "ok".into() });
}

#[test]
fn a_newer_status_reads_an_older_recorder() {
    let (_folder, path, recorder) = recorder(STATUS, 1);
    let mut link = Link::open(&path, "status").unwrap();
    assert_eq!((link.welcome().commands, link.welcome().version.as_str()), (1, "0.1.0"));
    let Answer::Status(snapshot) = link.request(Action::Status, LONG).unwrap() else { panic!("no status") };
    assert_eq!((snapshot.state, snapshot.markers), (State::Recording, 1));
    assert!(snapshot.file.ends_with("_emg.h5") && snapshot.rows > 0);
    let names: Vec<_> = snapshot.channels.iter().map(|state| state.channel.name.as_str()).collect();
    assert_eq!(names, ["ZYG-L", "FRM-L"]);
    assert_eq!(snapshot.last_markers.first().map(|marker| marker.label.as_str()), Some("smile"));
    assert_eq!(snapshot.keys.first().map(|key| key.label.as_str()), Some("event-1"));
    assert!(snapshot.line_hz.is_nan() && snapshot.channels[0].offset.is_nan(), "it never said");
    assert_eq!(recorder.join().unwrap(), [[1, 4]]);
}

#[test]
fn a_newer_mark_is_stored_by_an_older_recorder() {
    let (_folder, path, recorder) = recorder(MARK, 1);
    let answer = Link::open(&path, "mark").unwrap().request(mark("tone"), LONG).unwrap();
    assert!(matches!(answer, Answer::Stored { id: 2, sample: 1.. }), "{answer:?}");
    let heard = recorder.join().unwrap();
    assert_eq!(heard, [command_body(&Command { request: 1, action: mark("tone") }, 1).unwrap()]);
}

#[test]
fn a_newer_stop_ends_an_older_recording() {
    let (_folder, path, recorder) = recorder(STOP, 1);
    let finished = Link::open(&path, "stop").unwrap().stop().unwrap();
    assert_eq!(finished.code, 0);
    assert!(finished.text.contains("rows") && finished.text.contains("2 markers"), "{}", finished.text);
    assert_eq!(recorder.join().unwrap(), [[1, 3]]);
}

#[test]
fn a_newer_dashboard_shows_an_older_recorder_and_says_what_it_cannot_do() {
    let (_folder, path, recorder) = recorder(SESSION, 1);
    let (session, _) = connect(&path, "attach").unwrap();
    let filter = Action::Filter(FilterRequest { preset: "off".into(), ..FilterRequest::default() });
    for (request, action) in [(8, Action::Take), (9, filter), (1, Action::Subscribe { read_only: false })] {
        session.commands.send(Command { request, action }).unwrap();
    }
    let mut said = Vec::new();
    while let Ok(event) = session.events.recv_timeout(LONG) {
        said.push(event);
    }
    let refused: Vec<_> = said
        .iter()
        .filter_map(|event| match event {
            Event::Answer { request, answer: Answer::Refused(why) } => Some((*request, why.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(refused.iter().map(|(request, _)| *request).collect::<Vec<_>>(), [8, 9]);
    assert!(refused.iter().all(|(_, why)| why.contains("the recorder is older")), "{refused:?}");
    assert!(
        said.iter().any(|event| matches!(event, Event::Bins(bins) if bins.channels == 2 && !bins.is_empty()))
    );
    assert!(said.iter().any(|event| matches!(event, Event::Tick(tick) if tick.rows > 0)));
    assert!(said.iter().any(|event| matches!(event, Event::Marked(marker) if marker.label == "smile")));
    assert!(said.contains(&Event::Answer { request: 1, answer: Answer::Done }));
    assert_eq!(recorder.join().unwrap(), [[1, 5]]);
}
