//! Labels for people: steady where probabilities flicker, and whether models agree.
//!
//! What is stored are the predictions themselves; these are only for a screen.

use crate::emg::Prediction;
use crate::emg::units::{float, narrow};

/// Time constant over which probabilities are averaged, seconds.
const TAU_S: f64 = 0.25;
/// A class becomes the label from here on.
const ENTER: f32 = 0.6;
/// And stops being it below.
const LEAVE: f32 = 0.4;

/// The steady label of one model: a class that won clearly, until it is clearly lost. No label while nothing is clear.
#[derive(Clone, Debug)]
pub struct Steady {
    rate_hz: f64,
    mean: Vec<f32>,
    /// The row after the last prediction's last.
    end: u64,
    label: Option<u16>,
}

impl Steady {
    /// Nothing seen yet, of a recording of this rate, rows per second.
    #[must_use]
    pub fn new(rate_hz: f64) -> Self {
        Self { rate_hz, mean: Vec::new(), end: 0, label: None }
    }

    /// Takes the model's next prediction and says the label then.
    pub fn take(&mut self, prediction: &Prediction) -> Option<u16> {
        let rows = prediction.end.saturating_sub(self.end);
        let seconds = float(rows) / self.rate_hz;
        // After a hole in the predictions, or with a blank memory, nothing before counts.
        let anew = self.mean.len() != prediction.probabilities.len()
            || prediction.first >= self.end
            || seconds.is_nan()
            || seconds > 4.0 * TAU_S;
        if anew {
            self.mean.clone_from(&prediction.probabilities);
            self.label = None;
        } else {
            let share = narrow(1.0 - (-seconds / TAU_S).exp());
            for (mean, now) in self.mean.iter_mut().zip(&prediction.probabilities) {
                *mean += share * (now - *mean);
            }
        }
        self.end = prediction.end;
        self.label = self.winner().or(self.label.filter(|label| self.share(*label) >= LEAVE));
        self.label
    }

    /// The label.
    #[must_use]
    pub fn label(&self) -> Option<u16> {
        self.label
    }

    fn share(&self, label: u16) -> f32 {
        self.mean.get(usize::from(label)).copied().unwrap_or(0.0)
    }

    fn winner(&self) -> Option<u16> {
        (0..).zip(&self.mean).find(|(_, mean)| **mean >= ENTER).map(|(class, _)| class)
    }
}

/// Whether models say the same, each by the word of its label; none while fewer than two have one.
#[must_use]
pub fn agree(labels: &[Option<&str>]) -> Option<bool> {
    let mut said = labels.iter().flatten();
    let first = said.next()?;
    let mut others = said.peekable();
    others.peek()?;
    Some(others.all(|other| other == first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction(end: u64, happy: f32) -> Prediction {
        let probabilities = vec![1.0 - happy, happy];
        Prediction { first: end.saturating_sub(256), end, probabilities, ..Prediction::default() }
    }

    /// The label after each of these shares of class 1, every 50 ms.
    fn labels(shares: &[f32]) -> Vec<Option<u16>> {
        let mut steady = Steady::new(1000.0);
        (1..).zip(shares).map(|(at, share)| steady.take(&prediction(1000 + 50 * at, *share))).collect()
    }

    #[test]
    fn a_flicker_does_not_change_the_label_and_a_change_does() {
        let mut shares = vec![0.9; 10];
        shares.extend([0.1, 0.9, 0.1, 0.9, 0.9]);
        assert!(labels(&shares).iter().all(|label| *label == Some(1)));
        shares.extend([0.05; 20]);
        let after = labels(&shares);
        assert_eq!(after.last(), Some(&Some(0)));
        let changes = after.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(changes <= 2, "1, perhaps none, 0: {after:?}");
    }

    #[test]
    fn nothing_clear_is_no_label() {
        assert_eq!(labels(&[0.5; 20]).last(), Some(&None));
    }

    #[test]
    fn after_a_hole_nothing_before_counts() {
        let mut steady = Steady::new(1000.0);
        assert_eq!(steady.take(&prediction(1000, 1.0)), Some(1));
        assert_eq!(steady.take(&prediction(9000, 0.5)), None);
    }

    #[test]
    fn models_agree_by_words_and_only_when_two_have_spoken() {
        assert_eq!(agree(&[Some("joy"), None]), None);
        assert_eq!(agree(&[Some("joy"), None, Some("joy")]), Some(true));
        assert_eq!(agree(&[Some("joy"), Some("anger")]), Some(false));
    }
}
