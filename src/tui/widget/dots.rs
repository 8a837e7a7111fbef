//! How many dots a character cell holds, and which character shows them.

/// A set of characters a trace is drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dots {
    /// 2 x 4 dots in a cell.
    Braille,
    /// 1 x 2 dots in a cell, as half blocks.
    Block,
    /// 1 x 2 dots in a cell, as `'`, `.` and `|`.
    Ascii,
}

/// Bits of the braille characters, by dot column and dot row.
const BRAILLE: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

impl Dots {
    /// Dot columns in a cell.
    pub(crate) fn wide(self) -> u16 {
        if self == Self::Braille { 2 } else { 1 }
    }

    /// Dot rows in a cell.
    pub(crate) fn tall(self) -> u16 {
        if self == Self::Braille { 4 } else { 2 }
    }

    /// Whether characters outside ASCII may be drawn.
    pub(crate) fn unicode(self) -> bool {
        self != Self::Ascii
    }

    /// `fancy`, or `plain` where only ASCII may be drawn.
    pub(crate) fn pick<T>(self, fancy: T, plain: T) -> T {
        if self.unicode() { fancy } else { plain }
    }

    /// The character for a cell whose dot columns are lit from a first to a last dot row.
    pub(crate) fn glyph(self, lit: [Option<(u16, u16)>; 2]) -> Option<char> {
        let on = |column: usize, row: u16| lit[column].is_some_and(|(a, b)| (a..=b).contains(&row));
        match self {
            Self::Braille => {
                let bits = (0..2_usize)
                    .flat_map(|c| (0..4_u16).map(move |r| (c, r)))
                    .filter(|&(c, r)| on(c, r))
                    .fold(0, |bits, (c, r)| bits | BRAILLE[c][usize::from(r)]);
                if bits == 0 { None } else { char::from_u32(0x2800 + bits) }
            }
            Self::Block | Self::Ascii => match (on(0, 0), on(0, 1)) {
                (true, true) => Some(self.pick('█', '|')),
                (true, false) => Some(self.pick('▀', '\'')),
                (false, true) => Some(self.pick('▄', '.')),
                (false, false) => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_set_has_its_characters() {
        assert_eq!(Dots::Braille.glyph([Some((0, 3)), Some((0, 3))]), Some('⣿'));
        assert_eq!(Dots::Braille.glyph([Some((3, 3)), None]), Some('⡀'));
        assert_eq!(Dots::Braille.glyph([None, None]), None);
        assert_eq!(Dots::Block.glyph([Some((1, 1)), None]), Some('▄'));
        assert_eq!(Dots::Ascii.glyph([Some((0, 1)), None]), Some('|'));
    }
}
