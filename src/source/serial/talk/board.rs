//! A board with our firmware: its frames in, readings out, and what is to be said to it meanwhile.
//!
//! The decoder numbers runs and explains losses, the handshake knows what to say; here the two meet. Rows count only
//! once the board runs as it was told to.

use super::handshake::{Handshake, Refusal, Wanted, difference};
use crate::emg::units::wide;
use crate::emg::{Cause, Channel, Kind, SampleType, Samples, Stamp};
use crate::source::framed::{Decoder, Identity, Item, Lost, Refused, Rows};
use crate::source::text::Refusals;
use crate::source::uri::SerialOptions;
use crate::source::{Description, Packet, Reading};
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// A running board silent this long is asked whether it still runs: its words after a reset may have been lost.
const SILENT: Duration = Duration::from_secs(1);

/// A conversation with a board.
#[derive(Debug)]
pub(in crate::source::serial) struct Board {
    decoder: Decoder,
    items: Vec<Item>,
    handshake: Handshake,
    wanted: Wanted,
    /// What it was when the recording began.
    known: Option<Identity>,
    /// The run whose rows are handed on.
    run: Option<u32>,
    heard: Instant,
    readings: VecDeque<Reading>,
    refused: Refusals,
}

impl Board {
    pub(in crate::source::serial) fn new(wanted: Wanted) -> Self {
        Self {
            decoder: Decoder::new(),
            items: Vec::new(),
            handshake: Handshake::new(wanted),
            wanted,
            known: None,
            run: None,
            heard: Instant::now(),
            readings: VecDeque::new(),
            refused: Refusals::default(),
        }
    }

    /// Whether a board has said who it is.
    pub(in crate::source::serial) fn identified(&self) -> bool {
        self.handshake.identified()
    }

    /// Whether the rows that were asked for have begun to come.
    pub(in crate::source::serial) fn flows(&self) -> bool {
        self.run.is_some()
    }

    /// The baud rate of the board the recording began with.
    pub(in crate::source::serial) fn baud(&self) -> Option<u32> {
        self.known.as_ref().map(|known| known.baud)
    }

    /// How long it has not said a word since it ran; none where it never did.
    pub(in crate::source::serial) fn silence(&self, now: Instant) -> Duration {
        if self.flows() { now.duration_since(self.heard) } else { Duration::ZERO }
    }

    /// The baud rate the port is to follow the board to, told once.
    pub(in crate::source::serial) fn turn(&mut self) -> Option<u32> {
        self.handshake.turn()
    }

    pub(in crate::source::serial) fn refusal(&self) -> Option<&Refusal> {
        self.handshake.refusal()
    }

    /// Takes bytes of the line.
    pub(in crate::source::serial) fn push(&mut self, bytes: &[u8], stamp: Stamp) {
        let mut items = std::mem::take(&mut self.items);
        self.decoder.push(bytes, stamp, &mut items);
        self.hear(&mut items);
        self.items = items;
    }

    /// The port is closed: what is known of the run's end goes out, and the next port is spoken to anew.
    pub(in crate::source::serial) fn hang_up(&mut self, stamp: Stamp) {
        let mut items = std::mem::take(&mut self.items);
        self.decoder.hang_up(stamp, &mut items);
        self.hear(&mut items);
        self.items = items;
        self.begin_again();
    }

    /// The line to write now, if any.
    pub(in crate::source::serial) fn say(&mut self, now: Instant) -> Option<String> {
        let silent = now.duration_since(self.heard) >= SILENT;
        self.handshake.say(now).or_else(|| self.handshake.ask_again(now).filter(|_| silent))
    }

    /// Lets its rows come.
    pub(in crate::source::serial) fn start(&mut self) {
        self.handshake.start();
    }

    /// Moves what came to `ready`.
    pub(in crate::source::serial) fn take(&mut self, ready: &mut VecDeque<Reading>) {
        ready.append(&mut self.readings);
    }

    pub(in crate::source::serial) fn take_refused(&mut self) -> Option<Refusals> {
        (self.refused.lines > 0).then(|| std::mem::take(&mut self.refused))
    }

    /// What a ready board is; it is the one the recording knows from here on.
    pub(in crate::source::serial) fn describe(&mut self, options: &SerialOptions) -> Option<Description> {
        let identity = self.handshake.ready()?.clone();
        self.wanted = Wanted::of(&identity);
        let description = describe(&identity, options);
        self.known = Some(identity);
        Some(description)
    }

    fn begin_again(&mut self) {
        self.run = None;
        self.handshake = Handshake::new(self.wanted);
    }

