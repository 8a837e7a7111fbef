//! Which channels were bad when, as far as it was known at a row.

use crate::emg::Quality;
use crate::emg::finding::quality::flag;
use crate::emg::units::index;
use std::collections::VecDeque;
use std::ops::Range;

/// What makes a channel bad for a model. Settling and gaps have flags of their own; cross-talk is a hint.
const BAD: u32 = flag::SATURATED | flag::FLAT | flag::OFF | flag::LINE | flag::MOTION | flag::KIND;

/// A second of one channel; `end` is also the row from which on its verdict is known.
#[derive(Clone, Copy, Debug)]
struct Verdict {
    end: u64,
    bad: bool,
}

/// The latest verdicts of every channel.
#[derive(Clone, Debug)]
pub(super) struct Verdicts {
    channels: Vec<VecDeque<Verdict>>,
    /// Rows of a second.
    second: u64,
    /// Rows of the longest window anyone asks about.
    longest: u64,
}

impl Verdicts {
    pub(super) fn new(channels: usize, second: u64, longest: u64) -> Self {
        Self { channels: vec![VecDeque::new(); channels], second, longest }
    }

    /// Takes a second; nobody will ask about windows that end at `row` or before.
    pub(super) fn judge(&mut self, quality: &Quality, row: u64) {
        let Some(verdicts) = self.channels.get_mut(index(u64::from(quality.channel))) else { return };
        let end = quality.sample.saturating_add(self.second);
        verdicts.push_back(Verdict { end, bad: quality.flags & BAD != 0 });
        while verdicts.get(1).is_some_and(|next| next.end <= row)
            && verdicts.front().is_some_and(|first| first.end.saturating_add(self.longest) <= row)
        {
            verdicts.pop_front();
        }
    }

    /// Whether a channel was bad in these rows, by what is known at their end: a verdict holds until the next.
    pub(super) fn is_bad(&self, channel: usize, rows: &Range<u64>) -> bool {
        let verdicts = self.channels.get(channel).into_iter().flatten();
        let known = verdicts.take_while(|verdict| verdict.end <= rows.end);
        known.fold((false, false), |(any, _), verdict| {
            (any || verdict.bad && verdict.end > rows.start, verdict.bad)
        }) != (false, false)
    }
}
