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
    /// Greatest difference between contractions, share of the greatest; NaN with fewer than two.
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

/// The calibration of a channel that holds at a row, out of all rows of a recording in their order: the newest one
/// of the same application of the electrodes, whether it was kept before the row or after. An application ends at
/// the sample of a row that is not valid.
#[must_use]
pub fn in_force(rows: &[Calibration], channel: u16, row: u64) -> Option<&Calibration> {
    let mine = || rows.iter().filter(|kept| kept.channel == channel);
    let applications = mine().filter(|kept| !kept.valid && kept.sample <= row).count();
    let mut ended = 0;
    let mut found = None;
    for kept in mine() {
        if !kept.valid {
            ended += 1;
        } else if ended == applications {
            found = Some(kept);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calibration_holds_for_one_application_of_the_electrodes_before_it_and_after_it() {
        let kept = |sample, mvc| Calibration { sample, mvc, valid: true, ..Calibration::default() };
        let moved = |sample| Calibration { sample, valid: false, ..Calibration::default() };
        let other = Calibration { channel: 1, ..kept(50, 9.0) };
        let rows = [kept(100, 1.0), other, kept(200, 2.0), moved(300), moved(400), kept(900, 3.0)];
        let mvc = |row| in_force(&rows, 0, row).map(|kept| kept.mvc);
        assert_eq!(
            [mvc(0), mvc(150), mvc(299)],
            [Some(2.0); 3],
            "the newest counts, also for what was before it"
        );
        assert_eq!([mvc(300), mvc(399)], [None; 2], "the electrodes were moved and nothing was measured");
        assert_eq!([mvc(400), mvc(5000)], [Some(3.0); 2]);
        assert_eq!((in_force(&rows, 1, 0).map(|kept| kept.mvc), in_force(&rows, 2, 0)), (Some(9.0), None));
        assert!((kept(0, 11.0).percent(5.5) - 50.0).abs() < 1e-12 && kept(0, 0.0).percent(1.0).is_nan());
    }
}
