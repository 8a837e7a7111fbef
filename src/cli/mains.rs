//! `--line-frequency auto`: the mains frequency that `doctor` found last, kept beside the sockets.
//!
//! Read once, before a recording begins; nothing changes a recording that runs.

use crate::config::{Config, LineFrequency};
use crate::dsp::line::MAINS_HZ;
use crate::ipc::socket::{self, Access};
use crate::pipeline::Options;
use std::path::Path;

/// Where it is kept, in the folder of the sockets.
const FILE: &str = "mains";

/// The filters a configuration asks for, with the mains as they were found where it asks for `auto`, else 50 Hz.
pub(super) fn options(config: &Config) -> Options {
    let options = config.filter();
    if config.line_frequency != LineFrequency::Auto {
        return options;
    }
    let found = socket::folder(Access::Owner).ok().and_then(|folder| kept(&folder));
    found.map_or(options, |line_hz| Options { line_hz, ..options })
}

/// Keeps what was found.
pub(super) fn keep(hz: f64) {
    if let Ok(folder) = socket::folder(Access::Owner) {
        // Whoever cannot write there cannot record either, and is told so then.
        let _ = std::fs::write(folder.join(FILE), format!("{hz}\n"));
    }
}

fn kept(folder: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(folder.join(FILE)).ok()?;
    text.trim().parse().ok().filter(|hz| MAINS_HZ.contains(hz))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mains_of_this_world_are_believed() {
        let folder = tempfile::tempdir().unwrap();
        for (text, hz) in [("60\n", Some(60.0)), ("50", Some(50.0)), ("55", None), ("", None), ("NaN", None)]
        {
            std::fs::write(folder.path().join(FILE), text).unwrap();
            assert_eq!(kept(folder.path()), hz, "`{text}`");
        }
    }
}
