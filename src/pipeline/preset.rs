//! Which filters a recording runs: what was wished for, fitted to what the source's rate can carry.
//!
//! Designs once, when a recording begins or its rate becomes known; from then on coefficients travel with the data.
//! Called by the recorder and by commands that clean a file anew.

mod baseline;
mod notches;

pub use baseline::Baseline;
pub use notches::Notches;

use super::{Chain, ChainChange, Reason, Section, Tracker};
use crate::dsp::design::{Band, butterworth, notch};
use crate::dsp::response::{group_delay, settle_rows};
use crate::emg::units::{length, small};
use crate::emg::{Channel, Kind};

/// Order of the band-pass where none is asked for; it has twice as many poles.
const BAND_ORDER: u32 = 4;
/// Steeper band-passes ring longer than a micro-expression lasts.
pub const STEEPEST: u32 = 8;
/// Mains frequencies that make sense, Hz: railways have 16.7, ships and aircraft 400.
pub const MAINS_HZ: std::ops::RangeInclusive<f64> = 10.0..=400.0;
/// Q of the notches: sharper ones ring as long as a micro-expression lasts.
const NOTCH_Q: f64 = 10.0;
/// The default band, Hz (van Boxtel 2001: high-pass 15-25 Hz, low-pass 400-500 Hz).
const DEFAULT_BAND: (f64, f64) = (20.0, 450.0);
/// Band of the blink reflex, Hz.
const STARTLE_BAND: (f64, f64) = (28.0, 500.0);
/// Edges of a band stay below this share of the rate.
const USABLE: f64 = 0.45;
/// Edges and width of a band are at least this share of the rate: less takes minutes to settle.
const FINEST: f64 = 1e-4;
/// Below this upper edge, Hz, nothing worth a band-pass is left of the default band.
const NARROWEST: f64 = 25.0;
/// Edge and order of the envelope's low-pass.
const ENVELOPE_HZ: f64 = 20.0;
const ENVELOPE_ORDER: u32 = 2;
/// Envelope rows per second, about.
const ENVELOPE_RATE_HZ: f64 = 100.0;

/// Which filters are wished for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Frequency of the mains, Hz.
    pub line_hz: f64,
    /// The band.
    pub preset: Preset,
    /// Order of the band-pass, 1 to [`STEEPEST`].
    pub order: u32,
    /// Where notches stand.
    pub notches: Notches,
    /// What takes slow drift out of the envelope.
    pub baseline: Baseline,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            line_hz: 50.0,
            preset: Preset::Default,
            order: BAND_ORDER,
            notches: Notches::Auto,
            baseline: Baseline::Off,
        }
    }
}

/// As a log says it: band and mains, then what is not as usual.
impl std::fmt::Display for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, mains {} Hz", self.preset, self.line_hz)?;
        if self.order != BAND_ORDER {
            write!(f, ", order {}", self.order)?;
        }
        if !self.notches.are_auto() {
            write!(f, ", notches {}", self.notches)?;
        }
        match self.baseline {
            Baseline::Off => Ok(()),
            Baseline::HighPass(hz) => write!(f, ", envelope baseline {hz} Hz"),
            track @ Baseline::Track { .. } => write!(f, ", envelope baseline {track}"),
        }
    }
}

/// A band, by name or by its edges.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Preset {
    /// 20-450 Hz, its upper edge lowered to what the rate can carry.
    #[default]
    Default,
    /// 28-500 Hz, for the blink reflex.
    Startle28,
    /// No filter at all.
    Off,
    /// A band-pass between these edges, Hz.
    Band {
        /// Lower edge.
        low: f64,
        /// Upper edge.
        high: f64,
    },
}

impl Preset {
    /// Reads `default`, `startle-28`, `off` or a band such as `20-450`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "default" => Self::Default,
            "startle-28" => Self::Startle28,
            "off" => Self::Off,
            band => {
                let (low, high) = band.split_once('-')?;
                let edge =
                    |text: &str| text.trim().parse::<f64>().ok().filter(|hz| hz.is_finite() && *hz > 0.0);
                let (low, high) = (edge(low)?, edge(high)?);
                (low < high).then_some(Self::Band { low, high })?
            }
        })
    }
}

impl std::fmt::Display for Preset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Startle28 => f.write_str("startle-28"),
            Self::Off => f.write_str("off"),
            Self::Band { low, high } => write!(f, "{low}-{high}"),
        }
    }
}

