//! Thread `predict`: what the pipeline made of each input -> rolling predictions -> journal and screen.
//!
//! The same `infer` that `predict FILE` runs offline. It may fall behind a live source: what it has no room for is left
//! out, and the models then begin anew, as after a gap. The journal never waits for it before the end.

use super::Merged;
use crate::emg::finding::prediction::flag;
use crate::emg::units::{count, float, float_len, seconds};
use crate::emg::{Channel, Prediction, Quality, Stamp};
use crate::infer::{Model, Predictor, Station, Steady};
use crate::pipeline::{ChainChange, CleanBlock, Input};
use crate::recorder::alarms::Kind;
use crate::recorder::vitals::{Shared, Stage};
use crate::session::ModelState;
use crate::store::in_full;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Seconds of a model's history.
const HISTORY: usize = 60;
/// A prediction that comes so many strides after its last row is late.
const LATE_STRIDES: f64 = 2.0;
/// Without work the thread says this often that it lives.
const BEAT_EVERY: Duration = Duration::from_millis(250);

/// What `process` hands over.
pub(in crate::recorder) enum Work {
    /// A recording begins: rows count from 0 again.
    Begin,
    /// The pipeline took an input.
    Step(Box<Step>),
}

/// An input, and what became of it.
pub(in crate::recorder) struct Step {
    pub(super) input: Input,
    pub(super) clean: Arc<CleanBlock>,
    pub(super) quality: Vec<Quality>,
}

/// The models as a screen shows them, shared.
#[derive(Debug, Default)]
pub(in crate::recorder) struct SharedModels(Mutex<Vec<ModelState>>);

impl SharedModels {
    /// A look or a change.
    pub(in crate::recorder) fn lock(&self) -> MutexGuard<'_, Vec<ModelState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is remembered of a model that predicts, beside what `infer` does.
struct Watched {
    /// Its place among all models of the recording.
    model: usize,
    steady: Steady,
    stride_s: f64,
    /// The second its newest history value stands for.
    second: u64,
}

/// The thread.
pub(in crate::recorder) struct Predict {
    models: Vec<Model>,
    channels: Vec<Channel>,
    chains: Option<ChainChange>,
    rate_hz: f64,
    predictor: Option<Predictor>,
    watched: Vec<Watched>,
    shared: Arc<SharedModels>,
    vitals: Arc<Shared>,
    journal: Sender<Prediction>,
    /// Predictions are kept, not only shown.
    recording: bool,
}

impl Predict {
    pub(in crate::recorder) fn new(
        plan: &crate::recorder::Plan,
        shared: Arc<SharedModels>,
        vitals: Arc<Shared>,
        journal: Sender<Prediction>,
    ) -> Self {
        *shared.lock() = plan.models.iter().map(unheard).collect();
        Self {
            models: plan.models.clone(),
            channels: plan.channels.clone(),
            chains: None,
            rate_hz: 0.0,
            predictor: None,
            watched: Vec::new(),
            shared,
            vitals,
            journal,
            recording: !plan.monitor,
        }
    }

