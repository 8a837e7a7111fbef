//! The script of a simulated face: TOML in, checked expressions and artefact levels out.
//!
//! The format is shown in `source::sim`. Every mistake names the file, the line and what would be right.

use super::anatomy::{MUSCLES, PROTOTYPES, Prototype, Side};
use crate::emg::marker::LABEL_BYTES;
use crate::source::Error;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;

/// Longest time in a script, seconds (11 days): beyond it a typing error is likelier than patience.
const LONGEST_S: f64 = 1e6;

/// A checked script.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Script {
    /// In the order of their starts.
    pub(super) expressions: Vec<Expression>,
    /// After how long the expressions start again.
    pub(super) repeat_s: Option<f64>,
    pub(super) artefacts: Artefacts,
    pub(super) wearer: Wearer,
}

/// One expression, its muscles resolved.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expression {
    pub(super) name: String,
    pub(super) at_s: f64,
    pub(super) duration_s: f64,
    pub(super) rise_s: f64,
    pub(super) targets: Vec<Target>,
}

/// How far one muscle goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Target {
    /// Index into [`MUSCLES`].
    pub(super) muscle: usize,
    /// None for both sides.
    pub(super) side: Option<Side>,
    /// Share of its maximum.
    pub(super) level: f64,
}

/// Whose face it is and how much faces differ.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Wearer {
    /// 0 where all are alike, up to 1.
    pub(super) spread: f64,
    /// The number the person is drawn from; none for the seed of the run.
    pub(super) person: Option<u64>,
}

/// What disturbs the recording: events per minute (0 for never) and levels in microvolts at the electrodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Artefacts {
    pub(super) blink: f64,
    pub(super) swallow: f64,
    pub(super) speech: f64,
    pub(super) motion: f64,
    /// Peak of the mains' fundamental.
    pub(super) hum_uv: f64,
    pub(super) hum_hz: f64,
    /// Wandering of the baseline, rms.
    pub(super) drift_uv: f64,
}

