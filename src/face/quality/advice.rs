//! What to do about a flag: one sentence each, for screens and the pre-flight sheet.

use crate::emg::Kind;
use crate::emg::finding::quality::flag;

/// One sentence for each flag that is set, in the order of their bits.
#[must_use]
pub fn advice(flags: u32, kind: Kind) -> Vec<&'static str> {
    flag::WORDS.iter().filter(|(bit, _)| flags & bit != 0).map(|(bit, _)| sentence(*bit, kind)).collect()
}

fn sentence(bit: u32, kind: Kind) -> &'static str {
    let is_raw = kind == Kind::Raw;
    match bit {
        flag::SATURATED if is_raw => "Lower the amplifier's gain, or press the electrodes on again.",
        flag::SATURATED => "Lower the sensor's gain at its trimpot: strong contractions are cut off.",
        flag::FLAT => "Check the electrodes, the sensor's supply and the wire to its pin.",
        flag::OFF if is_raw => "Press the electrodes and the reference on again; clean the skin first.",
        flag::OFF => {
            "Perhaps an electrode is off, which this kind of sensor does not tell for sure: press all on again."
        }
        flag::SETTLING => "Wait until filters and electrodes have settled.",
        flag::LINE => {
            "Check the filter's mains (F) and the reference electrode; move cables and chargers away; run on battery."
        }
        flag::MOTION => "Fix the cables to clothes and headrest, and ask for a still head.",
        flag::CROSSTALK => {
            "Move the pair away from the louder neighbour, or set its electrodes closer together."
        }
        flag::KIND => "Declare the kind of signal this sensor sends, or move its switch to the declared one.",
        _ => "Check the cable and the board's rate: rows are missing.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_has_its_own_sentence_and_a_guess_is_called_one() {
        let all = flag::WORDS.iter().fold(0, |all, (bit, _)| all | bit);
        for kind in Kind::ALL {
            let mut sentences = advice(all, kind);
            assert!(sentences.iter().all(|sentence| sentence.ends_with('.')));
            sentences.sort_unstable();
            sentences.dedup();
            assert_eq!(sentences.len(), flag::WORDS.len());
        }
        assert!(advice(flag::OFF, Kind::Envelope)[0].starts_with("Perhaps"));
        assert!(advice(0, Kind::Raw).is_empty());
    }
}
