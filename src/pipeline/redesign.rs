//! Other filters for a recording that exists: the same rates from the same rows on, designed anew.
//!
//! After the fact the rate is known from the beginning, so rows that ran unfiltered until it was measured are
//! filtered too. Called by `clean`.

use super::preset::{self, Occasion, Options};
use super::{Chain, ChainChange, Reason};
use crate::emg::Channel;
use crate::emg::units::small;

/// The changes a recording would have had under `options`, and what a person must be told about them; a sentence where
/// no rate of the recording is known, or one cannot carry these filters.
pub fn redesign(
    channels: &[Channel],
    options: &Options,
    changes: &[ChainChange],
) -> Result<(Vec<ChainChange>, Vec<String>), String> {
    let brought: Vec<&Chain> = changes.iter().flat_map(|change| &change.chains).collect();
    let rate_of = |change: &ChainChange| {
        let assigned = brought.iter().filter(|chain| change.assignment.contains(&chain.id));
        assigned.map(|chain| chain.design_rate_hz).find(|rate| *rate > 0.0)
    };
    let first_known = changes.iter().find_map(rate_of).ok_or("its rate is not known")?;
    let (mut anew, mut remarks): (Vec<ChainChange>, Vec<String>) = (Vec::new(), Vec::new());
    let mut in_force = None;
    for change in changes {
        let rate_hz = rate_of(change).or(in_force).unwrap_or(first_known);
        if in_force.replace(rate_hz) == Some(rate_hz) {
            continue;
        }
        preset::admit(channels, options, Some(rate_hz))?;
        let occasion = Occasion {
            sample: change.sample,
            reason: if anew.is_empty() { Reason::Start } else { Reason::Rate },
            rate_hz: Some(rate_hz),
            decimation: change.decimation,
            first_id: small(anew.iter().map(|change| change.chains.len()).sum()),
        };
        let (change, said) = preset::chains(channels, options, &occasion);
        anew.push(change);
        remarks.extend(said);
    }
    Ok((anew, remarks))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emg::Kind;
    use crate::pipeline::Preset;

    fn change(sample: u64, reason: Reason, rate_hz: Option<f64>, first_id: u32) -> ChainChange {
        let occasion = Occasion { sample, reason, rate_hz, decimation: 10, first_id };
        preset::chains(&channels(), &Options::default(), &occasion).0
    }

    fn channels() -> Vec<Channel> {
        vec![Channel::new("a", Kind::Raw), Channel::new("b", Kind::Aux)]
    }

    #[test]
    fn a_rate_that_was_measured_late_holds_from_the_first_row() {
        let as_it_was = [
            change(0, Reason::Start, None, 0),
            change(9000, Reason::Rate, Some(904.0), 2),
            change(50_000, Reason::Change, Some(904.0), 4),
            change(90_000, Reason::Rate, Some(1000.0), 6),
        ];
        let wish = Options { preset: Preset::Band { low: 30.0, high: 200.0 }, ..Options::default() };
        let (anew, remarks) = redesign(&channels(), &wish, &as_it_was).unwrap();
        assert!(remarks.is_empty(), "{remarks:?}");
        let said: Vec<_> = anew.iter().map(|c| (c.sample, c.reason, c.chains[0].design_rate_hz)).collect();
        assert_eq!(said, [(0, Reason::Start, 904.0), (90_000, Reason::Rate, 1000.0)]);
        assert_eq!(anew[1].chains.iter().map(|chain| chain.id).collect::<Vec<_>>(), [2, 3]);
        assert!(anew.iter().all(|change| change.chains[0].words == "BP30-200 N50+h Q10"));
    }

    #[test]
    fn what_cannot_be_is_refused_in_a_sentence() {
        let unknown = [change(0, Reason::Start, None, 0)];
        assert_eq!(
            redesign(&channels(), &Options::default(), &unknown).unwrap_err(),
            "its rate is not known"
        );
        let slow = [change(0, Reason::Start, Some(200.0), 0)];
        let wish = Options { preset: Preset::Startle28, ..Options::default() };
        let why = redesign(&channels(), &wish, &slow).unwrap_err();
        assert!(why.contains("200 rows/s, which cannot carry EMG above 90 Hz"), "{why}");
    }
}
