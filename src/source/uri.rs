//! HOW A SOURCE IS NAMED: `sim:?seed=7`, `serial:/dev/ttyACM0?baud=115200`, `replay:FILE?speed=max`.
//!
//! Parsing only: nothing is opened here. Text is taken literally (no percent-decoding); the first `?` ends
//! the path. A key nobody knows is refused, because a mistyped `rate` would otherwise record a wrong rate.

mod query;

pub(crate) use query::nearest;

use self::query::Query;
use super::Error;
use std::path::{Path, PathBuf};

/// Rows of more columns than this are no recording of a face.
pub const MAX_CHANNELS: u16 = 64;
/// No converter this station can meet is faster, rows per second.
const MAX_RATE_HZ: f64 = 100_000.0;

/// A source as the user named it, each with its own options.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceUri {
    /// The simulated face.
    Sim(SimOptions),
    /// A board on a serial port.
    Serial(SerialOptions),
    /// A recording played again.
    Replay(ReplayOptions),
}

/// What the simulated face is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct SimOptions {
    /// The same seed gives the same face.
    pub seed: u64,
    /// Columns.
    pub channels: u16,
    /// Rows per second.
    pub rate_hz: f64,
    /// Expressions to perform; none for the built-in repertoire.
    pub script: Option<PathBuf>,
    /// How fast rows come.
    pub speed: Speed,
    /// Whether the channels go through an envelope sensor.
    pub envelope: bool,
    /// Time constant of that sensor, seconds.
    pub tau_s: f64,
}

impl Default for SimOptions {
    fn default() -> Self {
        Self {
            seed: 7,
            channels: 8,
            rate_hz: 1000.0,
            script: None,
            speed: Speed::Times(1.0),
            envelope: false,
            tau_s: 0.081,
        }
    }
}

/// Which port, and what is known of what it sends.
#[derive(Clone, Debug, PartialEq)]
pub struct SerialOptions {
    /// As typed, shown and stored.
    pub uri: String,
    /// The port; a symlink is followed anew at every reopen.
    pub path: PathBuf,
    /// Bits per second on the wire; none for those that are usual for the format.
    pub baud: Option<u32>,
    /// What it sends.
    pub format: Format,
    /// The rate the user says the board has, rows per second; a board that can be asked is set to it.
    pub rate_hz: Option<f64>,
    /// How many channels a board that can be asked is set to.
    pub channels: Option<u16>,
    /// Which column is the board's clock.
    pub time: TimeColumn,
}

/// Which recording, and how fast.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayOptions {
    /// The recording.
    pub path: PathBuf,
    /// How fast rows come.
    pub speed: Speed,
}

/// How fast a source that can wait hands over its rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// Times real time.
    Times(f64),
    /// As fast as it is read.
    Max,
}

/// What a board may send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Whatever comes: our frames, Chords frames, lines of bare values or of `name:value` pairs.
    #[default]
    Auto,
    /// Frames of our own firmware.
    Myograph,
    /// Frames of the Chords firmware.
    Chords,
    /// Bare values only.
    Csv,
    /// What the Arduino Serial Plotter draws: `name:value` pairs, or bare values.
    Plotter,
}

/// Which column of a text stream is the board's own clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeColumn {
    /// The first, where its name or its values say so.
    #[default]
    Auto,
    /// The first.
    First,
    /// None; every number is a channel.
    None,
}

impl SourceUri {
    /// Reads a source's name, or says in one sentence what is wrong with it.
    pub fn parse(uri: &str) -> Result<Self, Error> {
        let Some((scheme, rest)) = uri.split_once(':') else {
            let advice = match uri {
                "sim" | "serial" | "replay" => format!("write `{uri}:`, with the colon"),
                path if path.starts_with("/dev/") => format!("write `serial:{path}`"),
                path if Path::new(path).extension().is_some_and(|end| end == "h5") => {
                    format!("write `replay:{path}`")
                }
                _ => "use `sim:`, `serial:/dev/ttyACM0` or `replay:FILE`".to_owned(),
            };
            return Err(refusal(uri, "it does not begin with a kind of source and a colon", advice));
        };
        match scheme {
            "sim" => sim(Query::parse(uri, rest)?).map(Self::Sim),
            "serial" => serial(Query::parse(uri, rest)?).map(Self::Serial),
            "replay" => replay(Query::parse(uri, rest)?).map(Self::Replay),
            "lsl" => Err(refusal(
                uri,
                "Lab Streaming Layer inlets are not in this version yet",
                "use `serial:/dev/ttyACM0`, `sim:` or `replay:FILE`",
            )),
            _ => Err(refusal(
                uri,
                format!("`{scheme}` is no kind of source"),
                format!("did you mean `{}:`?", query::nearest(scheme, &["sim", "serial", "replay"])),
            )),
        }
    }
}

