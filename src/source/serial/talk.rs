//! What is spoken on a port, once opening has found that out: one door to the three protocols.

mod board;
mod chords;
mod handshake;
mod lines;

pub(super) use self::board::{Board, hex};
pub(super) use self::chords::Chords;
pub(super) use self::handshake::{Refusal, Wanted};
pub(super) use self::lines::Lines;

use crate::emg::Stamp;
use crate::source::Reading;
use crate::source::text::Refusals;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Where a board of ours is after a reset.
const RESET_BAUD: u32 = 500_000;

/// A protocol under way.
#[derive(Debug)]
pub(super) enum Talk {
    /// Text.
    Lines(Box<Lines>),
    /// Our own frames.
    Board(Box<Board>),
    /// Packets of the Chords firmware.
    Chords(Box<Chords>),
}

impl Talk {
    /// Takes bytes of the line.
    pub(super) fn push(&mut self, bytes: &[u8], stamp: Stamp) {
        match self {
            Self::Lines(lines) => lines.decoder.push(bytes, stamp),
            Self::Board(board) => board.push(bytes, stamp),
            Self::Chords(chords) => chords.push(bytes, stamp),
        }
    }

    /// Moves what came to `ready`.
    pub(super) fn take(&mut self, ready: &mut VecDeque<Reading>) {
        match self {
            Self::Lines(lines) => lines.take(ready),
            Self::Board(board) => board.take(ready),
            Self::Chords(chords) => chords.take(ready),
        }
    }

    /// What was refused since the last call, if anything.
    pub(super) fn take_refused(&mut self) -> Option<Refusals> {
        match self {
            Self::Lines(lines) => lines.take_refused(),
            Self::Board(board) => board.take_refused(),
            Self::Chords(chords) => chords.take_refused(),
        }
    }

    /// The line to write now, if any. Somebody reads rows, so a board that is set is also started.
    pub(super) fn say(&mut self, now: Instant) -> Option<String> {
        match self {
            Self::Lines(_) => None,
            Self::Board(board) => {
                board.start();
                board.say(now)
            }
            Self::Chords(chords) => chords.say(now),
        }
    }

    /// Baud rates to look for it at when it is lost, the likeliest first. `found`: where it was found.
    pub(super) fn bauds(&self, found: u32) -> Vec<u32> {
        let mut bauds = vec![found];
        if let Self::Board(board) = self {
            bauds.extend([board.baud().unwrap_or(found), RESET_BAUD]);
        }
        bauds.dedup();
        bauds
    }

    /// The baud rate the port is to go on at, told once.
    pub(super) fn turn(&mut self) -> Option<u32> {
        match self {
            Self::Board(board) => board.turn(),
            Self::Lines(_) | Self::Chords(_) => None,
        }
    }

    /// What is written before the port is closed.
    pub(super) fn farewell(&self) -> &'static str {
        match self {
            Self::Lines(_) => "",
            Self::Board(_) => "X\n",
            Self::Chords(_) => chords::STOP,
        }
    }

    /// The port is closed.
    pub(super) fn hang_up(&mut self, stamp: Stamp) {
        match self {
            Self::Lines(_) => {}
            Self::Board(board) => board.hang_up(stamp),
            Self::Chords(chords) => chords.hang_up(),
        }
    }

    /// A port is open again.
    pub(super) fn reopened(&mut self) {
        match self {
            Self::Lines(lines) => lines.reopened(),
            Self::Board(_) | Self::Chords(_) => {}
        }
    }

    /// How long a board that has sent rows has not said a word, though it was asked; a sketch cannot be asked.
    pub(super) fn silence(&self, now: Instant) -> Duration {
        match self {
            Self::Lines(_) => Duration::ZERO,
            Self::Board(board) => board.silence(now),
            Self::Chords(chords) => chords.silence(now),
        }
    }

    /// Whether rows may come; a board has to be asked for them first.
    pub(super) fn flows(&self) -> bool {
        match self {
            Self::Lines(_) => true,
            Self::Board(board) => board.flows(),
            Self::Chords(chords) => chords.flows(),
        }
    }

    /// Why what answers on this port is not what the recording began with.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Lines(_) => None,
            Self::Board(board) => board.refusal(),
            Self::Chords(chords) => chords.refusal(),
        }
    }
}
