//! The frame around every record, and the search for the next whole one. Knows no record's meaning.

use crate::emg::units::{index, small};

/// Version of the frame and of all payloads; apart from the HDF5 `format_version`. Version 2 knows chains that track the
/// envelope's floor: a program that does not would make another envelope of them, and refuses the journal.
pub const JOURNAL_VERSION: u16 = 2;
/// First bytes of every frame.
pub const MAGIC: [u8; 4] = *b"MYOJ";
/// Magic, type, version, length, recording id, segment, sequence.
pub const HEAD_BYTES: usize = 4 + 2 + 2 + 4 + 16 + 4 + 8;
/// CRC-32C after the payload.
pub const CRC_BYTES: usize = 4;
/// Nothing longer is ever written; a longer length field is damage.
pub const PAYLOAD_LIMIT: u32 = 16 * 1024 * 1024;

/// Which journal a frame belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Recording.
    pub recording_id: [u8; 16],
    /// Segment.
    pub segment: u32,
}

/// A whole frame with a valid checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Record type.
    pub kind: u16,
    /// [`JOURNAL_VERSION`] of its writer.
    pub version: u16,
    /// Which journal it belongs to.
    pub identity: Identity,
    /// Counts up by one in each segment.
    pub sequence: u64,
    /// The record.
    pub payload: &'a [u8],
}

/// What stands at the beginning of some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// A frame, and how many bytes it takes.
    Whole(Frame<'a>, usize),
    /// Perhaps the beginning of a frame.
    Partial,
    /// No frame begins here.
    Damaged,
}

/// Appends a frame to `out`.
///
/// # Panics
/// When the payload is longer than [`PAYLOAD_LIMIT`]: writers bound their records.
pub fn encode(identity: Identity, sequence: u64, kind: u16, payload: &[u8], out: &mut Vec<u8>) {
    assert!(small(payload.len()) <= PAYLOAD_LIMIT, "a journal payload is bounded by its writer");
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&JOURNAL_VERSION.to_le_bytes());
    out.extend_from_slice(&small(payload.len()).to_le_bytes());
    out.extend_from_slice(&identity.recording_id);
    out.extend_from_slice(&identity.segment.to_le_bytes());
    out.extend_from_slice(&sequence.to_le_bytes());
    out.extend_from_slice(payload);
    let crc = crc32c::crc32c(&out[start..]);
    out.extend_from_slice(&crc.to_le_bytes());
}

/// Looks at the first bytes of `bytes`.
#[must_use]
pub fn parse(bytes: &[u8]) -> Parsed<'_> {
    let seen = bytes.len().min(MAGIC.len());
    if bytes[..seen] != MAGIC[..seen] {
        return Parsed::Damaged;
    }
    let Some(head) = bytes.first_chunk::<HEAD_BYTES>() else {
        return Parsed::Partial;
    };
    let u16_at = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
    let u32_at = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let length = u32_at(8);
    if length > PAYLOAD_LIMIT {
        return Parsed::Damaged;
    }
    let end = HEAD_BYTES + index(u64::from(length));
    let Some((body, crc)) =
        bytes.get(..end + CRC_BYTES).and_then(|whole| whole.split_last_chunk::<CRC_BYTES>())
    else {
        return Parsed::Partial;
    };
    if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
        return Parsed::Damaged;
    }
    let mut recording_id = [0; 16];
    recording_id.copy_from_slice(&head[12..28]);
    let (low, high) = (u64::from(u32_at(32)), u64::from(u32_at(36)));
    let frame = Frame {
        kind: u16_at(4),
        version: u16_at(6),
        identity: Identity { recording_id, segment: u32_at(28) },
        sequence: high << 32 | low,
        payload: &body[HEAD_BYTES..],
    };
    Parsed::Whole(frame, end + CRC_BYTES)
}

/// The next place after the first byte at which a frame may begin, or the end.
#[must_use]
pub fn next_candidate(bytes: &[u8]) -> usize {
    (1..bytes.len())
        .find(|&at| {
            let seen = (bytes.len() - at).min(MAGIC.len());
            bytes[at..at + seen] == MAGIC[..seen]
        })
        .unwrap_or(bytes.len())
}

/// Whether a whole frame stands anywhere in some bytes.
#[must_use]
pub fn stands_in(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() {
        if matches!(parse(rest), Parsed::Whole(..)) {
            return true;
        }
        rest = &rest[next_candidate(rest)..];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: Identity = Identity { recording_id: [7; 16], segment: 3 };

    fn frames(payloads: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        for (n, payload) in payloads.iter().enumerate() {
            encode(ID, n as u64, 5, payload, &mut out);
        }
        out
    }

    /// Every whole frame, scanning past anything else.
    fn scan(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut found = Vec::new();
        while !bytes.is_empty() {
            match parse(bytes) {
                Parsed::Whole(frame, used) => {
                    found.push((frame.sequence, frame.payload.to_vec()));
                    bytes = &bytes[used..];
                }
                Parsed::Partial | Parsed::Damaged => bytes = &bytes[next_candidate(bytes)..],
            }
        }
        found
    }

    proptest! {
        #[test]
        fn a_flipped_bit_costs_one_record_and_never_changes_another(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..8),
            at in any::<prop::sample::Index>(), bit in 0..8_u8,
        ) {
            let mut bytes = frames(&payloads);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let found = scan(&bytes);
            prop_assert_eq!(found.len(), payloads.len() - 1);
            for (sequence, payload) in found {
                prop_assert_eq!(&payload, &payloads[usize::try_from(sequence).unwrap()]);
            }
        }

        #[test]
        fn garbage_is_no_frame(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(scan(&bytes).is_empty());
        }

        #[test]
        fn a_cut_keeps_every_frame_before_it(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..8),
            cut in any::<prop::sample::Index>(),
        ) {
            let bytes = frames(&payloads);
            let cut = cut.index(bytes.len());
            let found = scan(&bytes[..cut]);
            let whole = (1..=payloads.len()).take_while(|&n| frames(&payloads[..n]).len() <= cut).count();
            prop_assert_eq!(found.len(), whole);
        }
    }
}
