//! What a time column is worth: whether it can be used, the rate it shows, its jitter and its holes.
//!
//! Rate = (rows - 1 + rows missing) / (last - first). A rate somebody only stated never beats a measured one.

use super::{Hole, placed};
use crate::emg::units::{count, float, float_len, length, nanos};

/// The rates of two clocks that differ by more than this share are different rates (as for a live line).
const DISAGREE: f64 = 0.005;
/// A stamp repeated for a longer share of the rows leaves the rate less certain than that.
const COARSE: f64 = DISAGREE;
/// Steps within this share of the median are even steps.
const EVEN: f64 = 0.1;
/// Share of the steps that must be even for the axis to be regular, so that holes can be counted in rows.
const REGULAR: f64 = 0.99;
/// A longer hole is a new epoch: its rows are estimated and not filled.
const LONGEST_FILLED_US: f64 = 60e6;
/// Steps below this cannot be counted: no converter of muscles is as fast.
const FASTEST_US: f64 = 1.0;
/// A larger number is no time in any unit.
const LARGEST: f64 = 1e19;
/// Seconds since 1970 between 2001 and 2096 are taken for a wall clock.
const WALL_CLOCK_S: std::ops::Range<f64> = 1e9..4e9;

/// What one unit of a time column is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unit {
    us: f64,
    /// Whether the name says so, else it is guessed from the values.
    said: bool,
}

/// A usable time column.
#[derive(Debug, Default)]
pub(super) struct Axis {
    pub(super) time_us: Vec<u64>,
    /// 0 where there is no axis.
    pub(super) rate_hz: f64,
    pub(super) regular: bool,
    pub(super) holes: Vec<Hole>,
    pub(super) start_utc_ns: Option<i64>,
    pub(super) warnings: Vec<String>,
}

/// A column's name in lower case, with one `_` for all that is neither letter nor digit: `Time (s)` is `time_s`.
pub(super) fn plain(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

/// The unit of a column that holds time by its name, or none where it holds something else.
pub(super) fn unit(name: &str) -> Option<Unit> {
    let name = plain(name);
    let said = |us| Some(Unit { us, said: true });
    match name.as_str() {
        "time" | "t" | "timestamp" => return Some(Unit { us: 1e6, said: false }),
        "millis" => return said(1e3),
        "micros" => return said(1.0),
        _ => {}
    }
    let (stem, unit) = name.rsplit_once('_')?;
    match unit {
        _ if !["time", "t", "timestamp"].contains(&stem) => None,
        "s" | "sec" | "secs" | "second" | "seconds" => said(1e6),
        "ms" | "msec" | "millis" | "milliseconds" => said(1e3),
        "us" | "usec" | "µs" | "μs" | "micros" | "microseconds" => said(1.0),
        "min" | "minutes" => said(60e6),
        _ => None,
    }
}

/// Measures a time column, or says why it cannot be used.
pub(super) fn axis(name: &str, values: &[f64], unit: Unit, stated: Option<f64>) -> Result<Axis, String> {
    usable(values)?;
    let mut warnings = Vec::new();
    let us = scale(name, values, unit, stated, &mut warnings);
    let first = values[0].min(0.0);
    let start_s = values[0] * us / 1e6;
    let mut axis = Axis {
        time_us: values.iter().map(|value| count((value - first) * us)).collect(),
        start_utc_ns: WALL_CLOCK_S.contains(&start_s).then(|| nanos(start_s)),
        warnings,
        ..Axis::default()
    };
    let steps: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]) * us).collect();
    let tick_us = tick(values) * us;
    let span_us = (values[values.len() - 1] - values[0]) * us;
    let median = quantile(&steps, 0.5);
    let tolerance = (EVEN * median).max(1.01 * tick_us);
    let even = |step: &f64| (step - median).abs() <= tolerance;
    let evens = float_len(steps.iter().filter(|step| even(step)).count());
    axis.regular = median >= FASTEST_US && evens >= REGULAR * float_len(steps.len());
    let (mut filled, mut skipped_us) = (0, 0.0);
    if axis.regular {
        let found = holes(&steps, median, tolerance);
        for (at, missing, exact) in &found {
            if *exact {
                filled += missing;
            } else {
                skipped_us += steps[at - 1];
            }
        }
        let estimated = found.iter().filter(|hole| !hole.2).count();
        axis.rate_hz = (float_len(steps.len() - estimated) + float(filled)) / (span_us - skipped_us) * 1e6;
        axis.warnings.extend(holes_sentence(name, &found));
        axis.holes = placed(found);
    } else {
        axis.rate_hz = float_len(steps.len()) / span_us * 1e6;
        axis.warnings.push(jitter_sentence(name, &steps, axis.rate_hz));
    }
    let whole = axis.rate_hz.round();
    if whole > 0.0 && (axis.rate_hz - whole).abs() <= axis.rate_hz * (tick_us / span_us).max(1e-9) {
        axis.rate_hz = whole;
    }
    Ok(axis)
}

