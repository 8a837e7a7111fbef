//! A recording as a live source: the same rows under the same device index, paced by the host times they once had.
//!
//! Knows no file: `cli` hands in an iterator, because the recorder process never touches HDF5.

use super::uri::Speed;
use super::{Description, Error, Packet, Reading, Source};
use crate::emg::units::{float_ns, nanos, seconds, wide};
use crate::emg::{Cause, Gap, RawBlock, Samples, Stamp, Truth};
use std::time::Duration;

/// A read returns after this long at the latest.
const LONGEST_WAIT: Duration = Duration::from_millis(20);

/// What a recording holds, in order.
#[derive(Clone, Debug)]
pub enum Item {
    /// Rows.
    Rows(RawBlock),
    /// A hole.
    Gap(Gap),
    /// What a simulated face did, in rows of its first epoch.
    Truth(Vec<Truth>),
}

/// The items of a recording; an error is one sentence.
pub type Items = Box<dyn Iterator<Item = Result<Item, String>> + Send>;

/// The source.
pub struct Replay {
    description: Description,
    items: Items,
    speed: Speed,
    /// Host time of the first block then, and of the first read now.
    start: Option<(i64, Stamp)>,
    /// The next packet and the host time at which it is due.
    ahead: Option<(Packet, i64)>,
    cause: Cause,
    /// Epoch and device index that come next.
    newest: Option<(u32, u64)>,
    /// Rows lost before the first of an epoch.
    head: u64,
}

impl Replay {
    /// A replay of `items`, described by what the recording says of its source.
    #[must_use]
    pub fn new(description: Description, items: Items, speed: Speed) -> Self {
        Self {
            description,
            items,
            speed,
            start: None,
            ahead: None,
            cause: Cause::Counter,
            newest: None,
            head: 0,
        }
    }

    /// The present moment that stands for a moment of the recording.
    fn stamp(&mut self, host_ns: i64) -> Stamp {
        let (then_ns, now) = *self.start.get_or_insert_with(|| (host_ns, Stamp::now()));
        let speed = match self.speed {
            Speed::Times(times) => times,
            Speed::Max => 1.0,
        };
        now.plus_ns(nanos(seconds(host_ns - then_ns) / speed))
    }

    /// A hole: counted rows are told like a board tells them, by an index without rows.
    fn gap(&mut self, gap: &Gap) -> Option<Packet> {
        self.cause = gap.cause;
        let Some((epoch, next)) = self.newest.filter(|(epoch, _)| *epoch == gap.epoch && gap.exact) else {
            self.head += gap.filled();
            return None;
        };
        self.newest = Some((epoch, next + gap.missing));
        Some(self.told(epoch, next + gap.missing, gap.host_ns))
    }

    /// The device counted up to `index`.
    fn told(&mut self, epoch: u32, index: u64, host_ns: i64) -> Packet {
        let samples = Samples::empty(self.description.sample_type);
        let (stamp, digital) = (self.stamp(host_ns), Vec::new());
        Packet { epoch, index, device_us: 0, stamp, samples, digital, cause: self.cause }
    }

    /// A block as a packet with present time stamps, and when it is due.
    fn packet(&mut self, block: RawBlock) -> (Packet, i64) {
        let stamp = self.stamp(block.stamp.host_ns);
        self.newest = Some((block.epoch, block.device_index + wide(block.rows())));
        let packet = Packet {
            epoch: block.epoch,
            index: block.device_index,
            device_us: block.device_us,
            stamp,
            samples: block.samples,
            digital: block.digital,
            cause: std::mem::replace(&mut self.cause, Cause::Counter),
        };
        (packet, stamp.host_ns)
    }
}

impl Source for Replay {
    fn open(&mut self) -> Result<Description, Error> {
        Ok(self.description.clone())
    }

    fn read(&mut self) -> Result<Reading, Error> {
        while self.ahead.is_none() {
            match self.items.next() {
                Some(Ok(Item::Rows(block))) => {
                    let first = (block.epoch, block.device_index, block.stamp.host_ns);
                    let head = std::mem::take(&mut self.head);
                    let told = (head > 0).then(|| self.told(first.0, first.1.saturating_sub(head), first.2));
                    self.ahead = Some(self.packet(block));
                    if let Some(told) = told {
                        return Ok(Reading::Rows(told));
                    }
                }
                Some(Ok(Item::Gap(gap))) => {
                    if let Some(told) = self.gap(&gap) {
                        return Ok(Reading::Rows(told));
                    }
                }
                Some(Ok(Item::Truth(truth))) => return Ok(Reading::Truth(truth)),
                Some(Err(reason)) => {
                    return Err(Error::Unreadable {
                        subject: self.description.uri.clone(),
                        reason,
                        advice: "check the file with `myograph verify`".to_owned(),
                    });
                }
                None => return Ok(Reading::Ended),
            }
        }
        if let (Speed::Times(_), Some((_, due_ns))) = (self.speed, &self.ahead) {
            let early = due_ns - Stamp::now().host_ns;
            if early > 0 {
                std::thread::sleep(LONGEST_WAIT.min(Duration::from_secs_f64(float_ns(early) / 1e9)));
                if Stamp::now().host_ns < *due_ns {
                    return Ok(Reading::Idle);
                }
            }
        }
        Ok(self.ahead.take().map_or(Reading::Idle, |(packet, _)| Reading::Rows(packet)))
    }
}
