//! Opening a port with as little delay as its driver allows, and saying in people's words why it cannot be opened.

use crate::source::Error;
use serialport::{ErrorKind, TTYPort};
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::Duration;

/// Opens a port for this program alone; a read gives up after `timeout`.
pub(super) fn connect(path: &Path, baud: u32, timeout: Duration) -> Result<TTYPort, Error> {
    serialport::new(path.to_string_lossy(), baud)
        .timeout(timeout)
        .open_native()
        .inspect(|_| hurry(path))
        .map_err(|error| translate(path, &error))
}

/// Asks FTDI's driver to gather bytes for 1 ms instead of 16; others have no such file, and most users may not write.
fn hurry(path: &Path) {
    let name = path.canonicalize().ok().and_then(|real| real.file_name().map(std::ffi::OsStr::to_owned));
    if let Some(name) = name {
        let _ = std::fs::write(Path::new("/sys/class/tty").join(name).join("device/latency_timer"), "1");
    }
}

/// The crate tells these cases apart by kind; only "not a tty" has to be known by its words.
pub(super) fn translate(path: &Path, error: &serialport::Error) -> Error {
    let no_device_file = std::fs::metadata(path).is_ok_and(|meta| !meta.file_type().is_char_device());
    let (reason, advice) = match error.kind {
        ErrorKind::Io(io::ErrorKind::NotFound) => {
            ("there is no such port", "plug the board in; `myograph ports` lists what is there")
        }
        ErrorKind::Io(io::ErrorKind::PermissionDenied) => (
            "this user may not use it",
            "add yourself to group dialout: sudo usermod -aG dialout $USER, then log in again",
        ),
        ErrorKind::NoDevice => (
            "another program holds it",
            "close the Arduino serial monitor or the other recording (`fuser -v` on the port names it); \
             ModemManager and brltty also grab boards for some seconds after they are plugged in",
        ),
        _ if no_device_file || error.description.contains("Not a typewriter") => {
            ("it is not a serial port", "`myograph ports` lists the serial ports")
        }
        _ => (error.description.as_str(), "unplug the board, plug it in again, and try once more"),
    };
    Error::Open { subject: path.display().to_string(), reason: reason.to_owned(), advice: advice.to_owned() }
}
