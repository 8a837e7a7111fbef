//! A model in memory: read, bounded, compared with its card, run. The only place that names tract.
//!
//! The library's states keep the memory of recurrent layers from one run to the next: one is used again only where none
//! of its operators has any, else every run has a fresh one. A step model's memory is a value here. Panics of the library
//! become errors.

mod fuse;
mod graph;

use super::card;
use super::{Card, CardError, Error};
use crate::emg::units::wide;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::tract_ndarray::ArrayD;
use tract_onnx::prelude::{
    Datum, Framework, InferenceFact, InferenceModelExt, IntoRunnable, TValue, Tensor, TractResult,
    TypedRunnableModel, onnx, tvec,
};
use tract_onnx::tract_hir::tract_core::model::typed::TypedSimpleState;

/// How far an answer may be from the card's, and probabilities from 0, 1 and a sum of 1.
const TOLERANCE: f32 = 1e-4;
/// Longest words of the library that are passed on, characters.
const WORDS_CHARS: usize = 240;

/// Digits of a hash that are enough to tell two files apart.
const SHORT_HASH: usize = 16;

/// What a model may ask for at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the ONNX file.
    pub model_bytes: u64,
    /// Bytes of its card.
    pub card_bytes: u64,
    /// Values in any one tensor.
    pub tensor_values: usize,
    /// Values in all tensors of a run.
    pub all_values: usize,
    /// Operators.
    pub nodes: usize,
}

impl Default for Limits {
    /// 64 MiB of model, 16 MiB of card, 16 Mi values (64 MiB) in a tensor, four times that in all, 4096 operators.
    fn default() -> Self {
        Self {
            model_bytes: 64 << 20,
            card_bytes: 16 << 20,
            tensor_values: 1 << 24,
            all_values: 1 << 26,
            nodes: 4096,
        }
    }
}

/// A model that keeps what its card says.
#[derive(Clone, Debug)]
pub struct Model {
    path: PathBuf,
    card: Card,
    plan: Arc<TypedRunnableModel>,
    /// A state without memory, between two runs.
    spare: Arc<Mutex<Option<TypedSimpleState>>>,
}

/// What a step model carries from one stride to the next; nothing of a window model.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory(Vec<TValue>);

impl Model {
    /// Reads a model and the card beside it, and lets it answer what the card says it must.
    pub fn load(path: &Path, limits: &Limits) -> Result<Self, Error> {
        let card = read_card(path, limits)?;
        let bytes = read(path, limits.model_bytes)?;
        is_the_file(path, &card, &bytes)?;
        let plan = guarded(path, "it was built", || build(path, &bytes, &card, limits))??;
        let model = Self::of(path, card, plan);
        model.answers()?;
        Ok(model)
    }

    fn of(path: &Path, card: Card, plan: Arc<TypedRunnableModel>) -> Self {
        Self { path: path.to_owned(), card, plan, spare: Arc::default() }
    }

    /// Its ONNX file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its card.
    #[must_use]
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// The memory of a model that has seen nothing: all zero.
    #[must_use]
    pub fn blank(&self) -> Memory {
        let zeros = |shape: &Vec<usize>| Tensor::from(ArrayD::<f32>::zeros(shape.as_slice())).into();
        Memory(self.card.states.iter().map(zeros).collect())
    }

    /// One probability for each class, from the rows of a window or a stride: all values of the first channel, then
    /// of the second. A step model's memory moves on; after an error it is what it was.
    ///
    /// # Panics
    /// When `input` has not [`Card::values`] values.
    pub fn run(&self, input: &[f32], memory: &mut Memory) -> Result<Vec<f32>, Error> {
        const DOING: &str = "it answered";
        assert!(input.len() == self.card.values(), "a model was given {} values", input.len());
        let (probabilities, kept) = guarded(&self.path, DOING, || self.answer(input, memory))?
            .map_err(|error| library(&self.path, DOING, &format!("{error:#}")))?;
        *memory = kept;
        Ok(probabilities)
    }

    fn answer(&self, input: &[f32], memory: &Memory) -> TractResult<(Vec<f32>, Memory)> {
        let shape = [1, self.card.channels.len(), self.card.rows()];
        let mut given = tvec!(Tensor::from_shape(&shape, input)?.into());
        given.extend(memory.0.iter().cloned());
        let spare = || self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let at_hand = spare().take();
        let mut state = at_hand.map_or_else(|| self.plan.spawn(), Ok)?;
        let mut got = state.run(given)?.into_iter();
        // Nothing is inherited from the run before: an operator with a memory has a state of its own.
        if state.op_states.iter().all(Option::is_none) {
            *spare() = Some(state);
        }
        let probabilities = match got.next() {
            Some(value) => value.try_as_plain_ram()?.as_slice::<f32>()?.to_vec(),
            None => Vec::new(),
        };
        Ok((probabilities, Memory(got.collect())))
    }

