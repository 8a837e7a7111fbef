//! The JSON twins of what commands report; keys are a contract (tested), values without a number are null.

use super::ports::Found;
use super::recover::Fate;
use crate::emg::Preflight;
use crate::recorder::Outcome;
use crate::recorder::control::hooks::News;
use crate::session::{self, Snapshot};
use crate::store::Summary;
use serde::Serialize;

#[derive(Serialize)]
struct Status<'a> {
    id: &'a str,
    state: &'static str,
    file: &'a str,
    elapsed_s: f64,
    rows: u64,
    bytes: u64,
    write_age_s: f64,
    unwritten_ms: f64,
    undurable_ms: f64,
    projected_rows: u64,
    source: Source<'a>,
    channels: Vec<Channel<'a>>,
    filter: Filter<'a>,
    models: Vec<Model<'a>>,
    disk: Disk,
    markers: u64,
    alarms: Vec<Alarm<'a>>,
    clients: usize,
    cpu_percent: f64,
    rss_bytes: u64,
}

#[derive(Serialize)]
struct Model<'a> {
    name: &'a str,
    label: &'a str,
    probability: Option<f64>,
    latency_ms: Option<f64>,
    late: u64,
    predictions: u64,
    trouble: &'a str,
}

fn model(state: &crate::session::ModelState) -> Model<'_> {
    Model {
        name: &state.name,
        label: &state.label,
        probability: known(state.probability),
        latency_ms: known(state.latency_ms),
        late: state.late,
        predictions: state.predictions,
        trouble: &state.trouble,
    }
}

#[derive(Serialize)]
struct Source<'a> {
    uri: &'a str,
    board: &'a str,
    rate_nominal_hz: Option<f64>,
    rate_measured_hz: Option<f64>,
    losses_counted: bool,
    lost_samples: u64,
    gaps: u64,
    reconnects: u64,
    drift_ppm: Option<f64>,
    residual_us: Option<f64>,
}

#[derive(Serialize)]
struct Channel<'a> {
    name: &'a str,
    muscle: &'a str,
    au: &'a str,
    kind: &'static str,
    level: Option<f64>,
    unit: &'a str,
    mvc_percent: Option<f64>,
    flags: &'a [String],
}

#[derive(Serialize)]
struct Filter<'a> {
    chain: &'a str,
    settled: bool,
}

#[derive(Serialize)]
struct Alarm<'a> {
    id: u64,
    kind: &'a str,
    channel: Option<u16>,
    priority: &'static str,
    since_utc_ns: i64,
    text: &'a str,
    advice: &'a str,
    acknowledged_by: &'a str,
}

#[derive(Serialize)]
struct Disk {
    free_bytes: u64,
    seconds_left: Option<f64>,
}

#[derive(Serialize)]
struct PortTwin<'a> {
    path: &'a str,
    usb: Option<Usb<'a>>,
    board: Option<&'static str>,
    hint: &'static str,
    /// Id of the recorder that holds it.
    held_by: Option<&'a str>,
    usable: bool,
    advice: &'a str,
}

#[derive(Serialize)]
struct Usb<'a> {
    vid: u16,
    pid: u16,
    serial: &'a str,
    manufacturer: &'a str,
    product: &'a str,
}

/// A number JSON can hold.
fn known(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// `status --json`.
pub(super) fn status(snapshots: &[Snapshot]) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&snapshots.iter().map(twin).collect::<Vec<_>>())
}

fn alarm(alarm: &session::Alarm) -> Alarm<'_> {
    Alarm {
        id: alarm.id,
        kind: &alarm.kind,
        channel: alarm.channel,
        priority: alarm.priority.word(),
        since_utc_ns: alarm.since_utc_ns,
        text: &alarm.text,
        advice: &alarm.advice,
        acknowledged_by: &alarm.acknowledged_by,
    }
}

