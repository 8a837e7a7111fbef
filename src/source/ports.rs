//! WHICH SERIAL PORTS THERE ARE, and which board each may be, judged by its USB ids alone.
//!
//! Nothing is opened, because opening a port resets the board behind it. Pseudo-terminals are never listed;
//! they are opened by path. `cli` prints what this returns.

pub mod access;

use super::Error;
use serialport::{SerialPortInfo, SerialPortType};
use std::path::Path;

/// Where Linux lists terminals; a system without it (a small container) has no serial port either.
const LISTED_IN: &str = "/sys/class/tty";

/// A serial port of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// As a source names it: `serial:` and this.
    pub path: String,
    /// What the USB device says of itself, where there is one.
    pub usb: Option<Usb>,
    /// The board its ids belong to, where they tell boards apart.
    pub board: Option<&'static str>,
    /// What to make of it, one sentence.
    pub hint: &'static str,
}

/// The descriptors of a USB device; texts are empty where it has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usb {
    /// Vendor id.
    pub vid: u16,
    /// Product id.
    pub pid: u16,
    /// Serial number; CH340 clones have none.
    pub serial: String,
    /// Manufacturer, in its own words.
    pub manufacturer: String,
    /// Product, in its own words.
    pub product: String,
}

/// The serial ports of this machine, USB before built-in, then by path; empty where there is none.
pub fn list() -> Result<Vec<Port>, Error> {
    // The crate panics where the folder is missing.
    if !Path::new(LISTED_IN).is_dir() {
        return Ok(Vec::new());
    }
    let found = serialport::available_ports().map_err(|error| Error::Open {
        subject: LISTED_IN.to_owned(),
        reason: error.to_string(),
        advice: "name the port yourself, as in `serial:/dev/ttyACM0`".to_owned(),
    })?;
    let mut ports: Vec<Port> = found.into_iter().map(Port::from).collect();
    ports.sort_by(|a, b| (a.usb.is_none(), &a.path).cmp(&(b.usb.is_none(), &b.path)));
    Ok(ports)
}

impl Port {
    /// Whether its ids are those of a board or of a bridge that boards are sold with.
    #[must_use]
    pub fn may_be_a_board(&self) -> bool {
        is_serial(self.board, self.hint)
    }
}

impl From<SerialPortInfo> for Port {
    fn from(info: SerialPortInfo) -> Self {
        let usb = match info.port_type {
            SerialPortType::UsbPort(usb) => Some(Usb {
                vid: usb.vid,
                pid: usb.pid,
                serial: usb.serial_number.unwrap_or_default(),
                manufacturer: usb.manufacturer.unwrap_or_default(),
                product: usb.product.unwrap_or_default(),
            }),
            SerialPortType::PciPort | SerialPortType::BluetoothPort | SerialPortType::Unknown => None,
        };
        let (board, hint) = match &usb {
            Some(usb) => judge(usb.vid, usb.pid),
            None => (None, "no USB device: most likely nothing is connected"),
        };
        Self { path: info.port_name, usb, board, hint }
    }
}

/// Whether a judgement is of something that has a serial port.
fn is_serial(board: Option<&str>, hint: &str) -> bool {
    board.is_some() || hint.contains("bridge") || hint.contains("ESP32")
}

/// The board behind USB ids. Only Arduino's own ids name a board; bridges are sold on boards of all kinds.
fn judge(vid: u16, pid: u16) -> (Option<&'static str>, &'static str) {
    match (vid, pid) {
        (0x2341, 0x0010 | 0x0042 | 0x0242) | (0x2a03, 0x0010 | 0x0042) => {
            (Some("Arduino Mega 2560"), "the board this station is made for")
        }
        (0x2341 | 0x2a03, _) => {
            (Some("Arduino"), "an Arduino; any sketch that prints lines of numbers will do")
        }
        (0x1a86, 0x7523) => (None, "a CH340 bridge: a board it cannot name, often a Mega clone"),
        (0x0403, 0x6001) => {
            (None, "an FTDI bridge: a board it cannot name; it gathers bytes for up to 16 ms")
        }
        (0x0403, 0x6010 | 0x6014 | 0x6015) => (None, "an FTDI bridge: a board it cannot name"),
        (0x10c4, 0xea60) => (None, "a CP210x bridge: a board it cannot name, often an ESP32"),
        (0x1a86, 0x5523 | 0x55d3 | 0x55d4) => (None, "a CH34x bridge: a board it cannot name"),
        (0x067b, 0x2303) => (None, "a PL2303 bridge: a cable or an old board it cannot name"),
        (0x16c0, 0x0483) => (Some("Teensy"), "a Teensy; any sketch that prints lines of numbers will do"),
        (0x2e8a, 0x0005 | 0x000a) => {
            (Some("Raspberry Pi Pico"), "a Pico; any program that prints lines of numbers will do")
        }
        (0x303a, _) => (None, "an ESP32 with a USB port of its own"),
        _ => (None, "a USB device this station does not know"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serialport::UsbPortInfo;

    fn port(vid: u16, pid: u16) -> Port {
        let usb =
            UsbPortInfo { vid, pid, serial_number: Some("7".into()), manufacturer: None, product: None };
        Port::from(SerialPortInfo {
            port_name: "/dev/ttyACM0".into(),
            port_type: SerialPortType::UsbPort(usb),
        })
    }

    #[test]
    fn only_ids_that_tell_boards_apart_name_one() {
        assert_eq!(port(0x2341, 0x0042).board, Some("Arduino Mega 2560"));
        assert_eq!(port(0x2a03, 0x0010).board, Some("Arduino Mega 2560"));
        assert_eq!(port(0x2341, 0x0043).board, Some("Arduino"));
        assert_eq!(port(0x1a86, 0x7523).board, None);
        assert!(port(0x1a86, 0x7523).hint.contains("CH340"));
        assert_eq!(port(0x1a86, 0x7523).usb.unwrap().serial, "7");
    }

    #[test]
    fn a_machine_can_be_asked_whatever_it_has() {
        let ports = list().unwrap();
        assert!(ports.iter().all(|port| port.path.starts_with("/dev/")), "{ports:?}");
        assert!(ports.is_sorted_by_key(|port| (port.usb.is_none(), port.path.clone())));
    }
}
