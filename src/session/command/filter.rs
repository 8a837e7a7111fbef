//! Other filters as a front end asks for them, and what they come to over those in force.
//!
//! Used at both ends: the recorder decides, the dashboard refuses early what cannot be meant.

use crate::pipeline::preset::{Baseline, MAINS_HZ, Notches, Options, Preset, STEEPEST};

/// Other filters in the words of the configuration; an empty word, 0 poles and NaN leave things as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterRequest {
    /// A preset, e.g. `default` or `30-400`.
    pub preset: String,
    /// Mains frequency of the notches, Hz; 0 for no notch there.
    pub line_hz: f64,
    /// Order of the band-pass.
    pub order: u32,
    /// Where notches stand: `auto`, `off`, or frequencies such as `50,150`.
    pub notches: String,
    /// Baseline of the envelope: `off`, the edge of a high-pass in Hz, or `track`.
    pub baseline: String,
}

/// What leaves everything as it is.
impl Default for FilterRequest {
    fn default() -> Self {
        let word = String::new;
        Self { preset: word(), line_hz: f64::NAN, order: 0, notches: word(), baseline: word() }
    }
}

impl FilterRequest {
    /// The request that asks for exactly these filters.
    #[must_use]
    pub fn of(options: &Options) -> Self {
        Self {
            preset: options.preset.to_string(),
            line_hz: options.line_hz,
            order: options.order,
            notches: options.notches.to_string(),
            baseline: options.baseline.to_string(),
        }
    }

    /// The filters asked for, over those in force; or what is wrong with the request, and what to say instead.
    pub fn over(&self, in_force: Options) -> Result<Options, String> {
        let mut wanted = in_force;
        let wrong = |word: &str, what: &str| {
            let word = crate::emg::marker::clip(word, 40);
            Err(format!("`{word}` is {what}"))
        };
        if !self.preset.is_empty() {
            let Some(preset) = Preset::from_word(&self.preset) else {
                return wrong(&self.preset, "not default, startle-28, off or a band in Hz such as 20-450");
            };
            wanted.preset = preset;
        }
        if !self.line_hz.is_nan() {
            if self.line_hz != 0.0 && !MAINS_HZ.contains(&self.line_hz) {
                return Err("the mains have 50 or 60 Hz, or 0 for no notch".to_owned());
            }
            wanted.line_hz = self.line_hz;
        }
        if self.order > STEEPEST {
            return wrong(&self.order.to_string(), "no order of the band-pass; say 1 to 8");
        }
        if self.order > 0 {
            wanted.order = self.order;
        }
        if !self.notches.is_empty() {
            let Some(notches) = Notches::from_word(&self.notches) else {
                let what = "no list of notches; say auto, off, or up to 8 frequencies in Hz such as 50,150";
                return wrong(&self.notches, what);
            };
            wanted.notches = notches;
        }
        if !self.baseline.is_empty() {
            let Some(baseline) = Baseline::from_word(&self.baseline) else {
                return wrong(
                    &self.baseline,
                    &format!("no baseline of the envelope; say {}", Baseline::FORM),
                );
            };
            wanted.baseline = baseline;
        }
        Ok(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notches(word: &str) -> FilterRequest {
        FilterRequest { notches: word.to_owned(), ..FilterRequest::default() }
    }

    #[test]
    fn what_is_not_asked_for_stays_and_what_is_in_force_asks_for_itself() {
        let in_force = Options {
            preset: Preset::Band { low: 30.0, high: 200.0 },
            line_hz: 60.0,
            order: 2,
            notches: Notches::from_word("60,180").unwrap(),
            baseline: Baseline::from_word("track:0.5/120").unwrap(),
        };
        assert_eq!(FilterRequest::default().over(in_force), Ok(in_force));
        assert_eq!(FilterRequest::of(&in_force).over(Options::default()), Ok(in_force));
        let asked = notches("50,150").over(in_force).unwrap();
        assert_eq!(asked, Options { notches: Notches::from_word("50,150").unwrap(), ..in_force });
        let usual = FilterRequest::of(&Options::default());
        assert_eq!(usual.over(in_force), Ok(Options::default()), "and back");
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_can() {
        let none = FilterRequest::default;
        for (request, named, instead) in [
            (notches("50,x"), "`50,x`", "auto, off"),
            (notches("1,2,3,4,5,6,7,8,9"), "`1,2,3", "up to 8"),
            (FilterRequest { preset: "wide".into(), ..none() }, "`wide`", "startle-28"),
            (FilterRequest { order: 9, ..none() }, "`9`", "1 to 8"),
            (FilterRequest { baseline: "5".into(), ..none() }, "`5`", "0.01 to 1 Hz"),
            (FilterRequest { baseline: "track:60".into(), ..none() }, "`track:60`", "track:FALL/RISE"),
            (FilterRequest { line_hz: 5.0, ..none() }, "mains", "50 or 60"),
        ] {
            let why = request.over(Options::default()).unwrap_err();
            assert!(why.contains(named) && why.contains(instead), "{why}");
        }
    }
}
