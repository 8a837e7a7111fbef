//! The card: what a model expects, how it was trained and what it must answer, as TOML beside its ONNX file.
//!
//! Only the format and its bounds. Whether a model keeps what its card says is found in `model`, whether a station
//! gives what it asks for in `station`.

use super::CardError;
use crate::emg::Kind;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The format this program reads.
pub const FORMAT: u32 = 1;
/// Most classes of a model.
pub const MAX_CLASSES: usize = 64;
/// Most rows of a window, and of a stride.
pub const MAX_ROWS: usize = 65_536;
/// Most values in one state of a step model.
pub const MAX_STATE: usize = 1 << 20;
const MAX_CHANNELS: usize = 64;
/// Longest word, characters: a class, a channel.
const WORD_CHARS: usize = 64;
/// Longest label, characters.
const LABEL_CHARS: usize = 120;

/// How a model sees the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A whole window at a time, with nothing kept from the last.
    Window,
    /// One stride at a time, with the states it gave after the last.
    Step,
}

impl Mode {
    /// The word in cards and files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Step => "step",
        }
    }
}

/// Which rows a model is fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// Those of `/clean/samples`.
    Clean,
    /// Those of `/envelope/samples`.
    Envelope,
}

impl Signal {
    /// The word in cards.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Envelope => "envelope",
        }
    }
}

/// A channel a model is fed, in the model's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The channel's name, by which the station's channel is found.
    pub name: String,
    /// The muscle; empty for any.
    pub muscle: String,
    /// What it carries.
    pub kind: Kind,
}

/// How a model was trained and how well it did; what the card does not say is none or empty.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Training {
    /// SHA-256 of each recording it was trained on.
    pub data_sha256: Vec<String>,
    /// How it was evaluated, e.g. `leave-one-subject-out`.
    pub protocol: String,
    /// Share of windows it got right.
    pub accuracy: Option<f64>,
    /// Mean over classes of the F1 score.
    pub macro_f1: Option<f64>,
    /// Cohen's kappa.
    pub kappa: Option<f64>,
    /// Accuracy of guessing.
    pub chance: Option<f64>,
    /// People it was trained on.
    pub subjects: Option<u32>,
    /// The seed of its training.
    pub seed: Option<i64>,
    /// Accuracy under a random split of windows, which says nothing of a new face.
    pub leaky_accuracy: Option<f64>,
}

/// What the model must answer: a window's values by channel and then by row, or strides of them in sequence, and
/// the probabilities after each.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Reference {
    /// Values it is fed.
    pub input: Vec<f32>,
    /// Probabilities it gave.
    pub output: Vec<f32>,
}

/// A card whose numbers are within their bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// Names the model in recordings and tables: letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// What the screen says of it.
    pub label: String,
    /// How it sees the signal.
    pub mode: Mode,
    /// Words of its classes, in the order of its probabilities.
    pub classes: Vec<String>,
    /// Rows per second of what it is fed.
    pub rate_hz: f64,
    /// Which rows it is fed.
    pub signal: Signal,
    /// Unit of every channel.
    pub unit: String,
    /// Rows it sees at a time; of a step model, the rows that shape an answer.
    pub window: usize,
    /// Rows from one answer to the next.
    pub stride: usize,
    /// Hash of the filters it was trained under ([`Station::chain_sha256`](super::Station::chain_sha256)); empty
    /// for any.
    pub chain_sha256: String,
    /// Its channels, in its order.
    pub channels: Vec<Wanted>,
    /// Shapes of its states; none of a window model.
    pub states: Vec<Vec<usize>>,
    /// How it came about.
    pub training: Training,
    /// What it must answer.
    pub references: Vec<Reference>,
    /// SHA-256 of its ONNX file, lower-case hex.
    pub onnx_sha256: String,
    /// Length of its ONNX file, bytes.
    pub onnx_bytes: u64,
}

/// The file as it is written.
#[derive(Deserialize)]
struct Written {
    format: u32,
    name: String,
    #[serde(default)]
    label: String,
    mode: Mode,
    classes: Vec<String>,
    rate_hz: f64,
    signal: Signal,
    unit: String,
    window: usize,
    stride: usize,
    #[serde(default)]
    chain_sha256: String,
    channels: Vec<WrittenChannel>,
    #[serde(default)]
    states: Vec<Vec<usize>>,
    #[serde(default)]
    training: Training,
    reference: Vec<Reference>,
    onnx_sha256: String,
    onnx_bytes: u64,
}

#[derive(Deserialize)]
struct WrittenChannel {
    name: String,
    #[serde(default)]
    muscle: String,
    kind: String,
}

/// The card's place: beside the model, with the ending `.toml`.
#[must_use]
pub fn beside(model: &Path) -> PathBuf {
    model.with_extension("toml")
}

