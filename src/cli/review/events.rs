//! The muscle events of a file under review: read as they come, with those the next segment tells of it.
//!
//! An event is stored when it is judged, up to three seconds after it ended: by then another segment may have begun.

use crate::emg::Event;
use crate::emg::units::count;
use crate::session::review::Timeline;
use crate::store::layout::State;
use crate::store::reader::Joined;
use crate::store::{Recording, StoreError};

/// Nothing that began in a segment is judged later than this in the next one, seconds: activity without a pause for
/// half a minute is the new rest.
const LATEST_S: f64 = 60.0;

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Events {
    own: Vec<Event>,
    /// Those of the next segment that began in this one.
    late: Vec<Event>,
    /// Whether the next segment has nothing more to tell.
    is_complete: bool,
    /// All of them.
    pub(super) timeline: Timeline,
}

impl Events {
    /// Reads what is new.
    pub(super) fn read(&mut self, recording: &Recording) -> Result<(), StoreError> {
        let new = recording.events_after(self.own.len())?;
        let before = (self.own.len(), self.late.len());
        self.own.extend(new);
        if recording.facts().state == State::Open {
            self.is_complete = false;
        } else if recording.facts().next.is_empty() {
            self.is_complete = true;
        } else {
            self.read_late(recording);
        }
        if before != (self.own.len(), self.late.len()) {
            self.timeline = Timeline::new([&self.own[..], &self.late].concat());
        }
        Ok(())
    }

    /// Whether more may come.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Asks the segments behind; what cannot be read there is no fault of this one.
    fn read_late(&mut self, recording: &Recording) {
        let (end, rate) = (recording.span().end, recording.facts().sampling_rate_hz);
        let latest = end.saturating_add(count(LATEST_S * rate));
        self.late.clear();
        self.is_complete = true;
        let Ok(joined) = Joined::open(recording.path()) else { return };
        for next in joined.segments.iter().filter(|next| (end..latest).contains(&next.span().start)) {
            let told = next.events().unwrap_or_default();
            self.late.extend(told.into_iter().filter(|event| event.onset < end));
            let grows = next.facts().state == State::Open && next.clean_span().end < latest;
            self.is_complete &= !grows;
        }
    }
}
