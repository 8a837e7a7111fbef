//! Golden models, loaded and run, whole and broken.

use super::*;
use proptest::prelude::*;

const KINDS: [&str; 4] = ["window-cnn", "window-lstm", "step-cnn", "step-lstm"];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/models").join(format!("{name}.onnx"))
}

fn load(name: &str) -> Model {
    Model::load(&golden(name), &Limits::default()).unwrap()
}

/// Values that look like EMG in microvolts, other ones for each seed.
fn rows(model: &Model, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(i16::try_from(state >> 17).unwrap()) / 200.0 - 80.0
    };
    (0..model.card().values()).map(|_| next()).collect()
}

#[test]
fn models_load_and_answer_as_their_cards_say() {
    for name in KINDS {
        let model = load(name);
        assert_eq!(model.card().name, name);
        let answer = model.run(&rows(&model, 1), &mut model.blank()).unwrap();
        assert!(answer.len() == 3 && are_probabilities(&answer), "{name}: {answer:?}");
    }
}

#[test]
fn a_window_knows_nothing_of_the_window_before() {
    for name in ["window-lstm", "window-cnn"] {
        let model = load(name);
        let first = model.run(&rows(&model, 1), &mut model.blank()).unwrap();
        let mut memory = model.blank();
        for seed in 2..20 {
            model.run(&rows(&model, seed), &mut memory).unwrap();
        }
        assert_eq!(memory, model.blank());
        assert_eq!(model.run(&rows(&model, 1), &mut memory).unwrap(), first, "{name}");
    }
}

#[test]
fn a_step_model_remembers_only_what_it_is_given() {
    for name in ["step-lstm", "step-cnn"] {
        let model = load(name);
        let walk = |memory: &mut Memory| {
            (1..9).map(|seed| model.run(&rows(&model, seed), memory).unwrap()).collect::<Vec<_>>()
        };
        let mut memory = model.blank();
        let first = walk(&mut memory);
        assert_ne!(memory, model.blank(), "{name}");
        assert_ne!(walk(&mut memory), first, "{name}: memory matters");
        assert_eq!(walk(&mut model.blank()), first, "{name}: and a blank one is blank");
    }
}

#[test]
fn only_a_state_without_memory_is_used_again() {
    for (name, again) in
        [("step-lstm", true), ("step-cnn", true), ("window-cnn", true), ("window-lstm", false)]
    {
        let model = load(name);
        assert_eq!(model.spare.lock().unwrap().is_some(), again, "{name}: its references were answered");
        let first = model.run(&rows(&model, 1), &mut model.blank()).unwrap();
        model.spare.lock().unwrap().take();
        assert_eq!(model.run(&rows(&model, 1), &mut model.blank()).unwrap(), first, "{name}: fresh or not");
    }
}

#[test]
fn a_single_flipped_bit_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("step-cnn.onnx");
    std::fs::copy(golden("step-cnn").with_extension("toml"), place.with_extension("toml")).unwrap();
    let mut bytes = std::fs::read(golden("step-cnn")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&place, bytes).unwrap();
    let said = Model::load(&place, &Limits::default()).unwrap_err();
    assert!(matches!(said, Error::NotTheFile { .. }), "{said}");
}

proptest! {
    /// Whatever is in a file that its card vouches for, loading it ends in a sentence.
    #[test]
    fn no_bytes_make_the_loader_panic(
        name in proptest::sample::select(&KINDS[..]),
        at in any::<proptest::sample::Index>(),
        bytes in proptest::collection::vec(any::<u8>(), 1..12),
        cut in 0_usize..12,
    ) {
        let mut card = load(name).card;
        let mut file = std::fs::read(golden(name)).unwrap();
        let at = at.index(file.len());
        file.splice(at..(at + cut).min(file.len()), bytes);
        card.references.truncate(1);
        let path = Path::new("model.onnx");
        let plan = guarded(path, "it was built", || build(path, &file, &card, &Limits::default()));
        if let Ok(Ok(plan)) = plan {
            let _ = Model::of(path, card, plan).answers();
        }
    }
}
