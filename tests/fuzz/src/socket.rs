//! What a front end, a recorder or a stimulus machine may be sent: frames and the messages in them, lines of JSON. Every
//! message that is understood is understood again from what it is written as.

use myograph::emg::marker::{LABEL_BYTES, NOTE_BYTES};
use myograph::emg::units::wide;
use myograph::ipc::codec::{COMMAND_LIMIT, Decoder, EVENT_LIMIT, TooLong};
use myograph::ipc::listen::line::{self, Wish};
use myograph::ipc::message::{Hello, Message, Reply, event_from};
use myograph::session::{Command, Event};
use std::fmt::Debug;

/// The bytes as a stream of frames, and again as the body of one.
pub(crate) fn socket(bytes: &[u8]) {
    message(bytes);
    for limit in [40, COMMAND_LIMIT, EVENT_LIMIT] {
        let (bodies, end) = cut(bytes, usize::MAX, limit);
        assert_eq!(cut(bytes, 1, limit), (bodies.clone(), end), "cuts matter");
        let taken: usize = bodies.iter().map(|body| 4 + body.len()).sum();
        assert!(taken <= bytes.len(), "{taken} bytes of frames in {}", bytes.len());
        assert!(bodies.iter().all(|body| wide(body.len()) <= u64::from(limit)));
        if limit == COMMAND_LIMIT {
            for body in &bodies {
                message(body);
            }
        }
    }
}

/// The bodies in a stream, and whether it ends between two frames.
fn cut(stream: &[u8], size: usize, limit: u32) -> (Vec<Vec<u8>>, Result<bool, TooLong>) {
    let (mut decoder, mut bodies) = (Decoder::new(limit), Vec::new());
    for mut chunk in stream.chunks(size) {
        loop {
            match decoder.next(&mut chunk) {
                Ok(Some(body)) => bodies.push(body),
                Ok(None) => break,
                Err(why) => return (bodies, Err(why)),
            }
        }
    }
    (bodies, Ok(decoder.at_border()))
}

fn message(body: &[u8]) {
    again(Hello::from_body(body));
    again(Reply::from_body(body));
    again(Command::from_body(body));
    again(Event::from_body(body));
    // An older recorder's event is written in today's words.
    again(event_from(body, 1));
}

fn again<T: Message + Debug, E>(read: Result<T, E>) {
    let Ok(message) = read else { return };
    let body = message.to_body().map_err(|why| format!("{message:?} cannot be written: {why}"));
    let back = body.and_then(|body| T::from_body(&body).map_err(|why| format!("{message:?} is lost: {why}")));
    assert_eq!(back.map(|back| format!("{back:?}")), Ok(format!("{message:?}")));
}

/// A line of a stimulus machine.
pub(crate) fn guests(bytes: &[u8]) {
    match line::read(bytes) {
        Ok(Wish::Mark { label, note, t, .. }) => {
            assert!(!label.trim().is_empty() && label.len() <= LABEL_BYTES && note.len() <= NOTE_BYTES);
            assert!(t.is_none_or(f64::is_finite));
        }
        Ok(Wish::Ping { t }) => assert!(t.is_finite()),
        Ok(Wish::Hello { .. } | Wish::Status) => {}
        Err(why) => {
            let answer = line::refused(&why);
            assert!(why.len() < 400 && !answer.contains('\n'), "{answer}");
        }
    }
}
