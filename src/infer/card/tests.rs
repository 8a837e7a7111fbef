//! What a card may say.

use super::*;
use proptest::prelude::*;

const CARD: &str = include_str!("../../../tests/golden/models/step-lstm.toml");

#[test]
fn a_card_is_read_with_everything_it_says() {
    let card = Card::from_toml(CARD).unwrap();
    assert_eq!((card.name.as_str(), card.mode, card.signal), ("step-lstm", Mode::Step, Signal::Clean));
    assert_eq!((card.window, card.stride, card.classes.len()), (128, 32, 3));
    assert_eq!(card.states, [[1, 1, 1], [1, 8, 1], [2, 1, 8], [2, 1, 8]]);
    assert_eq!((card.channels[0].name.as_str(), card.channels[0].kind), ("ZYG-L", Kind::Raw));
    assert_eq!((card.training.seed, card.training.accuracy), (Some(2), None));
    assert_eq!(card.references[0].output.len(), 4 * 3, "one answer after each of four strides");
}

#[test]
fn what_cannot_be_is_refused_by_the_name_of_its_field() {
    let cases = [
        ("format = 1", "format = 2", "format 2"),
        ("name = \"step-lstm\"", "name = \"../etc\"", "`name`"),
        ("mode = \"step\"", "mode = \"leap\"", "line 4"),
        ("mode = \"step\"", "mode = \"window\"", "`states`"),
        ("\"happiness\", \"anger\"", "\"anger\", \"anger\"", "`classes`"),
        ("\"neutral\", \"happiness\", \"anger\"", "\"neutral\"", "`classes`"),
        ("rate_hz = 1000.0", "rate_hz = nan", "`rate_hz`"),
        ("window = 128", "window = 0", "`window`"),
        ("stride = 32", "stride = 9000000", "`stride`"),
        ("stride = 32", "stride = -1", "line 10"),
        ("stride = 32", "stride = 31", "`reference`"),
        (
            "states = [[1, 1, 1], [1, 8, 1], [2, 1, 8], [2, 1, 8]]",
            "states = [[4294967296, 4294967296]]",
            "`states`",
        ),
        ("states = [[1, 1, 1], [1, 8, 1], [2, 1, 8], [2, 1, 8]]", "states = [[0]]", "`states`"),
        ("chain_sha256 = \"\"", "chain_sha256 = \"00\"", "`chain_sha256`"),
        ("name = \"FRM-L\"", "name = \"ZYG-L\"", "`channels`"),
        ("kind = \"raw\"", "kind = \"cooked\"", "`channels`"),
        ("output = [", "output = [inf, ", "`reference`"),
    ];
    for (from, to, named) in cases {
        let text = CARD.replacen(from, to, 1);
        assert_ne!(text, CARD, "{from} is in the card");
        let said = Card::from_toml(&text).unwrap_err().to_string();
        assert!(said.contains(named), "{to}: {said}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(at in 0..CARD.len(), bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut text = CARD.as_bytes().to_vec();
        text.splice(at..(at + 20).min(CARD.len()), bytes);
        let _ = Card::from_toml(&String::from_utf8_lossy(&text));
    }
}
