//! A few seconds of a source: how many rows come, how many do not, and the rows themselves.

use crate::emg::Preflight;
use crate::emg::units::{float, seconds, wide};
use crate::emg::{Samples, Stamp};
use crate::source::{Description, Reading, Source};
use std::time::{Duration, Instant};

/// Looked at so long by the source's own time; at 16 ms of jitter the rate is then known to 0.4 %.
const LOOK_S: f64 = 4.0;
/// ... and no longer than this by ours.
const PATIENCE: Duration = Duration::from_secs(12);
/// Rates this close are the same.
const SAME: f64 = 0.02;

/// What was seen.
#[derive(Debug)]
pub(super) struct Seen {
    /// From the first packet's arrival to the last.
    pub(super) span_s: f64,
    /// Rows per second over that; none where it is too short.
    pub(super) rate_hz: Option<f64>,
    /// The newest rows without a hole.
    pub(super) samples: Samples,
    pub(super) lost: u64,
    pub(super) refused: u64,
    /// The end, where it came early.
    pub(super) ended: Option<String>,
}

/// Where counting stands.
struct Count {
    first: Option<(Stamp, u64)>,
    last: (Stamp, u64),
    epoch: u32,
}

/// Looks at an open source.
pub(super) fn look(source: &mut dyn Source, description: &Description) -> Seen {
    let mut seen = Seen {
        span_s: 0.0,
        rate_hz: None,
        samples: Samples::empty(description.sample_type),
        lost: 0,
        refused: 0,
        ended: None,
    };
    let mut counted = Count { first: None, last: (Stamp::default(), 0), epoch: 0 };
    let began = Instant::now();
    while seen.span_s < LOOK_S && began.elapsed() < PATIENCE && seen.ended.is_none() {
        match source.read() {
            Ok(Reading::Rows(packet)) => {
                let rows = wide(packet.samples.len() / description.channels.len().max(1));
                counted.take(packet.epoch, packet.index, rows, packet.stamp, &mut seen);
                seen.samples.append(&packet.samples);
            }
            Ok(Reading::Refused { lines, .. }) => seen.refused += lines,
            Ok(Reading::Gone { sentence, .. }) => seen.ended = Some(sentence),
            Ok(Reading::Ended) => seen.ended = Some("it has no more rows".to_owned()),
            Ok(Reading::Idle | Reading::Truth(_) | Reading::Back(_)) => {}
            Err(error) => seen.ended = Some(error.to_string()),
        }
    }
    seen
}

impl Count {
    /// `rows` more rows from `index` on; what came before a hole is no part of the stretch that is judged.
    fn take(&mut self, epoch: u32, index: u64, rows: u64, stamp: Stamp, seen: &mut Seen) {
        let end = index + rows;
        let Some((since, from)) = self.first.filter(|_| epoch == self.epoch && index >= self.last.1) else {
            // Rows that waited in the port arrive together: counting begins behind them.
            (self.first, self.last, self.epoch) = (Some((stamp, end)), (stamp, end), epoch);
            seen.samples = Samples::empty(seen.samples.sample_type());
            return;
        };
        if index > self.last.1 {
            seen.lost += index - self.last.1;
            seen.samples = Samples::empty(seen.samples.sample_type());
        }
        self.last = (stamp, end);
        seen.span_s = seconds(stamp.host_ns - since.host_ns);
        seen.rate_hz = (seen.span_s >= 1.0).then(|| float(end - from) / seen.span_s);
    }
}

/// The line about who answers.
pub(super) fn board(description: &Description, seen: &Seen) -> Preflight {
    let channels = description.channels.len();
    let value = format!("{}, {channels} channels", description.board);
    if let Some(why) = &seen.ended
        && seen.span_s < 1.0
    {
        return Preflight::fail(
            "board",
            format!("{value}, but {why}"),
            "check cable and power, then try again",
        );
    }
    if seen.refused > 0 {
        let value = format!("{value}; {} lines or frames were no row", seen.refused);
        return Preflight::warn(
            "board",
            value,
            "check the baud rate, and that the board sends nothing but samples",
        );
    }
    if !description.losses_counted {
        let value =
            format!("{value}; lost lines cannot be counted, a damaged digit is a wrong value nobody sees");
        return Preflight::warn(
            "board",
            value,
            "use the station's own firmware (scripts/firmware) where that matters",
        );
    }
    Preflight::ok("board", value)
}

