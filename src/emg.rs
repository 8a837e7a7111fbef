//! WHAT IS RECORDED: channels, blocks of samples, gaps, markers, clocks, as plain values.
//!
//! Nothing here does I/O, spawns, or derives serde: `store` and `ipc` keep their own wire twins.
//! Every other room speaks in these types.

pub mod block;
pub mod calibration;
pub mod clock;
pub mod finding;
pub mod gap;
pub mod marker;
pub mod montage;
pub mod truth;
pub mod units;

pub use block::{RawBlock, SampleType, Samples};
pub use calibration::Calibration;
pub use clock::{ClockOffset, Stamp};
pub use finding::{Artefact, Event, Prediction, Preflight, Quality, artefact};
pub use gap::{Cause, Gap};
pub use marker::Marker;
pub use montage::{Channel, Kind};
pub use truth::Truth;
