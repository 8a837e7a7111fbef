//! Muscle events: when a muscle was active, how strongly, and how sure that is.

/// What an event is by EMG alone. A brief event is a candidate for a micro-expression, never one by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Class {
    /// 40 to 500 ms.
    Brief,
    /// 0.5 to 4 s.
    Macro,
    /// Longer than 4 s.
    Sustained,
    /// A blink: orbicularis oculi, 100 to 300 ms.
    Blink,
    /// Swallow, speech, chewing, cable step or motion.
    Artefact,
    /// Its duration, with its interval, spans a border between classes.
    #[default]
    Undetermined,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 6] =
        [Self::Brief, Self::Macro, Self::Sustained, Self::Blink, Self::Artefact, Self::Undetermined];

    /// The word in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Brief => "brief",
            Self::Macro => "macro",
            Self::Sustained => "sustained",
            Self::Blink => "blink",
            Self::Artefact => "artefact",
            Self::Undetermined => "undetermined",
        }
    }
}

/// What may be concluded from an event, given what is known beside the EMG.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing beyond its class.
    #[default]
    None,
    /// It may be a micro-expression; EMG alone cannot say.
    Candidate,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 2] = [Self::None, Self::Candidate];

    /// The word in files; empty for none.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Candidate => "candidate",
        }
    }
}

/// One muscle event. Numbers that are not known are NaN.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// First row of activity.
    pub onset: u64,
    /// Row of the greatest activity.
    pub apex: u64,
    /// The row after the last active one.
    pub end: u64,
    /// The channel.
    pub channel: u16,
    /// What it is.
    pub class: Class,
    /// Greatest activity above rest, in the channel's unit.
    pub peak: f64,
    /// `peak` as a share of the maximum voluntary contraction, percent.
    pub mvc_percent: f64,
    /// Activity over the noise floor, decibels.
    pub snr_db: f64,
    /// From 10 % to 90 % of the peak, microseconds.
    pub rise_us: f64,
    /// Standard uncertainty of the onset, microseconds.
    pub onset_uncertainty_us: f64,
    /// Duration without the sensor's own smoothing, microseconds.
    pub duration_corrected_us: f64,
    /// Lower end of that duration's interval, microseconds.
    pub duration_low_us: f64,
    /// Upper end of that duration's interval, microseconds.
    pub duration_high_us: f64,
    /// What may be concluded.
    pub verdict: Verdict,
}