/// When and why chains begin to hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Occasion {
    /// First row under them.
    pub sample: u64,
    /// Why.
    pub reason: Reason,
    /// Rows per second to design for; none while it is not known, which gives the identity everywhere.
    pub rate_hz: Option<f64>,
    /// Rows per envelope row.
    pub decimation: u32,
    /// Id of the first chain, one above the highest used so far.
    pub first_id: u32,
}

/// Rows per envelope row for about 100 envelope rows a second; 10 where the rate is not known.
#[must_use]
pub fn decimation(rate_hz: Option<f64>) -> u32 {
    rate_hz.map_or(10, |rate| small(length(rate / ENVELOPE_RATE_HZ)).max(1))
}

/// The chains for these channels, one for each kind, and what a person must be told about them.
#[must_use]
pub fn chains(channels: &[Channel], options: &Options, occasion: &Occasion) -> (ChainChange, Vec<String>) {
    let mut kinds: Vec<Kind> = Vec::new();
    let mut chains = Vec::new();
    let mut remarks = Vec::new();
    let mut assign = |kind: Kind| {
        let place = kinds.iter().position(|&other| other == kind).unwrap_or_else(|| {
            let (recipe, said) = Recipe::of(kind, options, occasion.rate_hz);
            kinds.push(kind);
            chains.push(recipe.chain(occasion.first_id + small(chains.len())));
            // Rectified signals and envelopes would say the same thing twice.
            for remark in said {
                if !remarks.contains(&remark) {
                    remarks.push(remark);
                }
            }
            kinds.len() - 1
        });
        occasion.first_id + small(place)
    };
    let assignment = channels.iter().map(|channel| assign(channel.kind)).collect();
    let Occasion { sample, reason, decimation, .. } = *occasion;
    (ChainChange { sample, reason, decimation, chains, assignment }, remarks)
}

/// Whether a source of this rate can carry these filters; a sentence where it cannot. An unknown rate carries all.
pub fn admit(channels: &[Channel], options: &Options, rate_hz: Option<f64>) -> Result<(), String> {
    let filtered = options.preset != Preset::Off && channels.iter().any(|channel| channel.kind == Kind::Raw);
    match rate_hz {
        Some(rate_hz) if filtered => band(options.preset, rate_hz).map(drop),
        _ => Ok(()),
    }
}

/// What a chain consists of, in words of frequencies.
#[derive(Clone, Debug, Default)]
struct Recipe {
    /// 0 where unknown.
    rate_hz: f64,
    band: Option<(f64, f64)>,
    order: u32,
    notches: Vec<f64>,
    /// They are the mains and its harmonics.
    of_mains: bool,
    rectify: bool,
    smooth: bool,
    baseline: Baseline,
}

impl Recipe {
    /// What fits a kind of channel at a rate, and remarks where that is not what was wished for.
    fn of(kind: Kind, options: &Options, rate_hz: Option<f64>) -> (Self, Vec<String>) {
        let known = |rate: &f64| rate.is_finite() && *rate > 0.0;
        let Some(rate_hz) = rate_hz.filter(known) else {
            return (Self::default(), Vec::new());
        };
        let identity = Self { rate_hz, ..Self::default() };
        let smooth = ENVELOPE_HZ < USABLE * rate_hz;
        let baseline = if smooth { options.baseline } else { Baseline::Off };
        match kind {
            _ if options.preset == Preset::Off => (identity, Vec::new()),
            Kind::Aux | Kind::Trigger => (identity, Vec::new()),
            Kind::Rectified | Kind::Envelope if smooth => (Self { smooth, baseline, ..identity }, Vec::new()),
            Kind::Rectified | Kind::Envelope => {
                let remark = format!(
                    "this source gives {} rows/s, too few to smooth at {} Hz: the envelope is the signal itself",
                    Number(rate_hz),
                    Number(ENVELOPE_HZ)
                );
                (identity, vec![remark])
            }
            Kind::Raw => match band(options.preset, rate_hz) {
                Ok((band, remark)) => {
                    let remarks = remark.into_iter().chain(options.notches.remark(band)).collect();
                    let recipe = Self {
                        band: Some(band),
                        order: options.order,
                        notches: options.notches.within(band, options.line_hz),
                        of_mains: options.notches.are_auto(),
                        rectify: true,
                        smooth,
                        baseline,
                        ..identity
                    };
                    (recipe, remarks)
                }
                Err(why) => {
                    (identity, vec![format!("{why}: no filter runs, the cleaned signal is the raw one")])
                }
            },
        }
    }

