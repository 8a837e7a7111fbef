//! WHAT IS FOUND in a recording, by a rule, a model or a person; the signal itself is never changed by it.

pub mod artefact;
pub mod event;
pub mod prediction;
pub mod preflight;
pub mod quality;

pub use artefact::Artefact;
pub use event::Event;
pub use prediction::Prediction;
pub use preflight::Preflight;
pub use quality::Quality;
