//! `ports`: serial ports and what is known of them.

use super::{advise, json, say};
use clap::Args;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct PortsArgs {
    /// One JSON array
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &PortsArgs) -> anyhow::Result<ExitCode> {
    let ports = crate::source::ports::list().map_err(|error| advise(&error, error.advice()))?;
    if args.json {
        say(&json::ports(&ports)?);
    } else if ports.is_empty() {
        say("no serial port was found; connect a board, or try `--source sim:`");
    }
    for port in ports.iter().filter(|_| !args.json) {
        let usb = port.usb.as_ref().map_or_else(String::new, |usb| {
            format!(
                "  usb {:04x}:{:04x} {} {} {}",
                usb.vid, usb.pid, usb.manufacturer, usb.product, usb.serial
            )
        });
        say(&format!("{}  {}{usb}  {}", port.path, port.board.unwrap_or("unknown board"), port.hint));
    }
    Ok(ExitCode::SUCCESS)
}