    /// Designs the filters.
    fn chain(&self, id: u32) -> Chain {
        let (mut sections, mut delay_samples): (Vec<Section>, f64) = (Vec::new(), 0.0);
        if let Some((low, high)) = self.band {
            sections = butterworth(self.order, Band::BandPass(low, high), self.rate_hz);
            sections.extend(self.notches.iter().map(|&hz| notch(hz, NOTCH_Q, self.rate_hz)));
            delay_samples = group_delay(&sections, (low * high).sqrt(), self.rate_hz);
        }
        let low_pass = || butterworth(ENVELOPE_ORDER, Band::LowPass(ENVELOPE_HZ), self.rate_hz);
        let mut envelope_sections = if self.smooth { low_pass() } else { Vec::new() };
        let mut tracker = None;
        match self.baseline {
            Baseline::Off => {}
            Baseline::HighPass(hz) => {
                envelope_sections.extend(butterworth(1, Band::HighPass(hz), self.rate_hz));
            }
            Baseline::Track { fall_s, rise_s } => tracker = Some(Tracker::new(fall_s, rise_s, self.rate_hz)),
        }
        let settle_rows = settle_rows(&sections)
            + settle_rows(&envelope_sections)
            + tracker.as_ref().map_or(0, Tracker::settle_rows);
        Chain {
            id,
            sections,
            envelope_sections,
            rectify: self.rectify,
            tracker,
            design_rate_hz: self.rate_hz,
            words: self.words(),
            delay_samples,
            settle_rows,
        }
    }

    fn words(&self) -> String {
        let baseline = self.baseline.operator();
        let Some((low, high)) = self.band else {
            return if self.smooth {
                format!("env LP{}{baseline}", Number(ENVELOPE_HZ))
            } else {
                "no filter".to_owned()
            };
        };
        let at: Vec<String> = self.notches.iter().map(|&hz| Number(hz).to_string()).collect();
        let notches = match &at[..] {
            [] => String::new(),
            [first, _, ..] if self.of_mains => format!(" N{first}+h Q{}", Number(NOTCH_Q)),
            all => format!(" N{} Q{}", all.join(","), Number(NOTCH_Q)),
        };
        let order = if self.order == BAND_ORDER { String::new() } else { format!(" order {}", self.order) };
        let place = if baseline.is_empty() { "" } else { " on the envelope" };
        format!("BP{}-{}{order}{notches}{baseline}{place}", Number(low), Number(high))
    }
}

/// The band of a preset at a rate with a remark where it was narrowed, or why it cannot be had.
fn band(preset: Preset, rate_hz: f64) -> Result<((f64, f64), Option<String>), String> {
    let edge = USABLE * rate_hz;
    let ((low, high), may_shrink) = match preset {
        Preset::Band { low, high } => ((low, high), false),
        Preset::Startle28 => (STARTLE_BAND, false),
        Preset::Default | Preset::Off => (DEFAULT_BAND, true),
    };
    let rate = Number(rate_hz);
    let finest = low.min(high - low);
    if finest.is_nan() || finest < FINEST * rate_hz {
        let (low, high) = (Number(low), Number(high));
        return Err(format!("a band from {low} to {high} Hz is empty or too narrow"));
    }
    if high <= edge {
        return Ok(((low, high), None));
    }
    if may_shrink && edge > NARROWEST {
        let remark = format!(
            "this source gives {rate} rows/s, so the default band {}-{} Hz becomes {}-{} Hz",
            Number(low),
            Number(high),
            Number(low),
            Number(edge)
        );
        return Ok(((low, edge), Some(remark)));
    }
    let wish = if may_shrink {
        String::new()
    } else {
        format!(" and not a band of {}-{} Hz", Number(low), Number(high))
    };
    Err(format!("this source gives {rate} rows/s, which cannot carry EMG above {} Hz{wish}", Number(edge)))
}

/// A number as people write it: at most one decimal, and none where it is whole.
struct Number(f64);

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tenths = (self.0 * 10.0).round() / 10.0;
        write!(f, "{tenths}")
    }
}

#[cfg(test)]
mod tests;