/// The rate that holds: of the time column, of `--rate`, of the header, in this order; 0 is no measurement.
pub(super) fn rate(
    measured: f64,
    stated: Option<f64>,
    header: Option<f64>,
    said: &mut Vec<String>,
) -> Option<f64> {
    let differ = |a: f64, b: f64| (a / b - 1.0).abs() > DISAGREE;
    if measured > 0.0 {
        for (who, other) in [("--rate", stated), ("the header", header)] {
            if let Some(other) = other.filter(|other| differ(*other, measured)) {
                said.push(format!(
                    "{who} says {other} Hz, the time column shows {measured:.3} Hz: the time column holds"
                ));
            }
        }
        return Some(measured);
    }
    if let (Some(stated), Some(header)) = (stated, header)
        && differ(stated, header)
    {
        said.push(format!("the header says {header} Hz, --rate says {stated} Hz: --rate holds"));
    }
    let rate = stated.or(header);
    if rate.is_none() {
        said.push(
            "the rate is not known: without it no filter and no window can be trusted; give it with --rate"
                .to_owned(),
        );
    }
    rate
}

/// Whether times are finite, never fall, and tell rows apart well enough for a rate.
fn usable(values: &[f64]) -> Result<(), String> {
    if values.len() < 2 {
        return Err("there is only one row".to_owned());
    }
    if let Some(row) = values.iter().position(|value| value.is_nan() || value.abs() > LARGEST) {
        return Err(format!("row {} has no time", row + 1));
    }
    if let Some(row) = values.windows(2).position(|pair| pair[1] < pair[0]) {
        return Err(format!("at row {} it steps back from {} to {}", row + 2, values[row], values[row + 1]));
    }
    let runs = || values.chunk_by(|a, b| a.total_cmp(b).is_eq()).map(<[f64]>::len);
    let longest = runs().max().unwrap_or(0);
    if float_len(longest - 1) > COARSE * float_len(values.len()) {
        return Err(format!(
            "{} rows have only {} different times, the same one up to {longest} rows long",
            values.len(),
            runs().count()
        ));
    }
    Ok(())
}

/// Microseconds in one unit of the column. A bare `time` counts seconds, unless its numbers are too large for a date
/// in seconds or the stated rate shows that it counts thousandths or millionths.
fn scale(name: &str, values: &[f64], unit: Unit, stated: Option<f64>, said: &mut Vec<String>) -> f64 {
    if unit.said {
        return unit.us;
    }
    let last = values[values.len() - 1];
    if let Some((_, us)) =
        [(1e17, 1e-3), (1e14, 1.0), (1e11, 1e3)].into_iter().find(|(from, _)| last >= *from)
    {
        return us;
    }
    let rate_hz = float_len(values.len() - 1) / (last - values[0]);
    let fits = |us: f64| stated.is_some_and(|stated| (rate_hz * 1e6 / us / stated - 1.0).abs() <= 0.1);
    if let Some((us, word)) = [(1e3, "milliseconds"), (1.0, "microseconds")].into_iter().find(|it| fits(it.0))
    {
        said.push(format!("time column `{name}` counts {word}, by --rate"));
        return us;
    }
    if rate_hz <= 1.0 {
        said.push(format!(
            "time column `{name}` is taken as seconds, which makes {rate_hz:.3} rows per second; if it counts \
             thousandths, give --rate or call it time_ms"
        ));
    }
    unit.us
}

