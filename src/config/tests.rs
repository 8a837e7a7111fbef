//! What a file, an environment and flags make of a configuration, and the exact words of each refusal.

use super::*;
use crate::emg::Channel;
use proptest::prelude::*;
use std::path::Path;

const FILE: &str = "myograph.toml";

fn load(text: &str) -> Result<Config, Error> {
    Config::from_toml(text, Path::new(FILE))
}

fn refusal(result: Result<impl Sized, Error>) -> String {
    let error = result.err().expect("a refusal");
    format!("{error} | {}", error.advice())
}

fn no_env(_: &str) -> Option<String> {
    None
}

fn folder(file: Option<&str>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    if let Some(text) = file {
        std::fs::write(folder.path().join(FILE), text).expect("a file");
    }
    folder
}

#[test]
fn the_sample_names_every_key_and_equals_the_defaults() {
    let sample = load(SAMPLE).expect("the sample loads");
    assert_eq!(sample.effective_toml(), Config::default().effective_toml());
    for key in key::KEYS.iter().map(|key| key.name).chain([key::BINDINGS]) {
        assert_ne!(*sample.origin(key), Origin::Default, "{key} is missing from the sample");
    }
}

#[test]
fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
    let folder = folder(Some("subject = \"01\"\nsession = \"02\"\ntask = \"faces\"\n"));
    let env = |name: &str| match name {
        "MYOGRAPH_SESSION" => Some("03".to_owned()),
        "MYOGRAPH_TASK" => Some("rest".to_owned()),
        "MYOGRAPH_RUN" => Some(String::new()),
        _ => None,
    };
    let flags = Flags { task: Some("smile".to_owned()), ..Flags::default() };
    let config = Config::resolve(&flags, env, folder.path()).expect("valid");

    let path = folder.path().join(FILE);
    assert_eq!(
        (config.subject.as_str(), config.session.as_str(), config.task.as_str()),
        ("01", "03", "smile")
    );
    assert_eq!(*config.origin("subject"), Origin::File { path: path.clone(), line: 1 });
    assert_eq!(*config.origin("session"), Origin::Environment("MYOGRAPH_SESSION".to_owned()));
    assert_eq!(*config.origin("task"), Origin::Flag("task"));
    assert_eq!(*config.origin("run"), Origin::Default, "an empty variable counts as unset");
    let lines = config.explain();
    for line in [
        "source = \"auto\"  # default".to_owned(),
        format!("subject = \"01\"  # from {}:1", path.display()),
        "session = \"03\"  # from MYOGRAPH_SESSION".to_owned(),
        "task = \"smile\"  # from --task".to_owned(),
    ] {
        assert!(lines.contains(&line), "{line} not in {lines:#?}");
    }
}

#[test]
fn every_flag_reaches_its_key() {
    let text = |text: &str| Some(text.to_owned());
    let flags = Flags {
        config: None,
        source: text("sim:?seed=7"),
        out: text("data"),
        subject: text("01"),
        session: text("02"),
        task: text("faces"),
        run: text("3"),
        duration: text("90s"),
        rotate: text("off"),
        fsync: text("250ms"),
        listen: text("7777"),
        line_frequency: text("60"),
        kind: text("envelope"),
        montage: text("paper-8"),
        model: text("a.onnx:b.onnx"),
        preset: text("30-400"),
        glyphs: text("ascii"),
        color: text("never"),
        theme: text("mono"),
        blind: text("true"),
    };
    let folder = folder(None);
    let config = Config::resolve(&flags, no_env, folder.path()).expect("valid");
    let expected = Config {
        source: text("sim:?seed=7"),
        out: PathBuf::from("data"),
        subject: "01".to_owned(),
        session: "02".to_owned(),
        task: "faces".to_owned(),
        run: Some(3),
        duration: Some(Duration::from_secs(90)),
        rotate: None,
        fsync: Duration::from_millis(250),
        listen: Some(Listen { host: "127.0.0.1".to_owned(), port: 7777 }),
        token: None,
        line_frequency: LineFrequency::Hz60,
        kind: Kind::Envelope,
        montage: text("paper-8"),
        models: vec![PathBuf::from("a.onnx"), PathBuf::from("b.onnx")],
        preset: Preset::Band { low: 30.0, high: 400.0 },
        band_order: 4,
        notches: Notches::Auto,
        envelope_baseline: Baseline::Off,
        keys: binding::defaults(),
        glyphs: Glyphs::Ascii,
        color: Color::Never,
        theme: Theme::Mono,
        blind: true,
        group_read: false,
        group_control: false,
        on_alarm: None,
        on_close: None,
        origins: config.origins.clone(),
    };
    assert_eq!(config, expected);
    // A secret has no flag: arguments are for everybody to see.
    let secret = ["on-alarm", "on-close", "token"];
    // And what is decided once for a laboratory is written down, not typed.
    let settled = ["band-order", "notches", "envelope-baseline", "group-read", "group-control"];
    assert_eq!(config.origins.len(), key::KEYS.len() - secret.len() - settled.len());
}

