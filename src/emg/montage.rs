//! Which column is which muscle, and what kind of signal its sensor gives.

/// What a channel carries; decides which operators may touch it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// The muscle's own voltage: band-pass, notch, rectify, smooth.
    #[default]
    Raw,
    /// Rectified by the sensor: smooth only.
    Rectified,
    /// Rectified and smoothed by the sensor: baseline and an optional low-pass, nothing else.
    Envelope,
    /// A photodiode, a battery, an accelerometer: stored and shown, never filtered as EMG.
    Aux,
    /// A trigger line.
    Trigger,
}

impl Kind {
    /// All kinds, in the order of their codes in the journal.
    pub const ALL: [Self; 5] = [Self::Raw, Self::Rectified, Self::Envelope, Self::Aux, Self::Trigger];

    /// The word in files and configurations.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Rectified => "rectified",
            Self::Envelope => "envelope",
            Self::Aux => "aux",
            Self::Trigger => "trigger",
        }
    }
}

/// One column of the recording and all that is known of its sensor; unknown numbers are NaN, unknown
/// texts empty, because a guess in a file is read as a fact a year later.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    /// Unique in the recording.
    pub name: String,
    /// What it carries.
    pub kind: Kind,
    /// Muscle, as in the montage.
    pub muscle: String,
    /// `left`, `right`, `midline` or empty.
    pub side: String,
    /// Facial action unit, e.g. `AU12`.
    pub action_unit: String,
    /// Unit of `(raw - offset) x scale`: `count`, `V`, `mV`, or `uV` only where a gain was measured.
    pub unit: String,
    /// Subtracted from raw values.
    pub offset: f64,
    /// Units per raw step.
    pub scale: f64,
    /// Amplifier gain where measured.
    pub gain: f64,
    /// Converter resolution, 0 where unknown.
    pub adc_bits: u8,
    /// Converter reference, volts.
    pub reference_v: f64,
    /// Delay of this channel's conversion behind channel 0, microseconds.
    pub skew_us: f64,
    /// Sensor model.
    pub sensor: String,
    /// Time constant of the sensor's own smoothing, seconds; envelope channels only.
    pub sensor_tau_s: f64,
    /// Electrode type, e.g. `Ag/AgCl`.
    pub electrode: String,
    /// Electrode contact diameter, millimetres.
    pub size_mm: f64,
    /// Centre distance of the pair, millimetres.
    pub spacing_mm: f64,
    /// Skin impedance, kiloohms.
    pub impedance_kohm: f64,
    /// Where it sits, in words.
    pub position: String,
}

impl Channel {
    /// A channel of which only name and kind are known: counts, unit scale.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
            muscle: String::new(),
            side: String::new(),
            action_unit: String::new(),
            unit: "count".to_owned(),
            offset: 0.0,
            scale: 1.0,
            gain: f64::NAN,
            adc_bits: 0,
            reference_v: f64::NAN,
            skew_us: f64::NAN,
            sensor: String::new(),
            sensor_tau_s: f64::NAN,
            electrode: String::new(),
            size_mm: f64::NAN,
            spacing_mm: f64::NAN,
            impedance_kohm: f64::NAN,
            position: String::new(),
        }
    }
}
