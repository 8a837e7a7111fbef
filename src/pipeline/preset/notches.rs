//! Where notches stand: at the mains and its harmonics, or where somebody who knows the room says.

use super::Number;

/// More notches than this leave no signal between them.
const MOST: usize = 8;

/// Where notches stand.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Notches {
    /// At the mains and all its harmonics within the band.
    #[default]
    Auto,
    /// Nowhere.
    Off,
    /// At these frequencies, Hz, as far as they are within the band; 0 where there is none.
    At([f64; MOST]),
}

impl Notches {
    /// Reads `auto`, `off`, or frequencies such as `50,150`, each once: twice the same notch is a wider one.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "auto" => return Some(Self::Auto),
            "off" => return Some(Self::Off),
            _ => {}
        }
        let mut all = [0.0; MOST];
        for (place, text) in word.split(',').enumerate() {
            let hz = text.trim().parse::<f64>().ok().filter(|hz| hz.is_finite() && *hz > 0.0)?;
            if all.contains(&hz) {
                return None;
            }
            *all.get_mut(place)? = hz;
        }
        Some(Self::At(all))
    }

    /// Those below `high` Hz, with the mains at `line_hz`; one on the edge of the band or above it has nothing to do.
    pub(super) fn within(self, (low, high): (f64, f64), line_hz: f64) -> Vec<f64> {
        match self {
            Self::Off => Vec::new(),
            Self::Auto => {
                let harmonics = (1_u32..).map(|times| line_hz * f64::from(times));
                harmonics.take_while(|&hz| line_hz > 0.0 && hz < high).collect()
            }
            Self::At(all) => all.into_iter().filter(|hz| *hz > low && *hz < high).collect(),
        }
    }

    /// A sentence where the band leaves some of those asked for nothing to do.
    pub(super) fn remark(self, (low, high): (f64, f64)) -> Option<String> {
        let Self::At(all) = self else { return None };
        let outside: Vec<String> = all
            .iter()
            .filter(|&&hz| hz > 0.0 && (hz <= low || hz >= high))
            .map(|hz| format!("{hz} Hz"))
            .collect();
        let band = (Number(low), Number(high));
        (!outside.is_empty()).then(|| {
            format!("no notch at {}: the band {}-{} Hz has nothing there", outside.join(", "), band.0, band.1)
        })
    }

    /// Whether they are the mains and its harmonics.
    pub(super) fn are_auto(self) -> bool {
        self == Self::Auto
    }
}

impl std::fmt::Display for Notches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Off => f.write_str("off"),
            Self::At(all) => {
                let words: Vec<String> = all.iter().filter(|hz| **hz > 0.0).map(f64::to_string).collect();
                f.write_str(&words.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_shown_and_kept_within_the_band() {
        let notches = Notches::from_word("50, 150,16.7").unwrap();
        assert_eq!(notches.to_string(), "50,150,16.7");
        assert_eq!(notches.within((20.0, 120.0), 60.0), [50.0]);
        assert_eq!(Notches::Auto.within((20.0, 200.0), 60.0), [60.0, 120.0, 180.0]);
        let remark = notches.remark((20.0, 120.0)).unwrap();
        assert_eq!(remark, "no notch at 150 Hz, 16.7 Hz: the band 20-120 Hz has nothing there");
        assert!(notches.remark((10.0, 450.0)).is_none() && Notches::Auto.remark((20.0, 30.0)).is_none());
        assert!(Notches::Off.within((20.0, 450.0), 50.0).is_empty());
        assert!(Notches::Auto.within((20.0, 450.0), 0.0).is_empty());
        for wrong in ["", "50,", "-50", "nan", "1,2,3,4,5,6,7,8,9", "loud", "50,50", "50,150, 50.0"] {
            assert_eq!(Notches::from_word(wrong), None, "`{wrong}`");
        }
    }
}
