//! Counts what goes to the terminal and how long it was held up there, and slows the pictures down for a link
//! that cannot carry ten a second.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Pictures a second, from a good link to a bad one.
const PACES: [u16; 4] = [10, 5, 2, 1];
/// A picture that is held up for longer than this slows the next ones down.
const HELD_UP: Duration = Duration::from_millis(50);
/// Pictures come faster again after so long without one that was held up.
const SMOOTH: Duration = Duration::from_secs(5);

/// What has passed.
#[derive(Debug, Default)]
struct Passed {
    bytes: AtomicU64,
    held_up_ns: AtomicU64,
}

/// Reads what a [`Metered`] writer counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter(Arc<Passed>);

impl Meter {
    /// A writer that counts here.
    pub(crate) fn around<W: Write>(&self, inner: W) -> Metered<W> {
        Metered { inner, passed: Arc::clone(&self.0) }
    }

    /// Bytes since the last call.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.bytes.swap(0, Ordering::Relaxed)
    }

    /// How long writing took since the last call.
    pub(crate) fn held_up(&self) -> Duration {
        Duration::from_nanos(self.0.held_up_ns.swap(0, Ordering::Relaxed))
    }
}

/// A writer that counts.
#[derive(Debug)]
pub(crate) struct Metered<W> {
    inner: W,
    passed: Arc<Passed>,
}

impl<W> Metered<W> {
    fn timed<T>(&mut self, act: impl FnOnce(&mut W) -> T) -> T {
        let began = Instant::now();
        let done = act(&mut self.inner);
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.passed.held_up_ns.fetch_add(nanos, Ordering::Relaxed);
        done
    }
}

impl<W: Write> Write for Metered<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.timed(|inner| inner.write(bytes))?;
        self.passed.bytes.fetch_add(crate::emg::units::wide(written), Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.timed(Write::flush)
    }
}

/// How many pictures a second the link carries.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    /// Index into [`PACES`].
    slower: usize,
    smooth: Duration,
}

impl Pace {
    /// Time from one picture to the next.
    pub(crate) fn frame(self) -> Duration {
        Duration::from_secs(1) / u32::from(PACES[self.slower])
    }

    /// Pictures a second, where they are fewer than they should be.
    pub(crate) fn slowed_to(self) -> Option<u16> {
        (self.slower > 0).then(|| PACES[self.slower])
    }

    /// Takes in how long a picture was held up.
    pub(crate) fn drawn(&mut self, held_up: Duration) {
        if held_up > HELD_UP {
            self.slower = (self.slower + 1).min(PACES.len() - 1);
            self.smooth = Duration::ZERO;
        } else {
            self.smooth += self.frame();
            if self.smooth >= SMOOTH {
                *self = Self { slower: self.slower.saturating_sub(1), smooth: Duration::ZERO };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_counted_once() {
        let meter = Meter::default();
        let mut out = meter.around(Vec::new());
        out.write_all(b"eleven char").unwrap();
        out.flush().unwrap();
        assert_eq!((meter.bytes(), meter.bytes()), (11, 0));
        assert!(meter.held_up() > Duration::ZERO);
        assert_eq!(meter.held_up(), Duration::ZERO);
    }

    #[test]
    fn a_slow_link_gets_fewer_pictures_and_a_good_one_all_again() {
        let (good, bad) = (Duration::from_millis(1), Duration::from_millis(80));
        let mut pace = Pace::default();
        let mut steps = vec![pace.slowed_to()];
        for _ in 0..4 {
            pace.drawn(bad);
            steps.push(pace.slowed_to());
        }
        assert_eq!(steps, [None, Some(5), Some(2), Some(1), Some(1)]);
        let mut seconds = Duration::ZERO;
        while pace.slowed_to().is_some() {
            seconds += pace.frame();
            pace.drawn(good);
        }
        assert_eq!(seconds, SMOOTH * 3, "one step faster after each five good seconds");
        assert_eq!(pace.frame(), Duration::from_millis(100));
    }

    #[test]
    fn one_bad_picture_in_a_while_does_not_add_up_with_the_next() {
        let mut pace = Pace::default();
        for _ in 0..5 {
            pace.drawn(Duration::from_millis(60));
            for _ in 0..60 {
                pace.drawn(Duration::from_millis(2));
            }
        }
        assert_eq!(pace.slowed_to(), None);
    }
}
