//! WHAT IS RECORDED: channels, blocks of samples, gaps, markers, clocks, as plain values.
//!
//! Nothing here does I/O, spawns, or derives serde: `store` and `ipc` keep their own wire twins.
//! Every other room speaks in these types.

pub mod artefact;
pub mod block;
pub mod clock;
pub mod gap;
pub mod marker;
pub mod montage;
pub mod truth;
pub mod units;

pub use artefact::Artefact;
pub use block::{RawBlock, SampleType, Samples};
pub use clock::{ClockOffset, Stamp};
pub use gap::{Cause, Gap};
pub use marker::Marker;
pub use montage::{Channel, Kind};
pub use truth::Truth;