#[test]
fn the_first_file_found_is_the_only_one_read() {
    let (here, user) = (folder(None), folder(None));
    let in_user = user.path().join("myograph");
    std::fs::create_dir(&in_user).expect("a folder");
    std::fs::write(in_user.join(FILE), "subject = \"user\"\ntask = \"user\"").expect("a file");
    let env = |name: &str| (name == "XDG_CONFIG_HOME").then(|| user.path().display().to_string());
    let resolve = |flags: &Flags| Config::resolve(flags, env, here.path()).expect("valid");

    assert_eq!(resolve(&Flags::default()).subject, "user");
    std::fs::write(here.path().join(FILE), "subject = \"here\"").expect("a file");
    let config = resolve(&Flags::default());
    assert_eq!((config.subject.as_str(), config.task.as_str()), ("here", "free"));
    let named = Flags { config: Some(in_user.join(FILE)), ..Flags::default() };
    assert_eq!(resolve(&named).subject, "user");
}

#[test]
fn a_named_file_must_exist_and_a_found_one_must_be_readable() {
    let empty = folder(None);
    let flags = Flags { config: Some(empty.path().join("none.toml")), ..Flags::default() };
    let words = refusal(Config::resolve(&flags, no_env, empty.path()));
    assert!(
        words.starts_with("the configuration `") && words.contains("none.toml` cannot be read"),
        "{words}"
    );

    std::fs::create_dir(empty.path().join(FILE)).expect("a folder where the file should be");
    let words = refusal(Config::resolve(&Flags::default(), no_env, empty.path()));
    assert!(words.contains("myograph.toml` cannot be read"), "{words}");
}

#[test]
fn a_refused_flag_or_variable_is_named() {
    let folder = folder(None);
    let env = |name: &str| (name == "MYOGRAPH_LINE_FREQUENCY").then(|| "55".to_owned());
    assert_eq!(
        refusal(Config::resolve(&Flags::default(), env, folder.path())),
        "MYOGRAPH_LINE_FREQUENCY: `line-frequency` cannot be `55` | allowed: `50`, `60` or `auto`"
    );
    let flags = Flags { subject: Some("sub-01".to_owned()), ..Flags::default() };
    assert_eq!(
        refusal(Config::resolve(&flags, no_env, folder.path())),
        "--subject: `subject` cannot be `sub-01` | \
         allowed: letters and digits only, 1 to 40 of them, without `sub-`, e.g. `01`"
    );
}

/// Each file in `tests/configs/invalid` opens with the words of its refusal: `# says:` and `# next:`.
#[test]
fn invalid_files_are_refused_in_their_own_words() {
    let files = corpus("invalid");
    assert!(files.len() > 20);
    for (path, text) in files {
        let quoted = |mark: &str| text.lines().find_map(|line| line.strip_prefix(mark)).unwrap_or_default();
        let expected = format!("{} | {}", quoted("# says: "), quoted("# next: "));
        assert_eq!(refusal(load(&text)), expected, "{}", path.display());
    }
}