/// The line about rows per second.
pub(super) fn rate(description: &Description, seen: &Seen) -> Preflight {
    let Some(rate_hz) = seen.rate_hz else {
        let value = format!("too few rows came in {:.0} s to tell a rate", PATIENCE.as_secs_f64());
        return Preflight::fail("rate", value, "check that the board keeps sending");
    };
    let lost = if seen.lost > 0 { format!(", {} rows lost", seen.lost) } else { String::new() };
    let value = |nominal: &str| format!("{rate_hz:.1} rows/s over {:.1} s{nominal}{lost}", seen.span_s);
    match description.nominal_hz {
        None => Preflight::warn(
            "rate",
            value(", none is declared"),
            format!("add `rate={rate_hz:.0}` to the source, else the first 10 s are recorded unfiltered"),
        ),
        Some(nominal) if (rate_hz / nominal - 1.0).abs() > SAME => Preflight::warn(
            "rate",
            value(&format!(" where {nominal} are declared")),
            format!(
                "the filters will follow after a minute; declare `rate={rate_hz:.0}`, or mend the sketch"
            ),
        ),
        Some(nominal) if seen.lost > 0 => Preflight::warn(
            "rate",
            value(&format!(" of {nominal}")),
            "use a higher baud rate or fewer channels, and another cable",
        ),
        Some(nominal) => Preflight::ok("rate", value(&format!(" of {nominal}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emg::{Cause, Channel, Kind, SampleType};
    use crate::source::{Error, Packet};
    use std::collections::VecDeque;

    /// A board with a script.
    struct Script(VecDeque<Reading>);

    impl Source for Script {
        fn open(&mut self) -> Result<Description, Error> {
            Ok(described(Some(1000.0)))
        }

        fn read(&mut self) -> Result<Reading, Error> {
            Ok(self.0.pop_front().unwrap_or(Reading::Ended))
        }
    }

    fn described(nominal_hz: Option<f64>) -> Description {
        Description {
            uri: "test:".into(),
            board: "a test".into(),
            channels: vec![Channel::new("a", Kind::Raw)],
            sample_type: SampleType::I16,
            nominal_hz,
            losses_counted: true,
            digital: false,
            can_wait: false,
            remarks: vec![],
        }
    }

    /// Packets of 20 rows at `rate_hz`; those in `missing` never arrive.
    fn packets(rate_hz: f64, count: u64, missing: std::ops::Range<u64>) -> Script {
        let packet = |n: u64| {
            let stamp = Stamp::default().plus_ns(crate::emg::units::rows_ns((n + 1) * 20, rate_hz));
            let samples = Samples::I16(vec![7; 20]);
            let (digital, cause) = (vec![], Cause::Counter);
            Reading::Rows(Packet { epoch: 0, index: n * 20, device_us: 0, stamp, samples, digital, cause })
        };
        Script((0..count).filter(|n| !missing.contains(n)).map(packet).collect())
    }

    #[test]
    fn a_board_that_runs_as_declared_is_well() {
        let seen = look(&mut packets(1000.0, 400, 0..0), &described(Some(1000.0)));
        let check = rate(&described(Some(1000.0)), &seen);
        assert_eq!((check.outcome.word(), check.value.as_str()), ("ok", "1000.0 rows/s over 4.0 s of 1000"));
        assert_eq!(board(&described(None), &seen).outcome.word(), "ok");
    }

    #[test]
    fn a_wrong_rate_and_lost_rows_are_said() {
        let seen = look(&mut packets(904.0, 400, 0..0), &described(Some(1000.0)));
        let check = rate(&described(Some(1000.0)), &seen);
        assert!(
            crate::cli::doctor::line(&check).contains("904.0 rows/s") && check.advice.contains("rate=904"),
            "{check:?}"
        );
        let seen = look(&mut packets(1000.0, 400, 50..60), &described(Some(1000.0)));
        let check = rate(&described(Some(1000.0)), &seen);
        assert!(check.value.contains("200 rows lost") && check.outcome.word() == "warn", "{check:?}");
        assert_eq!(seen.samples.len(), (201 - 60) * 20, "what is judged has no hole");
    }

    #[test]
    fn a_board_that_says_nothing_more_fails() {
        let seen = look(&mut packets(1000.0, 3, 0..0), &described(None));
        assert_eq!(board(&described(None), &seen).outcome.word(), "fail");
        assert_eq!(rate(&described(None), &seen).outcome.word(), "fail");
    }
}