/// The last decimal place the column uses, in its own unit: no step is known better than this.
fn tick(values: &[f64]) -> f64 {
    let places = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];
    let whole = |value: f64| (value - value.round()).abs() <= 1e-6 + value.abs() * 1e-14;
    let place = places.into_iter().find(|place| values.iter().all(|value| whole(value * place)));
    1.0 / place.unwrap_or(1e7)
}

/// Steps that skip rows, as (rows before, rows missing, counted). A clock no finer than a row cannot count them.
fn holes(steps: &[f64], median: f64, tolerance: f64) -> Vec<(usize, u64, bool)> {
    let even = || steps.iter().filter(|step| (*step - median).abs() <= tolerance);
    let mean = even().sum::<f64>() / float_len(even().count());
    let counting = even().all(|step| (step - mean).abs() <= EVEN * mean);
    let hole = |(at, step): (usize, &f64)| {
        let rows = step / mean;
        let missing = count(rows).saturating_sub(1);
        let exact = counting && (rows - rows.round()).abs() <= EVEN && *step <= LONGEST_FILLED_US;
        (*step > median + tolerance && missing > 0).then_some((at + 1, missing, exact))
    };
    steps.iter().enumerate().filter_map(hole).collect()
}

fn holes_sentence(name: &str, found: &[(usize, u64, bool)]) -> Option<String> {
    let (at, _, _) = found.first()?;
    let missing = found.iter().fold(0_u64, |sum, hole| sum.saturating_add(hole.1));
    let estimated = found.iter().filter(|hole| !hole.2).count();
    Some(format!(
        "time column `{name}` shows {} holes with {missing} rows missing, the first after row {at}; {estimated} of \
         them are estimated and not filled",
        found.len()
    ))
}

fn jitter_sentence(name: &str, steps: &[f64], rate_hz: f64) -> String {
    let ms = |share| quantile(steps, share) / 1e3;
    let longest = steps.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(at, _)| at);
    format!(
        "time column `{name}` is irregular: steps of {:.3} ms (5 to 95 %: {:.3} to {:.3} ms), the longest {:.3} ms \
         after row {}; all rows are taken as evenly spaced at the mean rate of {rate_hz:.3} Hz",
        ms(0.5),
        ms(0.05),
        ms(0.95),
        steps[longest] / 1e3,
        longest + 1
    )
}

