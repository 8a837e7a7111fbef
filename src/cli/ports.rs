//! `ports`: serial ports, what is known of them, which recorder holds them, and what to do.

use super::held::Recorders;
use super::{advise, json, say, tell};
use crate::source::ports::access::{self, Access, access};
use crate::source::ports::{self, Port};
use clap::Args;
use std::path::Path;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct PortsArgs {
    /// One JSON array
    #[arg(long)]
    json: bool,
}

/// A port and what can be done with it now.
pub(super) struct Found {
    pub(super) port: Port,
    /// Id of the recorder that holds it.
    pub(super) held_by: Option<String>,
    /// Whether this user may open it.
    pub(super) usable: bool,
    /// What to do, one sentence.
    pub(super) advice: String,
}

pub(super) fn run(args: &PortsArgs) -> anyhow::Result<ExitCode> {
    let recorders = Recorders::ask();
    for sentence in &recorders.silent {
        tell(sentence);
    }
    let ports = ports::list().map_err(|error| advise(&error, error.advice()))?;
    let found: Vec<Found> = ports.into_iter().map(|port| look(port, &recorders)).collect();
    let lost = access::without_port();
    if args.json {
        say(&json::ports(&found)?);
    } else if found.is_empty() && lost.is_empty() {
        say("no serial port was found; connect a board, or try `--source sim:`");
    }
    for found in found.iter().filter(|_| !args.json) {
        say(&line(found));
    }
    for ((vid, pid), hint) in lost {
        tell(&format!("usb {vid:04x}:{pid:04x} has no port ({hint}); {}", driver_advice(vid)));
    }
    Ok(ExitCode::SUCCESS)
}

fn look(port: Port, recorders: &Recorders) -> Found {
    let path = Path::new(&port.path);
    let held_by = recorders.holder(path).map(|snapshot| snapshot.id.clone());
    let access = access(path);
    let usable = access == Access::Usable;
    let advice = match &held_by {
        Some(id) => {
            format!("recorder {id} holds it: `myograph attach {id}` shows it, `myograph stop {id}` frees it")
        }
        None if !usable => denied_advice(&access),
        None if port.usb.is_some() => {
            let path = &port.path;
            format!(
                "`myograph doctor --source serial:{path}` tries it, `myograph record --source serial:{path}` records"
            )
        }
        None => "connect a board by USB".to_owned(),
    };
    Found { port, held_by, usable, advice }
}

fn line(found: &Found) -> String {
    let Port { path, usb, board, hint } = &found.port;
    let usb = usb.as_ref().map_or_else(String::new, |usb| {
        format!("  usb {:04x}:{:04x} {} {} {}", usb.vid, usb.pid, usb.manufacturer, usb.product, usb.serial)
    });
    format!("{path}  {}{usb}  {hint}; {}", board.unwrap_or("unknown board"), found.advice)
}

/// What to do about a port that cannot be opened.
pub(super) fn denied_advice(access: &Access) -> String {
    match access {
        Access::Usable => String::new(),
        Access::Missing => "plug the board in; `myograph ports` lists what is there".to_owned(),
        Access::NotAPort => "`myograph ports` lists the serial ports".to_owned(),
        Access::Denied { group, member: true } => {
            format!("you are in group {group} already: log out and in again, so that it counts")
        }
        Access::Denied { group, member: false } if group.is_empty() || group == "root" => {
            "install scripts/udev/70-myograph.rules, then plug the board in again".to_owned()
        }
        Access::Denied { group, member: false } => {
            format!("add yourself to group {group}: sudo usermod -aG {group} $USER, then log in again")
        }
    }
}

/// What to do about a USB device without a port.
pub(super) fn driver_advice(vid: u16) -> &'static str {
    match vid {
        0x1a86 => {
            "its driver is missing (sudo modprobe ch341) or brltty took the device (sudo apt remove brltty, plug it in again)"
        }
        0x0403 => "its driver is missing: sudo modprobe ftdi_sio",
        0x10c4 => "its driver is missing: sudo modprobe cp210x",
        0x067b => "its driver is missing: sudo modprobe pl2303",
        _ => "its driver is missing: sudo modprobe cdc_acm",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_obstacle_has_a_way_around_it() {
        let denied = |group: &str, member| denied_advice(&Access::Denied { group: group.into(), member });
        assert!(denied("dialout", false).contains("usermod -aG dialout"));
        assert!(denied("dialout", true).contains("log out"));
        assert!(denied("root", false).contains("70-myograph.rules"));
        assert!(driver_advice(0x1a86).contains("ch341") && driver_advice(0x1a86).contains("brltty"));
    }

    #[test]
    fn a_port_that_is_held_is_not_recommended() {
        let mut snapshot = crate::session::Snapshot { id: "r1".into(), ..Default::default() };
        snapshot.source.uri = "serial:/dev/ttyS77?baud=9600".into();
        let recorders = Recorders { answering: vec![snapshot], silent: vec![] };
        let port = |path: &str| Port { path: path.into(), usb: None, board: None, hint: "a test" };
        let held = look(port("/dev/ttyS77"), &recorders);
        assert_eq!(held.held_by.as_deref(), Some("r1"));
        assert!(line(&held).contains("myograph stop r1"), "{}", line(&held));
        assert_eq!(look(port("/dev/ttyS78"), &recorders).held_by, None);
    }
}