fn twin(snapshot: &Snapshot) -> Status<'_> {
    let source = &snapshot.source;
    Status {
        id: &snapshot.id,
        state: snapshot.state.word(),
        file: &snapshot.file,
        elapsed_s: snapshot.elapsed_s,
        rows: snapshot.rows,
        bytes: snapshot.bytes,
        write_age_s: snapshot.write_age_s,
        unwritten_ms: snapshot.unwritten_ms,
        undurable_ms: snapshot.undurable_ms,
        projected_rows: snapshot.projected_rows,
        source: Source {
            uri: &source.uri,
            board: &source.board,
            rate_nominal_hz: known(source.rate_nominal_hz),
            rate_measured_hz: known(source.rate_measured_hz),
            losses_counted: source.losses_counted,
            lost_samples: source.lost_samples,
            gaps: source.gaps,
            reconnects: source.reconnects,
            drift_ppm: known(source.drift_ppm),
            residual_us: known(source.residual_us),
        },
        channels: snapshot.channels.iter().map(channel).collect(),
        filter: Filter { chain: &snapshot.chain, settled: snapshot.settled },
        models: snapshot.models.iter().map(model).collect(),
        disk: Disk { free_bytes: snapshot.free_bytes, seconds_left: known(snapshot.disk_seconds_left) },
        markers: snapshot.markers,
        alarms: snapshot.alarms.iter().map(alarm).collect(),
        clients: snapshot.viewers.len(),
        cpu_percent: snapshot.cpu_percent,
        rss_bytes: snapshot.rss_bytes,
    }
}

fn channel(state: &crate::session::snapshot::ChannelState) -> Channel<'_> {
    Channel {
        name: &state.channel.name,
        muscle: &state.channel.muscle,
        au: &state.channel.action_unit,
        kind: state.channel.kind.word(),
        level: known(state.level),
        unit: &state.channel.unit,
        mvc_percent: known(state.mvc_percent),
        flags: &state.flags,
    }
}

#[derive(Serialize)]
struct NewsTwin<'a> {
    id: &'a str,
    file: &'a str,
    /// `raised` or `over`.
    event: &'static str,
    alarm: Alarm<'a>,
}

/// What `on-alarm` is told.
pub(super) fn news(news: &News<'_>) -> String {
    let event = if news.raised { "raised" } else { "over" };
    one_line(&NewsTwin { id: news.id, file: news.file, event, alarm: alarm(news.alarm) })
}

#[derive(Serialize)]
struct OutcomeTwin<'a> {
    id: &'a str,
    /// Exit code of the recorder.
    code: u8,
    lines: &'a [String],
    files: &'a [String],
}

/// What `on-close` is told.
pub(super) fn outcome(outcome: &Outcome) -> String {
    let Outcome { id, code, lines, files } = outcome;
    one_line(&OutcomeTwin { id, code: *code, lines, files })
}

/// Only a map with keys that are no text cannot be written; these have none.
fn one_line(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// `ports --json`.
pub(super) fn ports(ports: &[Found]) -> serde_json::Result<String> {
    let twins: Vec<_> = ports
        .iter()
        .map(|Found { port, held_by, usable, advice }| PortTwin {
            path: &port.path,
            usb: port.usb.as_ref().map(|usb| Usb {
                vid: usb.vid,
                pid: usb.pid,
                serial: &usb.serial,
                manufacturer: &usb.manufacturer,
                product: &usb.product,
            }),
            board: port.board,
            hint: port.hint,
            held_by: held_by.as_deref(),
            usable: *usable,
            advice,
        })
        .collect();
    serde_json::to_string_pretty(&twins)
}

#[derive(Serialize)]
struct SummaryTwin<'a> {
    file: &'a str,
    format_version: &'a str,
    state: &'static str,
    rows: u64,
    channels: u64,
    sampling_rate_hz: Option<f64>,
    duration_s: Option<f64>,
    markers: u64,
    gaps: u64,
    samples_lost: u64,
    losses_counted: bool,
    epochs: u64,
    predictions: &'a std::collections::BTreeMap<String, u64>,
    checks: Vec<CheckTwin<'a>>,
}