    /// Compares its answers with those of its card.
    fn answers(&self) -> Result<(), Error> {
        let refuse = |problem: String| Error::Answers { path: self.path.clone(), problem };
        for (number, reference) in self.card.references.iter().enumerate() {
            let mut memory = self.blank();
            let given = reference.input.chunks_exact(self.card.values());
            for (input, expected) in given.zip(reference.output.chunks_exact(self.card.classes.len())) {
                let got = self.run(input, &mut memory)?;
                if !are_probabilities(&got) {
                    return Err(refuse(format!("{got:?} are no probabilities")));
                }
                let apart = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                if apart > TOLERANCE {
                    return Err(refuse(format!("answer {number} is off by {apart}")));
                }
            }
        }
        Ok(())
    }
}

/// Whether these are finite, within 0 and 1, and sum to 1.
#[must_use]
pub(super) fn are_probabilities(values: &[f32]) -> bool {
    let within = |value: &f32| (-TOLERANCE..=1.0 + TOLERANCE).contains(value);
    values.iter().all(within) && (values.iter().sum::<f32>() - 1.0).abs() <= 10.0 * TOLERANCE
}

fn read_card(path: &Path, limits: &Limits) -> Result<Card, Error> {
    let place = card::beside(path);
    let wrong = |source| Error::Card { path: place.clone(), source };
    let bytes = read(&place, limits.card_bytes)?;
    let message = "it is not UTF-8 text".to_owned();
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong(CardError::Toml { line: 1, message }))?;
    Card::from_toml(text).map_err(wrong)
}

/// A whole file, if it is not larger than it may be.
fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(failed)?;
    // A pipe or a device would be waited for, for ever.
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(failed(std::io::Error::other("it is not a file")));
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if wide(bytes.len()) > limit {
        return Err(Error::TooLarge { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

/// Most single flipped bits load and run with other answers: only the hash of the file shows them.
fn is_the_file(path: &Path, card: &Card, bytes: &[u8]) -> Result<(), Error> {
    let differs = |expected, found| Err(Error::NotTheFile { path: path.to_owned(), expected, found });
    if wide(bytes.len()) != card.onnx_bytes {
        return differs(format!("{} bytes", card.onnx_bytes), format!("{} bytes", bytes.len()));
    }
    let hash = hex(&Sha256::digest(bytes));
    if hash != card.onnx_sha256 {
        let short = |hash: &str| format!("SHA-256 {}...", hash.get(..SHORT_HASH).unwrap_or_default());
        return differs(short(&card.onnx_sha256), short(&hash));
    }
    Ok(())
}

/// Bytes as lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// From bytes to a plan for batch 1, with all sizes looked at before anything is run.
fn build(path: &Path, bytes: &[u8], card: &Card, limits: &Limits) -> Result<Arc<TypedRunnableModel>, Error> {
    let refuse = |problem: String| Error::Refused { path: path.to_owned(), problem };
    let failed = |doing| move |error| library(path, doing, &format!("{error:#}"));
    let framework = onnx().with_ignore_value_info(true);
    let proto: ModelProto = framework
        .proto_model_for_read(&mut &bytes[..])
        .map_err(|_| refuse("it is not an ONNX file, or only a part of one".to_owned()))?;
    graph::check(&proto, card, limits).map_err(refuse)?;
    let mut model = framework.model_for_proto_model(&proto).map_err(failed("it was read"))?;
    let of_input = [1, card.channels.len(), card.rows()];
    let shapes = std::iter::once(&of_input[..]).chain(card.states.iter().map(Vec::as_slice));
    for (at, shape) in shapes.enumerate() {
        let fact = InferenceFact::dt_shape(f32::datum_type(), shape);
        model.set_input_fact(at, fact).map_err(failed("its inputs were set"))?;
    }
    let model = model.into_typed().map_err(failed("its shapes were worked out"))?;
    graph::sizes(&model, limits).map_err(refuse)?;
    let model = model.into_decluttered().and_then(fuse::fuse).map_err(failed("it was simplified"))?;
    let model = model.into_optimized().map_err(failed("it was optimised"))?;
    graph::sizes(&model, limits).map_err(refuse)?;
    graph::outputs(&model, card).map_err(refuse)?;
    model.into_runnable().map_err(failed("it was made ready"))
}

/// Runs the library's code; a panic becomes an error.
fn guarded<T>(path: &Path, doing: &'static str, run: impl FnOnce() -> T) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or(panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
        library(path, doing, words)
    })
}

fn library(path: &Path, doing: &'static str, words: &str) -> Error {
    let printable = words.chars().map(|c| if c.is_control() { ' ' } else { c });
    Error::Library { path: path.to_owned(), doing, problem: printable.take(WORDS_CHARS).collect() }
}

#[cfg(test)]
mod tests;
