//! The other end of the line: frames as a board sends them, for the simulated board and for tests.

use super::Frame;
use super::cobs::close;

/// Appends a frame as it stands on the line, with its 0x00.
///
/// # Panics
/// When the frame is longer than 254 bytes.
pub fn encode(frame: &Frame, out: &mut Vec<u8>) {
    let mut plain = Vec::with_capacity(256);
    frame.write(&mut plain);
    close(&plain, out);
}
