//! A believable station: eight facial muscles, bursts, a file that grows, and an app that has seen it.

use crate::emg::finding::event::Class;
use crate::emg::marker::{Action, Origin, Placed};
use crate::emg::{Channel, Kind, Marker, Stamp, units};
use crate::session::snapshot::{ChannelState, MarkKey, Source, State};
use crate::session::system::Stage;
use crate::session::{Bins, Event, Role, Snapshot, System, Viewer};
use crate::tui::app::App;
use crate::tui::theme::Theme;
use crate::tui::update::{Input, scramble, update};
use crate::tui::widget::Dots;
use crate::tui::{Color, Look};

pub(crate) const FILE: &str = "recordings/sub-01/ses-01/emg/sub-01_ses-01_task-faces_run-01_emg.h5";
const ROWS_PER_BIN: u64 = 4;
const RATE_HZ: f64 = 1000.0;
/// Seconds and rows recorded before the watching begins, so that hours are seen.
const BEFORE_S: f64 = 11_565.0;
pub(crate) const BEFORE_ROWS: u64 = 11_565_000;

/// Name, muscle, side, action unit, noise at rest and strength of a burst in microvolts.
const MUSCLES: [(&str, &str, &str, &str, f32, f32); 8] = [
    ("ZYG-L", "zygomaticus major", "left", "AU12", 3.0, 160.0),
    ("ZYG-R", "zygomaticus major", "right", "AU12", 3.5, 140.0),
    ("COR-L", "corrugator supercilii", "left", "AU4", 4.0, 60.0),
    ("COR-R", "corrugator supercilii", "right", "AU4", 12.0, 60.0),
    ("ORB-L", "orbicularis oculi", "left", "AU6", 3.0, 90.0),
    ("FRO-M", "frontalis", "midline", "AU1+2", 2.5, 40.0),
    ("LEV-L", "levator labii", "left", "AU10", 3.0, 30.0),
    ("MEN", "mentalis", "midline", "AU17", 5.0, 110.0),
];

pub(crate) fn marker(id: u64, sample: u64, label: &str) -> Marker {
    Marker {
        id,
        sample,
        stamp: at(units::float(sample) / RATE_HZ - BEFORE_S),
        label: label.to_owned(),
        note: String::new(),
        code: 0,
        origin: Origin::Key,
        client: "tty1".to_owned(),
        latency_us: 900,
        uncertainty_us: 0,
        placed: Placed::Fit,
        action: Action::Add,
        refers_to: 0,
    }
}

/// The moment `seconds` after the station's first row.
pub(crate) fn at(seconds: f64) -> Stamp {
    Stamp { host_ns: units::nanos(seconds), utc_ns: units::nanos(50_000.0 + seconds) }
}

pub(crate) fn channels(n: usize) -> Vec<ChannelState> {
    let one = |(n, &(name, muscle, side, unit, rest, _)): (usize, &(&str, &str, &str, &str, f32, f32))| {
        let mut channel = Channel::new(if n < 8 { name.to_owned() } else { format!("{name}2") }, Kind::Raw);
        channel.muscle = muscle.to_owned();
        channel.side = side.to_owned();
        channel.action_unit = unit.to_owned();
        channel.electrode = "Ag/AgCl".to_owned();
        channel.size_mm = 4.0;
        channel.unit = "uV".to_owned();
        ChannelState {
            channel,
            level: f64::from(rest) * 0.8,
            mvc_percent: f64::NAN,
            offset: 12.0,
            floor: f64::from(rest) * 0.7,
            range_percent: 30.0,
            line_level: f64::from(rest) * 0.2,
            line_hz: 50.0,
            flags: Vec::new(),
        }
    };
    MUSCLES.iter().cycle().take(n).enumerate().map(one).collect()
}

/// Channels whose levels follow their muscles.
fn acting(count: usize, seconds: f64) -> Vec<ChannelState> {
    let mut channels = channels(count);
    for (n, state) in channels.iter_mut().enumerate() {
        let wobble = units::float(scramble(units::count(seconds * 5.0) + units::wide(n)) % 100) / 200.0;
        let acts =
            f64::from((0..10_u8).map(|t| strength(n, seconds - f64::from(t) / 10.0)).sum::<f32>()) / 10.0;
        state.level = acts * 0.8 * (1.0 + wobble);
    }
    channels
}

