//! Somebody else's program reads the file while it is written.

use crate::support::{Followed, Station, python};
use rustix::process::Signal;
use serde_json::json;

/// Follows a file by SWMR and tells of its lengths each time all of them have grown, six times; then of the bytes
/// of the rows it saw.
const FOLLOWER: &str = r#"
until = time.monotonic() + 60
def patiently(what):
    while time.monotonic() < until:
        try:
            return what()
        except (OSError, KeyError):
            time.sleep(0.05)
    return what()

h5 = patiently(lambda: h5py.File(sys.argv[1], "r", swmr=True))
names = ["raw/samples", "clean/samples", "clean/envelope", "markers", "time/blocks"]
seen, told = [0] * len(names), 0
while told < 6 and time.monotonic() < until:
    for name in names:
        h5[name].refresh()
    now = [len(h5[name]) for name in names]
    if all(new > old for new, old in zip(now, seen)):
        assert words(h5["markers"][()], "label") == [f"m{at}" for at in range(now[3])]
        seen, told = now, told + 1
        done(seen)
    time.sleep(0.02)
assert told == 6, f"it stopped growing at {dict(zip(names, seen))}"
done([zlib.crc32(h5[name][: seen[0]].tobytes()) for name in names[:2]])
"#;

#[test]
fn h5py_follows_a_recording_and_sees_rows_and_markers_grow() {
    let station = Station::new();
    let recorder = station.start(&["--source", "sim:?seed=7"]);
    let journal = station.journal();
    let file = journal.with_extension("h5");
    let Some(mut follower) = Followed::start(FOLLOWER, &[&file]) else { return };
    let mut lengths = Vec::new();
    while lengths.len() < 6 {
        let label = format!("m{}", lengths.len());
        station.run(&["mark", &label]).expect(0);
        let now: Vec<u64> = serde_json::from_value(follower.next().expect("the follower goes on")).unwrap();
        assert_eq!(now[0], now[1], "raw and clean grow together");
        lengths.push(now);
    }
    let sums = follower.next().expect("the follower's sums");
    assert_eq!(follower.next(), None);
    recorder.signal(Signal::INT);
    recorder.finish().expect(0);
    assert_eq!(station.intact(&file)["markers"], 6);
    let (first, last) = (lengths[0][0], lengths[5][0]);
    assert!(last >= first + 5, "{lengths:?}");
    let script = format!(
        "raw, clean, _ = rows(sys.argv[1])\ndone([zlib.crc32(all[:{last}].tobytes()) for all in (raw, clean)])"
    );
    assert_eq!(python(&script, &[&file]), Some(sums), "rows seen live are the rows of the sealed file");
    assert_eq!(station.status(), None);
    assert_eq!(json!(station.journals().len()), json!(0));
}
