//! Every message of the session, with arbitrary values, through bytes and back.

use super::*;
use crate::emg::Event as MuscleEvent;
use crate::emg::finding::event::{Class, Verdict};
use crate::emg::{Channel, ClockOffset, Kind, Marker, Stamp, marker};
use crate::face::calibration::{Muscle, Phase, Progress, Verdict as CalibrationVerdict};
use crate::face::events::{Active, Waiting};
use crate::session::ModelState;
use crate::session::alarm::Priority;
use crate::session::command::Action;
use crate::session::command::{CalibrateRequest, CalibrateStep, FilterRequest};
use crate::session::snapshot::{ChannelState, MarkKey, OpenMark, Source, State};
use crate::session::system::Stage;
use crate::session::{Alarm, Answer, Bins, MarkRequest, Role, Snapshot, System, Viewer};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|s| s.chars().take(12).collect())
}

/// Any float, NaN and infinities too.
fn float() -> impl Strategy<Value = f64> {
    any::<u64>().prop_map(f64::from_bits)
}

fn stamp() -> impl Strategy<Value = Stamp> {
    any::<(i64, i64)>().prop_map(|(host_ns, utc_ns)| Stamp { host_ns, utc_ns })
}

fn mark_request() -> impl Strategy<Value = MarkRequest> {
    let numbers = any::<(u64, i32, u64, u32)>();
    let enums = (select(&marker::Origin::ALL[..]), select(&marker::Action::ALL[..]));
    (numbers, stamp(), text(), text(), enums).prop_map(|(n, stamp, label, note, (origin, action))| {
        MarkRequest {
            key: n.0,
            stamp,
            label,
            note,
            code: n.1,
            origin,
            action,
            refers_to: n.2,
            uncertainty_us: n.3,
        }
    })
}

fn command() -> impl Strategy<Value = Command> {
    let action = prop_oneof![
        mark_request().prop_map(Action::Mark),
        Just(Action::RetractLast),
        Just(Action::Record),
        Just(Action::Stop),
        Just(Action::Status),
        (text(), any::<(u64, i64, i64, u32)>()).prop_map(
            |(sender, (sample, host_ns, offset_ns, uncertainty_us))| {
                Action::ClockOffset(ClockOffset { sender, sample, host_ns, offset_ns, uncertainty_us })
            }
        ),
        (select(&CalibrateStep::TABLE[..]), proptest::option::of(any::<u16>()))
            .prop_map(|((step, _), channel)| Action::Calibrate(CalibrateRequest { step, channel })),
        any::<bool>().prop_map(|read_only| Action::Subscribe { read_only }),
        Just(Action::Take),
        Just(Action::Acknowledge),
        ([text(), text(), text()], float(), any::<u32>()).prop_map(
            |([preset, notches, baseline], line_hz, order)| {
                Action::Filter(FilterRequest { preset, line_hz, order, notches, baseline })
            }
        ),
    ];
    (any::<u64>(), action).prop_map(|(request, action)| Command { request, action })
}

fn marker() -> impl Strategy<Value = Marker> {
    let enums = select(&marker::Placed::ALL[..]);
    (mark_request(), any::<(u64, u32)>(), text(), enums).prop_map(
        |(m, (sample, latency_us), client, placed)| Marker {
            id: m.key,
            sample,
            stamp: m.stamp,
            label: m.label,
            note: m.note,
            code: m.code,
            origin: m.origin,
            client,
            latency_us,
            uncertainty_us: m.uncertainty_us,
            placed,
            action: m.action,
            refers_to: m.refers_to,
        },
    )
}

