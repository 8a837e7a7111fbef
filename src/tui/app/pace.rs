//! How fast markers are pressed: a hand marks, text that is typed into the wrong window sets one after the other.

use crate::emg::Stamp;
use std::collections::VecDeque;

/// How far back it is looked.
const LOOK_BACK_NS: i64 = 1_000_000_000;
/// More different markers in that time are no hand's.
const DIFFERENT: usize = 6;
/// The doubt is said for so long after it arose.
const SAID_NS: i64 = 5_000_000_000;

/// The markers of the last second.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    recent: VecDeque<(i64, String)>,
    doubted: Option<Stamp>,
}

impl Pace {
    /// A marker was pressed; whether this looks like typing.
    pub(crate) fn press(&mut self, label: &str, at: Stamp) -> bool {
        self.recent.push_back((at.host_ns, label.to_owned()));
        while self.recent.front().is_some_and(|(since, _)| at.host_ns - since >= LOOK_BACK_NS) {
            self.recent.pop_front();
        }
        let mut labels: Vec<&str> = self.recent.iter().map(|(_, label)| label.as_str()).collect();
        labels.sort_unstable();
        labels.dedup();
        let typing = labels.len() > DIFFERENT;
        if typing {
            self.doubted = Some(at);
        }
        typing
    }

    /// When the last presses looked like typing, if that is not long ago.
    pub(crate) fn doubted(&self, now: Stamp) -> Option<Stamp> {
        self.doubted.filter(|since| now.host_ns - since.host_ns < SAID_NS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Stamp {
        Stamp { host_ns: ms * 1_000_000, utc_ns: 0 }
    }

    #[test]
    fn a_word_typed_into_the_dashboard_is_doubted_and_taps_are_not() {
        let mut pace = Pace::default();
        let typed: Vec<bool> =
            (0..9).zip("abcdefghi".chars()).map(|(n, c)| pace.press(&c.to_string(), at(n * 100))).collect();
        assert_eq!(typed, [false, false, false, false, false, false, true, true, true]);
        assert!(pace.doubted(at(5000)).is_some() && pace.doubted(at(6000)).is_none());
        let mut pace = Pace::default();
        assert!((0..50).all(|n| !pace.press(if n % 2 == 0 { "left" } else { "right" }, at(n * 90))));
    }
}
