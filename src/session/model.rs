//! A model's rolling predictions as a screen shows them.

/// One model at one moment. Unknown numbers are NaN.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelState {
    /// Its base name.
    pub name: String,
    /// What its card says about it, e.g. that it is a demonstration.
    pub note: String,
    /// Its classes.
    pub classes: Vec<String>,
    /// Their newest probabilities, empty before the first prediction.
    pub probabilities: Vec<f64>,
    /// The class that holds, by hysteresis; empty before there is one.
    pub label: String,
    /// Its newest probability.
    pub probability: f64,
    /// Bits of [`crate::emg::finding::prediction::flag`] of the newest prediction.
    pub flags: u32,
    /// From the window's last row to the prediction, milliseconds.
    pub latency_ms: f64,
    /// Predictions that came later than two strides after their last row.
    pub late: u64,
    /// Predictions made.
    pub predictions: u64,
    /// Greatest probability in each of the last 60 seconds, oldest first.
    pub history: Vec<f64>,
    /// Why it makes no predictions; empty while it does.
    pub trouble: String,
}
