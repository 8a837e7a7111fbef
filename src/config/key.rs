//! Every key of the configuration but the marker keys: its name, allowed form, how it is read and shown.

use super::{Color, Config, Glyphs, LineFrequency, Listen, Preset, Theme, value};
use crate::emg::Kind;
use crate::pipeline::preset::{Baseline, Notches, STEEPEST};
use std::path::PathBuf;
use std::time::Duration;
use toml::Value;

/// The table of marker keys, read by `binding`.
pub(super) const BINDINGS: &str = "keys";

/// Keys the interface promises and this version does not carry out.
pub(super) const LATER: [&str; 1] = ["protocol"];

/// Keys whose value may be a list.
pub(super) const LISTS: [&str; 1] = ["model"];

/// What is shown and stored of a secret, and of a command line, which often holds one; reads as none.
const HIDDEN: &str = "(secret)";

/// One key.
pub(super) struct Key {
    /// Kebab case: in the file, as a flag, and in capitals in the environment.
    pub(super) name: &'static str,
    /// What is allowed, for people.
    pub(super) form: &'static str,
    /// Reads a value into the configuration; none where the form is wrong.
    pub(super) read: fn(&mut Config, &str) -> Option<()>,
    /// The value as it stands.
    pub(super) show: fn(&Config) -> Value,
}

impl Key {
    /// The environment variable that sets it.
    pub(super) fn variable(&self) -> String {
        format!("MYOGRAPH_{}", self.name.replace('-', "_").to_ascii_uppercase())
    }
}

/// A [`Key`] in four lines: reading assigns to a field, showing reads it.
macro_rules! key {
    ($name:literal, $form:literal, $field:ident = |$text:ident| $read:expr, |$value:ident| $show:expr) => {
        Key {
            name: $name,
            form: $form,
            read: |config, $text| {
                config.$field = $read?;
                Some(())
            },
            show: |config| {
                let $value = &config.$field;
                Value::from($show)
            },
        }
    };
}