fn channel() -> impl Strategy<Value = Channel> {
    (vec(text(), 8), select(&Kind::ALL[..]), vec(float(), 9), any::<u8>()).prop_map(
        |(t, kind, f, adc_bits)| Channel {
            name: t[0].clone(),
            kind,
            muscle: t[1].clone(),
            side: t[2].clone(),
            action_unit: t[3].clone(),
            unit: t[4].clone(),
            offset: f[0],
            scale: f[1],
            gain: f[2],
            adc_bits,
            reference_v: f[3],
            skew_us: f[4],
            sensor: t[5].clone(),
            sensor_tau_s: f[5],
            electrode: t[6].clone(),
            size_mm: f[6],
            spacing_mm: f[7],
            impedance_kohm: f[8],
            position: t[7].clone(),
        },
    )
}

fn channel_state() -> impl Strategy<Value = ChannelState> {
    (channel(), vec(float(), 7), vec(text(), 0..3)).prop_map(|(channel, f, flags)| ChannelState {
        channel,
        level: f[0],
        mvc_percent: f[1],
        offset: f[2],
        floor: f[3],
        range_percent: f[4],
        line_level: f[5],
        line_hz: f[6],
        flags,
    })
}

fn source() -> impl Strategy<Value = Source> {
    (vec(text(), 2), vec(float(), 4), vec(any::<u64>(), 4), any::<(bool, bool)>()).prop_map(|(t, f, n, b)| {
        Source {
            uri: t[0].clone(),
            board: t[1].clone(),
            rate_nominal_hz: f[0],
            rate_measured_hz: f[1],
            lost_samples: n[0],
            losses_counted: b.0,
            gaps: n[1],
            reconnects: n[2],
            drift_ppm: f[2],
            residual_us: f[3],
            refused: n[3],
            alive: b.1,
        }
    })
}

prop_compose! {
    fn alarm()(
        t in vec(text(), 4),
        (id, since_utc_ns) in any::<(u64, i64)>(),
        channel in any::<Option<u16>>(),
        priority in select(&Priority::ALL[..]),
    ) -> Alarm {
        Alarm {
            id,
            kind: t[0].clone(),
            channel,
            priority,
            since_utc_ns,
            text: t[1].clone(),
            advice: t[2].clone(),
            acknowledged_by: t[3].clone(),
        }
    }
}

prop_compose! {
    fn viewer()(client in any::<u64>(), name in text(), role in select(&Role::ALL[..])) -> Viewer {
        Viewer { client, name, role }
    }
}

prop_compose! {
    fn system()(
        names in vec((text(), float(), any::<(u64, u64)>()), 0..3),
        f in vec(float(), 2),
        t in vec(text(), 2),
        (pid, projector_pid) in any::<(u32, u32)>(),
    ) -> System {
        let stage = |(name, beat_age_ms, (queued, capacity))| Stage { name, beat_age_ms, queued, capacity };
        System {
            stages: names.into_iter().map(stage).collect(),
            sync_ms: f[0],
            sync_worst_ms: f[1],
            pid,
            projector_pid,
            version: t[0].clone(),
            listens: t[1].clone(),
        }
    }
}

prop_compose! {
    fn key()(
        key in any::<char>(),
        label in text(),
        (code, duration, guard_ms) in any::<(i32, bool, u32)>(),
    ) -> MarkKey {
        MarkKey { key, label, code, duration, guard_ms }
    }
}

prop_compose! {
    fn open_mark()(label in text(), (id, code, since_host_ns) in any::<(u64, i32, i64)>()) -> OpenMark {
        OpenMark { id, label, code, since_host_ns }
    }
}

prop_compose! {
    fn event_found()(
        n in vec(any::<u64>(), 3),
        f in vec(float(), 8),
        channel in any::<u16>(),
        class in select(&Class::ALL[..]),
        verdict in select(&Verdict::ALL[..]),
    ) -> MuscleEvent {
        MuscleEvent {
            onset: n[0],
            apex: n[1],
            end: n[2],
            channel,
            class,
            peak: f[0],
            mvc_percent: f[1],
            snr_db: f[2],
            rise_us: f[3],
            onset_uncertainty_us: f[4],
            duration_corrected_us: f[5],
            duration_low_us: f[6],
            duration_high_us: f[7],
            verdict,
        }
    }
}