/// The value below which `share` of the values lie; of at least one value.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    let at = length(share * float_len(values.len() - 1));
    *values.select_nth_unstable_by(at, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(name: &str, values: &[f64], stated: Option<f64>) -> Result<Axis, String> {
        axis(name, values, unit(name).unwrap(), stated)
    }

    fn every(step: f64, rows: u32) -> Vec<f64> {
        (0..rows).map(|row| (f64::from(row) * step * 1e6).round() / 1e6).collect()
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-6 * b
    }

    #[test]
    fn time_is_known_by_its_name() {
        let us = |name: &str| unit(name).map(|unit| unit.us);
        for name in ["time", "Time (s)", "Time_sec", "t", "t_s", "timestamp"] {
            assert_eq!(us(name), Some(1e6), "{name}");
        }
        assert_eq!((us("millis"), us("time [ms]"), us("timestamp_us")), (Some(1e3), Some(1e3), Some(1.0)));
        assert_eq!((us("runtime"), us("emg_s"), us("temperature"), us("")), (None, None, None, None));
    }

    #[test]
    fn an_even_clock_gives_its_rate_and_no_warning() {
        let axis = measured("time_s", &every(0.001, 2000), None).unwrap();
        assert!(close(axis.rate_hz, 1000.0) && axis.regular && axis.warnings.is_empty(), "{axis:?}");
        assert_eq!((axis.time_us[0], axis.time_us[1999]), (0, 1_999_000));
    }

    #[test]
    fn missing_rows_are_counted_and_a_long_pause_is_only_estimated() {
        let mut values = every(0.001, 2000);
        values.drain(700..705);
        values.iter_mut().skip(1500).for_each(|t| *t += 90.0);
        let axis = measured("time_s", &values, None).unwrap();
        assert!(close(axis.rate_hz, 1000.0), "{}", axis.rate_hz);
        assert_eq!(axis.holes[0], Hole { at: 700, sample: 700, missing: 5, exact: true });
        assert_eq!(axis.holes[1], Hole { at: 1500, sample: 1505, missing: 90_000, exact: false });
    }

    #[test]
    fn a_clock_of_whole_milliseconds_does_not_invent_holes() {
        let values: Vec<f64> = (0..5000).map(|row| (f64::from(row) / 0.904).floor()).collect();
        let axis = measured("millis", &values, None).unwrap();
        assert!((axis.rate_hz - 904.0).abs() < 0.5 && axis.holes.is_empty(), "{}", axis.rate_hz);
    }

    #[test]
    fn seconds_repeated_for_thousands_of_rows_are_no_time() {
        let values: Vec<f64> = (0..12_000).map(|row| if row < 6100 { 1.7e9 } else { 1.7e9 + 1.0 }).collect();
        let why = measured("timestamp", &values, None).unwrap_err();
        assert!(why.contains("2 different times") && why.contains("6100"), "{why}");
    }

    #[test]
    fn a_time_that_steps_back_or_is_missing_is_refused_with_its_row() {
        assert!(measured("t", &[0.0, 0.1, 0.05], None).unwrap_err().contains("row 3"));
        assert!(measured("t", &[0.0, f64::NAN, 0.2], None).unwrap_err().contains("row 2"));
        assert!(measured("t", &[0.0], None).is_err());
    }

    #[test]
    fn the_stated_rate_tells_what_a_bare_time_counts() {
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        let axis = measured("time", &values, Some(1000.0)).unwrap();
        assert!(close(axis.rate_hz, 1000.0) && axis.warnings[0].contains("milliseconds"));
        let axis = measured("time", &values, None).unwrap();
        assert!(close(axis.rate_hz, 1.0) && axis.warnings[0].contains("time_ms"));
    }

    #[test]
    fn steps_too_small_for_any_converter_count_no_holes() {
        let mut values: Vec<f64> = (0..1000).map(|row| f64::from(row) * 1e-200).collect();
        values.push(1.0);
        assert!(measured("t", &values, None).unwrap().holes.is_empty());
        let values: Vec<f64> = (0..40_000).map(|row| f64::from(row / 100) * 1e15).collect();
        assert!(measured("t_s", &values, None).unwrap().holes.is_empty());
    }

    #[test]
    fn a_date_gives_the_start() {
        let values: Vec<f64> = (0..100).map(|row| 1_700_000_000_000.0 + f64::from(row) * 10.0).collect();
        let axis = measured("timestamp", &values, None).unwrap();
        assert_eq!(axis.start_utc_ns, Some(1_700_000_000_000_000_000));
        assert!(close(axis.rate_hz, 100.0));
    }

    #[test]
    fn a_disagreement_is_said_and_the_measured_rate_holds() {
        let mut said = Vec::new();
        assert_eq!(rate(904.0, Some(1000.0), None, &mut said), Some(904.0));
        assert!(said[0].contains("--rate says 1000 Hz"), "{said:?}");
        said.clear();
        assert_eq!(rate(1000.0, Some(1004.0), None, &mut said), Some(1000.0));
        assert!(said.is_empty());
        assert_eq!(rate(0.0, Some(100.0), Some(1000.0), &mut said), Some(100.0));
        assert_eq!(said.len(), 1);
    }
}