/// A URI that cannot be used, with what to do instead.
fn refusal(uri: &str, reason: impl Into<String>, advice: impl Into<String>) -> Error {
    Error::Uri { uri: uri.to_owned(), reason: reason.into(), advice: advice.into() }
}

fn sim(mut query: Query<'_>) -> Result<SimOptions, Error> {
    query.only(&["seed", "channels", "rate", "script", "speed", "kind", "tau"])?;
    if !query.path().is_empty() {
        return Err(query.refuse(
            format!("`{}` stands before the `?`", query.path()),
            "the simulated face has no path: write `sim:?seed=7`",
        ));
    }
    let default = SimOptions::default();
    let channels =
        query.number("channels", "a whole number from 1 to 64", |n: &u16| (1..=MAX_CHANNELS).contains(n))?;
    let kind = query.word("kind", &["raw", "envelope"])?;
    let envelope = kind == Some("envelope");
    let tau_s = query.number("tau", "seconds above 0, at most 10", |tau: &f64| *tau > 0.0 && *tau <= 10.0)?;
    if tau_s.is_some() && !envelope {
        return Err(
            query.refuse("`tau` belongs to an envelope sensor", "add `kind=envelope`, or leave `tau` out")
        );
    }
    Ok(SimOptions {
        seed: query.number("seed", "a whole number", |_: &u64| true)?.unwrap_or(default.seed),
        channels: channels.unwrap_or(default.channels),
        rate_hz: rate(&mut query)?.unwrap_or(default.rate_hz),
        script: query.text("script").map(PathBuf::from),
        speed: speed(&mut query)?,
        envelope,
        tau_s: tau_s.unwrap_or(default.tau_s),
    })
}

fn serial(mut query: Query<'_>) -> Result<SerialOptions, Error> {
    query.only(&["baud", "channels", "format", "rate", "time"])?;
    match query.path() {
        "" => {
            return Err(
                query.refuse("no port is named", "write `serial:/dev/ttyACM0`; `myograph ports` lists them")
            );
        }
        "auto" => {
            return Err(query.refuse(
                "`auto` stands for a port that is yet to be looked for",
                "name the port, as in `serial:/dev/ttyACM0`; `myograph ports` lists them",
            ));
        }
        _ => {}
    }
    let format = match query.word("format", &["auto", "csv", "plotter", "myograph", "chords"])? {
        None | Some("auto") => Format::Auto,
        Some("csv") => Format::Csv,
        Some("plotter") => Format::Plotter,
        Some("myograph") => Format::Myograph,
        Some(_) => Format::Chords,
    };
    let time = match query.word("time", &["auto", "first", "none"])? {
        Some("first") => TimeColumn::First,
        Some("none") => TimeColumn::None,
        _ => TimeColumn::Auto,
    };
    let baud = query
        .number("baud", "bits per second from 300 to 12000000", |n: &u32| (300..=12_000_000).contains(n))?;
    let channels =
        query.number("channels", "a whole number from 1 to 64", |n: &u16| (1..=MAX_CHANNELS).contains(n))?;
    if channels.is_some() && matches!(format, Format::Csv | Format::Plotter) {
        let advice = "leave `channels` out: every number of a line is one";
        return Err(query.refuse("a sketch that prints lines cannot be told how many channels", advice));
    }
    Ok(SerialOptions {
        uri: query.uri().to_owned(),
        path: PathBuf::from(query.path()),
        baud,
        format,
        rate_hz: rate(&mut query)?,
        channels,
        time,
    })
}

fn replay(mut query: Query<'_>) -> Result<ReplayOptions, Error> {
    query.only(&["speed"])?;
    if query.path().is_empty() {
        return Err(query.refuse("no recording is named", "write `replay:FILE`"));
    }
    Ok(ReplayOptions { path: PathBuf::from(query.path()), speed: speed(&mut query)? })
}

fn rate(query: &mut Query<'_>) -> Result<Option<f64>, Error> {
    query.number("rate", "rows per second above 0, at most 100000", |rate: &f64| {
        *rate > 0.0 && *rate <= MAX_RATE_HZ
    })
}