/// All keys, in the order they are shown.
pub(super) const KEYS: &[Key] = &[
    key!(
        "source",
        "a source URI such as `sim:` or `serial:/dev/ttyACM0`, or `auto` for the one board found",
        source = |text| value::unless("auto", text, value::some),
        |source| value::or("auto", source.as_ref(), Clone::clone)
    ),
    key!("out", "a folder", out = |text| value::some(text).map(PathBuf::from), |out| out
        .display()
        .to_string()),
    key!(
        "subject",
        "letters and digits only, 1 to 40 of them, without `sub-`, e.g. `01`",
        subject = |text| value::entity(text),
        |subject| subject.as_str()
    ),
    key!(
        "session",
        "letters and digits only, at most 40 of them, without `ses-`, e.g. `01`; empty for none",
        session = |text| if text.is_empty() { Some(String::new()) } else { value::entity(text) },
        |session| session.as_str()
    ),
    key!(
        "task",
        "letters and digits only, 1 to 40 of them, without `task-`, e.g. `faces`",
        task = |text| value::entity(text),
        |task| task.as_str()
    ),
    key!(
        "run",
        "a whole number from 1 to 9999, or `auto` to count up",
        run = |text| value::unless("auto", text, |text| text
            .parse()
            .ok()
            .filter(|run| (1..=9999).contains(run))),
        |run| run.map_or_else(|| Value::from("auto"), |run| Value::from(i64::from(run)))
    ),
    key!(
        "duration",
        "a time such as `90s`, `10m` or `1.5h`, or `off` to record until stopped",
        duration = |text| value::unless("off", text, value::duration),
        |duration| value::or("off", duration.as_ref(), |time| value::show_duration(*time))
    ),
    key!(
        "rotate",
        "a time from `1s` on, such as `1h`, or `off` for one file",
        rotate = |text| value::unless("off", text, |text| between(text, 1000, u64::MAX)),
        |rotate| value::or("off", rotate.as_ref(), |time| value::show_duration(*time))
    ),
    key!(
        "fsync",
        "a time from `10ms` to `1m`, such as `1s`",
        fsync = |text| between(text, 10, 60_000),
        |fsync| value::show_duration(*fsync)
    ),
    key!(
        "listen",
        "a TCP port such as `7777`, with a host in front if it is not this machine, or `off`",
        listen = |text| value::unless("off", text, Listen::from_text),
        |listen| value::or("off", listen.as_ref(), Listen::to_string)
    ),
    key!(
        "token",
        "8 to 128 letters, digits or signs without spaces that senders over TCP say first, or `off`",
        token = |text| if text == HIDDEN { Some(None) } else { value::unless("off", text, value::secret) },
        |token| if token.is_some() { HIDDEN } else { "off" }
    ),
    key!(
        "line-frequency",
        "`50`, `60` or `auto`",
        line_frequency = |text| LineFrequency::from_word(text),
        |frequency| frequency.word().parse().map_or_else(|_| Value::from(frequency.word()), Value::Integer)
    ),
    key!(
        "kind",
        "`raw`, `rectified` or `envelope`; other kinds belong to a channel in a montage",
        kind =
            |text| [Kind::Raw, Kind::Rectified, Kind::Envelope].into_iter().find(|kind| kind.word() == text),
        |kind| kind.word()
    ),
    key!(
        "montage",
        "the name of a shipped montage, the path of a montage file, or `none`",
        montage = |text| value::unless("none", text, value::some),
        |montage| value::or("none", montage.as_ref(), Clone::clone)
    ),
    key!(
        "model",
        "paths of ONNX files in a list, or in a text with `:` between them, or `none`",
        models = |text| value::unless("none", text, value::paths).map(Option::unwrap_or_default),
        |models| models.iter().map(|path| Value::from(path.display().to_string())).collect::<Vec<_>>()
    ),
    key!(
        "preset",
        "`default`, `startle-28`, `off`, or a band in Hz such as `20-450`",
        preset = |text| Preset::from_word(text),
        |preset| preset.to_string()
    ),
    key!(
        "band-order",
        "the order of the band-pass, 1 to 8; it has twice as many poles",
        band_order = |text| text.parse().ok().filter(|order| (1..=STEEPEST).contains(order)),
        |order| i64::from(*order)
    ),
    key!(
        "notches",
        "`auto` for the mains and its harmonics, `off`, or up to 8 frequencies in Hz such as `50,150`, each once",
        notches = |text| Notches::from_word(text),
        |notches| notches.to_string()
    ),
    key!(
        "envelope-baseline",
        "`track` (or `track:FALL/RISE` in seconds, 0.1 to 2 and 20 to 600) to take the floor away from the envelope, \
         the edge in Hz, 0.01 to 1, of a high-pass that takes slow drift out of it, or `off`",
        envelope_baseline = |text| Baseline::from_word(text),
        |baseline| match baseline {
            Baseline::HighPass(hz) => Value::from(*hz),
            word => Value::from(word.to_string()),
        }
    ),
    key!(
        "glyphs",
        "`auto`, `braille`, `block` or `ascii`",
        glyphs = |text| Glyphs::from_word(text),
        |glyphs| glyphs.word()
    ),
    key!("theme", "`default`, `colour-blind` or `mono`", theme = |text| Theme::from_word(text), |theme| {
        theme.word()
    }),
    key!("blind", "`true` or `false`", blind = |text| text.parse().ok(), |blind| *blind),
    key!("group-read", "`true` or `false`", group_read = |text| text.parse().ok(), |group_read| *group_read),
    key!("group-control", "`true` or `false`", group_control = |text| text.parse().ok(), |group_control| {
        *group_control
    }),
    key!(
        "on-alarm",
        "a command line for the shell, or `off`",
        on_alarm = |text| if text == HIDDEN { Some(None) } else { value::unless("off", text, value::some) },
        |command| if command.is_some() { HIDDEN } else { "off" }
    ),
    key!(
        "on-close",
        "a command line for the shell, or `off`",
        on_close = |text| if text == HIDDEN { Some(None) } else { value::unless("off", text, value::some) },
        |command| if command.is_some() { HIDDEN } else { "off" }
    ),
    key!("color", "`auto`, `never`, `16` or `256`", color = |text| Color::from_word(text), |color| color
        .word()),
];

/// A duration within bounds, in milliseconds.
fn between(text: &str, least_ms: u64, most_ms: u64) -> Option<Duration> {
    let bounds = Duration::from_millis(least_ms)..=Duration::from_millis(most_ms);
    value::duration(text).filter(|time| bounds.contains(time))
}
