//! The words of a line: one JSON object in, one out. What is not understood is refused in a sentence that names
//! the nearest key there is.

use crate::emg::marker;
use crate::emg::units::seconds;
use crate::session::Snapshot;
use crate::source::uri::nearest;
use serde_json::{Map, Value, json};

/// Longest line, bytes, without its end.
pub const LINE_BYTES: usize = 4096;
/// Times beyond this do not fit nanoseconds: 285 years.
const MOST_SECONDS: f64 = 9e9;

/// What a sender wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// To be let in, and how it is called in the recording.
    Hello {
        /// The secret, empty where it said none.
        token: String,
        /// Its name, empty where it said none.
        name: String,
    },
    /// A marker.
    Mark {
        /// The label.
        label: String,
        /// The note.
        note: String,
        /// When, on the sender's clock, seconds.
        t: Option<f64>,
        /// The same line with the same number is stored once.
        key: Option<u64>,
    },
    /// An answer with the host's time; `t` is the sender's, seconds.
    Ping {
        /// Now, on the sender's clock.
        t: f64,
    },
    /// A short status.
    Status,
}

/// The keys each kind of line may have, by the one that makes it what it is.
const KEYS: [(&str, &[&str]); 5] = [
    ("token", &["token", "name"]),
    ("mark", &["mark", "note", "t", "key"]),
    ("ping", &["ping"]),
    ("status", &["status"]),
    ("name", &["token", "name"]),
];

/// What a line wants; else the sentence that says what is wrong with it.
pub fn read(line: &[u8]) -> Result<Wish, String> {
    let value: Value =
        serde_json::from_slice(line).map_err(|error| format!("the line is no JSON ({error})"))?;
    let Value::Object(fields) = value else { return Err("the line is no JSON object".to_owned()) };
    let Some((kind, allowed)) = KEYS.iter().find(|(kind, _)| fields.contains_key(*kind)) else {
        return Err(match fields.keys().next() {
            Some(key) => unknown(key, &["token", "mark", "ping", "status"]),
            None => "the line is empty; say `mark`, `ping` or `status`".to_owned(),
        });
    };
    if let Some(key) = fields.keys().find(|key| !allowed.contains(&key.as_str())) {
        return Err(unknown(key, allowed));
    }
    match *kind {
        "mark" => mark(&fields),
        "ping" => Ok(Wish::Ping { t: time(&fields, "ping")?.unwrap_or_default() }),
        "status" if fields.get("status") == Some(&Value::Bool(true)) => Ok(Wish::Status),
        "status" => Err("`status` takes true".to_owned()),
        _ => Ok(Wish::Hello { token: text(&fields, "token")?, name: text(&fields, "name")? }),
    }
}

fn unknown(key: &str, known: &[&str]) -> String {
    let key = marker::clip(key, marker::LABEL_BYTES);
    format!(
        "`{key}` is no key here; did you mean `{}`? The keys are {}",
        nearest(&key, known),
        known.join(", ")
    )
}

fn mark(fields: &Map<String, Value>) -> Result<Wish, String> {
    let (label, note) = (text(fields, "mark")?, text(fields, "note")?);
    if label.trim().is_empty() {
        return Err("a marker without a label says nothing".to_owned());
    }
    for (what, text, limit) in [("mark", &label, marker::LABEL_BYTES), ("note", &note, marker::NOTE_BYTES)] {
        if text.len() > limit {
            return Err(format!("`{what}` has {} bytes, a recording holds {limit}", text.len()));
        }
    }
    let key = match fields.get("key") {
        None | Some(Value::Null) => None,
        Some(key) => Some(key.as_u64().ok_or("`key` takes a whole number from 0 on")?),
    };
    Ok(Wish::Mark { label, note, t: time(fields, "t")?, key })
}

fn text(fields: &Map<String, Value>, key: &str) -> Result<String, String> {
    match fields.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(format!("`{key}` takes a text in quotes")),
    }
}

fn time(fields: &Map<String, Value>, key: &str) -> Result<Option<f64>, String> {
    match fields.get(key) {
        None | Some(Value::Null) if key == "t" => Ok(None),
        value => match value.and_then(Value::as_f64).filter(|t| t.abs() < MOST_SECONDS) {
            Some(t) => Ok(Some(t)),
            None => Err(format!("`{key}` takes the seconds of the sender's clock")),
        },
    }
}

/// A wish that was not granted.
#[must_use]
pub fn refused(why: &str) -> String {
    json!({ "ok": false, "error": why }).to_string()
}

