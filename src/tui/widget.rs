//! PARTS OF A PICTURE that know nothing of the station: dots, sweeps, envelopes, rulers, bars, columns.
//!
//! They draw into a ratatui buffer and hold no state. `view` composes them.

pub(crate) mod bar;
pub(crate) mod columns;
pub(crate) mod dots;
pub(crate) mod envelope;
pub(crate) mod ruler;
pub(crate) mod spark;
pub(crate) mod sweep;

pub(crate) use columns::Column;
pub(crate) use dots::Dots;
pub(crate) use envelope::Envelope;
pub(crate) use spark::Spark;
pub(crate) use sweep::{Span, Sweep};
