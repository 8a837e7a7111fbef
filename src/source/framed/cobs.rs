//! Stuffing and checksum of a frame: what makes it end where it ends and say whether it is whole.
//!
//! COBS (Cheshire and Baker 1999) and CRC-16/CCITT-FALSE, known to the `crc` crate as IBM-3740.

use crc::{CRC_16_IBM_3740, Crc, Table};

/// Eats 16 bytes at a time: a byte at a time would take longer than all the rest of decoding.
const CRC: Crc<u16, Table<16>> = Crc::<u16, Table<16>>::new(&CRC_16_IBM_3740);

/// Most bytes of a frame before stuffing: up to here stuffing adds exactly one.
pub(super) const LONGEST: usize = 254;
/// Bytes of the checksum.
pub(super) const CHECK: usize = 2;

/// Undoes [`close`] without its final 0x00 into `plain`; `false` where stuffing or checksum do not fit.
pub(super) fn open(stuffed: &[u8], plain: &mut Vec<u8>) -> bool {
    plain.clear();
    if stuffed.len() > LONGEST + 1 {
        return false;
    }
    let mut rest = stuffed;
    while let Some((&code, after)) = rest.split_first() {
        let run = usize::from(code) - 1;
        if run > after.len() {
            return false;
        }
        plain.extend_from_slice(&after[..run]);
        rest = &after[run..];
        if code < 0xff && !rest.is_empty() {
            plain.push(0);
        }
    }
    let Some(length) = plain.len().checked_sub(CHECK).filter(|length| *length > 0) else { return false };
    let told = u16::from_le_bytes([plain[length], plain[length + 1]]);
    let whole = CRC.checksum(&plain[..length]) == told;
    plain.truncate(length);
    whole
}

/// Appends `plain` with its checksum, stuffed, and 0x00.
///
/// # Panics
/// When `plain` has more than 252 bytes: no table of this protocol reaches that.
pub(super) fn close(plain: &[u8], out: &mut Vec<u8>) {
    assert!(plain.len() + CHECK <= LONGEST, "a frame of {} bytes", plain.len());
    let check = CRC.checksum(plain).to_le_bytes();
    let mut code_at = out.len();
    let mut code = 1_u8;
    out.push(code);
    for byte in plain.iter().chain(&check) {
        if *byte == 0 {
            out[code_at] = code;
            code_at = out.len();
            code = 1;
            out.push(code);
        } else {
            out.push(*byte);
            code += 1;
        }
    }
    out[code_at] = code;
    out.push(0);
}
