//! Frames on a byte stream: `u32` little-endian length, then that many bytes. Knows no messages and no sockets.
//!
//! The length comes first so that a frame too long is refused before a byte of it is kept.

use crate::emg::units::{small, wide};

/// Bytes of a frame's length.
const HEAD: usize = 4;
/// Longest message of a client, bytes: a marker with label and note needs under 1 KiB.
pub const COMMAND_LIMIT: u32 = 64 * 1024;
/// Longest message of a recorder, bytes: 60 s of 100 bins a second, 64 channels, raw and clean, are 6 MiB.
pub const EVENT_LIMIT: u32 = 8 * 1024 * 1024;
/// A body is given this much room before its bytes arrive, so that a mere claim costs no memory.
const FIRST_ROOM: usize = 4096;

/// A frame that is longer than its kind may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {bytes} bytes where at most {limit} are allowed")]
pub struct TooLong {
    /// What its length says.
    pub bytes: u64,
    /// What is allowed.
    pub limit: u32,
}

/// `body` as a frame.
pub fn frame(body: &[u8], limit: u32) -> Result<Vec<u8>, TooLong> {
    let bytes = small(body.len());
    if bytes > limit {
        return Err(TooLong { bytes: wide(body.len()), limit });
    }
    let mut frame = Vec::with_capacity(HEAD + body.len());
    frame.extend_from_slice(&bytes.to_le_bytes());
    frame.extend_from_slice(body);
    Ok(frame)
}

/// Cuts a stream of bytes, in chunks of any size, into the bodies of its frames.
///
/// Never holds more than one body and never makes room for more than its limit. After an error the stream
/// has lost its footing: nothing that follows can be trusted.
#[derive(Debug)]
pub struct Decoder {
    limit: u32,
    head: [u8; HEAD],
    /// Bytes of `head` that have arrived.
    heads: usize,
    body: Vec<u8>,
}

impl Decoder {
    /// A decoder at the start of a stream whose bodies hold at most `limit` bytes.
    #[must_use]
    pub fn new(limit: u32) -> Self {
        Self { limit, head: [0; HEAD], heads: 0, body: Vec::new() }
    }

    /// Takes bytes off the front of `bytes` up to the end of a frame and gives its body, if it is whole.
    /// Call again with what is left until nothing comes.
    pub fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Vec<u8>>, TooLong> {
        while self.heads < HEAD {
            let Some((&first, rest)) = bytes.split_first() else {
                return Ok(None);
            };
            self.head[self.heads] = first;
            self.heads += 1;
            *bytes = rest;
        }
        let length = u32::from_le_bytes(self.head);
        if length > self.limit {
            return Err(TooLong { bytes: u64::from(length), limit: self.limit });
        }
        let length = crate::emg::units::index(u64::from(length));
        let (mine, rest) = bytes.split_at(bytes.len().min(length - self.body.len()));
        self.make_room(mine.len(), length);
        self.body.extend_from_slice(mine);
        *bytes = rest;
        if self.body.len() < length {
            return Ok(None);
        }
        self.heads = 0;
        Ok(Some(std::mem::take(&mut self.body)))
    }

    /// Whether the stream stands between two frames, where it may end.
    #[must_use]
    pub fn at_border(&self) -> bool {
        self.heads == 0
    }

    /// Room for `more` bytes of a body of `length`: doubling like a `Vec`, but never past the length.
    fn make_room(&mut self, more: usize, length: usize) {
        let need = self.body.len() + more;
        if need > self.body.capacity() {
            let room = need.max(2 * self.body.capacity()).max(FIRST_ROOM).min(length);
            self.body.reserve_exact(room - self.body.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All bodies in `stream` fed in chunks of the given sizes, round and round, and how it ended.
    fn cut(stream: &[u8], chunks: &[usize], limit: u32) -> (Vec<Vec<u8>>, Result<bool, TooLong>) {
        let mut decoder = Decoder::new(limit);
        let (mut bodies, mut rest, mut sizes) = (Vec::new(), stream, chunks.iter().cycle());
        while !rest.is_empty() {
            let (mut chunk, later) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
            rest = later;
            loop {
                match decoder.next(&mut chunk) {
                    Ok(Some(body)) => bodies.push(body),
                    Ok(None) => break,
                    Err(error) => return (bodies, Err(error)),
                }
                assert!(decoder.body.capacity() <= usize::try_from(limit).unwrap());
            }
            assert!(chunk.is_empty(), "bytes are left though no frame was whole");
            assert!(decoder.body.capacity() <= usize::try_from(limit).unwrap());
        }
        (bodies, Ok(decoder.at_border()))
    }

    fn bodies() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8)
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_bodies(
            bodies in bodies(),
            chunks in prop::collection::vec(1_usize..700, 1..6),
        ) {
            let stream: Vec<u8> = bodies.iter().flat_map(|b| frame(b, 300).unwrap()).collect();
            prop_assert_eq!(cut(&stream, &chunks, 300), (bodies, Ok(true)));
        }

        #[test]
        fn a_truncated_stream_gives_the_whole_frames_and_no_more(
            bodies in bodies(),
            keep in any::<prop::sample::Index>(),
        ) {
            let stream: Vec<u8> = bodies.iter().flat_map(|b| frame(b, 300).unwrap()).collect();
            let stream = &stream[..keep.index(stream.len() + 1)];
            let (got, end) = cut(stream, &[7], 300);
            let taken: usize = got.iter().map(|b| b.len() + HEAD).sum();
            prop_assert!(bodies.starts_with(&got));
            prop_assert_eq!(end, Ok(taken == stream.len()));
        }

        #[test]
        fn garbage_is_refused_or_waited_for_within_the_limit(
            garbage in prop::collection::vec(any::<u8>(), 0..2000),
            chunk in 1_usize..300,
            limit in 0_u32..1000,
        ) {
            let (got, end) = cut(&garbage, &[chunk], limit);
            prop_assert!(got.iter().all(|body| small(body.len()) <= limit));
            if let Err(refusal) = end {
                prop_assert!(refusal.bytes > u64::from(limit));
            }
        }
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_its_body() {
        let mut decoder = Decoder::new(COMMAND_LIMIT);
        let refusal = decoder.next(&mut u32::MAX.to_le_bytes().as_slice()).unwrap_err();
        assert_eq!(refusal, TooLong { bytes: u64::from(u32::MAX), limit: COMMAND_LIMIT });
        assert_eq!(decoder.body.capacity(), 0);
    }

    #[test]
    fn a_claimed_length_costs_nothing_before_its_bytes_arrive() {
        let mut decoder = Decoder::new(EVENT_LIMIT);
        let mut bytes = EVENT_LIMIT.to_le_bytes().to_vec();
        bytes.extend([0; 10]);
        assert_eq!(decoder.next(&mut bytes.as_slice()), Ok(None));
        assert!(decoder.body.capacity() <= FIRST_ROOM);
    }

    #[test]
    fn a_body_over_the_limit_is_not_framed() {
        assert_eq!(frame(&[0; 11], 10), Err(TooLong { bytes: 11, limit: 10 }));
    }
}
