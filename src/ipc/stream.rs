//! Messages over anything that reads and writes bytes. Callers: `server`, `client`; who speaks when is theirs.

use super::codec::{Decoder, frame};
use super::message::Message;
use std::io::{self, Read, Write};
use std::ops::Range;

/// Read at a time: what a Unix socket holds by default is three of these.
const CHUNK: usize = 64 * 1024;

/// Writes one message. A message that cannot be sent at all is [`io::ErrorKind::InvalidInput`].
pub(super) fn send<M: Message>(to: impl Write, message: &M) -> io::Result<()> {
    let body = message.to_body().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    send_body(to, &body, M::LIMIT)
}

/// Writes a body as one frame, which may hold `limit` bytes.
pub(super) fn send_body(mut to: impl Write, body: &[u8], limit: u32) -> io::Result<()> {
    let frame = frame(body, limit).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    to.write_all(&frame)
}

/// Cuts what a stream brings into bodies.
#[derive(Debug)]
pub(super) struct Inbound<R> {
    pub(super) stream: R,
    decoder: Decoder,
    chunk: Vec<u8>,
    /// What of `chunk` has been read and not yet decoded.
    fresh: Range<usize>,
}

impl<R: Read> Inbound<R> {
    /// The start of a stream whose bodies hold at most `limit` bytes.
    pub(super) fn new(stream: R, limit: u32) -> Self {
        Self { stream, decoder: Decoder::new(limit), chunk: vec![0; CHUNK], fresh: 0..0 }
    }

    /// The next body; none where the stream ended between two. A body too long is
    /// [`io::ErrorKind::InvalidData`]. After a timeout it can be called again.
    pub(super) fn body(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let mut bytes = &self.chunk[self.fresh.clone()];
            let body = self.decoder.next(&mut bytes);
            self.fresh.start = self.fresh.end - bytes.len();
            if let Some(body) = body.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))? {
                return Ok(Some(body));
            }
            match self.stream.read(&mut self.chunk) {
                Ok(0) if self.decoder.at_border() => return Ok(None),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.fresh = 0..read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
