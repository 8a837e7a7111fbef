//! What can be decided before a recording is read, and what makes a window unsound.

use super::*;
use crate::pipeline::{Reason, Span};

fn channel(name: &str, kind: Kind) -> Channel {
    Channel::new(name, kind)
}

fn face() -> Vec<Channel> {
    vec![
        channel("zyg", Kind::Raw),
        channel("light", Kind::Aux),
        channel("corr", Kind::Envelope),
        channel("frown", Kind::Rectified),
        channel("ttl", Kind::Trigger),
    ]
}

#[test]
fn without_names_all_channels_of_emg_are_meant() {
    assert_eq!(chosen(&face(), &[]).unwrap(), [0, 2, 3]);
    assert_eq!(chosen(&face(), &["corr".to_owned(), "zyg".to_owned()]).unwrap(), [2, 0]);
    let lost = chosen(&face(), &["zig".to_owned()]).unwrap_err();
    assert_eq!(
        format!("{lost}; {}", lost.advice()),
        "no channel is called `zig`; there are zyg, corr, frown"
    );
    let light = chosen(&face(), &["light".to_owned()]).unwrap_err();
    assert_eq!(light.to_string(), "channel `light` is aux and carries no EMG");
    assert!(matches!(chosen(&face()[1..2], &[]), Err(FeaturesError::NoEmg)));
}

#[test]
fn each_kind_is_told_what_it_cannot_have_and_why() {
    let said = remarks(&face(), &[0, 2, 3], &[Feature::Mav, Feature::Zc, Feature::Mnf, Feature::RiseSlope]);
    assert_eq!(said.len(), 3);
    assert!(said[0].starts_with("zyg (raw): rise_slope n/a: "), "{}", said[0]);
    assert!(said[1].starts_with("frown (rectified): zc, mnf, rise_slope n/a: "), "{}", said[1]);
    assert!(said[2].starts_with("corr (envelope): zc, mnf n/a: "), "{}", said[2]);
    assert!(remarks(&face(), &[0], &Feature::HUDGINS).is_empty());
    assert!(remarks(&face(), &[2], &Feature::amplitude()).len() <= 1);
    assert!(remarks(&face(), &[2], &Feature::amplitude()).is_empty());
}

#[test]
fn a_window_holds_whole_rows_and_enough_of_them() {
    assert_eq!(rows("window", 0.25, 904.0, 4).unwrap(), 226);
    let short = rows("window", 0.25, 10.0, 4).unwrap_err();
    assert_eq!(short.to_string(), "a window of 0.25 s at 10 Hz holds fewer than 4 rows");
}

/// Flags of all windows of 10 rows, one every 10, of one channel with these spans.
fn flags(values: &[f32], spans: &[Span]) -> Vec<Vec<&'static str>> {
    let mut flaws = Flaws::new(1);
    flaws.hear(spans);
    let mut all = Vec::new();
    Windows::new(1, 10, 10).push(0, values, |window| {
        all.push(flaws.of(&window, 0));
        flaws.forget(window.sample);
    });
    all
}

fn span(sample: u64, settled_sample: u64, reason: Reason) -> Span {
    Span { sample, channel: 0, chain: 0, settled_sample, reason }
}

#[test]
fn windows_before_the_filters_settled_say_so() {
    let flags = flags(&[0.0; 50], &[span(0, 15, Reason::Start), span(30, 30, Reason::Change)]);
    assert_eq!(
        flags,
        [vec!["settling"], vec!["settling"], vec![], vec![], vec![]],
        "a span may begin at a window"
    );
}

#[test]
fn windows_with_a_hole_or_rows_of_two_epochs_say_so() {
    let mut values = [0.0; 50];
    values[12] = f32::NAN;
    let spans = [span(0, 0, Reason::Start), span(13, 13, Reason::Gap), span(35, 41, Reason::Reconnect)];
    let flags = flags(&values, &spans);
    assert_eq!(flags, [vec![], vec!["gap"], vec![], vec!["reconnect", "settling"], vec!["settling"]]);
}
