//! LINES OTHER PEOPLE'S SKETCHES SEND -> ROWS, without I/O: bytes in any chunking go in, batches come out.
//!
//! The stream is watched until its shape is known ([`shape::Shape`]), then every line of that shape is a row
//! and every other line is refused and counted. A text line has no checksum: a damaged digit is a wrong value
//! nobody can see. `serial` feeds this; it never blocks and holds at most 20 lines back.

mod cells;
mod clock;
mod lines;
mod plain;
mod probe;
mod refusals;
mod shape;

pub use self::clock::Unit;
pub use self::refusals::Refusals;
pub use self::shape::Shape;

use self::cells::{Cell, Cells};
use self::clock::BoardClock;
use self::lines::Lines;
use self::probe::Probe;
use super::uri::{Format, TimeColumn};
use crate::emg::{Samples, Stamp};
use std::collections::VecDeque;

/// Rows whose bytes were read within this time may share a batch.
const BATCH_NS: i64 = 50_000_000;

/// Consecutive rows that arrived together.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// When the last of its rows was complete.
    pub stamp: Stamp,
    /// The board's clock at its first row, microseconds, unwrapped; 0 without one.
    pub device_us: u64,
    /// The board began anew before this batch, though its port stayed open.
    pub restarted: bool,
    /// How many rows.
    pub rows: u64,
    /// `rows x channels` values.
    pub samples: Samples,
    opened_ns: i64,
}

/// Turns a stream of bytes into rows.
///
/// A board that is reset while its port stays open shows by its time column; without one, it shows only as
/// refused lines and a silence.
#[derive(Debug)]
pub struct Decoder {
    format: Format,
    lines: Lines,
    /// Of the line being read.
    cells: Cells,
    state: State,
    batches: VecDeque<Batch>,
    refused: Refusals,
}

#[derive(Debug)]
enum State {
    Probing(Probe),
    Running(Shape, Option<BoardClock>),
    /// Nothing more is read; the sentence says why.
    Hopeless(String),
}

impl Decoder {
    /// A decoder that has seen nothing.
    #[must_use]
    pub fn new(format: Format, time: TimeColumn) -> Self {
        Self {
            format,
            lines: Lines::default(),
            cells: Cells::default(),
            state: State::Probing(Probe::new(format, time)),
            batches: VecDeque::new(),
            refused: Refusals::default(),
        }
    }

    /// Takes bytes that were read at `stamp`.
    pub fn push(&mut self, mut bytes: &[u8], stamp: Stamp) {
        while let Some(raw) = self.lines.next(&mut bytes) {
            let taken = match &mut self.state {
                State::Probing(probe) => probe.take(raw, stamp),
                State::Running(..) if raw.first => true,
                State::Running(shape, clock) => {
                    !raw.too_long
                        && self.cells.read(raw.bytes, self.format)
                        && row(shape, clock, &mut self.batches, &self.cells, stamp)
                }
                State::Hopeless(_) => true,
            };
            if !taken {
                self.refused.note(raw.bytes);
            }
            if matches!(&self.state, State::Probing(probe) if probe.full()) {
                self.decide();
            }
        }
    }

    /// Settles on a shape once enough time has passed; `now` is the host's clock.
    pub fn settle(&mut self, now: Stamp) {
        if matches!(&self.state, State::Probing(probe) if probe.ready(now)) {
            self.decide();
        }
    }

    /// The shape, once it is known.
    #[must_use]
    pub fn shape(&self) -> Option<&Shape> {
        if let State::Running(shape, _) = &self.state { Some(shape) } else { None }
    }

    /// Why there will never be a row, if that is so.
    #[must_use]
    pub fn hopeless(&self) -> Option<&str> {
        if let State::Hopeless(why) = &self.state { Some(why) } else { None }
    }

    /// Whether a line of numbers has come.
    #[must_use]
    pub fn started(&self) -> bool {
        !matches!(&self.state, State::Probing(probe) if !probe.started())
    }

    /// Whether readable text has come, though no row: a board that introduces itself.
    #[must_use]
    pub fn greeted(&self) -> bool {
        matches!(&self.state, State::Probing(probe) if probe.banner.text > 0)
    }

    /// The oldest batch of rows not yet taken.
    pub fn take(&mut self) -> Option<Batch> {
        self.batches.pop_front()
    }

    /// The lines refused since the last call, if any.
    pub fn take_refused(&mut self) -> Option<Refusals> {
        (self.refused.lines > 0).then(|| std::mem::take(&mut self.refused))
    }

    /// The stream was interrupted: what comes next begins with half a line, and the board's clock anew.
    /// Batches from before are taken first, or rows from both sides might share one.
    pub fn restart(&mut self) {
        self.lines.restart();
        if let State::Running(_, Some(clock)) = &mut self.state {
            *clock = clock.again();
        }
    }

    fn decide(&mut self) {
        let hopeless = State::Hopeless(String::new());
        let State::Probing(probe) = std::mem::replace(&mut self.state, hopeless) else {
            return;
        };
        match probe.decide() {
            Ok((shape, probed)) => {
                let mut clock = shape.time.map(BoardClock::new);
                for line in probed {
                    if !row(&shape, &mut clock, &mut self.batches, &line.cells, line.stamp) {
                        self.refused.note(&line.text);
                    }
                }
                self.state = State::Running(shape, clock);
            }
            Err(why) => self.state = State::Hopeless(why),
        }
    }
}

/// Adds a line to the last batch, or to a new one; `false` where it has another shape.
fn row(
    shape: &Shape,
    clock: &mut Option<BoardClock>,
    batches: &mut VecDeque<Batch>,
    cells: &Cells,
    stamp: Stamp,
) -> bool {
    let Some((time, channels)) = shape.row(cells) else {
        return false;
    };
    let tick = clock.as_mut().zip(time).map(|(clock, time)| clock.read(time));
    let restarted = tick.is_some_and(|tick| tick.restarted);
    let joins = |batch: &&mut Batch| stamp.host_ns - batch.opened_ns <= BATCH_NS;
    match batches.back_mut().filter(joins) {
        Some(batch) if !restarted => batch.add(channels, stamp),
        _ => {
            let mut batch = Batch {
                stamp,
                device_us: tick.map_or(0, |tick| tick.us),
                restarted,
                rows: 0,
                samples: Samples::empty(shape.sample_type),
                opened_ns: stamp.host_ns,
            };
            batch.add(channels, stamp);
            batches.push_back(batch);
        }
    }
    true
}

impl Batch {
    fn add(&mut self, channels: &[Cell], stamp: Stamp) {
        Shape::append(channels, &mut self.samples);
        self.rows += 1;
        self.stamp = stamp;
    }
}

#[cfg(test)]
mod tests;
