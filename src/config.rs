//! WHAT THE USER WANTS: file < environment < flags, validated once, each value with where it came from.
//!
//! Stages never see [`Config`]: `cli` turns it into the options each room owns. A session's whole effective
//! configuration is stored in its recording and reads back through the same parser. Called by `cli` alone.

mod binding;
mod choice;
mod document;
mod error;
mod key;
mod montage;
mod resolve;
mod value;

pub use crate::pipeline::Preset;
pub use binding::{KeyBinding, reserved};
pub use choice::{Color, Glyphs, LineFrequency, Listen, Theme};
pub use error::{Error, Origin};
pub use montage::Montage;
pub use resolve::Flags;
pub(crate) use value::duration;

use crate::emg::Kind;
use crate::pipeline;
use crate::pipeline::preset::{Baseline, Notches};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// A configuration file that names every key with its default and a comment.
pub const SAMPLE: &str = include_str!("../tests/configs/valid/sample.toml");

/// Everything a session can be told, valid by construction.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Source URI; none = the one board that is found. The URI itself is judged by `source`.
    pub source: Option<String>,
    /// Folder the recordings go into, relative to the working folder.
    pub out: PathBuf,
    /// BIDS entity `sub-`.
    pub subject: String,
    /// BIDS entity `ses-`; empty = neither entity nor folder.
    pub session: String,
    /// BIDS entity `task-`.
    pub task: String,
    /// BIDS entity `run-`; none = counts up by itself.
    pub run: Option<u32>,
    /// Ends the recording by itself.
    pub duration: Option<Duration>,
    /// A new segment each time this has passed.
    pub rotate: Option<Duration>,
    /// Time between two syncs of the journal.
    pub fsync: Duration,
    /// Where stimulus machines may connect.
    pub listen: Option<Listen>,
    /// What stimulus machines say first; never shown, never stored in a recording.
    pub token: Option<String>,
    /// Mains frequency.
    pub line_frequency: LineFrequency,
    /// Kind of every channel whose source and montage do not say one.
    pub kind: Kind,
    /// Name of a shipped montage, or path of a montage file, for [`Montage::load`].
    pub montage: Option<String>,
    /// Models that predict while it is recorded.
    pub models: Vec<PathBuf>,
    /// Filter preset.
    pub preset: Preset,
    /// Order of its band-pass.
    pub band_order: u32,
    /// Where its notches stand.
    pub notches: Notches,
    /// What takes drift out of the envelope.
    pub envelope_baseline: Baseline,
    /// Keys that set markers, sorted by key.
    pub keys: Vec<KeyBinding>,
    /// Characters the traces are drawn with.
    pub glyphs: Glyphs,
    /// Colours of the dashboard.
    pub color: Color,
    /// What the colours mean.
    pub theme: Theme,
    /// Conditions, predictions and labels of events are kept from the screens.
    pub blind: bool,
    /// The group of a recording's folder may read its files.
    pub group_read: bool,
    /// The recorder's group may command it.
    pub group_control: bool,
    /// Command line for the shell, run when an alarm begins and when it is over.
    pub on_alarm: Option<String>,
    /// Command line for the shell, run when a recording is closed.
    pub on_close: Option<String>,
    /// Where each value came from; absent = default.
    origins: BTreeMap<&'static str, Origin>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            source: None,
            out: PathBuf::from("recordings"),
            subject: "test".to_owned(),
            session: String::new(),
            task: "free".to_owned(),
            run: None,
            duration: None,
            rotate: Some(Duration::from_hours(1)),
            fsync: Duration::from_secs(1),
            listen: None,
            token: None,
            line_frequency: LineFrequency::Hz50,
            kind: Kind::Raw,
            montage: None,
            models: Vec::new(),
            preset: Preset::Default,
            band_order: pipeline::Options::default().order,
            notches: Notches::Auto,
            envelope_baseline: Baseline::Off,
            keys: binding::defaults(),
            glyphs: Glyphs::Auto,
            color: Color::Auto,
            theme: Theme::Default,
            blind: false,
            group_read: false,
            group_control: false,
            on_alarm: None,
            on_close: None,
            origins: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Where the value of `key` (as spelled in the file) came from.
    #[must_use]
    pub fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }

    /// The filters it asks for; without a better guess the mains have 50 Hz.
    #[must_use]
    pub fn filter(&self) -> pipeline::Options {
        let line_hz = if self.line_frequency == LineFrequency::Hz60 { 60.0 } else { 50.0 };
        pipeline::Options {
            line_hz,
            preset: self.preset,
            order: self.band_order,
            notches: self.notches,
            baseline: self.envelope_baseline,
        }
    }

    /// Every key with its value as TOML; [`Config::from_toml`] gives the same values back.
    #[must_use]
    pub fn effective_toml(&self) -> String {
        self.lines().map(|(_, line)| line + "\n").collect()
    }

    /// One line per value, `key = value  # from ...`, for `myograph config`; together they are valid TOML.
    #[must_use]
    pub fn explain(&self) -> Vec<String> {
        let comment = |key| match self.origin(key) {
            Origin::Default => "default".to_owned(),
            origin => format!("from {origin}"),
        };
        self.lines().map(|(key, line)| format!("{line}  # {}", comment(key))).collect()
    }

    /// Each value as (key, line of TOML).
    fn lines(&self) -> impl Iterator<Item = (&'static str, String)> {
        let values = key::KEYS.iter().map(|key| (key.name, format!("{} = {}", key.name, (key.show)(self))));
        let none = self.keys.is_empty().then(|| (key::BINDINGS, format!("{} = {{}}", key::BINDINGS)));
        let bindings = self.keys.iter().map(|binding| (key::BINDINGS, binding.to_line()));
        values.chain(none).chain(bindings)
    }
}

#[cfg(test)]
mod tests;