#[test]
fn valid_files_load_and_their_effective_form_reads_back() {
    let files = corpus("valid");
    assert!(files.len() > 5);
    for (path, text) in files {
        let config = load(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let again = load(&config.effective_toml()).expect("the effective form loads");
        assert_eq!(again.effective_toml(), config.effective_toml(), "{}", path.display());
        let explained = load(&config.explain().join("\n")).expect("the explanation is TOML too");
        assert_eq!(explained.effective_toml(), config.effective_toml());
    }
}

fn corpus(kind: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs").join(kind);
    let files = std::fs::read_dir(folder).expect("the corpus");
    files
        .map(|file| file.expect("a file").path())
        .map(|path| (path.clone(), std::fs::read_to_string(path).expect("text")))
        .collect()
}

#[test]
fn durations_say_what_they_mean() {
    for (text, ms) in [("250ms", 250), ("90s", 90_000), ("1.5h", 5_400_000), ("0.001s", 1), ("10m", 600_000)]
    {
        assert_eq!(value::duration(text), Some(Duration::from_millis(ms)), "{text}");
    }
    for text in [
        "",
        "90",
        "s",
        "-1s",
        "1e3s",
        "0s",
        "0.5ms",
        "1 s",
        "1h30m",
        "1d",
        "nans",
        "8785h",
        "9999999999999999999h",
    ] {
        assert_eq!(value::duration(text), None, "{text}");
    }
}

#[test]
fn no_key_of_the_dashboard_can_set_a_marker() {
    for key in "q?:/,+-=[] \tANSFMZÄ".chars().chain(['\u{8}']) {
        assert!(reserved(key).is_some(), "{key:?}");
    }
    for key in "abcdefghijklmnoprstuvwxyz0123456789;.ä".chars() {
        assert_eq!(reserved(key), None, "{key:?}");
    }
}

#[test]
fn a_token_is_read_and_never_shown_or_stored() {
    let config = load("token = \"open-sesame\"").unwrap();
    assert_eq!(config.token.as_deref(), Some("open-sesame"));
    let shown = config.effective_toml() + &config.explain().join("\n");
    assert!(shown.contains("token = \"(secret)\"") && !shown.contains("sesame"), "{shown}");
    assert_eq!(load(&config.effective_toml()).unwrap().token, None);
    for short in ["sesame", "open sesame", ""] {
        assert!(load(&format!("token = \"{short}\"")).is_err(), "{short}");
    }
}

#[test]
fn listen_means_this_machine_unless_a_host_is_given() {
    for (text, shown) in
        [("7777", "127.0.0.1:7777"), ("lab-2.local:80", "lab-2.local:80"), ("[::1]:7", "[::1]:7")]
    {
        assert_eq!(Listen::from_text(text).map(|listen| listen.to_string()).as_deref(), Some(shown));
    }
    for text in ["", ":", "0", ":80", "65536", "host:", "a b:80", "::1:80", "http://x:80"] {
        assert_eq!(Listen::from_text(text), None, "{text}");
    }
}

#[test]
fn every_montage_in_the_folder_ships_and_loads_under_its_own_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/montages");
    let mut on_disk: Vec<_> =
        std::fs::read_dir(folder).expect("montages").map(|file| file.expect("a file").path()).collect();
    on_disk.sort();
    let stems: Vec<_> =
        on_disk.iter().map(|path| path.file_stem().expect("a name").to_string_lossy()).collect();
    assert_eq!(stems, Montage::shipped().collect::<Vec<_>>());
    for (name, path) in Montage::shipped().zip(&on_disk) {
        let montage = Montage::load(name).expect("shipped");
        let from_file = Montage::load(&path.display().to_string()).expect("a file");
        assert_eq!(montage.name, name);
        assert!(!montage.about.is_empty());
        assert_eq!(format!("{:?}", montage.channels()), format!("{:?}", from_file.channels()));
    }
    let counts = Montage::shipped().map(|name| Montage::load(name).expect("shipped").channels().len());
    assert_eq!(counts.collect::<Vec<_>>(), [7, 2, 11, 8]);
    assert_eq!(Montage::load("paper-8").expect("shipped").title(), "paper-8 (inferred)");
}

#[test]
fn a_montage_adds_what_it_knows_and_leaves_what_the_board_knows() {
    let device = |name: &str| Channel {
        adc_bits: 12,
        scale: 0.5,
        unit: "mV".to_owned(),
        ..Channel::new(name, Kind::Envelope)
    };
    let montage = Montage::load("classic-pair").expect("shipped");
    let channels = montage.overlay(&[device("A0"), device("A1")]).expect("two channels");
    assert_eq!(
        (channels[1].name.as_str(), channels[1].muscle.as_str()),
        ("corrugator", "corrugator supercilii")
    );
    assert_eq!(
        (channels[1].kind, channels[1].adc_bits, channels[1].unit.as_str()),
        (Kind::Envelope, 12, "mV")
    );

    assert_eq!(
        refusal(montage.overlay(&[device("A0")])),
        "the montage `classic-pair` describes 2 channels, but the source sends 1 | \
         choose a montage with as many channels as the source, or record without one"
    );
}

