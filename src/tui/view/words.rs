//! Numbers as people read them. Unknown numbers are `--`, never a guess.

use crate::emg::units;

/// `03:12:45` from seconds; hours go on beyond 99.
pub(super) fn hms(seconds: f64) -> String {
    let s = units::count(seconds.floor());
    format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

/// `00:12` from seconds, with hours only where there are any.
pub(super) fn ms(seconds: f64) -> String {
    let text = hms(seconds);
    text.strip_prefix("00:").map_or(text.clone(), str::to_owned)
}

/// `03:12:45.204` from seconds.
pub(super) fn hms_ms(seconds: f64) -> String {
    let ms = units::count(seconds * 1000.0);
    format!("{}.{:03}", hms(units::float(ms / 1000)), ms % 1000)
}

/// Local time of day of a wall clock moment.
pub(super) fn clock(utc_ns: i64, offset_s: i32) -> String {
    let s = (utc_ns.div_euclid(1_000_000_000) + i64::from(offset_s)).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

/// `412.6 MB`.
pub(super) fn bytes(bytes: u64) -> String {
    let value = units::float(bytes);
    match bytes {
        0..=9_999 => format!("{bytes} B"),
        10_000..=999_999 => format!("{:.0} kB", value / 1e3),
        1_000_000..=999_999_999 => format!("{:.1} MB", value / 1e6),
        1_000_000_000..=999_999_999_999 => format!("{:.2} GB", value / 1e9),
        _ => format!("{:.2} TB", value / 1e12),
    }
}

/// `212 h`: a length of time to one unit.
pub(super) fn span(seconds: f64) -> String {
    match seconds {
        s if s.is_nan() => "--".to_owned(),
        s if s < 100.0 => format!("{s:.0} s"),
        s if s < 6_000.0 => format!("{:.0} min", (s / 60.0).floor()),
        s if s < 3_600.0 * 500.0 => format!("{:.0} h", (s / 3600.0).floor()),
        s => format!("{:.0} d", (s / 86_400.0).floor().min(9_999.0)),
    }
}

/// `+0.3s`: how long ago bytes were written.
pub(super) fn age(seconds: f64) -> String {
    match seconds {
        s if s.is_nan() => "--".to_owned(),
        s if s < 9.95 => format!("+{s:.1}s"),
        s => format!("+{s:.0}s"),
    }
}

/// A value to three digits.
pub(super) fn value(value: f64) -> String {
    match value.abs() {
        v if v.is_nan() => "--".to_owned(),
        v if v < 9.995 => format!("{value:.2}"),
        v if v < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// `text` in at most `width` characters, its middle left out where it is longer.
pub(super) fn fit(text: &str, width: usize, dots: crate::tui::widget::Dots) -> String {
    let chars: Vec<char> = text.chars().collect();
    let gap = dots.pick("…", "~");
    match width {
        _ if chars.len() <= width => text.to_owned(),
        0..=2 => chars[..width].iter().collect(),
        _ => {
            let tail = (width - 1) / 2;
            let head = width - 1 - tail;
            let (front, back) = (&chars[..head], &chars[chars.len() - tail..]);
            format!("{}{gap}{}", front.iter().collect::<String>(), back.iter().collect::<String>())
        }
    }
}

/// `text` in at most `width` characters, its end left out where it is longer.
pub(super) fn cut(text: &str, width: usize, dots: crate::tui::widget::Dots) -> String {
    let Some(room) = width.checked_sub(1) else { return String::new() };
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(room).chain([dots.pick('…', '~')]).collect()
}

/// `text` in lines of at most `width` characters, broken at spaces where there are any.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut rest: Vec<char> = word.chars().collect();
        let used = lines.last().map_or(0, |line| line.chars().count());
        if used > 0 && used + 1 + rest.len() <= width {
            lines.last_mut().into_iter().for_each(|line| line.push(' '));
        } else if used > 0 {
            lines.push(String::new());
        }
        while rest.len() > width.max(1) {
            let tail = rest.split_off(width.max(1));
            lines.last_mut().into_iter().for_each(|line| line.extend(&rest));
            lines.push(String::new());
            rest = tail;
        }
        lines.last_mut().into_iter().for_each(|line| line.extend(&rest));
    }
    lines
}

/// Two texts at the two ends of a line, at least one space between them.
pub(super) fn apart(left: &str, right: &str, width: usize) -> String {
    let space = width.saturating_sub(left.chars().count() + right.chars().count()).max(1);
    format!("{left}{}{right}", " ".repeat(space))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::widget::Dots;

    #[test]
    fn numbers_read_like_a_person_would_say_them() {
        assert_eq!((hms(11_565.9), hms_ms(11_561.204)), ("03:12:45".into(), "03:12:41.204".into()));
        assert_eq!((ms(12.0), ms(3600.0)), ("00:12".into(), "01:00:00".into()));
        assert_eq!((bytes(412_600_000), bytes(900)), ("412.6 MB".into(), "900 B".into()));
        assert_eq!(
            (span(763_200.0), span(45.0), span(f64::NAN)),
            ("212 h".into(), "45 s".into(), "--".into())
        );
        assert_eq!(
            (value(41.23), value(f64::NAN), value(-0.5)),
            ("41.2".into(), "--".into(), "-0.50".into())
        );
        assert_eq!((hms(f64::NAN), hms(-5.0)), ("00:00:00".into(), "00:00:00".into()));
        assert_eq!(clock(-1, 3600), "00:59:59");
    }

    #[test]
    fn sentences_are_broken_at_spaces_and_words_only_where_they_must() {
        assert_eq!(wrap("check the cable", 9), ["check the", "cable"]);
        assert_eq!(wrap("/dev/ttyACM0 is gone", 6), ["/dev/t", "tyACM0", "is", "gone"]);
        assert_eq!((wrap("", 5), wrap("ab", 0)), (vec![String::new()], vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn a_long_name_keeps_both_ends() {
        assert_eq!(fit("sub-01_ses-01_emg.h5", 11, Dots::Braille), "sub-0…mg.h5");
        assert_eq!(fit("sub-01_ses-01_emg.h5", 2, Dots::Ascii), "su");
        assert_eq!(fit("äöü", 3, Dots::Ascii), "äöü");
    }

    #[test]
    fn a_long_sentence_keeps_its_beginning() {
        assert_eq!(cut("check the cable", 9, Dots::Braille), "check th…");
        assert_eq!((cut("all", 3, Dots::Ascii), cut("all", 0, Dots::Ascii)), ("all".into(), String::new()));
    }
}
