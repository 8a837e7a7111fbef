//! Stories of a station at which something is wrong.

use super::*;
use crate::emg::clock::Fit;
use crate::emg::{Cause, Gap, SampleType};

const S: i64 = 1_000_000_000;
const NOW: i64 = 1_000_000 * S;

struct Station {
    state: State,
    vitals: Vitals,
    quality: Vec<Option<Quality>>,
    source: Description,
    crowded: bool,
    stuck: Option<(&'static str, f64)>,
    watch: Watch,
}

/// A live board that sends 1000 rows a second, all of which are written.
fn station() -> Station {
    let channels = vec![Channel::new("zyg", Carries::Raw), Channel::new("corr", Carries::Raw)];
    let source = Description {
        uri: "test:".to_owned(),
        board: String::new(),
        channels,
        sample_type: SampleType::I16,
        nominal_hz: Some(1000.0),
        losses_counted: true,
        digital: false,
        can_wait: false,
        remarks: Vec::new(),
    };
    let vitals = Vitals { alive: true, newest_ns: NOW, written_ns: NOW, ..Vitals::default() };
    let quality = vec![None; 2];
    Station {
        state: State::Recording,
        vitals,
        quality,
        source,
        crowded: false,
        stuck: None,
        watch: Watch::default(),
    }
}

impl Station {
    /// What the last second of a channel was like.
    fn flag(&mut self, channel: u16, flags: u32) {
        let unknown = f64::NAN;
        self.quality[usize::from(channel)] = Some(Quality {
            sample: 0,
            channel,
            level: unknown,
            floor: unknown,
            line_level: unknown,
            line_hz: unknown,
            flags,
        });
    }

    /// The conditions that hold at a time.
    fn wrong_at(&mut self, now_ns: i64) -> Vec<(Kind, Option<u16>)> {
        let view = View {
            state: self.state,
            vitals: &self.vitals,
            quality: &self.quality,
            channels: &self.source.channels,
            source: &self.source,
            crowded: self.crowded,
            stuck: self.stuck,
            now_ns,
        };
        let mut all: Vec<_> = self.watch.look(&view);
        let of_channels = 4 * self.source.channels.len();
        assert_eq!(all.len(), 17 + of_channels, "every condition is looked at every time");
        all.retain(|(_, _, text)| text.is_some());
        all.into_iter().map(|(kind, channel, _)| (kind, channel)).collect()
    }

    fn wrong(&mut self) -> Vec<(Kind, Option<u16>)> {
        self.wrong_at(NOW)
    }

    fn runs_at(&mut self, rate_hz: f64) {
        let drift_ppm = (rate_hz / 1000.0 - 1.0) * 1e6;
        let fit = Fit { epoch: 0, sample: 0, origin_ns: 0, rate_hz, drift_ppm, residual_us: 0.0 };
        self.vitals.fit = Some(fit);
    }
}

#[test]
fn a_station_at_which_all_is_well_has_nothing_to_say() {
    let mut station = station();
    station.runs_at(1000.05);
    assert_eq!(station.wrong(), []);
    station.state = State::Monitoring;
    assert_eq!(station.wrong(), []);
}

#[test]
fn rows_that_wait_are_late_and_bytes_of_three_seconds_ago_are_worse() {
    let mut station = station();
    station.vitals.unwritten_since_ns = NOW - S / 10 - 1;
    assert_eq!(station.wrong(), [(Kind::Late, None)]);
    station.vitals.written_ns = NOW - 3 * S - 1;
    assert_eq!(station.wrong(), [(Kind::Stalled, None)]);
    station.vitals.wrong.insert(Kind::Write, "no space left".to_owned());
    assert_eq!(station.wrong(), [(Kind::Write, None)], "the sentence that knows more is enough");
    station.vitals.wrong.clear();
    station.vitals.newest_ns = station.vitals.written_ns - 1;
    station.vitals.unwritten_since_ns = 0;
    assert_eq!(station.wrong(), [(Kind::Source, None)], "a silent source is no fault of the disk");
}

#[test]
fn a_source_is_silent_after_a_second_or_three_of_its_rows() {
    let mut station = station();
    let late = |station: &mut Station, ms: i64| {
        station.wrong_at(NOW + ms * S / 1000).contains(&(Kind::Source, None))
    };
    assert!(!late(&mut station, 1000) && late(&mut station, 1001));
    station.source.nominal_hz = Some(0.5);
    assert!(!late(&mut station, 6000) && late(&mut station, 6001));
    station.source.can_wait = true;
    assert!(!late(&mut station, 60_000), "a simulated face is never silent");
}

#[test]
fn a_source_that_is_away_says_so_until_the_end_and_not_after_it() {
    let mut station = station();
    station.vitals.alive = false;
    station.vitals.wrong.insert(Kind::Away, "it went away".to_owned());
    assert_eq!(station.wrong_at(NOW + 60 * S), [(Kind::Away, None)], "it is not also silent");
    station.state = State::Draining;
    assert_eq!(station.wrong_at(NOW + 60 * S), []);
}

#[test]
fn a_wrong_rate_is_not_also_called_drift() {
    let mut station = station();
    station.runs_at(1000.2);
    assert_eq!(station.wrong(), [(Kind::Drift, None)]);
    station.runs_at(994.0);
    assert_eq!(station.wrong(), [(Kind::Rate, None)]);
    station.source.can_wait = true;
    assert_eq!(station.wrong(), [], "a replay at another speed is no fault of a clock");
}

#[test]
fn a_loss_is_news_for_ten_seconds_and_those_after_it_are_added_up() {
    let mut station = station();
    let gap = |missing, cause| Gap { sample: 0, missing, exact: true, epoch: 0, cause, host_ns: 0 };
    let lost = [(Kind::Lost, None)];
    station.vitals.saw(&gap(3, Cause::Writer));
    assert_eq!(station.wrong(), [], "what the disk did not take has an alarm of its own");
    station.vitals.saw(&gap(3, Cause::Counter));
    assert_eq!(station.wrong(), lost);
    station.vitals.newest_ns = NOW + 60 * S;
    station.vitals.written_ns = NOW + 60 * S;
    assert_eq!(station.wrong_at(NOW + 10 * S - 1), lost);
    station.vitals.saw(&gap(4, Cause::Counter));
    assert_eq!(station.watch.lost.look(station.vitals.lost_counted, NOW + 10 * S - 1), Some(7));
    assert_eq!(station.wrong_at(NOW + 20 * S), []);
    (station.vitals.lost_counted, station.vitals.refused) = (0, 2);
    assert_eq!(station.wrong_at(NOW + 21 * S), [(Kind::Refused, None)], "a recording counts from 0 again");
}

#[test]
fn electrodes_are_named_by_their_channel() {
    let mut station = station();
    station.flag(0, flag::FLAT | flag::SETTLING);
    station.flag(1, flag::SATURATED | flag::LINE);
    assert_eq!(station.wrong(), [(Kind::Flat, Some(0)), (Kind::Saturated, Some(1)), (Kind::Hum, Some(1))]);
    station.flag(0, flag::OFF);
    station.flag(1, 0);
    assert_eq!(station.wrong(), [(Kind::Off, Some(0))]);
}

#[test]
fn a_crowded_queue_is_no_fault_of_a_source_that_waits() {
    assert!(is_crowded(81, 100) && !is_crowded(80, 100));
    let mut station = station();
    station.crowded = true;
    assert_eq!(station.wrong(), [(Kind::Queue, None)]);
    station.source.can_wait = true;
    assert_eq!(station.wrong(), []);
}