fn speed(query: &mut Query<'_>) -> Result<Speed, Error> {
    if query.is("speed", "max") {
        return Ok(Speed::Max);
    }
    let times = query
        .number("speed", "`max` or a number above 0", |times: &f64| *times > 0.0 && times.is_finite())?;
    Ok(Speed::Times(times.unwrap_or(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(uri: &str) -> String {
        let error = SourceUri::parse(uri).expect_err(uri);
        format!("{error}; {}", error.advice())
    }

    #[test]
    fn what_the_help_shows_is_understood() {
        assert_eq!(SourceUri::parse("sim:").unwrap(), SourceUri::Sim(SimOptions::default()));
        let asked = "sim:?seed=9&channels=3&rate=500&script=a/b.toml&speed=max&kind=envelope&tau=0.05";
        let SourceUri::Sim(sim) = SourceUri::parse(asked).unwrap() else { panic!("no sim") };
        assert_eq!((sim.seed, sim.channels, sim.rate_hz, sim.tau_s), (9, 3, 500.0, 0.05));
        assert_eq!((sim.speed, sim.envelope), (Speed::Max, true));
        assert_eq!(sim.script, Some(PathBuf::from("a/b.toml")));

        let asked = "serial:/dev/ttyACM0?baud=500000&format=csv&rate=1000&time=first";
        let SourceUri::Serial(serial) = SourceUri::parse(asked).unwrap() else { panic!("no serial") };
        assert_eq!((serial.uri.as_str(), serial.baud, serial.rate_hz), (asked, Some(500_000), Some(1000.0)));
        assert_eq!((serial.format, serial.time), (Format::Csv, TimeColumn::First));

        let asked = "serial:/dev/ttyACM0?format=myograph&channels=4";
        let SourceUri::Serial(serial) = SourceUri::parse(asked).unwrap() else { panic!("no serial") };
        assert_eq!((serial.baud, serial.format, serial.channels), (None, Format::Myograph, Some(4)));

        let SourceUri::Replay(replay) = SourceUri::parse("replay:a:b.h5?speed=2").unwrap() else {
            panic!("no replay")
        };
        assert_eq!((replay.path, replay.speed), (PathBuf::from("a:b.h5"), Speed::Times(2.0)));
    }

    #[test]
    fn a_mistyped_key_names_its_neighbour() {
        assert!(said("serial:/dev/ttyACM0?buad=9600").contains("`baud`"));
        assert!(said("sim:?sead=1").contains("`seed`"));
        assert!(said("replay:x.h5?sped=max").contains("`speed`"));
        assert!(said("serail:/dev/ttyACM0").contains("`serial:`"));
        assert!(said("serial:/dev/ttyACM0?format=cvs").contains("`csv`"));
    }

    #[test]
    fn nonsense_is_refused() {
        let cases = [
            "sim:?rate=0",
            "sim:?rate=nan",
            "sim:?rate=-5",
            "sim:?rate=inf",
            "sim:?channels=0",
            "sim:?channels=65",
            "sim:?seed=-1",
            "sim:?speed=0",
            "sim:?speed=fast",
            "sim:?tau=0&kind=envelope",
            "sim:?tau=0.1",
            "sim:x",
            "sim:?seed=1&seed=2",
            "sim:?seed",
            "sim:?=1",
            "sim:?script=",
            "sim:?kind=rectified",
            "",
            "sim",
            "replay:",
            "serial:",
            "serial:/dev/ttyS0?baud=0",
            "serial:/dev/ttyS0?rate=0",
            "serial:/dev/ttyS0?time=last",
            "serial:/dev/ttyS0?format=csv&channels=4",
            "serial:/dev/ttyS0?channels=0",
        ];
        for case in cases {
            assert!(SourceUri::parse(case).is_err(), "{case} was accepted");
        }
    }

    #[test]
    fn what_comes_later_says_so_and_what_works_now() {
        let later = said("lsl:name=x");
        assert!(later.contains("not in this version yet"), "{later}");
        for said in [later, said("serial:auto")] {
            assert!(said.contains("`serial:/dev/ttyACM0`"), "{said}");
        }
        assert!(said("/dev/ttyUSB0").contains("`serial:/dev/ttyUSB0`"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(scheme in "(sim|serial|replay|lsl|)", rest in "\\PC{0,60}") {
            let _ = SourceUri::parse(&format!("{scheme}:{rest}"));
            let _ = SourceUri::parse(&rest);
        }
    }
}