/// A wish that was granted and has nothing to tell.
pub(super) fn granted() -> String {
    json!({ "ok": true }).to_string()
}

/// A marker that is in the journal.
pub(super) fn stored(id: u64, sample: u64) -> String {
    json!({ "ok": true, "id": id, "sample": sample }).to_string()
}

/// The answer to a ping: its own time, the host's, and how well the two are tied, seconds.
pub(super) fn pong(t: f64, host_ns: i64, uncertainty_ns: Option<i64>) -> String {
    json!({ "ok": true, "pong": t, "host": seconds(host_ns), "uncertainty": uncertainty_ns.map(seconds) })
        .to_string()
}

/// What a stimulus machine needs to know before it begins.
pub(super) fn status(snapshot: &Snapshot) -> String {
    let alarms: Vec<&str> = snapshot.alarms.iter().map(|alarm| alarm.text.as_str()).collect();
    json!({
        "ok": true,
        "recorder": snapshot.id,
        "state": snapshot.state.word(),
        "file": snapshot.file,
        "elapsed_s": snapshot.elapsed_s,
        "rows": snapshot.rows,
        "markers": snapshot.markers,
        "lost_samples": snapshot.source.lost_samples,
        "settled": snapshot.settled,
        "alarms": alarms,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wish(line: &str) -> Wish {
        read(line.as_bytes()).unwrap()
    }

    #[test]
    fn lines_say_what_they_want() {
        let mark = |note: &str, t, key| Wish::Mark { label: "stim_on".into(), note: note.into(), t, key };
        assert_eq!(wish(r#"{"mark": "stim_on"}"#), mark("", None, None));
        let whole = r#"{"mark": "stim_on", "note": "left", "t": 12.5, "key": 7}"#;
        assert_eq!(wish(whole), mark("left", Some(12.5), Some(7)));
        assert_eq!(wish(r#"{"ping": 3}"#), Wish::Ping { t: 3.0 });
        assert_eq!(wish(r#"{"status": true}"#), Wish::Status);
        let hello = |token: &str, name: &str| Wish::Hello { token: token.into(), name: name.into() };
        assert_eq!(wish(r#"{"token": "s", "name": "stim"}"#), hello("s", "stim"));
        assert_eq!(wish(r#"{"name": "stim"}"#), hello("", "stim"));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_the_nearest_key() {
        let long = format!(r#"{{"mark": "{}"}}"#, "x".repeat(65));
        for (line, words) in [
            (r#"{"mrak": "x"}"#, "`mrak` is no key here; did you mean `mark`?"),
            (r#"{"mark": "x", "time": 3}"#, "did you mean `note`? The keys are mark, note, t, key"),
            (r#"{"mark": "x", "ping": 3}"#, "`ping` is no key here"),
            (r#"{"mark": 7}"#, "`mark` takes a text"),
            (r#"{"mark": " "}"#, "without a label"),
            (r#"{"mark": "x", "t": "now"}"#, "`t` takes the seconds"),
            (r#"{"ping": 1e300}"#, "`ping` takes the seconds"),
            (r#"{"ping": null}"#, "`ping` takes the seconds"),
            (r#"{"mark": "x", "key": -1}"#, "`key` takes a whole number"),
            (r#"{"status": "please"}"#, "`status` takes true"),
            (&long, "65 bytes, a recording holds 64"),
            ("{}", "the line is empty"),
            ("[1]", "no JSON object"),
            ("", "no JSON"),
            ("GET / HTTP/1.1", "no JSON"),
        ] {
            let why = read(line.as_bytes()).unwrap_err();
            assert!(why.contains(words), "{line}: {why}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_wish_or_a_short_sentence(line in prop::collection::vec(any::<u8>(), 0..LINE_BYTES)) {
            if let Err(why) = read(&line) {
                prop_assert!(why.len() < 400 && serde_json::from_str::<Value>(&refused(&why)).is_ok());
            }
        }

        #[test]
        fn any_json_is_a_wish_or_a_short_sentence(
            key in "token|mark|ping|status|name|note|t|key|[a-z]{0,200}",
            other in "token|mark|ping|status|t|key",
            value in prop_oneof![Just("null"), Just("true"), Just("1e999"), Just("-0.0"), Just("[[]]"), Just("\"\\u0000\"")],
        ) {
            let line = format!("{{\"{key}\": {value}, \"{other}\": {value}}}");
            if let Err(why) = read(line.as_bytes()) {
                prop_assert!(why.len() < 400, "{}", why);
            }
        }
    }
}
