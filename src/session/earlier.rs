//! Calibrations of earlier recordings of the same subject. They belong to other applications of the electrodes, so
//! they are shown beside what is measured now and never used.

use crate::emg::Channel;
use std::sync::{Arc, OnceLock};

/// What an earlier recording knew of one muscle.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Earlier {
    /// The recording in BIDS entities, e.g. `ses-01 task-faces run-02`.
    pub recording: String,
    /// Day it began, ISO 8601.
    pub day: String,
    /// Name of the channel.
    pub channel: String,
    /// The muscle, empty where none was said.
    pub muscle: String,
    /// Its side.
    pub side: String,
    /// Unit of the values.
    pub unit: String,
    /// Mean of the envelope at rest.
    pub rest: f64,
    /// Best 500 ms mean of the envelope at maximal contraction.
    pub mvc: f64,
}

/// Newest recording first; filled once by whoever reads files, while a screen looks already.
pub type Shelf = Arc<OnceLock<Vec<Earlier>>>;

impl Earlier {
    /// Whether it is of the muscle this channel lies on; the channel's name counts where no muscle is said.
    #[must_use]
    pub fn is_of(&self, channel: &Channel) -> bool {
        if self.muscle.is_empty() || channel.muscle.is_empty() {
            self.channel == channel.name
        } else {
            (&self.muscle, &self.side) == (&channel.muscle, &channel.side)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emg::Kind;

    #[test]
    fn a_muscle_is_known_again_under_another_name_and_never_on_the_other_side() {
        let on = |name: &str, muscle: &str, side: &str| {
            let mut channel = Channel::new(name, Kind::Raw);
            (channel.muscle, channel.side) = (muscle.to_owned(), side.to_owned());
            channel
        };
        let zyg = ["zygomaticus major", "left"].map(str::to_owned);
        let [muscle, side] = zyg;
        let earlier = Earlier { channel: "ch1".into(), muscle, side, ..Earlier::default() };
        assert!(earlier.is_of(&on("ZYG-L", "zygomaticus major", "left")));
        assert!(!earlier.is_of(&on("ch1", "zygomaticus major", "right")));
        assert!(earlier.is_of(&on("ch1", "", "")) && !earlier.is_of(&on("ch2", "", "")));
    }
}
