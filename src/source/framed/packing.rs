//! Ten-bit counts in a row of bytes, lowest bit first: four counts to five bytes.

/// Bytes that `values` counts take.
pub(super) fn packed_len(values: usize) -> usize {
    (values * 10).div_ceil(8)
}

/// The counts in `packed`.
pub(super) fn unpack(packed: &[u8], values: usize) -> Vec<i16> {
    let mut out = Vec::with_capacity(values + 3);
    let mut fives = packed.chunks_exact(5);
    for five in &mut fives {
        out.extend_from_slice(&four([five[0], five[1], five[2], five[3], five[4]]));
    }
    let rest = fives.remainder();
    if !rest.is_empty() {
        let mut five = [0; 5];
        five[..rest.len()].copy_from_slice(rest);
        out.extend_from_slice(&four(five));
    }
    out.truncate(values);
    out
}

fn four(five: [u8; 5]) -> [i16; 4] {
    let bits = u64::from_le_bytes([five[0], five[1], five[2], five[3], five[4], 0, 0, 0]);
    let count = |at: u32| {
        let [low, high, ..] = (bits >> (10 * at) & 0x3ff).to_le_bytes();
        i16::from_le_bytes([low, high])
    };
    [count(0), count(1), count(2), count(3)]
}

/// Appends the lowest ten bits of each count, padded with zeros to a byte.
pub(super) fn pack(values: &[i16], out: &mut Vec<u8>) {
    let (mut bits, mut held) = (0_u32, 0_u32);
    for value in values {
        held |= u32::from(value.cast_unsigned() & 0x3ff) << bits;
        bits += 10;
        while bits >= 8 {
            out.push(held.to_le_bytes()[0]);
            held >>= 8;
            bits -= 8;
        }
    }
    if bits > 0 {
        out.push(held.to_le_bytes()[0]);
    }
}
