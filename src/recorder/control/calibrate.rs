//! Calibration on the side of commands: steps in, what is kept or taken back to the journal, sentences to everybody.
//!
//! `process` measures; here it is only told what to do. What is kept while only monitoring waits for the recording.

use super::Control;
use crate::emg::Calibration;
use crate::recorder::journal::Request;
use crate::session::command::{CalibrateRequest, CalibrateStep};
use crate::session::snapshot::State;
use crate::session::{Answer, ClientId};

impl Control {
    /// Does a step of a calibration.
    pub(super) fn calibrate(&mut self, client: ClientId, wanted: CalibrateRequest) -> Answer {
        let CalibrateRequest { step, channel } = wanted;
        if self.so_far.ended || !matches!(self.state, State::Monitoring | State::Recording) {
            return Answer::Refused("no more rows are read".to_owned());
        }
        // What is kept must find room: the journal takes a row for each channel.
        if self
            .requests
            .capacity()
            .is_some_and(|room| room - self.requests.len() < self.gauge.channels.len() + 1)
        {
            return Answer::Refused("the journal is busy: ask again".to_owned());
        }
        let who = self.so_far.viewers.name(client);
        let sample = self.present_row();
        let mut picture = self.picture.lock();
        let calibrator = &mut picture.calibrator;
        let done = match step {
            CalibrateStep::Start => calibrator.start().map(|()| Vec::new()),
            CalibrateStep::Next => calibrator.go_on().map(|()| Vec::new()),
            CalibrateStep::Skip => calibrator.skip().map(|()| Vec::new()),
            CalibrateStep::Redo => calibrator.redo(channel).map(|()| Vec::new()),
            CalibrateStep::Keep => calibrator.keep(channel, sample, &who),
            CalibrateStep::Discard => calibrator.discard().map(|()| Vec::new()),
            CalibrateStep::Moved => calibrator.take_back(channel, sample, &who),
        };
        drop(picture);
        let rows = match done {
            Ok(rows) => rows,
            Err(refusal) => return Answer::Refused(refusal.to_string()),
        };
        self.write(&rows);
        match step {
            CalibrateStep::Start => self.say(3, format!("{who} began to calibrate")),
            CalibrateStep::Discard => self.say(3, format!("{who} discarded what was measured and not kept")),
            CalibrateStep::Keep => {
                let text = format!("{who} kept the calibration of {}", self.names(&rows));
                self.say(3, text);
            }
            CalibrateStep::Moved => {
                let what = if rows.is_empty() { "nothing".to_owned() } else { self.names(&rows) };
                self.say(2, format!("{who} says electrodes were moved: {what} kept so far holds no longer"));
            }
            CalibrateStep::Next | CalibrateStep::Skip | CalibrateStep::Redo => {}
        }
        Answer::Done
    }

    /// Other filters give other levels: what was measured with the former ones holds no longer from `row` on.
    pub(super) fn uncalibrate(&mut self, row: u64, who: &str) {
        let sample = if self.state == State::Recording { row } else { 0 };
        let gone = self.picture.lock().calibrator.take_back(None, sample, who).unwrap_or_default();
        self.write(&gone);
        if !gone.is_empty() {
            let text = format!("with other filters {} must be calibrated again", self.names(&gone));
            self.say(2, text);
        }
    }

    /// What was kept before the recording began is valid in it: the electrodes are the same.
    pub(super) fn write_calibrations(&mut self) {
        let kept = self.picture.lock().calibrator.kept().to_vec();
        let rows: Vec<Calibration> = kept.into_iter().map(|kept| Calibration { sample: 0, ..kept }).collect();
        self.write(&rows);
        if !rows.is_empty() {
            let text = format!("calibrated before the recording began: {}", self.names(&rows));
            self.say(3, text);
        }
    }

    /// Says at the end what nobody kept.
    pub(super) fn say_unkept(&mut self) {
        let unkept = self.picture.lock().calibrator.unkept();
        if unkept > 0 {
            self.say(2, format!("the calibration of {unkept} channels was measured and never kept"));
        }
    }

    /// Sends rows to the journal, where there is one.
    fn write(&self, rows: &[Calibration]) {
        if self.state == State::Recording {
            for row in rows {
                // There was room; while the disk refuses, the journal keeps it until it can be written.
                let _ = self.requests.try_send(Request::Calibration(row.clone()));
            }
        }
    }

    /// The row that comes next in the recording; 0 before it begins.
    fn present_row(&self) -> u64 {
        if self.state == State::Recording { self.vitals.lock().next_row } else { 0 }
    }

    fn names(&self, rows: &[Calibration]) -> String {
        let name =
            |row: &Calibration| self.gauge.channels.get(usize::from(row.channel)).map(|c| c.name.as_str());
        let names: Vec<&str> = rows.iter().filter_map(name).collect();
        if names.len() == self.gauge.channels.len() { "all channels".to_owned() } else { names.join(", ") }
    }
}
