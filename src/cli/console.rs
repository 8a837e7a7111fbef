//! The plain log lines of a recorder in the foreground: a front end that only listens.

use super::tell;
use crate::emg::units::count;
use crate::session::alarm::Priority;
use crate::session::{ClientId, Clients, Event, Snapshot};
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A line this often.
const EVERY: Duration = Duration::from_secs(5);

/// All other front ends, and the console beside them.
pub(super) struct Console<C> {
    others: C,
    /// None when nothing is to be printed.
    last: Option<Mutex<Instant>>,
    /// Labels may tell the condition and are not printed.
    blind: bool,
}

impl<C> Console<C> {
    pub(super) fn new(others: C, prints: bool, blind: bool) -> Self {
        Self { others, last: prints.then(|| Mutex::new(Instant::now())), blind }
    }

    fn print(&self, event: &Event) {
        let Some(last) = &self.last else { return };
        match event {
            Event::Tick(snapshot) => {
                let Ok(mut last) = last.lock() else { return };
                if last.elapsed() >= EVERY {
                    *last = Instant::now();
                    tell(&line(snapshot));
                }
            }
            Event::Notice { level, text, .. } => {
                let word = ["", "ALARM ", "warning: "].get(usize::from(*level)).copied().unwrap_or("");
                tell(&format!("{word}{text}"));
            }
            Event::Marked(marker) => {
                let label = if self.blind { "(hidden)" } else { &marker.label };
                tell(&format!("marker {} `{label}` at sample {}", marker.id, marker.sample));
            }
            Event::Bins(_) | Event::Answer { .. } | Event::Finished { .. } => {}
        }
    }
}

impl<C: Clients> Clients for Console<C> {
    fn send_to(&self, client: ClientId, event: Event) {
        self.others.send_to(client, event);
    }

    fn broadcast(&self, event: Event) {
        self.print(&event);
        self.others.broadcast(event);
    }

    fn subscribe(&self, client: ClientId, history: Vec<Event>) {
        self.others.subscribe(client, history);
    }
}

/// A bar on standard error for `length` of something; on a terminal only.
pub(super) fn progress(length: u64, doing: &str) -> ProgressBar {
    let bar = ProgressBar::new(length).with_message(doing.to_owned());
    let style = ProgressStyle::with_template("{msg} {wide_bar} {percent} % {eta} left");
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

/// Seconds as `h:mm:ss`.
pub(super) fn seconds(seconds: f64) -> String {
    let whole = count(seconds.floor());
    format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
}

/// A snapshot as one plain line, the same words as on the dashboard.
pub(super) fn line(snapshot: &Snapshot) -> String {
    let source = &snapshot.source;
    let lost = if source.losses_counted {
        format!("lost {}", source.lost_samples)
    } else {
        "losses cannot be counted".to_owned()
    };
    let ok = snapshot.channels.iter().filter(|channel| channel.flags.is_empty()).count();
    let rate = if source.rate_measured_hz.is_nan() { 0.0 } else { source.rate_measured_hz };
    let mut line = format!(
        "{} {} {} {} rows {}, {:.1} MB, source {} {rate:.1} Hz {lost}, channels ok {ok}/{}, {} markers",
        snapshot.id,
        snapshot.state.word(),
        if snapshot.file.is_empty() { "no file" } else { &snapshot.file },
        snapshot.rows,
        seconds(snapshot.elapsed_s),
        crate::emg::units::float(snapshot.bytes) / 1e6,
        if source.alive { "ok" } else { "LOST" },
        snapshot.channels.len(),
        snapshot.markers,
    );
    for alarm in &snapshot.alarms {
        line += if alarm.priority == Priority::First { ", ALARM " } else { ", warning: " };
        line += &alarm.text;
    }
    line
}