/// The threads of a healthy recorder.
fn stages() -> Vec<Stage> {
    [("acquire", 3.0, 0, 0), ("journal", 12.0, 2, 4096), ("process", 9.0, 1, 512), ("projector", 210.0, 0, 0)]
        .map(|(name, beat_age_ms, queued, capacity)| Stage {
            name: name.to_owned(),
            beat_age_ms,
            queued,
            capacity,
        })
        .to_vec()
}

/// The state of a healthy recording at a moment.
pub(crate) fn recording(seconds: f64) -> Snapshot {
    let rows = BEFORE_ROWS + units::count(seconds * RATE_HZ);
    Snapshot {
        id: "k7f2".to_owned(),
        state: State::Recording,
        file: FILE.to_owned(),
        elapsed_s: BEFORE_S + seconds,
        rows,
        bytes: rows * 36,
        write_age_s: 0.02 + (seconds * 20.0).fract() / 20.0,
        unwritten_ms: 21.0,
        undurable_ms: 640.0,
        projected_rows: rows.saturating_sub(900),
        source: Source {
            uri: "serial:/dev/ttyACM0?baud=500000".to_owned(),
            board: "usb-emg 8".to_owned(),
            rate_nominal_hz: RATE_HZ,
            rate_measured_hz: 1000.02 + (seconds * 0.7).sin() * 0.04,
            losses_counted: true,
            drift_ppm: 18.0 + (seconds * 0.2).sin(),
            residual_us: 27.4,
            alive: true,
            ..Source::default()
        },
        channels: acting(8, seconds),
        chain: "BP20-450 N50+h Q10".to_owned(),
        preset: "default".to_owned(),
        line_hz: 50.0,
        order: 4,
        notches: "auto".to_owned(),
        baseline: "off".to_owned(),
        settled: true,
        design_rate_hz: RATE_HZ,
        free_bytes: 118_000_000_000,
        disk_seconds_left: 763_200.0,
        markers: 12,
        viewers: vec![
            Viewer { client: 1, name: "attach@tty1".to_owned(), role: Role::Control },
            Viewer { client: 4, name: "attach@tty2".to_owned(), role: Role::Viewer },
        ],
        system: System {
            stages: stages(),
            sync_ms: 11.2,
            sync_worst_ms: 41.0,
            pid: 4711,
            projector_pid: 4712,
            version: "0.1.0".to_owned(),
            listens: "127.0.0.1:7777".to_owned(),
        },
        cpu_percent: 4.1,
        rss_bytes: 23_000_000,
        events: 640 + units::wide(found(seconds).len()),
        last_events: found(seconds),
        keys: [('1', "stim_on", 1), ('2', "stim_off", 2), ('3', "response", 3), ('a', "artefact", 4)]
            .map(|(key, label, code)| MarkKey {
                key,
                label: label.to_owned(),
                code,
                duration: false,
                guard_ms: 700,
            })
            .to_vec(),
        ..Snapshot::default()
    }
}

/// What [`strength`] does: every so often, from when on, for how long, and what that is.
const KINDS: [(f64, f64, f64, Class); 2] = [(5.3, 0.65, 1.5, Class::Macro), (3.7, 2.88, 0.05, Class::Brief)];

/// What a detector makes of it until a moment: an event is told of 1 s after its end.
fn found(seconds: f64) -> Vec<crate::emg::Event> {
    let row = |seconds: f64| units::count(seconds * RATE_HZ);
    let mut all = Vec::new();
    for (n, (every, from, lasts, class)) in (0..8_u16).flat_map(|n| KINDS.map(|kind| (n, kind))) {
        let takes_part = class == Class::Brief || [0, 1, 4, 7].contains(&n);
        let before = (BEFORE_S / every).floor();
        let onsets = (0..9).map(|k| (before + f64::from(k)) * every + from + f64::from(n) * 0.05);
        let known = |onset: &f64| takes_part && *onset > BEFORE_S && onset + lasts + 1.0 < BEFORE_S + seconds;
        for onset in onsets.filter(known) {
            let (onset, end) = (row(onset), row(onset + lasts));
            all.push(crate::emg::Event { onset, apex: onset, end, channel: n, class, ..Default::default() });
        }
    }
    all.sort_by_key(|event| event.end);
    all.split_off(all.len().saturating_sub(20))
}

