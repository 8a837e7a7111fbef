//! What a simulated face really did: the answer key of its recording.

/// One movement of one muscle of the simulated face.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// First active row.
    pub onset: u64,
    /// Row after the last active one.
    pub end: u64,
    /// Channel index.
    pub channel: u16,
    /// The expression or artefact it is part of, e.g. `happiness`, `blink`.
    pub expression: String,
    /// Share of the muscle's maximum, 0 to 1.
    pub level: f64,
}
