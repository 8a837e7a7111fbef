//! A board's time column -> microseconds that do not wrap, and whether the board began anew.

use crate::emg::units::count;

/// `millis()` and `micros()` count in 32 bits.
const WRAP: f64 = 4_294_967_296.0;
/// A silence longer than this across a wrap is taken for a restart, seconds.
const LONGEST_WRAP_S: f64 = 60.0;
/// A board that has just started says less than this, seconds.
const FRESH_S: f64 = 10.0;

/// What a time column counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds since the start, with decimals.
    Seconds,
    /// `millis()`.
    Millis,
    /// `micros()`.
    Micros,
    /// `HH:MM:SS` on a wall, held as microseconds since midnight.
    Wall,
}

impl Unit {
    /// Microseconds in one count.
    pub(super) fn us(self) -> f64 {
        match self {
            Self::Seconds => 1e6,
            Self::Millis => 1e3,
            Self::Micros | Self::Wall => 1.0,
        }
    }

    /// The word for people.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Millis => "milliseconds",
            Self::Micros => "microseconds",
            Self::Wall => "hours:minutes:seconds",
        }
    }

    /// Where it starts again at zero, microseconds.
    fn wrap_us(self) -> Option<f64> {
        match self {
            Self::Seconds => None,
            Self::Millis | Self::Micros => Some(WRAP * self.us()),
            Self::Wall => Some(86_400e6),
        }
    }
}

/// One reading of the board's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tick {
    /// Microseconds, unwrapped.
    pub(super) us: u64,
    /// The board was reset since the last reading, though its port stayed open.
    pub(super) restarted: bool,
}

/// Follows one time column from the start of an epoch.
#[derive(Clone, Debug)]
pub(super) struct BoardClock {
    unit: Unit,
    /// Last reading and the unwrapped time it stood for, microseconds.
    last: Option<(f64, f64)>,
}

impl BoardClock {
    /// A clock nobody has read yet.
    pub(super) fn new(unit: Unit) -> Self {
        Self { unit, last: None }
    }

    /// The same clock as if nobody had read it.
    pub(super) fn again(&self) -> Self {
        Self::new(self.unit)
    }

    /// Reads the column. A damaged reading far off does not shift the ones after it.
    pub(super) fn read(&mut self, value: f64) -> Tick {
        let now = value * self.unit.us();
        let Some((last, unwrapped)) = self.last else {
            self.last = Some((now, now));
            return Tick { us: count(now), restarted: false };
        };
        let wrapped = self.unit.wrap_us().map(|wrap| now - last + wrap);
        let step = match wrapped {
            Some(step) if now < last && step <= LONGEST_WRAP_S * 1e6 => step,
            _ => now - last,
        };
        let restarted = step < 0.0 && now < FRESH_S * 1e6 && self.unit != Unit::Wall;
        let time = if restarted { now } else { unwrapped + step };
        self.last = Some((now, time));
        Tick { us: count(time), restarted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(unit: Unit, values: &[f64]) -> Vec<(u64, bool)> {
        let mut clock = BoardClock::new(unit);
        values.iter().map(|value| clock.read(*value)).map(|tick| (tick.us, tick.restarted)).collect()
    }

    #[test]
    fn millis_and_micros_and_midnight_wrap() {
        assert_eq!(
            run(Unit::Millis, &[WRAP - 2.0, 3.0, 8.0])[1..],
            [(4_294_967_299_000, false), (4_294_967_304_000, false)]
        );
        assert_eq!(run(Unit::Micros, &[WRAP - 500.0, 500.0])[1], (4_294_967_796, false));
        assert_eq!(run(Unit::Wall, &[86_399e6, 0.0])[1], (86_400_000_000, false));
    }

    #[test]
    fn a_reset_board_is_no_wrap() {
        // Reset after an hour: micros() had passed half its range, yet it did not come round.
        assert_eq!(run(Unit::Micros, &[3_600e6, 1_500.0])[1], (1_500, true));
        assert_eq!(run(Unit::Millis, &[500_000.0, 12.0, 13.0])[1..], [(12_000, true), (13_000, false)]);
        assert_eq!(run(Unit::Seconds, &[500.0, 0.5])[1], (500_000, true));
    }

    #[test]
    fn one_damaged_reading_does_no_lasting_harm() {
        let told = run(Unit::Millis, &[70_000.0, 970_001.0, 70_002.0, 70_003.0]);
        assert_eq!(told[2..], [(70_002_000, false), (70_003_000, false)]);
    }
}