impl Default for Artefacts {
    fn default() -> Self {
        Self {
            blink: 15.0,
            swallow: 1.0,
            speech: 1.0,
            motion: 1.0,
            hum_uv: 3.0,
            hum_hz: 50.0,
            drift_uv: 10.0,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    repeat_s: Option<Spanned<f64>>,
    #[serde(default)]
    expression: Vec<Spanned<WrittenExpression>>,
    #[serde(default)]
    artefacts: WrittenArtefacts,
    #[serde(default)]
    face: WrittenFace,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFace {
    spread: Option<Spanned<f64>>,
    person: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenExpression {
    at_s: Spanned<f64>,
    name: Option<Spanned<String>>,
    muscles: Option<BTreeMap<Spanned<String>, Spanned<f64>>>,
    duration_s: Spanned<f64>,
    level: Option<Spanned<f64>>,
    rise_s: Option<Spanned<f64>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenArtefacts {
    blink: Option<Spanned<Rate>>,
    swallow: Option<Spanned<Rate>>,
    speech: Option<Spanned<Rate>>,
    motion: Option<Spanned<Rate>>,
    hum_uv: Option<Spanned<f64>>,
    hum_hz: Option<Spanned<f64>>,
    drift_uv: Option<Spanned<f64>>,
}

/// A switch, or how often per minute.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged, expecting = "expected true, false or a number of events per minute")]
enum Rate {
    Switch(bool),
    PerMinute(f64),
}

/// What is wrong, and where in the text.
struct Fault {
    place: Option<Range<usize>>,
    reason: String,
}

impl Fault {
    fn at(place: Range<usize>, reason: String) -> Self {
        Self { place: Some(place), reason }
    }
}

/// Reads a script file.
pub(super) fn read(path: &Path) -> Result<Script, Error> {
    let subject = format!("the script {}", path.display());
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text, &subject),
        Err(error) => Err(Error::Open {
            subject,
            reason: error.to_string(),
            advice: "give the path of a readable TOML file, or leave `script` out".to_owned(),
        }),
    }
}

/// Understands a script; `subject` names it in the error.
pub(super) fn parse(text: &str, subject: &str) -> Result<Script, Error> {
    let written = toml::from_str::<Written>(text)
        .map_err(|error| Fault { place: error.span(), reason: error.message().trim().replace('\n', "; ") });
    written.and_then(check).map_err(|fault| {
        let line = |place: Range<usize>| text.bytes().take(place.start).filter(|b| *b == b'\n').count() + 1;
        Error::Open {
            subject: subject.to_owned(),
            reason: match fault.place {
                Some(place) => format!("line {}: {}", line(place), fault.reason),
                None => fault.reason,
            },
            advice: "correct that line of the script and start again".to_owned(),
        }
    })
}

fn check(written: Written) -> Result<Script, Fault> {
    let mut expressions = written
        .expression
        .into_iter()
        .map(Spanned::into_inner)
        .map(expression)
        .collect::<Result<Vec<_>, _>>()?;
    expressions.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    let last = expressions.iter().map(|e| e.at_s + e.duration_s).fold(0.0, f64::max);
    if let Some(repeat) = &written.repeat_s {
        let seconds = within("repeat_s", repeat, 0.1..=LONGEST_S)?;
        if seconds < last {
            let reason = format!("repeat_s is {seconds} but the last expression ends at {last} s");
            return Err(Fault::at(repeat.span(), reason));
        }
    }
    Ok(Script {
        expressions,
        repeat_s: written.repeat_s.map(Spanned::into_inner),
        artefacts: artefacts(&written.artefacts)?,
        wearer: wearer(&written.face)?,
    })
}

fn expression(written: WrittenExpression) -> Result<Expression, Fault> {
    let at_s = within("at_s", &written.at_s, 0.0..=LONGEST_S)?;
    let duration_s = within("duration_s", &written.duration_s, 0.001..=LONGEST_S)?;
    let rise_s = match &written.rise_s {
        Some(rise) => within("rise_s", rise, 0.0..=duration_s)?,
        None => (0.3 * duration_s).min(0.2),
    };
    let level = written.level.as_ref().map_or(Ok(1.0), |level| within("level", level, 0.0..=1.0))?;
    let (name, targets) = match (written.name, written.muscles) {
        (Some(name), None) => {
            let targets = prototype(&name)?;
            (name.into_inner(), targets)
        }
        (name, Some(muscles)) => {
            let name = name.map_or(Ok("custom".to_owned()), label)?;
            (name, muscles.iter().map(|(key, share)| target(key, share)).collect::<Result<_, _>>()?)
        }
        (None, None) => {
            let reason = "an expression needs a `name` or `muscles`".to_owned();
            return Err(Fault::at(written.at_s.span(), reason));
        }
    };
    let targets = targets.into_iter().map(|t: Target| Target { level: t.level * level, ..t }).collect();
    Ok(Expression { name, at_s, duration_s, rise_s, targets })
}

/// The muscles of a named prototype at level 1.
fn prototype(name: &Spanned<String>) -> Result<Vec<Target>, Fault> {
    let Some(known) = Prototype::named(name.get_ref()) else {
        let names = PROTOTYPES.map(|p| p.name).join(", ");
        let reason = format!("nobody knows the expression `{}`; there are {names}", name.get_ref());
        return Err(Fault::at(name.span(), reason));
    };
    Ok(known.muscles().map(|(muscle, level)| Target { muscle, side: known.side, level }).collect())
}

/// A muscle by its name, one side of it where the name ends in `left` or `right`.
fn target(key: &Spanned<String>, share: &Spanned<f64>) -> Result<Target, Fault> {
    let written = key.get_ref().as_str();
    let sided = |side: Side| written.strip_suffix(side.word()).map(|rest| (rest.trim_end(), Some(side)));
    let (name, side) = sided(Side::Left).or_else(|| sided(Side::Right)).unwrap_or((written, None));
    let Some(muscle) = MUSCLES.iter().position(|m| m.name == name) else {
        let names = MUSCLES.each_ref().map(|m| m.name).join(", ");
        let reason = format!("the face has no muscle `{written}`; it has {names}");
        return Err(Fault::at(key.span(), reason));
    };
    Ok(Target { muscle, side, level: within(written, share, 0.0..=1.0)? })
}

/// A free name, short enough for the recording's table.
fn label(name: Spanned<String>) -> Result<String, Fault> {
    if (1..=LABEL_BYTES).contains(&name.get_ref().len()) && !name.get_ref().chars().any(char::is_control) {
        return Ok(name.into_inner());
    }
    Err(Fault::at(name.span(), format!("a name has 1 to {LABEL_BYTES} bytes and no control characters")))
}

fn wearer(written: &WrittenFace) -> Result<Wearer, Fault> {
    let spread = written.spread.as_ref().map_or(Ok(0.0), |spread| within("spread", spread, 0.0..=1.0))?;
    Ok(Wearer { spread, person: written.person })
}

fn artefacts(written: &WrittenArtefacts) -> Result<Artefacts, Fault> {
    let usual = Artefacts::default();
    let rate = |name, value: &Option<Spanned<Rate>>, usual| match value {
        None => Ok(usual),
        Some(value) => match *value.get_ref() {
            Rate::Switch(on) => Ok(if on { usual } else { 0.0 }),
            Rate::PerMinute(n) => within(name, &Spanned::new(value.span(), n), 0.0..=60.0),
        },
    };
    let number = |name, value: &Option<Spanned<f64>>, range, usual| {
        value.as_ref().map_or(Ok(usual), |value| within(name, value, range))
    };
    Ok(Artefacts {
        blink: rate("blink", &written.blink, usual.blink)?,
        swallow: rate("swallow", &written.swallow, usual.swallow)?,
        speech: rate("speech", &written.speech, usual.speech)?,
        motion: rate("motion", &written.motion, usual.motion)?,
        hum_uv: number("hum_uv", &written.hum_uv, 0.0..=1000.0, usual.hum_uv)?,
        hum_hz: number("hum_hz", &written.hum_hz, 1.0..=1000.0, usual.hum_hz)?,
        drift_uv: number("drift_uv", &written.drift_uv, 0.0..=1000.0, usual.drift_uv)?,
    })
}

/// The number, if it lies in the range.
fn within(key: &str, value: &Spanned<f64>, range: std::ops::RangeInclusive<f64>) -> Result<f64, Fault> {
    let number = *value.get_ref();
    if range.contains(&number) {
        return Ok(number);
    }
    let reason = format!("`{key}` is {number} and must lie between {} and {}", range.start(), range.end());
    Err(Fault::at(value.span(), reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(text: &str) -> String {
        parse(text, "the script face.toml").unwrap_err().to_string()
    }

    #[test]
    fn the_sample_in_the_documentation_is_a_script() {
        let source = include_str!("../sim.rs");
        let sample: String = source
            .lines()
            .skip_while(|line| *line != "//! ```toml")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| line.trim_start_matches("//!").trim_start().to_owned() + "\n")
            .collect();
        let script = parse(&sample, "the sample").unwrap();
        assert_eq!(script.expressions.len(), 3);
        assert_eq!(script.repeat_s, Some(10.0));
        assert!(script.artefacts.speech.abs() < f64::EPSILON, "a switch turned off");
        assert!((script.artefacts.blink - 12.0).abs() < f64::EPSILON);
        let half_smile = &script.expressions[2];
        assert_eq!(half_smile.targets.len(), 1);
        assert_eq!(half_smile.targets[0].side, Some(Side::Left));
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let entry = "repeat_s = 9\n[[expression]]\nat_s = 1\nduration_s = 0.5\n";
        for (line, words) in [
            ("name = \"hapiness\"", "line 5: nobody knows the expression `hapiness`; there are happiness, "),
            ("muscles = { masetter = 0.5 }", "line 5: the face has no muscle `masetter`; it has "),
            ("name = \"fear\"\nlevel = 1.5", "line 6: `level` is 1.5 and must lie between 0 and 1"),
            ("name = \"fear\"\nrise_s = 2", "line 6: `rise_s` is 2 and must lie between 0 and 0.5"),
            ("nmae = \"fear\"", "line 5: unknown field `nmae`"),
            ("name = \"fear\"\n[face]\nspread = 2", "line 7: `spread` is 2 and must lie between 0 and 1"),
            ("name = \"fear\"\n[artefacts]\nblink = \"often\"", "line 7: expected true, false or a number"),
            ("name = \"fear", "line 5: "),
        ] {
            let said = refusal(&format!("{entry}{line}\n"));
            assert!(
                said.starts_with("the script face.toml cannot be opened: ") && said.contains(words),
                "{said}"
            );
        }
        assert!(refusal(entry).contains("line 3: an expression needs a `name` or `muscles`"));
        let early = entry.replace('9', "1.2") + "name = \"fear\"";
        assert!(refusal(&early).contains("line 1: repeat_s is 1.2 but the last expression ends at 1.5 s"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(\\[\\[expression\\]\\]|at_s|level|=|\\[|\\]|[0-9.\"\n ä-]){0,40}") {
            let _ = parse(&text, "the script");
        }
    }
}
