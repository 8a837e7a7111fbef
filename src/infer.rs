//! WHAT A MODEL MAKES OF IT: the card that says what a model expects, the model, its predictions row by row.
//!
//! The only room that names tract, and there only `model`. Memory is carried from one run to the next where a card
//! names it, and never otherwise. Called by the recorder's thread `predict` and by `cli`; what both compute is a
//! function of the pipeline's output alone.

pub mod card;
mod error;
mod model;
pub mod station;
pub mod steady;
pub mod stream;

pub use card::Card;
pub use error::{CardError, Error};
pub use model::{Limits, Memory, Model};
pub use station::{Mismatch, Mismatches, Station};
pub use steady::Steady;
pub use stream::Predictor;