prop_compose! {
    fn muscle()(
        (channel, kept) in any::<(u16, bool)>(),
        (rest_mean, rest_sd) in (float(), float()),
        trials in vec(float(), 0..4),
        verdict in select(&CalibrationVerdict::ALL[..]),
    ) -> Muscle {
        Muscle { channel, rest_mean, rest_sd, trials, verdict, kept }
    }
}

prop_compose! {
    fn model()(
        t in vec(text(), 4),
        classes in vec(text(), 0..3),
        probabilities in vec(float(), 0..3),
        history in vec(float(), 0..3),
        f in vec(float(), 2),
        (flags, late, predictions) in any::<(u32, u64, u64)>(),
    ) -> ModelState {
        ModelState {
            name: t[0].clone(),
            note: t[1].clone(),
            classes,
            probabilities,
            label: t[2].clone(),
            probability: f[0],
            flags,
            latency_ms: f[1],
            late,
            predictions,
            history,
            trouble: t[3].clone(),
        }
    }
}

prop_compose! {
    fn progress()(
        phase in select(&Phase::ALL[..]),
        (channel, round, settling) in any::<(Option<u16>, u16, bool)>(),
        f in vec(float(), 4),
        muscles in vec(muscle(), 0..3),
    ) -> Progress {
        let [left_s, to_end_s, level, best] = [f[0], f[1], f[2], f[3]];
        Progress { phase, channel, round, left_s, to_end_s, settling, level, best, muscles }
    }
}

fn active() -> impl Strategy<Value = Active> {
    (any::<(u16, u64)>(), float()).prop_map(|((channel, onset), peak)| Active { channel, onset, peak })
}

fn waiting() -> impl Strategy<Value = Waiting> {
    any::<(u16, u64, u64)>().prop_map(|(channel, onset, end)| Waiting { channel, onset, end })
}

prop_compose! {
    fn snapshot()(
        t in vec(text(), 7),
        f in vec(float(), 9),
        n in vec(any::<u64>(), 8),
        (settled, blind, host_ns, order) in any::<(bool, bool, i64, u32)>(),
        state in select(&State::ALL[..]),
        source in source(),
        channels in vec(channel_state(), 0..4),
        (last_markers, last_events, models, active) in
            (vec(marker(), 0..4), vec(event_found(), 0..3), vec(model(), 0..3), vec(active(), 0..3)),
        alarms in vec(alarm(), 0..4),
        viewers in vec(viewer(), 0..4),
        system in system(),
        keys in vec(key(), 0..4),
        (open_marks, calibration) in (vec(open_mark(), 0..3), proptest::option::of(progress())),
        waiting in vec(waiting(), 0..3),
    ) -> Snapshot {
        Snapshot {
            id: t[0].clone(),
            state,
            file: t[1].clone(),
            folder: t[6].clone(),
            elapsed_s: f[0],
            rows: n[0],
            bytes: n[1],
            write_age_s: f[1],
            unwritten_ms: f[2],
            undurable_ms: f[3],
            projected_rows: n[2],
            source,
            channels,
            preset: t[3].clone(),
            line_hz: f[8],
            order,
            notches: t[4].clone(),
            baseline: t[5].clone(),
            chain: t[2].clone(),
            settled,
            settling_s: f[4],
            design_rate_hz: f[5],
            free_bytes: n[3],
            disk_seconds_left: f[6],
            markers: n[4],
            last_markers,
            events: n[7],
            last_events,
            active,
            waiting,
            models,
            open_marks,
            alarms,
            viewers,
            system,
            cpu_percent: f[7],
            rss_bytes: n[5],
            host_ns,
            keys,
            blind,
            calibration,
            skipped_rows: n[6],
        }
    }
}

