//! HOW RAW BECOMES CLEAN: the operators in order, state carried over block borders, spans with settling.
//!
//! Everything the pipeline does is a function of the inputs it was given, in order: the recorder's screen and
//! the projector's file run the same code over the same [`Input`]s. No I/O, no threads, no configuration.

pub mod chain;
#[cfg(test)]
mod golden;
pub mod preset;
pub mod redesign;
pub mod run;
pub mod state;
pub mod zero_phase;

pub use chain::{Chain, ChainChange, Reason, Section, Span, Tracker};
pub use preset::{Baseline, Options, Preset};
pub use redesign::redesign;
pub use run::{CleanBlock, Pipeline};
pub use state::{FilterState, PipelineState, TrackState};
pub use zero_phase::ZeroPhase;

use crate::emg::{Gap, RawBlock};
use std::sync::Arc;

/// One step of a recording, in the order it happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// Rows.
    Rows(Arc<RawBlock>),
    /// A hole; only its filled rows move the recording forward.
    Gap(Gap),
    /// Other chains from a given row on.
    Chains(Arc<ChainChange>),
}
