//! WHAT A FACE DOES: muscles and the action units they make (`table`), and what is found in their signals: quality,
//! artefacts, events. All of it is a function of the pipeline's inputs and outputs, row by row.

pub mod artefacts;
pub mod calibration;
pub mod events;
pub mod observe;
pub mod quality;
pub mod state;
pub mod table;
#[cfg(test)]
mod tests;

pub use observe::{Findings, Look, Observer};