fn bins() -> impl Strategy<Value = Bins> {
    let pairs = || vec(any::<(u32, u32)>().prop_map(|(a, b)| (f32::from_bits(a), f32::from_bits(b))), 0..20);
    (any::<(u64, u32, u16)>(), pairs(), pairs()).prop_map(|((first, rows_per_bin, channels), clean, raw)| {
        Bins { first, rows_per_bin, channels, clean, raw }
    })
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        any::<(u64, u64)>().prop_map(|(id, sample)| Answer::Stored { id, sample }),
        Just(Answer::Done),
        any::<u64>().prop_map(|client| Answer::Subscribed { client }),
        snapshot().prop_map(|s| Answer::Status(Box::new(s))),
        text().prop_map(Answer::Refused),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        snapshot().prop_map(|s| Event::Tick(Box::new(s))),
        bins().prop_map(Event::Bins),
        marker().prop_map(Event::Marked),
        (any::<(i64, u8)>(), text()).prop_map(|((utc_ns, level), text)| Event::Notice {
            utc_ns,
            level,
            text
        }),
        (any::<u64>(), answer()).prop_map(|(request, answer)| Event::Answer { request, answer }),
        (any::<u8>(), text()).prop_map(|(code, text)| Event::Finished { code, text }),
    ]
}

proptest! {
    #[test]
    fn every_command_survives_the_wire(command in command()) {
        let body = command.to_body().unwrap();
        let back = Command::from_body(&body).unwrap();
        // NaN is not equal to itself: the words are compared, and the bytes, which hold NaN's own bits.
        prop_assert_eq!(format!("{back:?}"), format!("{command:?}"));
        prop_assert_eq!(back.to_body().unwrap(), body);
    }

    #[test]
    fn every_event_survives_the_wire(event in event()) {
        let body = event.to_body().unwrap();
        let back = Event::from_body(&body).unwrap();
        prop_assert_eq!(format!("{back:?}"), format!("{event:?}"));
        prop_assert_eq!(back.to_body().unwrap(), body);
    }

    #[test]
    fn a_torn_or_lengthened_message_is_refused(event in event(), keep in any::<prop::sample::Index>()) {
        let mut body = event.to_body().unwrap();
        prop_assert!(Event::from_body(&body[..keep.index(body.len())]).is_err());
        body.push(0);
        prop_assert!(Event::from_body(&body).is_err());
    }

    #[test]
    fn garbage_never_panics(garbage in vec(any::<u8>(), 0..400)) {
        let _ = Command::from_body(&garbage);
        let _ = Event::from_body(&garbage);
        let _ = event_from(&garbage, 1);
        let _ = Hello::from_body(&garbage);
        let _ = Reply::from_body(&garbage);
    }

    #[test]
    fn a_common_version_is_one_both_speak(a in (0_u16..6, 0_u16..6), b in (0_u16..6, 0_u16..6)) {
        let run = |(from, more)| Versions { oldest: from, newest: from + more };
        let (a, b) = (run(a), run(b));
        let speaks = |side: Versions, v| (side.oldest..=side.newest).contains(&v);
        let best = (0..12).rev().find(|v| speaks(a, *v) && speaks(b, *v));
        prop_assert_eq!(a.common(b), best);
    }
}

#[test]
fn a_newer_program_may_add_to_its_greeting() {
    let hello = Hello { magic: hello::MAGIC, commands: COMMANDS, events: EVENTS, name: "attach".into() };
    let mut body = hello.to_body().unwrap();
    body.extend(b"what version 9 has to say");
    assert_eq!(Hello::from_body(&body).unwrap(), hello);
}

#[test]
fn refusals_keep_their_numbers() {
    use Refusal::{Full, Garbled, Other, Stranger, Version};
    let all = [Other, Version, Full, Stranger, Garbled];
    assert_eq!(all.map(Refusal::code), [0, 1, 2, 3, 4]);
    assert_eq!(all.map(|refusal| Refusal::from_code(refusal.code())), all);
    assert_eq!(Refusal::from_code(250), Other);
}

