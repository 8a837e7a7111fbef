//! What is asked of every parser of the station, whatever bytes it is given: no panic, no overflow, and what each
//! promises beyond that. One function per target, named as its corpus. Callers: `main`, `tests/it/corpus.rs`.

mod journal;
mod port;
mod socket;
mod tables;
mod words;

/// Gives a parser some bytes; panics where it does not keep what it promises.
pub(crate) type Run = fn(&[u8]);

/// Every target by its name.
pub(crate) const TARGETS: [(&str, Run); 12] = [
    ("frames", port::frames),
    ("chords", port::chords),
    ("lines", port::lines),
    ("journal", journal::journal),
    ("socket", socket::socket),
    ("guests", socket::guests),
    ("config", words::config),
    ("montage", words::montage),
    ("scripts", words::scripts),
    ("cards", words::cards),
    ("imports", tables::imports),
    ("sidecars", tables::sidecars),
];
