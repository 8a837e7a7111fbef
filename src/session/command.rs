//! What a front end may ask of a recorder. Every command is answered by an [`Event::Answer`](super::Event)
//! that carries its `request` number.

mod filter;

pub use filter::FilterRequest;

use crate::emg::{ClockOffset, Stamp, marker};

/// A numbered request.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Chosen by the front end, returned in the answer.
    pub request: u64,
    /// What is wanted.
    pub action: Action,
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Put a marker into the recording.
    Mark(MarkRequest),
    /// Take back the last marker this client set by key.
    RetractLast,
    /// Begin to write what is so far only monitored.
    Record,
    /// End the recording and seal its file.
    Stop,
    /// Report the state once, without subscribing to pictures.
    Status,
    /// Send pictures from now on: traces first, then ticks.
    Subscribe {
        /// Whether this front end only wants to look.
        read_only: bool,
    },
    /// Let this front end stop the recording and change filters, instead of the one that may now.
    Take,
    /// All alarms that are open now have been seen.
    Acknowledge,
    /// Filter like this from the next row on.
    Filter(FilterRequest),
    /// Write down what a sender's clock shows against ours; the recorder finds the row.
    ClockOffset(ClockOffset),
    /// Measure rest and maximal contractions.
    Calibrate(CalibrateRequest),
}

/// A step of a calibration, as a front end asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalibrateRequest {
    /// What is to be done.
    pub step: CalibrateStep,
    /// The channel it is about; none for all, or the one in question.
    pub channel: Option<u16>,
}

/// Steps of a calibration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalibrateStep {
    /// Begin: rest, then all muscles.
    Start,
    /// Do not wait, go on at once.
    Next,
    /// Leave the muscle in question out.
    Skip,
    /// Make the last contraction again, or all of a channel.
    Redo,
    /// Keep what was measured, of a channel or of all.
    Keep,
    /// Forget what was measured and not kept.
    Discard,
    /// The electrodes were moved or taken off: what was kept no longer holds.
    Moved,
}

impl CalibrateStep {
    /// All steps and their words after `:calibrate`.
    pub const TABLE: [(Self, &'static str); 7] = [
        (Self::Start, "start"),
        (Self::Next, "next"),
        (Self::Skip, "skip"),
        (Self::Redo, "redo"),
        (Self::Keep, "keep"),
        (Self::Discard, "discard"),
        (Self::Moved, "moved"),
    ];
}

/// A marker as a front end asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkRequest {
    /// The same key sent twice is stored once: chosen at random by the front end for each marker.
    pub key: u64,
    /// When the key byte was read or the command was typed.
    pub stamp: Stamp,
    /// Label; cut to [`marker::LABEL_BYTES`].
    pub label: String,
    /// Note; cut to [`marker::NOTE_BYTES`].
    pub note: String,
    /// Number of the label in the key map or protocol, 0 for none.
    pub code: i32,
    /// Who makes it.
    pub origin: marker::Origin,
    /// What it does.
    pub action: marker::Action,
    /// The marker it speaks of, 0 for none.
    pub refers_to: u64,
    /// Half the link's round trip, microseconds.
    pub uncertainty_us: u32,
}