/// Version 2 as bytes: fields may join, none may go or change its name.
#[test]
fn the_words_of_version_2_stay() {
    let stop = Command { request: 7, action: Action::Stop };
    assert_eq!(stop.to_body().unwrap(), b"\x82\xa2is\xa4stop\xa7request\x07\x80");
    let take = Command { request: 7, action: Action::Subscribe { read_only: true } };
    assert_eq!(take.to_body().unwrap(), b"\x82\xa2is\xa9subscribe\xa7request\x07\x81\xa9read_only\xc3");
    let finished = Event::Finished { code: 1, text: "ok".into() };
    assert_eq!(
        finished.to_body().unwrap(),
        b"\x82\xa2is\xa8finished\xa7request\xc0\x82\xa4code\x01\xa4text\xa2ok"
    );
    let bins = Bins { first: 1, rows_per_bin: 10, channels: 1, clean: vec![(0.0, 1.0)], raw: Vec::new() };
    let body = Event::Bins(bins).to_body().unwrap();
    assert!(body.ends_with(b"\xa5clean\xc4\x08\0\0\0\0\0\0\x80\x3f\xa3raw\xc4\0"), "{body:x?}");
}

/// A message of a later program, as `MessagePack`.
fn later(is: &str, request: Option<u64>, content: &serde_json::Value) -> Vec<u8> {
    head::body(is, request, content).unwrap()
}

#[test]
fn fields_of_a_later_program_are_passed_over_and_missing_ones_are_unknown() {
    let tick = serde_json::json!({
        "rows": 7, "state": "Paused", "weather": { "is": "fine" },
        "source": { "uri": "sim:" }, "last_markers": [{ "id": 3, "origin": "Telepathy" }],
    });
    let Event::Tick(snapshot) = Event::from_body(&later("tick", None, &tick)).unwrap() else {
        panic!("no tick")
    };
    assert_eq!((snapshot.rows, snapshot.state, snapshot.source.uri.as_str()), (7, State::Recording, "sim:"));
    assert!(snapshot.line_hz.is_nan() && snapshot.source.residual_us.is_nan() && snapshot.alarms.is_empty());
    let marker = snapshot.last_markers.first().unwrap();
    assert_eq!((marker.id, marker.origin), (3, marker::Origin::Command));
}

#[test]
fn what_a_later_program_says_is_refused_by_name_and_number() {
    let unknown = |error: Error| match error {
        Error::Unknown { is, request } => (is, request),
        other => panic!("{other:?}"),
    };
    let body = later("levitate", Some(9), &serde_json::json!({ "height_m": 2 }));
    assert_eq!(unknown(Command::from_body(&body).unwrap_err()), ("levitate".to_owned(), Some(9)));
    assert_eq!(unknown(Event::from_body(&body).unwrap_err()), ("levitate".to_owned(), Some(9)));
    // A marker that does something new must not become one that does something old.
    let mark = later("mark", Some(4), &serde_json::json!({ "label": "x", "action": "Colour" }));
    assert_eq!(unknown(Command::from_body(&mark).unwrap_err()), ("mark".to_owned(), Some(4)));
    let picture = later("picture", None, &serde_json::json!([1, 2]));
    assert_eq!(unknown(Event::from_body(&picture).unwrap_err()), ("picture".to_owned(), None));
}

#[test]
fn sixty_seconds_of_64_channels_fit_one_frame() {
    let pairs = vec![(-1.0, 1.0); 60 * 100 * 64];
    let bins = Bins { first: 0, rows_per_bin: 10, channels: 64, clean: pairs.clone(), raw: pairs };
    let body = Event::Bins(bins).to_body().unwrap();
    assert!(body.len() < usize::try_from(Event::LIMIT).unwrap(), "{} bytes", body.len());
}