    /// Runs until `process` is done.
    pub(in crate::recorder) fn run(mut self, work: &Receiver<Work>) {
        loop {
            self.vitals.beat(Stage::Predict);
            match work.recv_timeout(BEAT_EVERY) {
                Ok(Work::Begin) => {
                    (self.recording, self.chains, self.predictor) = (true, None, None);
                    *self.shared.lock() = self.models.iter().map(unheard).collect();
                }
                Ok(Work::Step(step)) => self.step(&step),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.vitals.waits(Stage::Predict, work.len());
        }
    }

    fn step(&mut self, step: &Step) {
        if let Input::Chains(change) = &step.input {
            self.chains = Some(self.chains.as_ref().merged(change));
            let rate = change.chains.iter().map(|chain| chain.design_rate_hz).fold(0.0, f64::max);
            if rate > 0.0 {
                self.rate_hz = rate;
            }
        }
        if self.predictor.is_none() && self.rate_hz > 0.0 {
            self.begin();
        }
        let Some(predictor) = &mut self.predictor else { return };
        step.quality.iter().for_each(|quality| predictor.judge(quality));
        let predictions = predictor.step(&step.input, &step.clean);
        for (slot, error) in predictor.failures() {
            if let Some(watched) = self.watched.get(slot) {
                let text = in_full(&error);
                self.vitals.report(Kind::Model, Some(format!("a model predicts no more: {text}")));
                if let Some(state) = self.shared.lock().get_mut(watched.model) {
                    state.trouble = text;
                }
            }
        }
        for prediction in predictions {
            self.tell(prediction, step);
        }
    }

    /// Starts the models that fit; those that do not say why.
    fn begin(&mut self) {
        let Some(chains) = self.chains.clone() else { return };
        let station = Station { channels: self.channels.clone(), rate_hz: Some(self.rate_hz), chains };
        let mut fitting = Vec::new();
        self.watched.clear();
        for (at, model) in self.models.iter().enumerate() {
            let card = model.card();
            match station.check(card) {
                Ok(()) => {
                    fitting.push(model.clone());
                    let stride_s = float_len(card.stride) / card.rate_hz;
                    let steady = Steady::new(self.rate_hz);
                    self.watched.push(Watched { model: at, steady, stride_s, second: 0 });
                }
                Err(mismatches) => {
                    if let Some(state) = self.shared.lock().get_mut(at) {
                        state.trouble = mismatches.to_string();
                    }
                }
            }
        }
        self.predictor = Predictor::new(fitting, &station, micros).ok();
    }

    /// Passes a prediction on: to the journal first, then to the screen.
    fn tell(&mut self, mut prediction: Prediction, step: &Step) {
        let Some(watched) = self.watched.get_mut(usize::from(prediction.model)) else { return };
        let latency_s = match &step.input {
            Input::Rows(rows) => {
                let since_last = seconds(Stamp::now().host_ns - rows.stamp.host_ns);
                since_last + float(rows.end().saturating_sub(prediction.end)) / self.rate_hz
            }
            _ => 0.0,
        };
        let late = latency_s > LATE_STRIDES * watched.stride_s;
        if late {
            prediction.flags |= flag::LATE;
        }
        prediction.model = u16::try_from(watched.model).unwrap_or(u16::MAX);
        if self.recording {
            // A journal that has ended takes nothing more, and nobody waits for this one.
            let _ = self.journal.send(prediction.clone());
        }
        let text = || format!("predictions come {latency_s:.1} s late");
        self.vitals.report(Kind::Model, late.then(text));
        let mut all = self.shared.lock();
        if let Some(state) = all.get_mut(watched.model) {
            let label = watched.steady.take(&prediction);
            show(state, watched, label, &prediction, count(float(prediction.end) / self.rate_hz));
            state.latency_ms = latency_s.max(0.0) * 1e3;
        }
    }
}

/// Writes a prediction into what the screen shows of its model.
fn show(state: &mut ModelState, watched: &mut Watched, label: Option<u16>, said: &Prediction, second: u64) {
    let top = said.probabilities.iter().copied().fold(f32::NAN, f32::max);
    let of = |class: u16| said.probabilities.get(usize::from(class)).copied();
    state.probabilities = said.probabilities.iter().copied().map(f64::from).collect();
    state.label = label.and_then(|class| state.classes.get(usize::from(class)).cloned()).unwrap_or_default();
    state.probability = f64::from(label.and_then(of).unwrap_or(top));
    state.flags = said.flags;
    state.late += u64::from(said.flags & flag::LATE != 0);
    state.predictions += 1;
    if second > watched.second || state.history.is_empty() {
        watched.second = second;
        state.history.push(f64::from(top));
        let extra = state.history.len().saturating_sub(HISTORY);
        state.history.drain(..extra);
    } else if let Some(newest) = state.history.last_mut() {
        *newest = newest.max(f64::from(top));
    }
}

/// A model that has said nothing yet.
fn unheard(model: &Model) -> ModelState {
    let card = model.card();
    ModelState {
        name: card.name.clone(),
        note: card.label.clone(),
        classes: card.classes.clone(),
        probability: f64::NAN,
        latency_ms: f64::NAN,
        ..ModelState::default()
    }
}

/// A clock for how long a model takes.
fn micros() -> u64 {
    u64::try_from(Stamp::now().host_ns / 1000).unwrap_or(0)
}
