//! Filter chains as data, and the spans over which they hold.

pub use crate::dsp::Section;
pub use crate::dsp::envelope::Tracker;

/// A chain: sections before rectification, sections after it, and what a reader must know of both.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// Unique in the recording, counted from 0.
    pub id: u32,
    /// Sections whose output is `/clean/samples`, not rectified; none = identity.
    pub sections: Vec<Section>,
    /// Sections that smooth the rectified signal into the envelope; none = no smoothing.
    pub envelope_sections: Vec<Section>,
    /// Whether the envelope path rectifies first (kind raw) or takes the signal as it is.
    pub rectify: bool,
    /// The floor that is taken away from the smoothed envelope; none leaves it where it is.
    pub tracker: Option<Tracker>,
    /// Rows per second the sections were designed for; 0 for an identity whose rate is not known.
    pub design_rate_hz: f64,
    /// For people, e.g. `BP20-450 N50+h Q10`: band-pass, notches at the mains and its harmonics.
    pub words: String,
    /// Group delay of `sections` at the geometric mean of their band edges, rows; 0 without sections.
    pub delay_samples: f64,
    /// Rows after a start until the transient is below 1 % of its beginning: those of `sections` and then those
    /// of `envelope_sections`, each as [`crate::dsp::response::settle_rows`] counts them, and then those of `tracker`.
    /// Its floor follows the envelope both ways until then.
    pub settle_rows: u64,
}

impl Chain {
    /// How many memories a state of its envelope path has.
    #[must_use]
    pub fn envelope_memories(&self) -> usize {
        self.envelope_sections.len() + usize::from(self.tracker.is_some())
    }

    /// Whether its envelope was put on its own baseline, so that rest is about 0: by a floor that is tracked, or by a
    /// section that lets nothing through at 0 Hz.
    #[must_use]
    pub fn takes_baseline(&self) -> bool {
        self.tracker.is_some() || self.envelope_sections.iter().any(blocks_rest)
    }
}

/// Whether a section lets nothing through at 0 Hz.
#[must_use]
pub fn blocks_rest([b0, b1, b2, ..]: &Section) -> bool {
    (b0 + b1 + b2).abs() <= 1e-9 * (b0.abs() + b1.abs() + b2.abs())
}

/// Why a span begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// First rows.
    Start,
    /// First rows after a gap.
    Gap,
    /// Another chain was chosen.
    Change,
    /// The design rate became known or was wrong.
    Rate,
    /// The device came back.
    Reconnect,
}

impl Reason {
    /// All reasons, in the order of their codes in the journal.
    pub const ALL: [Self; 5] = [Self::Start, Self::Gap, Self::Change, Self::Rate, Self::Reconnect];

    /// The word in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Gap => "gap",
            Self::Change => "change",
            Self::Rate => "rate",
            Self::Reconnect => "reconnect",
        }
    }

    /// The reason that is kept when two fall on the same row: the one that says more about what is missing before
    /// it. That the chain changed too is seen by its id.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        const RANKING: [Reason; 5] =
            [Reason::Start, Reason::Reconnect, Reason::Gap, Reason::Rate, Reason::Change];
        if RANKING.into_iter().find(|&reason| reason == self || reason == other) == Some(self) {
            self
        } else {
            other
        }
    }
}

/// Which chain holds on each channel from a row on; coefficients included, so that nobody redesigns them.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainChange {
    /// First row under the new chains.
    pub sample: u64,
    /// Why.
    pub reason: Reason,
    /// Rows per envelope row, the same in the whole recording.
    pub decimation: u32,
    /// Chains this change brings; ids continue those of earlier changes.
    pub chains: Vec<Chain>,
    /// For each channel the id of its chain.
    pub assignment: Vec<u32>,
}

/// A run of rows on one channel during which a chain's state was continuous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First row.
    pub sample: u64,
    /// Channel index.
    pub channel: u16,
    /// Chain id.
    pub chain: u32,
    /// First row whose transient is below 1 %.
    pub settled_sample: u64,
    /// Why it begins here.
    pub reason: Reason,
}
