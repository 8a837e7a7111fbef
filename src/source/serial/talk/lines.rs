//! Rows of a sketch that prints lines: their epochs and their count, which is ours because the lines have none.

use crate::emg::{Cause, Channel, Kind};
use crate::source::text::{Batch, Decoder, Refusals, Shape};
use crate::source::uri::SerialOptions;
use crate::source::{Description, Packet, Reading};
use std::collections::VecDeque;

/// A stream of lines.
#[derive(Debug)]
pub(in crate::source::serial) struct Lines {
    pub(in crate::source::serial) decoder: Decoder,
    epoch: u32,
    /// Rows of this epoch so far.
    index: u64,
    /// Of the next packet.
    cause: Cause,
}

impl Lines {
    pub(in crate::source::serial) fn new(options: &SerialOptions) -> Self {
        let decoder = Decoder::new(options.format, options.time);
        Self { decoder, epoch: 0, index: 0, cause: Cause::Unknown }
    }

    pub(in crate::source::serial) fn describe(
        shape: &Shape,
        options: &SerialOptions,
        baud: u32,
    ) -> Description {
        Description {
            uri: options.uri.clone(),
            board: format!("text lines on {} at {baud} baud", options.path.display()),
            channels: shape.names.iter().map(|name| Channel::new(name, Kind::Raw)).collect(),
            sample_type: shape.sample_type,
            nominal_hz: options.rate_hz,
            losses_counted: false,
            digital: false,
            can_wait: false,
            remarks: shape.remarks.clone(),
        }
    }

    /// Moves the rows that came to `ready`.
    pub(in crate::source::serial) fn take(&mut self, ready: &mut VecDeque<Reading>) {
        while let Some(batch) = self.decoder.take() {
            if batch.restarted {
                self.begin_epoch(Cause::Restart);
            }
            let packet = self.packet(batch);
            ready.push_back(Reading::Rows(packet));
        }
    }

    pub(in crate::source::serial) fn take_refused(&mut self) -> Option<Refusals> {
        self.decoder.take_refused()
    }

    /// The port is open again.
    pub(in crate::source::serial) fn reopened(&mut self) {
        self.decoder.restart();
        self.begin_epoch(Cause::Unplugged);
    }

    fn begin_epoch(&mut self, cause: Cause) {
        self.epoch += 1;
        self.index = 0;
        self.cause = cause;
    }

    fn packet(&mut self, batch: Batch) -> Packet {
        let index = self.index;
        self.index += batch.rows;
        Packet {
            epoch: self.epoch,
            index,
            device_us: batch.device_us,
            stamp: batch.stamp,
            samples: batch.samples,
            digital: Vec::new(),
            cause: std::mem::replace(&mut self.cause, Cause::Unknown),
        }
    }
}