/// Envelope of a muscle's activity at a moment: rest, a smile of 1.5 s, and bursts of 20 ms.
fn strength(channel: usize, seconds: f64) -> f32 {
    let (.., rest, burst) = MUSCLES[channel % 8];
    let phase = seconds - f64::from(units::small(channel)) * 0.05;
    let smile = (phase.rem_euclid(5.3) - 1.4).abs();
    let brief = (phase.rem_euclid(3.7) - 2.9).abs() < 0.010;
    let long = if smile < 0.75 { units::narrow((smile / 0.75 * 1.57).cos()) } else { 0.0 };
    let takes_part = [true, true, false, false, true, false, false, channel == 7][channel % 8];
    rest + if takes_part { burst * long } else { 0.0 } + if brief { burst } else { 0.0 }
}

/// Trace bins from bin `first` on, of `channels` channels.
pub(crate) fn bins(first: u64, count: u64, channels: u16) -> Bins {
    let mut clean = Vec::new();
    for bin in first..first + count {
        for channel in 0..u64::from(channels) {
            let seconds = units::float(bin * ROWS_PER_BIN) / RATE_HZ;
            let random = |salt: u64| {
                let bits = scramble(bin * 64 + channel * 2 + salt) >> 40;
                // Squared: peaks of a noise are rare.
                units::narrow((units::float(bits) / 16_777_216.0).powi(2) * 1.4)
            };
            let strength = strength(units::index(channel), seconds);
            let low = -strength * (0.15 + random(0));
            clean.push((low, strength * (0.15 + random(1))));
        }
    }
    let raw = clean.clone();
    Bins { first, rows_per_bin: 4, channels, clean, raw }
}

/// An app that has watched a station for some seconds.
pub(crate) struct Watched {
    pub(crate) app: App,
    pub(crate) seconds: f64,
    bins: u64,
    channels: usize,
}

impl Watched {
    pub(crate) fn new(dots: Dots, channels: usize) -> Self {
        let mut app = App::new(dots, Theme::new(Color::Ansi16, Look::Default), false, at(0.0));
        app.client = Some(1);
        Self { app, seconds: 0.0, bins: BEFORE_ROWS / ROWS_PER_BIN, channels }
    }

    /// Lets a tenth of a second pass: bins, a tick, a look at the clock.
    pub(crate) fn tenth(&mut self, change: impl Fn(&mut Snapshot)) {
        self.seconds += 0.1;
        let now = at(self.seconds);
        let mut snapshot = recording(self.seconds);
        if self.channels != 8 {
            snapshot.channels = acting(self.channels, self.seconds);
        }
        change(&mut snapshot);
        let until = BEFORE_ROWS / ROWS_PER_BIN + units::count((self.seconds * RATE_HZ / 4.0).floor());
        let width = u16::try_from(self.channels).unwrap();
        let fresh = bins(self.bins, until - self.bins, width);
        self.bins = until;
        update(&mut self.app, now, Input::Event(Event::Tick(Box::new(snapshot))));
        update(&mut self.app, now, Input::Event(Event::Bins(fresh)));
        update(&mut self.app, now, Input::Clock);
    }

    /// Watches until a moment.
    pub(crate) fn until(mut self, seconds: f64, change: impl Fn(&mut Snapshot)) -> Self {
        while self.seconds + 0.05 < seconds {
            self.tenth(&change);
        }
        self
    }

    /// The recorder stores a marker.
    pub(crate) fn marked(mut self, id: u64, sample: u64, label: &str) -> Self {
        self.says(Event::Marked(marker(id, sample, label)));
        self
    }

    pub(crate) fn says(&mut self, event: Event) {
        update(&mut self.app, at(self.seconds), Input::Event(event));
    }
}

/// The usual picture: 13 s watched, three markers, a line in the log.
pub(crate) fn watched(dots: Dots, change: impl Fn(&mut Snapshot)) -> Watched {
    let mut watched = Watched::new(dots, 8).until(13.3, change);
    watched.says(Event::Notice { utc_ns: at(2.0).utc_ns, level: 3, text: "clock fit in force".to_owned() });
    let text = "the projector was started again".to_owned();
    watched.says(Event::Notice { utc_ns: at(8.0).utc_ns, level: 2, text });
    let row = |ms| BEFORE_ROWS + ms;
    watched.marked(10, row(6_400), "stim_on").marked(11, row(9_204), "stim_off").marked(
        12,
        row(11_950),
        "mark",
    )
}
