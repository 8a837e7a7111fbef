//! What is wrong with a window: rows missing from it, rows of two stretches of time in it, filters not settled.

use crate::dsp::features::Window;
use crate::pipeline::Span;

/// The spans that windows to come may meet, channel by channel.
#[derive(Debug)]
pub(super) struct Flaws {
    spans: Vec<Vec<Span>>,
}

impl Flaws {
    pub(super) fn new(channels: usize) -> Self {
        Self { spans: vec![Vec::new(); channels] }
    }

    /// Takes spans in order of rows, also those ahead of the next window. One that runs on over the border of a
    /// segment comes twice, which does no harm.
    pub(super) fn hear(&mut self, spans: &[Span]) {
        for span in spans {
            if let Some(own) = self.spans.get_mut(usize::from(span.channel)) {
                own.push(*span);
            }
        }
    }

    /// Words for a window of a channel: `gap` for missing values, why a span begins within it, `settling` where rows
    /// of it come before the span's filters settled.
    pub(super) fn of(&self, window: &Window<'_>, channel: usize) -> Vec<&'static str> {
        let mut words = Vec::new();
        if !window.is_whole(channel) {
            words.push("gap");
        }
        let met = self.spans[channel].iter().filter(|span| span.sample < window.end());
        for span in met {
            if span.sample > window.sample && !words.contains(&span.reason.word()) {
                words.push(span.reason.word());
            }
            if span.settled_sample > window.sample.max(span.sample) && !words.contains(&"settling") {
                words.push("settling");
            }
        }
        words
    }

    /// Lets go of what no window from this row on can meet.
    pub(super) fn forget(&mut self, sample: u64) {
        for spans in &mut self.spans {
            spans.retain(|span| span.sample > sample || span.settled_sample > sample);
        }
    }
}
