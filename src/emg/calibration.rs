//! Rest and maximum voluntary contraction of a channel, valid for one application of its electrodes.

/// One channel's calibration, as the operator accepted it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    /// The channel.
    pub channel: u16,
    /// Mean of the envelope at rest, in the channel's unit.
    pub rest_mean: f64,
    /// Its standard deviation.
    pub rest_sd: f64,
    /// Best 500 ms mean of the envelope over the contractions, in the channel's unit.
    pub mvc: f64,
    /// Contractions.
    pub trials: u16,
    /// Greatest difference between contractions, share of the greatest.
    pub spread: f64,
    /// Row at which it was accepted; it holds for the whole application of the electrodes, also before.
    pub sample: u64,
    /// Who accepted it.
    pub accepted_by: String,
    /// False where it was taken back, or the electrodes were taken off.
    pub valid: bool,
}

impl Calibration {
    /// An envelope value as percent of the maximum voluntary contraction: `100 (A - rest) / (MVC - rest)`; may
    /// exceed 100. NaN where the contraction was no greater than rest.
    #[must_use]
    pub fn percent(&self, level: f64) -> f64 {
        let range = self.mvc - self.rest_mean;
        if range > 0.0 { 100.0 * (level - self.rest_mean) / range } else { f64::NAN }
    }
}