#[test]
fn a_wrong_montage_is_refused_at_its_line() {
    let refused = |text: &str| refusal(Montage::from_toml(text, Path::new("m.toml")));
    let channel = |line: &str| format!("name = \"m\"\n[[channel]]\nname = \"a\"\n{line}\n");
    for (text, words) in [
        (
            channel("muscel = \"x\""),
            "m.toml:4: `muscel` is not a key here; the nearest is `muscle` | write `muscle`, or remove the line",
        ),
        (
            channel("kind = \"rwa\""),
            "m.toml:4: `kind` cannot be `rwa` | allowed: `raw`, `rectified`, `envelope`, `aux` or `trigger`",
        ),
        (
            channel("unit = \"uV\""),
            "m.toml:2: `unit` cannot be `uV` | allowed: `count`, `V`, `mV`, or `uV` where `gain` was measured",
        ),
        (
            channel("kind = \"raw\"\nsensor-tau-s = 0.08"),
            "m.toml:2: `sensor-tau-s` cannot be `0.08` | allowed: seconds above 0, on channels of kind `envelope` only",
        ),
        (
            channel("[[channel]]\nname = \"a\""),
            "m.toml:4: `name` cannot be `a` | allowed: 1 to 64 bytes, unique in the montage",
        ),
        (channel("gain = inf"), "m.toml:4: `gain` cannot be `inf` | allowed: a number above 0"),
        (
            "name = \"m\"".to_owned(),
            "the montage m.toml has no [[channel]] | add its [[channel]]; models/montages/ has examples",
        ),
        (
            "[[channel]]\nname = \"a\"".to_owned(),
            "the montage m.toml has no name | add its name; models/montages/ has examples",
        ),
    ] {
        assert_eq!(refused(&text), words);
    }
    assert_eq!(
        refusal(Montage::load("clasic-pair")),
        "there is no montage `clasic-pair`, neither shipped nor as a file | \
         name a file, or one of `casmemg-7`, `classic-pair`, `fridlund-cacioppo`, `paper-8`"
    );
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC*") {
        let _ = load(&text);
        let _ = Montage::from_toml(&text, Path::new(FILE));
    }

    #[test]
    fn arbitrary_bytes_in_a_file_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), &bytes).expect("written");
        let flags = Flags { config: Some(file.path().to_owned()), ..Flags::default() };
        let _ = Config::resolve(&flags, no_env, Path::new(""));
    }

    #[test]
    fn a_value_is_refused_or_reads_back(at in 0..key::KEYS.len(), text in "[ -~äß\t]{0,70}") {
        let mut config = Config::default();
        let key = &key::KEYS[at];
        if (key.read)(&mut config, &text).is_some() && !text.contains('\t') {
            let again = load(&config.effective_toml()).expect("the effective form loads");
            // A secret is neither shown nor stored, so it cannot read back.
            (config.token, config.on_alarm, config.on_close) = (None, None, None);
            prop_assert_eq!(again.effective_toml(), config.effective_toml());
        }
    }

    #[test]
    fn any_marker_key_is_refused_or_reads_back(key in any::<char>(), label in "\\PC{1,70}", code in any::<i32>()) {
        let line = KeyBinding { key, label, code, duration: code % 2 == 0, guard_ms: 700 * u32::from(code % 3 == 0) }.to_line();
        if let Ok(config) = load(&line) {
            prop_assert_eq!(reserved(key), None);
            prop_assert_eq!(load(&config.effective_toml()).expect("reads back").keys, config.keys);
        }
    }
}

#[test]
fn a_montage_says_where_electrodes_sit_and_leaves_the_sources_units_alone() {
    let montage = Montage::load("classic-pair").unwrap();
    let mut device = crate::emg::Channel::new("c1", Kind::Raw);
    (device.unit, device.scale, device.offset) = ("uV".into(), 1.25, 512.0);
    (device.position, device.electrode) = ("over the left frontalis".into(), "simulated".into());
    let placed = montage.overlay(&[device.clone(), device.clone()]).unwrap();
    for channel in &placed {
        assert_eq!((channel.unit.as_str(), channel.scale, channel.offset), ("uV", 1.25, 512.0));
        assert!(!channel.muscle.is_empty() && channel.position != device.position);
        assert_ne!(channel.electrode, "simulated", "what the montage does not know is unknown");
    }
}
