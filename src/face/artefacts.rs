//! Rules that reject stretches.

use super::observe::{Findings, Look};
use super::state::{Reel, Tape};
use crate::emg::Channel;

/// Rules that reject stretches.
#[derive(Clone, Debug)]
pub struct Artefacts {}

impl Artefacts {
    /// Before the first row.
    #[must_use]
    pub fn new(_channels: &[Channel]) -> Self {
        Self {}
    }

    /// Takes the next rows.
    pub fn look(&mut self, _look: &Look<'_>, _found: &mut Findings) {}

    /// The recording ends at `row`.
    pub fn finish(&mut self, _row: u64, _found: &mut Findings) {}

    /// Puts down what is carried on.
    pub fn save(&self, _tape: &mut Tape) {}

    /// Takes up what was put down.
    pub fn load(&mut self, _reel: &mut Reel<'_>) -> Option<()> {
        Some(())
    }
}
