//! What people write: configurations, montages, scripts of simulated faces and boards, cards of models. What is taken is
//! within its bounds and can be shown and read again; what is refused is refused in one line.

use myograph::config::{Config, Montage};
use myograph::emg::units::wide;
use myograph::emg::{Channel, Kind, Stamp};
use myograph::infer::card::{Card, MAX_CLASSES, MAX_ROWS};
use myograph::source::board::{self, Board, Signal};
use myograph::source::framed::{Decoder, Item};
use myograph::source::sim::Sim;
use myograph::source::uri::{SimOptions, SourceUri, Speed};
use myograph::source::{Reading, Source};
use std::collections::HashSet;
use std::fmt::Display;
use std::path::Path;

const MS: i64 = 1_000_000;

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// What was refused, for people: one line, and not the whole of a stranger's file.
fn said<T>(read: Result<T, impl Display>) -> Option<T> {
    read.map_err(|why| {
        let why = why.to_string();
        assert!(why.len() < 4096 && !why.contains('\n'), "{why}");
    })
    .ok()
}

/// A configuration, and the source it names.
pub(crate) fn config(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let path = Path::new("myograph.toml");
    let Some(config) = said(Config::from_toml(text, path)) else { return };
    let shown = config.effective_toml();
    let again = match Config::from_toml(&shown, path) {
        Ok(again) => again,
        Err(why) => panic!("{why} in what was shown:\n{shown}"),
    };
    assert_eq!(again.effective_toml(), without_secrets(&shown));
    assert_eq!((&again.out, &again.models, &again.keys), (&config.out, &config.models, &config.keys));
    assert_eq!((again.duration, again.rotate, again.fsync), (config.duration, config.rotate, config.fsync));
    assert_eq!((&again.source, again.filter()), (&config.source, config.filter()));
    assert!(Config::from_toml(&config.explain().join("\n"), path).is_ok(), "{:?}", config.explain());
    if let Some(source) = &config.source {
        let _ = SourceUri::parse(source).map_err(|why| assert!(!why.advice().is_empty()));
    }
}

/// What is hidden reads as none.
fn without_secrets(shown: &str) -> String {
    let hides = |line: &&str| ["token", "on-alarm", "on-close"].iter().any(|key| line.starts_with(key));
    let line = |line: &str| if hides(&line) { line.replace("(secret)", "off") } else { line.to_owned() };
    shown.lines().map(|each| line(each) + "\n").collect()
}

/// A montage, laid over the channels of a device.
pub(crate) fn montage(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Some(montage) = said(Montage::from_toml(text, Path::new("montage.toml"))) else { return };
    let channels = montage.channels();
    let names: HashSet<&str> = channels.iter().map(|channel| channel.name.as_str()).collect();
    assert!(!channels.is_empty() && names.len() == channels.len() && !names.contains(""), "{channels:?}");
    assert!(!montage.title().is_empty());
    let device: Vec<Channel> = channels.iter().map(|_| Channel::new("ch", Kind::Raw)).collect();
    assert!(montage.overlay(&device[1..]).is_err(), "a channel without a site");
    let Ok(worn) = montage.overlay(&device) else { panic!("as many channels as sites") };
    let Ok(twice) = montage.overlay(&worn) else { panic!("as many channels as sites") };
    assert_eq!(format!("{twice:?}"), format!("{worn:?}"), "laid over twice");
    assert!(worn.iter().zip(&channels).all(|(worn, channel)| worn.name == channel.name));
}

/// A script, given to a simulated face and to a simulated board; what they then do is looked at for a moment.
pub(crate) fn scripts(bytes: &[u8]) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let path = folder.path().join("script.toml");
    if std::fs::write(&path, bytes).is_err() {
        return;
    }
    face(&path);
    if let Some(mut script) = said(board::read(&path)) {
        // A board may take a minute to begin.
        script.boot_s = script.boot_s.min(0.1);
        run_board(script);
    }
}

fn face(script: &Path) {
    let options = SimOptions {
        script: Some(script.to_owned()),
        channels: 5,
        rate_hz: 200.0,
        speed: Speed::Max,
        ..SimOptions::default()
    };
    let mut sim = Sim::new(options, Stamp::default());
    if said(sim.open()).is_none() {
        return;
    }
    let mut next = 0;
    for _ in 0..12 {
        match sim.read() {
            Ok(Reading::Rows(packet)) => {
                assert_eq!((packet.index, packet.samples.len() % 5), (next, 0));
                next += wide(packet.samples.len() / 5);
            }
            Ok(Reading::Truth(truths)) => {
                assert!(
                    truths.iter().all(|truth| truth.onset <= truth.end && truth.channel < 5),
                    "{truths:?}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

fn run_board(script: board::Script) {
    let options = board::Options {
        channels: 3,
        signal: Signal::Pattern,
        name: "left".to_owned(),
        ..Default::default()
    };
    let (mut board, mut decoder) = (Board::new(options, script), Decoder::new());
    let (mut items, mut runs) = (Vec::new(), 0);
    board.opened();
    for step in 1..40 {
        if step == 15 {
            board.receive(b"G\n");
        }
        let mut bytes = Vec::new();
        board.advance(step * 10 * MS, &mut bytes);
        decoder.push(&bytes, Stamp::default().plus_ns(step * 10 * MS), &mut items);
    }
    for item in &items {
        if let Item::Rows(rows) = item {
            assert!(rows.run >= runs && rows.rows() > 0);
            runs = rows.run;
        }
    }
}

/// The card of a model.
pub(crate) fn cards(bytes: &[u8]) {
    let Some(card) = text(bytes).and_then(|text| said(Card::from_toml(text))) else { return };
    assert!((1..=MAX_ROWS).contains(&card.rows()) && card.values() >= card.rows());
    assert!((2..=MAX_CLASSES).contains(&card.classes.len()) && card.rate_hz > 0.0);
    for reference in &card.references {
        let times = reference.input.len() / card.values();
        assert!(times > 0 && times * card.values() == reference.input.len());
        assert_eq!(times * card.classes.len(), reference.output.len());
    }
}