#[derive(Serialize)]
struct CheckTwin<'a> {
    name: &'static str,
    ok: bool,
    detail: &'a str,
}

/// `inspect --json` and `verify --json`.
pub(super) fn summaries(summaries: &[&Summary]) -> serde_json::Result<String> {
    let twin = |summary: &&'_ Summary| -> serde_json::Result<serde_json::Value> {
        serde_json::to_value(SummaryTwin {
            file: &summary.file,
            format_version: &summary.format_version,
            state: summary.state.word(),
            rows: summary.rows,
            channels: summary.channels,
            sampling_rate_hz: known(summary.sampling_rate_hz),
            duration_s: known(summary.duration_s),
            markers: summary.markers,
            gaps: summary.gaps,
            samples_lost: summary.samples_lost,
            losses_counted: summary.losses_counted,
            epochs: summary.epochs,
            predictions: &summary.predictions,
            checks: summary
                .checks
                .iter()
                .map(|check| CheckTwin { name: check.name, ok: check.ok, detail: &check.detail })
                .collect(),
        })
    };
    let twins: Vec<_> = summaries.iter().map(twin).collect::<serde_json::Result<_>>()?;
    serde_json::to_string_pretty(&twins)
}

#[derive(Serialize)]
struct RecoveryTwin<'a> {
    journal: &'a std::path::Path,
    /// `closed`, `recovered`, `skipped` or `failed`.
    state: &'static str,
    file: Option<&'a std::path::Path>,
    rows: u64,
    missing_records: u64,
    hole_rows: u64,
    kept: Option<&'a std::path::Path>,
    reason: Option<&'a str>,
}

/// A journal nothing was made of.
fn nothing<'a>(journal: &'a std::path::Path, state: &'static str, reason: &'a str) -> RecoveryTwin<'a> {
    RecoveryTwin {
        journal,
        state,
        file: None,
        rows: 0,
        missing_records: 0,
        hole_rows: 0,
        kept: None,
        reason: Some(reason),
    }
}

/// `recover --json`.
pub(super) fn recoveries(fates: &[(std::path::PathBuf, Fate)]) -> serde_json::Result<String> {
    let twin = |(journal, fate): &'_ (std::path::PathBuf, Fate)| -> serde_json::Result<serde_json::Value> {
        serde_json::to_value(match fate {
            Fate::Skipped(why) => nothing(journal, "skipped", why),
            Fate::Failed(why) => nothing(journal, "failed", why),
            Fate::Recovered(recovered) => RecoveryTwin {
                journal,
                state: if recovered.complete { "closed" } else { "recovered" },
                file: Some(&recovered.file),
                rows: recovered.rows,
                missing_records: recovered.missing_records,
                hole_rows: recovered.hole_rows,
                kept: recovered.kept.as_deref(),
                reason: None,
            },
        })
    };
    serde_json::to_string_pretty(&fates.iter().map(twin).collect::<serde_json::Result<Vec<_>>>()?)
}

/// The fields of `/preflight`, where a recording will hold the same.
#[derive(Serialize)]
struct CheckLine<'a> {
    check: &'a str,
    /// `ok`, `warn`, `fail` or `skip`.
    result: &'static str,
    value: &'a str,
    advice: &'a str,
}

/// `doctor --json`.
pub(super) fn checks(checks: &[Preflight]) -> serde_json::Result<String> {
    let line = |check: &'_ Preflight| -> serde_json::Result<serde_json::Value> {
        let Preflight { check, outcome, value, advice } = check;
        serde_json::to_value(CheckLine { check, result: outcome.word(), value, advice })
    };
    serde_json::to_string_pretty(&checks.iter().map(line).collect::<serde_json::Result<Vec<_>>>()?)
}

/// `contract --json`: names and whole numbers, one object.
pub(super) fn numbers(numbers: &[(&str, u64)]) -> serde_json::Result<String> {
    serde_json::to_string(&numbers.iter().copied().collect::<std::collections::BTreeMap<_, _>>())
}
