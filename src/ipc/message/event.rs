//! What a recorder tells. A client skips what it does not know, and takes an answer it does not know for a
//! refusal.

use super::Error;
use super::emg::Marker;
use super::head::{self, Nothing, Opened};
use super::snapshot::Snapshot;
use super::twin::{Missing, twin};
use crate::session::{Answer, Event, event};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

twin!(Bins = event::Bins { first: u64, rows_per_bin: u32, channels: u16, clean: Pairs, raw: Pairs });

/// Minima and maxima as 8 little-endian bytes a pair: each on its own, named by nobody, would take 11.
#[derive(Clone, Debug)]
struct Pairs(Vec<(f32, f32)>);

impl Missing for Pairs {
    fn missing() -> Self {
        Self(Vec::new())
    }
}

impl From<Vec<(f32, f32)>> for Pairs {
    fn from(pairs: Vec<(f32, f32)>) -> Self {
        Self(pairs)
    }
}

impl From<Pairs> for Vec<(f32, f32)> {
    fn from(Pairs(pairs): Pairs) -> Self {
        pairs
    }
}

impl Serialize for Pairs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> =
            self.0.iter().flat_map(|(low, high)| [low.to_le_bytes(), high.to_le_bytes()]).flatten().collect();
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl serde::de::Visitor<'_> for Bytes {
            type Value = Pairs;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("pairs of 4-byte floats")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Pairs, E> {
                let (pairs, rest) = bytes.as_chunks::<8>();
                let pair = |&[a, b, c, d, e, f, g, h]: &[u8; 8]| {
                    (f32::from_le_bytes([a, b, c, d]), f32::from_le_bytes([e, f, g, h]))
                };
                if rest.is_empty() {
                    Ok(Pairs(pairs.iter().map(pair).collect()))
                } else {
                    Err(E::invalid_length(bytes.len(), &self))
                }
            }
        }
        deserializer.deserialize_bytes(Bytes).map_err(D::Error::custom)
    }
}

/// A line for the log view.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Notice {
    utc_ns: i64,
    level: u8,
    text: String,
}

/// The end.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Finished {
    code: u8,
    text: String,
}

/// A marker that is stored.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    id: u64,
    sample: u64,
}

/// A front end that is subscribed.
#[derive(Debug, Serialize, Deserialize)]
struct Subscribed {
    client: u64,
}

/// What was not done.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Refused {
    why: String,
}

/// The body of an event.
pub(super) fn body(event: Event) -> Result<Vec<u8>, Error> {
    match event {
        Event::Tick(snapshot) => head::body("tick", None, &Snapshot::from(*snapshot)),
        Event::Bins(bins) => head::body("bins", None, &Bins::from(bins)),
        Event::Marked(marker) => head::body("marked", None, &Marker::from(marker)),
        Event::Notice { utc_ns, level, text } => head::body("notice", None, &Notice { utc_ns, level, text }),
        Event::Finished { code, text } => head::body("finished", None, &Finished { code, text }),
        Event::Answer { request, answer } => {
            let request = Some(request);
            match answer {
                Answer::Stored { id, sample } => head::body("stored", request, &Stored { id, sample }),
                Answer::Done => head::body("done", request, &Nothing {}),
                Answer::Subscribed { client } => head::body("subscribed", request, &Subscribed { client }),
                Answer::Status(snapshot) => head::body("status", request, &Snapshot::from(*snapshot)),
                Answer::Refused(why) => head::body("refused", request, &Refused { why }),
            }
        }
    }
}

/// The event in a body.
pub(super) fn read(opened: &Opened<'_>) -> Result<Event, Error> {
    if let Some(request) = opened.head.request {
        return Ok(Event::Answer { request, answer: answer(opened)? });
    }
    Ok(match opened.head.is.as_str() {
        "tick" => Event::Tick(Box::new(opened.read::<Snapshot>()?.into())),
        "bins" => Event::Bins(opened.read::<Bins>()?.into()),
        "marked" => Event::Marked(opened.read::<Marker>()?.into()),
        "notice" => {
            let Notice { utc_ns, level, text } = opened.read()?;
            Event::Notice { utc_ns, level, text }
        }
        "finished" => {
            let Finished { code, text } = opened.read()?;
            Event::Finished { code, text }
        }
        _ => return Err(opened.unknown()),
    })
}

fn answer(opened: &Opened<'_>) -> Result<Answer, Error> {
    Ok(match opened.head.is.as_str() {
        "stored" => {
            let Stored { id, sample } = opened.read()?;
            Answer::Stored { id, sample }
        }
        "done" => opened.read::<Nothing>().map(|Nothing {}| Answer::Done)?,
        "subscribed" => Answer::Subscribed { client: opened.read::<Subscribed>()?.client },
        "status" => Answer::Status(Box::new(opened.read::<Snapshot>()?.into())),
        "refused" => Answer::Refused(opened.read::<Refused>()?.why),
        _ => return Err(opened.unknown()),
    })
}
