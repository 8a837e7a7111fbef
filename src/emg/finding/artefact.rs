//! Stretches that somebody, or a rule, judged unusable. The signal itself is never changed by a judgement.

/// The rule's name where a person judged.
pub const MANUAL: &str = "manual";

/// Longest name of a coder, characters.
pub const CODER_CHARS: usize = 32;

/// One judged stretch; a judgement that was taken back stays, marked as such.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Artefact {
    /// First row of the recording it covers.
    pub onset: u64,
    /// The row after the last one.
    pub end: u64,
    /// Channels it covers: bit 0 is channel 0.
    pub channels: u64,
    /// The rule that found it, or [`MANUAL`].
    pub rule: String,
    /// Who judged.
    pub coder: String,
    /// Free text, at most [`NOTE_BYTES`](crate::emg::marker::NOTE_BYTES) bytes.
    pub note: String,
    /// Whether it was taken back.
    pub retracted: bool,
}

impl Artefact {
    /// Whether it stands and covers this row on this channel, or on any where none is named.
    #[must_use]
    pub fn covers(&self, row: u64, channel: Option<usize>) -> bool {
        !self.retracted && (self.onset..self.end).contains(&row) && channel.is_none_or(|c| self.is_on(c))
    }

    /// Whether its channels include this one.
    #[must_use]
    pub fn is_on(&self, channel: usize) -> bool {
        bit(channel).is_some_and(|bit| self.channels & bit != 0)
    }
}

/// The bit of a channel; none beyond the 64 a mask has room for.
#[must_use]
pub fn bit(channel: usize) -> Option<u64> {
    u32::try_from(channel).ok().and_then(|channel| 1_u64.checked_shl(channel))
}

/// The mask of the first `channels` channels.
#[must_use]
pub fn all(channels: usize) -> u64 {
    bit(channels).map_or(u64::MAX, |next| next - 1)
}

/// Whether a name may stand in a file name and in a table: letters and digits, as in BIDS labels.
#[must_use]
pub fn is_coder(name: &str) -> bool {
    (1..=CODER_CHARS).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_have_a_bit_for_each_of_64_channels() {
        assert_eq!((all(0), all(8), all(64), all(80)), (0, 255, u64::MAX, u64::MAX));
        assert_eq!((bit(63), bit(64)), (Some(1 << 63), None));
        let one = Artefact { onset: 5, end: 9, channels: 0b10, ..Artefact::default() };
        assert!(one.covers(5, Some(1)) && one.covers(8, None));
        assert!(!one.covers(9, Some(1)) && !one.covers(5, Some(0)) && !one.covers(5, Some(64)));
        assert!(!Artefact { retracted: true, ..one }.covers(5, None));
    }

    #[test]
    fn a_coder_is_a_word_of_letters_and_digits() {
        assert!(is_coder("anna2"));
        for name in ["", "a b", "../x", "ä", "a-b", &"x".repeat(33)] {
            assert!(!is_coder(name), "{name}");
        }
    }
}
