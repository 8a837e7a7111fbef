//! `serial:auto`: which port the board is on. Ports are asked only where their USB ids leave it open, and never one that
//! a recorder holds: asking resets whatever is there. `station` calls this for `record` and `doctor`.

use super::advise;
use super::held::Recorders;
use crate::source::ports::{self, Port};
use crate::source::serial::Serial;
use crate::source::uri::SourceUri;
use crate::source::{Description, Source};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The port of the one board there is.
pub(super) fn port(stop: &Arc<AtomicBool>) -> anyhow::Result<String> {
    let ports = ports::list().map_err(|error| advise(&error, error.advice()))?;
    let recorders = Recorders::ask();
    if let Some(sentence) = recorders.silent.first() {
        anyhow::bail!(
            "{sentence}; it may hold a port, so none is tried: name one with `--source serial:PORT`"
        );
    }
    let (held, free): (Vec<_>, Vec<_>) = ports
        .into_iter()
        .filter(Port::may_be_a_board)
        .partition(|port| recorders.holder(Path::new(&port.path)).is_some());
    choose(&held, &free, |path| ask(path, stop)).map_err(anyhow::Error::msg)
}

/// What answers as a board of ours on a port, if anything does.
fn ask(path: &str, stop: &Arc<AtomicBool>) -> Option<Description> {
    match SourceUri::parse(&format!("serial:{path}?format=myograph")) {
        Ok(SourceUri::Serial(options)) => Serial::new(options, stop.clone()).open().ok(),
        _ => None,
    }
}

/// The only Arduino or other named board among the `free` ports, else the only one that answers as ours.
fn choose(held: &[Port], free: &[Port], ask: impl Fn(&str) -> Option<Description>) -> Result<String, String> {
    let named: Vec<_> = free.iter().filter(|port| port.board.is_some()).collect();
    if let [only] = named[..] {
        return Ok(only.path.clone());
    }
    let answering: Vec<_> = free.iter().filter_map(|port| Some((port, ask(&port.path)?))).collect();
    let list = |ports: &[Port]| ports.iter().map(|port| port.path.as_str()).collect::<Vec<_>>().join(", ");
    match &answering[..] {
        [(only, _)] => Ok(only.path.clone()),
        [] if free.is_empty() && held.is_empty() => Err(
            "no board was found; connect one and name it with `--source serial:PORT`, or try `--source sim:`"
                .to_owned(),
        ),
        [] if free.is_empty() => Err(format!(
            "every board is being recorded ({}); connect another, or `myograph attach` to look on",
            list(held)
        )),
        [] => Err(format!(
            "nothing answers as a board of this station ({}); choose one with `--source serial:PORT`",
            list(free)
        )),
        several => {
            let boards: Vec<_> = several.iter().map(|(_, found)| found.board.as_str()).collect();
            Err(format!(
                "several boards are connected ({}); choose one with `--source serial:PORT`",
                boards.join("; ")
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emg::SampleType;

    fn port(path: &str, board: Option<&'static str>) -> Port {
        Port { path: path.to_owned(), usb: None, board, hint: "a test" }
    }

    /// Chooses among ports of which those in `ours` answer.
    fn chosen(held: &[Port], free: &[Port], ours: &[&str]) -> Result<String, String> {
        choose(held, free, |path| {
            ours.contains(&path).then(|| Description {
                uri: String::new(),
                board: format!("Arduino Mega 2560 on {path}"),
                channels: vec![],
                sample_type: SampleType::I16,
                nominal_hz: None,
                losses_counted: true,
                digital: true,
                can_wait: false,
                remarks: vec![],
            })
        })
    }

    #[test]
    fn a_board_its_ids_name_is_taken_without_a_question() {
        let nobody_is_asked = |_: &str| panic!("asked");
        let free = [port("/dev/ttyUSB0", None), port("/dev/ttyACM0", Some("Arduino"))];
        assert_eq!(choose(&[], &free, nobody_is_asked).unwrap(), "/dev/ttyACM0");
    }

    #[test]
    fn where_ids_leave_it_open_the_one_that_answers_is_taken() {
        let free = [
            port("/dev/ttyUSB0", None),
            port("/dev/ttyACM0", Some("Arduino")),
            port("/dev/ttyACM1", Some("Teensy")),
        ];
        assert_eq!(chosen(&[], &free, &["/dev/ttyUSB0"]).unwrap(), "/dev/ttyUSB0");
        assert_eq!(chosen(&[], &free[..1], &["/dev/ttyUSB0"]).unwrap(), "/dev/ttyUSB0");
        let none = chosen(&[], &free, &[]).unwrap_err();
        assert!(none.contains("nothing answers") && none.contains("/dev/ttyACM1"), "{none}");
        let two = chosen(&[], &free, &["/dev/ttyUSB0", "/dev/ttyACM1"]).unwrap_err();
        assert!(two.contains("several boards") && two.contains("2560 on /dev/ttyACM1"), "{two}");
    }

    #[test]
    fn boards_that_are_recorded_are_left_alone() {
        let held = [port("/dev/ttyACM0", Some("Arduino Mega 2560"))];
        assert!(chosen(&held, &[], &["/dev/ttyACM0"]).unwrap_err().contains("being recorded (/dev/ttyACM0)"));
        let free = [port("/dev/ttyACM1", Some("Arduino Mega 2560"))];
        assert_eq!(chosen(&held, &free, &[]).unwrap(), "/dev/ttyACM1");
        assert!(chosen(&[], &[], &[]).unwrap_err().contains("no board was found"));
    }
}
