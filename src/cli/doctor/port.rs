//! The port of a source: what stands in the way of opening it, or what the recorder that has it open says.

use super::Known;
use crate::cli::ports::{denied_advice, driver_advice};
use crate::emg::Preflight;
use crate::session::Snapshot;
use crate::source::ports::access::{self, Access, access};
use crate::source::ports::{self, Usb};
use std::path::Path;

/// Rates this close are the same.
const SAME: f64 = 0.02;

/// The port as it looks from outside; nothing is opened.
pub(super) fn checks(path: &Path) -> Vec<Preflight> {
    let shown = path.display().to_string();
    let access = access(path);
    let usb = usb_of(path);
    let mut checks = vec![match &access {
        Access::Usable => {
            Preflight::ok("port", format!("{shown}{}", usb.as_ref().map_or_else(String::new, words)))
        }
        Access::Missing => Preflight::fail("port", format!("there is no {shown}"), denied_advice(&access)),
        Access::NotAPort => {
            Preflight::fail("port", format!("{shown} is not a serial port"), denied_advice(&access))
        }
        Access::Denied { .. } => {
            Preflight::fail("port", format!("this user may not use {shown}"), denied_advice(&access))
        }
    }];
    if access == Access::Missing {
        checks.extend(access::without_port().into_iter().map(|((vid, pid), hint)| {
            Preflight::fail(
                "driver",
                format!("usb {vid:04x}:{pid:04x} has no port ({hint})"),
                driver_advice(vid),
            )
        }));
    }
    // Only ports of USB devices are looked into by these services.
    let grabbers = access::grabbers();
    if usb.is_some() && !grabbers.is_empty() && !access::rule_is_installed() {
        let value = format!("{} runs and opens boards when they are plugged in", grabbers.join(" and "));
        checks.push(Preflight::warn(
            "grabbers",
            value,
            "install scripts/udev/70-myograph.rules (how: its first lines)",
        ));
    }
    checks
}

/// The USB device behind a port, by whatever name the port is called.
fn usb_of(path: &Path) -> Option<Usb> {
    let path = std::fs::canonicalize(path).ok()?;
    ports::list().ok()?.into_iter().find(|port| Path::new(&port.path) == path)?.usb
}

fn words(usb: &Usb) -> String {
    format!(", usb {:04x}:{:04x} {} {}", usb.vid, usb.pid, usb.manufacturer, usb.product)
}

/// What the recorder that holds the port knows; the port is not touched.
pub(super) fn of_recorder(snapshot: &Snapshot) -> (Vec<Preflight>, Known) {
    let (id, source) = (&snapshot.id, &snapshot.source);
    let mut checks = vec![
        Preflight::ok(
            "port",
            format!("recorder {id} ({}) holds it; what follows are its words", snapshot.state.word()),
        ),
        if source.alive {
            Preflight::ok("board", format!("{}, {} channels", source.board, snapshot.channels.len()))
        } else {
            Preflight::fail("board", format!("{} sends nothing", source.board), "check its cable and power")
        },
        rate(snapshot),
    ];
    checks.extend(snapshot.channels.iter().map(|state| {
        let name = format!("ch {}", state.channel.name);
        let value = format!("level {:.3} {}", state.level, state.channel.unit);
        if state.flags.is_empty() {
            Preflight::ok(&name, value)
        } else {
            Preflight::warn(
                &name,
                format!("{value}, {}", state.flags.join(", ")),
                "check its electrodes and its wire",
            )
        }
    }));
    checks.extend(snapshot.alarms.iter().map(|alarm| Preflight::warn("alarm", &alarm.text, &alarm.advice)));
    let known = Some(source.rate_measured_hz).filter(|hz| hz.is_finite());
    (checks, Known { rate_hz: known, channels: snapshot.channels.len() })
}

fn rate(snapshot: &Snapshot) -> Preflight {
    let source = &snapshot.source;
    if !source.rate_measured_hz.is_finite() {
        return Preflight::skip("rate", "not known yet");
    }
    let drift = if source.drift_ppm.is_finite() {
        format!(", drift {:+.1} ppm (residual {:.0} us)", source.drift_ppm, source.residual_us)
    } else {
        String::new()
    };
    let lost =
        if source.losses_counted { format!(", {} rows lost", source.lost_samples) } else { String::new() };
    let (measured, nominal) = (source.rate_measured_hz, source.rate_nominal_hz);
    let of = if nominal.is_finite() { format!(" of {nominal}") } else { String::new() };
    let value = format!("{measured:.2} rows/s{of}{drift}{lost}");
    if nominal.is_finite() && (measured / nominal - 1.0).abs() > SAME {
        return Preflight::warn("rate", value, format!("declare `rate={measured:.0}` next time"));
    }
    if source.losses_counted && source.lost_samples > 0 {
        return Preflight::warn("rate", value, "use a higher baud rate or fewer channels, and another cable");
    }
    Preflight::ok("rate", value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emg::finding::preflight::Outcome;
    use crate::emg::{Channel, Kind};
    use crate::session::snapshot::{ChannelState, Source};

    #[test]
    fn a_recorder_speaks_for_its_port() {
        let flags = vec!["flat".to_owned()];
        let state = ChannelState { level: 1.0, flags, ..ChannelState::of(Channel::new("a", Kind::Raw)) };
        let source = Source {
            board: "a board".into(),
            rate_nominal_hz: 1000.0,
            rate_measured_hz: 904.0,
            drift_ppm: 12.0,
            residual_us: 30.0,
            alive: true,
            ..Source::default()
        };
        let snapshot = Snapshot { id: "r1".into(), source, channels: vec![state], ..Snapshot::default() };
        let (checks, known) = of_recorder(&snapshot);
        let verdict = |name: &str| checks.iter().find(|check| check.check == name).unwrap().outcome;
        assert_eq!((verdict("port"), verdict("board")), (Outcome::Ok, Outcome::Ok));
        assert_eq!((verdict("rate"), verdict("ch a")), (Outcome::Warn, Outcome::Warn));
        assert_eq!((known.rate_hz, known.channels), (Some(904.0), 1));
    }

    #[test]
    fn a_port_that_is_not_there_fails_with_what_to_do() {
        let missing = &checks(Path::new("/dev/no-such-port"))[0];
        assert!(missing.outcome == Outcome::Fail && missing.advice.contains("myograph ports"), "{missing:?}");
        assert_eq!(checks(Path::new("/etc/passwd"))[0].outcome, Outcome::Fail);
    }
}
