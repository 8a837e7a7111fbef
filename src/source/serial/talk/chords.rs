//! A board with the Chords firmware: its packets in, readings out. It sends once it is told to, and says nothing of
//! its rate or its converter; how losses are counted stands in `source/chords`.

use super::board::hex;
use super::handshake::Refusal;
use crate::emg::units::wide;
use crate::emg::{Channel, Kind, SampleType, Samples, Stamp};
use crate::source::chords::{Decoder, Item, Rows};
use crate::source::text::Refusals;
use crate::source::uri::SerialOptions;
use crate::source::{Description, Packet, Reading};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A board that sends nothing is told to begin this often.
const AGAIN: Duration = Duration::from_millis(500);
/// It wakes up at the first and sends at the second; a sketch that knows neither ignores both.
const BEGIN: &str = "WHORU\nSTART\n";
/// Makes it stop.
pub(in crate::source::serial) const STOP: &str = "STOP\n";

/// A stream of packets.
#[derive(Debug)]
pub(in crate::source::serial) struct Chords {
    decoder: Decoder,
    items: Vec<Item>,
    /// Channels of the recording.
    known: Option<usize>,
    flows: bool,
    heard: Instant,
    said: Instant,
    refusal: Option<Refusal>,
    readings: VecDeque<Reading>,
    refused: Refusals,
}

impl Chords {
    pub(in crate::source::serial) fn new() -> Self {
        let now = Instant::now();
        Self {
            decoder: Decoder::new(),
            items: Vec::new(),
            known: None,
            flows: false,
            heard: now,
            said: now,
            refusal: None,
            readings: VecDeque::new(),
            refused: Refusals::default(),
        }
    }

    /// What the board is, once its packets have a shape; its rows count from here on.
    pub(in crate::source::serial) fn describe(
        &mut self,
        options: &SerialOptions,
        baud: u32,
    ) -> Option<Description> {
        let channels = self.decoder.channels()?;
        self.known = Some(channels);
        let unknown = options.rate_hz.is_none();
        let remark = "Chords packets do not tell their rate: it is measured; give `rate=` where it is known";
        Some(Description {
            uri: options.uri.clone(),
            board: format!("Chords packets on {} at {baud} baud", options.path.display()),
            channels: (0..channels).map(|number| Channel::new(format!("A{number}"), Kind::Raw)).collect(),
            sample_type: SampleType::I32,
            nominal_hz: options.rate_hz,
            losses_counted: true,
            digital: false,
            can_wait: false,
            remarks: unknown.then(|| remark.to_owned()).into_iter().collect(),
        })
    }

    /// Takes bytes of the line. What came before the shape was known is part of the recording.
    pub(in crate::source::serial) fn push(&mut self, bytes: &[u8], stamp: Stamp) {
        self.decoder.push(bytes, stamp, &mut self.items);
        if self.known.is_some() {
            self.hear();
        }
    }

    /// The port is closed.
    pub(in crate::source::serial) fn hang_up(&mut self) {
        self.decoder.hang_up(&mut self.items);
        self.hear();
        (self.flows, self.refusal) = (false, None);
    }

    /// The line to write now, if any.
    pub(in crate::source::serial) fn say(&mut self, now: Instant) -> Option<String> {
        let idle = now.duration_since(self.heard.max(self.said)) >= AGAIN;
        idle.then(|| {
            self.said = now;
            BEGIN.to_owned()
        })
    }

    /// How long it has not sent a packet since it sent; none where it never did.
    pub(in crate::source::serial) fn silence(&self, now: Instant) -> Duration {
        if self.flows { now.duration_since(self.heard) } else { Duration::ZERO }
    }

    /// Whether rows come.
    pub(in crate::source::serial) fn flows(&self) -> bool {
        self.flows
    }

    pub(in crate::source::serial) fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// Moves what came to `ready`.
    pub(in crate::source::serial) fn take(&mut self, ready: &mut VecDeque<Reading>) {
        self.hear();
        ready.append(&mut self.readings);
    }

    pub(in crate::source::serial) fn take_refused(&mut self) -> Option<Refusals> {
        (self.refused.lines > 0).then(|| std::mem::take(&mut self.refused))
    }

    fn hear(&mut self) {
        for item in std::mem::take(&mut self.items) {
            match item {
                Item::Rows(rows) => self.rows(rows),
                Item::Refused { bytes, first } if self.flows => {
                    if self.refused.lines == 0 {
                        self.refused.example = hex(&first, wide(first.len()) < bytes);
                    }
                    self.refused.lines += 1;
                }
                Item::Refused { .. } | Item::Text(_) => {}
            }
        }
    }

    fn rows(&mut self, rows: Rows) {
        if let Some(known) = self.known.filter(|known| *known != rows.channels) {
            self.refusal = Some(Refusal {
                reason: format!(
                    "another board answers: it sends {} channels, the recording has {known}",
                    rows.channels
                ),
                advice: "plug in the board the recording began with".to_owned(),
            });
            return;
        }
        (self.flows, self.heard) = (true, Instant::now());
        self.readings.push_back(Reading::Rows(Packet {
            epoch: rows.run,
            index: rows.index,
            device_us: 0,
            stamp: rows.stamp,
            samples: Samples::I32(rows.samples),
            digital: Vec::new(),
            cause: rows.cause,
        }));
    }
}