    fn hear(&mut self, items: &mut Vec<Item>) {
        for item in items.drain(..) {
            if !matches!(item, Item::Refused(_) | Item::Text(_)) {
                self.heard = Instant::now();
            }
            match item {
                Item::Rows(rows) => self.rows(rows),
                Item::Lost(lost) => self.lost(&lost),
                Item::Identity(identity) => self.identity(&identity),
                Item::Ack(ack) => self.handshake.hear_ack(ack),
                Item::Refused(refused) => self.refused(&refused),
                Item::Text(_) | Item::Status(_) => {}
            }
        }
    }

    fn identity(&mut self, identity: &Identity) {
        if self.flows() && !identity.running {
            let sentence = "the board was reset: it is set and started again".to_owned();
            self.readings.push_back(Reading::Gone { cause: Cause::Restart, sentence });
            self.begin_again();
        }
        self.handshake.hear_identity(identity);
        let other = self.handshake.ready().zip(self.known.as_ref());
        if let Some(reason) = other.and_then(|(found, known)| difference(known, found)) {
            let advice = "plug in the board the recording began with".to_owned();
            self.handshake.refuse(Refusal { reason, advice });
        }
    }

    fn rows(&mut self, rows: Rows) {
        let Some(known) = self.known.as_ref().filter(|_| self.handshake.flows()) else { return };
        if rows.channels != usize::from(known.channels) {
            // Frames of an earlier run, or nonsense with a checksum that fits by chance.
            return;
        }
        self.handshake.hear_rows();
        let mask = known.digital_mask;
        let mut digital = rows.digital;
        if mask == 0 {
            digital.clear();
        } else {
            // Inputs that are wired to nothing float; a frame without the bytes had nothing to tell.
            digital.resize(rows.samples.len() / rows.channels, 0);
            for byte in &mut digital {
                *byte &= mask;
            }
        }
        let packet = Packet {
            epoch: rows.run,
            index: rows.index,
            device_us: rows.t_us,
            stamp: rows.stamp,
            samples: Samples::I16(rows.samples),
            digital,
            cause: rows.cause,
        };
        if self.run.replace(rows.run) != Some(rows.run) && rows.lost > 0 {
            self.count(rows.run, rows.index - rows.lost, rows.cause, rows.stamp);
        }
        self.readings.push_back(Reading::Rows(packet));
    }

    fn lost(&mut self, lost: &Lost) {
        if self.run == Some(lost.run) {
            self.count(lost.run, lost.index + lost.rows, lost.cause, lost.stamp);
        }
    }

    /// The board counted up to `index`, whatever came of its rows.
    fn count(&mut self, epoch: u32, index: u64, cause: Cause, stamp: Stamp) {
        let samples = Samples::empty(SampleType::I16);
        let packet = Packet { epoch, index, device_us: 0, stamp, samples, digital: Vec::new(), cause };
        self.readings.push_back(Reading::Rows(packet));
    }

    /// Before its rows flow, a board may say anything: bootloaders and other baud rates do.
    fn refused(&mut self, refused: &Refused) {
        if self.run.is_none() {
            return;
        }
        if self.refused.lines == 0 {
            self.refused.example = hex(&refused.first, wide(refused.first.len()) < refused.bytes);
        }
        self.refused.lines += 1;
    }
}

/// Bytes as people can compare them.
pub(in crate::source::serial) fn hex(bytes: &[u8], more: bool) -> String {
    let mut out = String::from("(hex)");
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(out, " {byte:02x}");
    }
    if more {
        out.push_str(" …");
    }
    out
}

fn describe(identity: &Identity, options: &SerialOptions) -> Description {
    let [minor, major] = identity.firmware.to_le_bytes();
    let name = if identity.name.is_empty() { String::new() } else { format!(" `{}`", identity.name) };
    let channel = |number: usize| Channel {
        adc_bits: identity.adc_bits,
        reference_v: f64::from(identity.reference_mv) / 1000.0,
        skew_us: identity.skew_us(number),
        ..Channel::new(format!("A{number}"), Kind::Raw)
    };
    let rate_hz = identity.rate_hz();
    let slower = options.rate_hz.filter(|wanted| (wanted - rate_hz).abs() > 1e-6);
    let remarks = slower.map(|wanted| {
        format!("the board's timer makes {rate_hz:.3} Hz of {wanted} Hz: filters and times go by the former")
    });
    Description {
        uri: options.uri.clone(),
        board: format!(
            "{}{name}, firmware {major}.{minor}, on {} at {} baud",
            identity.board_name(),
            options.path.display(),
            identity.baud
        ),
        channels: (0..usize::from(identity.channels)).map(channel).collect(),
        sample_type: SampleType::I16,
        nominal_hz: Some(rate_hz),
        losses_counted: true,
        digital: identity.digital_mask != 0,
        can_wait: false,
        remarks: remarks.into_iter().collect(),
    }
}