impl Card {
    /// Reads a card from its text.
    pub fn from_toml(text: &str) -> Result<Self, CardError> {
        let written: Written = toml::from_str(text).map_err(|error| CardError::Toml {
            line: error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1)),
            message: error.message().lines().next().unwrap_or_default().to_owned(),
        })?;
        if written.format != FORMAT {
            return Err(CardError::Format { format: written.format });
        }
        let card = Self {
            channels: written.channels.into_iter().map(wanted).collect::<Result<_, _>>()?,
            name: written.name,
            label: written.label,
            mode: written.mode,
            classes: written.classes,
            rate_hz: written.rate_hz,
            signal: written.signal,
            unit: written.unit,
            window: written.window,
            stride: written.stride,
            chain_sha256: written.chain_sha256,
            states: written.states,
            training: written.training,
            references: written.reference,
            onnx_sha256: written.onnx_sha256,
            onnx_bytes: written.onnx_bytes,
        };
        card.check_words()?;
        card.check_sizes()?;
        card.check_references()?;
        Ok(card)
    }

    /// Rows it takes at a time: a window or a stride.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self.mode {
            Mode::Window => self.window,
            Mode::Step => self.stride,
        }
    }

    /// Values it takes at a time.
    #[must_use]
    pub fn values(&self) -> usize {
        self.channels.len() * self.rows()
    }

    fn check_words(&self) -> Result<(), CardError> {
        let of_file = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let begins = self.name.starts_with(|c: char| c.is_ascii_alphanumeric());
        need("name", is_word(&self.name) && begins && self.name.chars().all(of_file), || {
            format!("`{}` is not made of letters, digits, `.`, `_` and `-`", shown(&self.name))
        })?;
        let label = self.label.chars().count() <= LABEL_CHARS && !self.label.contains(char::is_control);
        need("label", label, || format!("it is longer than {LABEL_CHARS} characters or cannot be printed"))?;
        need("classes", (2..=MAX_CLASSES).contains(&self.classes.len()), || {
            format!("there are {}, and not 2 to {MAX_CLASSES}", self.classes.len())
        })?;
        for (field, words) in [("classes", self.classes.clone()), ("channels", self.names())] {
            let wrong = words.iter().enumerate().find(|(at, w)| !is_word(w) || words[..*at].contains(w));
            need(field, wrong.is_none(), || {
                format!("`{}` is empty, too long or named twice", shown(wrong.map_or("", |(_, word)| word)))
            })?;
        }
        for (field, hash) in [("onnx_sha256", &self.onnx_sha256), ("chain_sha256", &self.chain_sha256)] {
            let free = field == "chain_sha256" && hash.is_empty();
            let digits = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
            need(field, free || hash.len() == 64 && hash.bytes().all(digits), || {
                "it is not 64 digits of lower-case hexadecimal".to_owned()
            })?;
        }
        Ok(())
    }

    fn check_sizes(&self) -> Result<(), CardError> {
        need("rate_hz", self.rate_hz.is_finite() && self.rate_hz > 0.0, || {
            format!("{} is no rate", self.rate_hz)
        })?;
        need("channels", (1..=MAX_CHANNELS).contains(&self.channels.len()), || {
            format!("there are {}, and not 1 to {MAX_CHANNELS}", self.channels.len())
        })?;
        for (field, rows) in [("window", self.window), ("stride", self.stride)] {
            need(field, (1..=MAX_ROWS).contains(&rows), || format!("{rows} is not 1 to {MAX_ROWS} rows"))?;
        }
        let values = |shape: &Vec<usize>| shape.iter().try_fold(1_usize, |all, dim| all.checked_mul(*dim));
        let fits = |shape| values(shape).is_some_and(|values| (1..=MAX_STATE).contains(&values));
        match self.mode {
            Mode::Window => need("states", self.states.is_empty(), || "a window model has none".to_owned()),
            Mode::Step => {
                let some = (1..=MAX_CLASSES).contains(&self.states.len()) && self.states.iter().all(fits);
                need("states", some, || {
                    format!("a step model has 1 to {MAX_CLASSES} of at most {MAX_STATE} values each")
                })
            }
        }
    }

    fn check_references(&self) -> Result<(), CardError> {
        need("reference", !self.references.is_empty(), || "there is none to compare with".to_owned())?;
        for reference in &self.references {
            let times = reference.input.len() / self.values();
            let whole = times > 0 && times * self.values() == reference.input.len();
            let alone = self.mode == Mode::Step || times == 1;
            need(
                "reference",
                whole && alone && times * self.classes.len() == reference.output.len(),
                || {
                    let (given, got) = (reference.input.len(), reference.output.len());
                    format!("{given} values in and {got} out are no whole {}s", self.mode.word())
                },
            )?;
            let finite = reference.input.iter().chain(&reference.output).all(|value| value.is_finite());
            need("reference", finite, || "a value is not finite".to_owned())?;
        }
        Ok(())
    }

    fn names(&self) -> Vec<String> {
        self.channels.iter().map(|channel| channel.name.clone()).collect()
    }
}

fn wanted(written: WrittenChannel) -> Result<Wanted, CardError> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.word() == written.kind);
    let kind = kind.ok_or_else(|| CardError::Value {
        field: "channels",
        problem: format!("`{}` is no kind of channel", shown(&written.kind)),
    })?;
    Ok(Wanted { name: written.name, muscle: written.muscle, kind })
}

fn is_word(word: &str) -> bool {
    (1..=WORD_CHARS).contains(&word.chars().count()) && !word.contains(char::is_control)
}

/// A word of a stranger's file, short enough for a sentence.
fn shown(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).take(WORD_CHARS).collect()
}

fn need(field: &'static str, holds: bool, problem: impl FnOnce() -> String) -> Result<(), CardError> {
    if holds { Ok(()) } else { Err(CardError::Value { field, problem: problem() }) }
}

#[cfg(test)]
mod tests;
