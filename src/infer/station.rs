//! Whether a station gives what a model expects, with everything that differs said at once.

use super::model::hex;
use super::{Card, card::Signal};
use crate::emg::{Channel, Kind};
use crate::pipeline::{Chain, ChainChange, Section};
use sha2::{Digest, Sha256};
use std::fmt;

/// Rates that differ by no more than this share are one: crystals and rounding.
const SAME_RATE: f64 = 1e-3;

/// What a station, or a recording, gives to models.
#[derive(Clone, Debug)]
pub struct Station {
    /// Its columns.
    pub channels: Vec<Channel>,
    /// Rows per second; none where nobody knows.
    pub rate_hz: Option<f64>,
    /// Its filters, and how many rows make one of the envelope.
    pub chains: ChainChange,
}

/// One thing in which a model and a station differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What it is about, e.g. `rate_hz` or `channel ZYG-L`.
    pub field: String,
    /// What the model expects.
    pub model: String,
    /// What the station gives.
    pub station: String,
    /// What to do.
    pub advice: String,
}

/// Everything in which a model and a station differ; at least one thing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Mismatches {
    /// The model's name.
    pub name: String,
    /// Each of them.
    pub all: Vec<Mismatch>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, model, station, advice } = self;
        write!(f, "{field}: the model expects {model}, here it is {station}; {advice}")
    }
}

impl fmt::Display for Mismatches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the model {} does not fit this station", self.name)?;
        self.all.iter().try_for_each(|mismatch| write!(f, "\n  {mismatch}"))
    }
}

impl Station {
    /// Rows per second of what a model of this signal is fed.
    #[must_use]
    pub fn rate_of(&self, signal: Signal) -> Option<f64> {
        let every = match signal {
            Signal::Clean => 1.0,
            Signal::Envelope => f64::from(self.chains.decimation.max(1)),
        };
        self.rate_hz.map(|rate| rate / every)
    }

    /// The columns a model is fed, in its order; none where one is missing.
    #[must_use]
    pub fn columns(&self, card: &Card) -> Option<Vec<usize>> {
        let column = |name: &str| self.channels.iter().position(|channel| channel.name == name);
        card.channels.iter().map(|wanted| column(&wanted.name)).collect()
    }

    /// The hash of the filters on these columns ([`chain_sha256`]); none where a column has no chain.
    #[must_use]
    pub fn chain_sha256(&self, columns: &[usize], signal: Signal) -> Option<String> {
        let chain = |column: &usize| {
            let id = self.chains.assignment.get(*column)?;
            self.chains.chains.iter().find(|chain| chain.id == *id)
        };
        let chains: Option<Vec<&Chain>> = columns.iter().map(chain).collect();
        chains.map(|chains| chain_sha256(&chains, signal))
    }

    /// Everything in which this station and a model differ.
    pub fn check(&self, card: &Card) -> Result<(), Mismatches> {
        let mut all = Vec::new();
        let mut differ = |field: &str, model: String, station: String, advice: &str| {
            let (field, advice) = (field.to_owned(), advice.to_owned());
            all.push(Mismatch { field, model, station, advice });
        };
        let rate = self.rate_of(card.signal);
        if !rate.is_some_and(|rate| (rate / card.rate_hz - 1.0).abs() <= SAME_RATE) {
            let is = rate.map_or("not known".to_owned(), |rate| format!("{rate} rows/s"));
            differ(
                "rate_hz",
                format!("{} rows/s", card.rate_hz),
                is,
                "set the board's rate, or train at this one",
            );
        }
        for wanted in &card.channels {
            let field = format!("channel {}", wanted.name);
            let Some(channel) = self.channels.iter().find(|channel| channel.name == wanted.name) else {
                let muscle = if wanted.muscle.is_empty() { "a muscle" } else { &wanted.muscle };
                differ(&field, muscle.to_owned(), "missing".to_owned(), "name the channel so in the montage");
                continue;
            };
            if !wanted.muscle.is_empty() && wanted.muscle != channel.muscle {
                let is = if channel.muscle.is_empty() { "not said" } else { &channel.muscle };
                let field = format!("{field}, muscle");
                differ(&field, wanted.muscle.clone(), is.to_owned(), "put the muscle into the montage");
            }
            if wanted.kind != channel.kind {
                let words = |kind: Kind| kind.word().to_owned();
                let field = format!("{field}, kind");
                differ(
                    &field,
                    words(wanted.kind),
                    words(channel.kind),
                    "say what the sensor gives with `--kind`",
                );
            }
            if channel.unit != card.unit {
                let (field, is) = (format!("{field}, unit"), channel.unit.clone());
                differ(&field, card.unit.clone(), is, "measure the gain, or train in this unit");
            }
        }
        if let (false, Some(columns)) = (card.chain_sha256.is_empty(), self.columns(card)) {
            let is = self.chain_sha256(&columns, card.signal);
            if is.as_ref() != Some(&card.chain_sha256) {
                let words = self.chains.chains.iter().map(|chain| chain.words.as_str()).collect::<Vec<_>>();
                let (short, is) =
                    (|hash: &str| hash.chars().take(12).collect::<String>(), is.unwrap_or_default());
                let here = format!("{} ({})", short(&is), words.join(", "));
                let advice = "choose the filters and the mains frequency it was trained under";
                differ("chain_sha256", short(&card.chain_sha256), here, advice);
            }
        }
        if all.is_empty() { Ok(()) } else { Err(Mismatches { name: card.name.clone(), all }) }
    }
}

/// SHA-256, lower-case hexadecimal, of filters by what they compute: of each different chain among the model's
/// channels, in the order in which they first occur, the sections as little-endian f64 `[b0, b1, b2, 1, a1, a2]`; for
/// a model of envelopes then a byte that is 1 where the chain rectifies, its envelope sections in the same way, and fall
/// and rise of the floor it tracks, where it does.
#[must_use]
pub fn chain_sha256(chains: &[&Chain], signal: Signal) -> String {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for chain in chains {
        let mut bytes = bytes(&chain.sections);
        if signal == Signal::Envelope {
            bytes.push(u8::from(chain.rectify));
            bytes.extend(self::bytes(&chain.envelope_sections));
            let tracker = chain.tracker.iter().flat_map(|tracker| [tracker.fall, tracker.rise]);
            bytes.extend(tracker.flat_map(f64::to_le_bytes));
        }
        if !parts.contains(&bytes) {
            parts.push(bytes);
        }
    }
    hex(&Sha256::digest(parts.concat()))
}

fn bytes(sections: &[Section]) -> Vec<u8> {
    sections.iter().flatten().flat_map(|value| value.to_le_bytes()).collect()
}
