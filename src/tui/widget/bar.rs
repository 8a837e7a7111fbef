//! A bar that grows to the right; what exceeds it is said at its end.

use super::Dots;
use crate::emg::units;

/// A share, 0 to 1, as so many cells; nothing where it is not known.
pub(crate) fn bar(share: f64, cells: usize, dots: Dots) -> String {
    let Some(inner) = cells.checked_sub(1).filter(|_| !share.is_nan()) else { return " ".repeat(cells) };
    let full = units::length((share.clamp(0.0, 1.0) * units::float_len(inner)).round()).min(inner);
    let (on, off) = (dots.pick('█', '#'), dots.pick('·', '.'));
    let end = if share > 1.0 { '>' } else { dots.pick('▏', '|') };
    let cells = std::iter::repeat_n(on, full).chain(std::iter::repeat_n(off, inner - full)).chain([end]);
    cells.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_with_its_share_and_says_when_it_is_more() {
        assert_eq!(bar(0.5, 5, Dots::Ascii), "##..|");
        assert_eq!(bar(1.0, 5, Dots::Braille), "████▏");
        assert_eq!(bar(1.7, 5, Dots::Ascii), "####>");
        assert_eq!((bar(-1.0, 3, Dots::Ascii), bar(f64::NAN, 3, Dots::Ascii)), ("..|".into(), "   ".into()));
        assert_eq!(bar(1.0, 0, Dots::Ascii), "");
    }
}
