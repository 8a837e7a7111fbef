//! WHAT A CODER JUDGED, beside the recording: `NAME.artefacts-CODER.tsv`, one table per coder, never in the `.h5`.
//!
//! Tab-separated text with a header, which Python, R, MATLAB and a spreadsheet read; rows of the recording, `end`
//! exclusive, as `/artefacts` has them. A judgement that was taken back stays, `retracted` 1. Written whole into a
//! hidden twin, synced, renamed over; a table that another program changed meanwhile is read again and not overwritten.

use super::StoreError;
use super::journal::writer::sync_folder;
use crate::emg::marker::{NOTE_BYTES, clip};
use crate::emg::units::float;
use crate::emg::{Artefact, artefact};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The columns, in their order.
const COLUMNS: [&str; 10] =
    ["onset", "end", "channels", "rule", "coder", "onset_s", "end_s", "names", "note", "retracted"];

/// What the table needs to know of its recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// Rows per second; NaN where nobody knows.
    pub rate_hz: f64,
    /// Names of the channels.
    pub names: Vec<String>,
}

/// The table of one coder.
#[derive(Debug)]
pub struct Sidecar {
    path: PathBuf,
    about: About,
    /// The file's bytes as they were last read or written; none while there is no file.
    seen: Option<Vec<u8>>,
    rows: Vec<Artefact>,
}

/// The table of a coder beside a recording.
#[must_use]
pub fn path_of(recording: &Path, coder: &str) -> PathBuf {
    recording.with_extension(format!("artefacts-{coder}.tsv"))
}

/// The tables of all coders beside a recording, in order.
#[must_use]
pub fn beside(recording: &Path) -> Vec<PathBuf> {
    let stem = recording.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folder = recording.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let coder = name.strip_prefix(stem.as_str()).and_then(|rest| rest.strip_prefix(".artefacts-"));
        coder.and_then(|rest| rest.strip_suffix(".tsv")).is_some_and(artefact::is_coder)
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_ours).collect();
    found.sort();
    found
}

impl Sidecar {
    /// Reads a table; none there is an empty one.
    pub fn open(path: PathBuf, about: About) -> Result<Self, StoreError> {
        let mut sidecar = Self { path, about, seen: None, rows: Vec::new() };
        sidecar.refresh()?;
        Ok(sidecar)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was judged, those taken back included, in the order of judging.
    #[must_use]
    pub fn rows(&self) -> &[Artefact] {
        &self.rows
    }

    /// Reads again what another program may have changed; tells whether it did. What cannot be understood changes
    /// nothing here.
    pub fn refresh(&mut self) -> Result<bool, StoreError> {
        let now = self.bytes()?;
        if now == self.seen {
            return Ok(false);
        }
        self.rows = now.as_deref().map_or(Ok(Vec::new()), |bytes| parse(&self.path, bytes))?;
        self.seen = now;
        Ok(true)
    }

    /// Adds a judgement.
    pub fn keep(&mut self, one: Artefact) -> Result<(), StoreError> {
        self.replace(|rows| rows.push(Artefact { note: plain(&clip(&one.note, NOTE_BYTES)), ..one }))
    }

    /// Takes a judgement back; it stays in the table. Without one that stands and equals it, nothing happens.
    pub fn take_back(&mut self, one: &Artefact) -> Result<(), StoreError> {
        self.replace(|rows| {
            if let Some(row) = rows.iter_mut().find(|row| *row == one) {
                row.retracted = true;
            }
        })
    }

    /// Writes a note to a judgement that stands.
    pub fn note(&mut self, one: &Artefact, note: &str) -> Result<(), StoreError> {
        self.replace(|rows| {
            if let Some(row) = rows.iter_mut().find(|row| *row == one) {
                row.note = plain(&clip(note, NOTE_BYTES));
            }
        })
    }

    /// Writes the changed table in place of the one that was read; on any failure nothing has changed.
    fn replace(&mut self, change: impl FnOnce(&mut Vec<Artefact>)) -> Result<(), StoreError> {
        // Two programs of ours cannot both look and then both rename. Where a folder takes no lock, looking must do.
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let held = File::open(folder).ok();
        if let Some(folder) = &held {
            let _ = folder.lock();
        }
        if self.refresh()? {
            return Err(StoreError::Changed { path: self.path.clone() });
        }
        let mut rows = self.rows.clone();
        change(&mut rows);
        let bytes = self.text(&rows).into_bytes();
        self.write(&bytes).map_err(|source| StoreError::Write { path: self.path.clone(), source })?;
        (self.seen, self.rows) = (Some(bytes), rows);
        Ok(())
    }

    fn bytes(&self) -> Result<Option<Vec<u8>>, StoreError> {
        match std::fs::read(&self.path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::Open { path: self.path.clone(), source }),
        }
    }

    fn write(&self, bytes: &[u8]) -> std::io::Result<()> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let twin = self.path.with_file_name(format!(".{name}.{}", std::process::id()));
        let written = File::create(&twin).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        let renamed = written.and_then(|()| std::fs::rename(&twin, &self.path));
        if renamed.is_err() {
            let _ = std::fs::remove_file(&twin);
        }
        renamed.and_then(|()| sync_folder(&self.path))
    }

    fn text(&self, rows: &[Artefact]) -> String {
        let mut text = COLUMNS.join("\t") + "\n";
        for row in rows {
            let seconds = |sample: u64| format!("{:.6}", float(sample) / self.about.rate_hz);
            let on = |n: &usize| row.is_on(*n);
            let names: Vec<String> =
                (0..self.about.names.len()).filter(on).map(|n| plain(&self.about.names[n])).collect();
            let cells = [
                row.onset.to_string(),
                row.end.to_string(),
                row.channels.to_string(),
                plain(&row.rule),
                plain(&row.coder),
                seconds(row.onset),
                seconds(row.end),
                names.join(","),
                plain(&row.note),
                u8::from(row.retracted).to_string(),
            ];
            text += &cells.join("\t");
            text.push('\n');
        }
        text
    }
}

/// A text that needs no quotes in any reader: no control character, and none that a reader takes for a quote.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() {
                ' '
            } else if c == '"' {
                '\''
            } else {
                c
            }
        })
        .collect()
}

/// The rows of a table; columns may stand in any order, and none may be missing or unknown.
fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<Artefact>, StoreError> {
    let wrong = |line, problem| StoreError::Sidecar { path: path.to_owned(), line, problem };
    let text = std::str::from_utf8(bytes).map_err(|_| wrong(1, "it is not UTF-8"))?;
    let mut lines = (1..).zip(text.trim_start_matches('\u{feff}').lines());
    let header: Vec<&str> = lines.next().map(|(_, line)| line.split('\t').collect()).unwrap_or_default();
    if header.len() != COLUMNS.len() || COLUMNS.iter().any(|column| !header.contains(column)) {
        return Err(wrong(1, "its columns are others"));
    }
    let mut rows = Vec::new();
    for (line, text) in lines.filter(|(_, text)| !text.is_empty()) {
        let cells: Vec<&str> = text.split('\t').collect();
        if cells.len() != header.len() {
            return Err(wrong(line, "it has another number of columns"));
        }
        let cell = |name: &str| header.iter().position(|column| *column == name).map_or("", |at| cells[at]);
        let number =
            |name: &str| cell(name).parse::<u64>().map_err(|_| wrong(line, "a row or mask is no number"));
        let row = Artefact {
            onset: number("onset")?,
            end: number("end")?,
            channels: number("channels")?,
            rule: cell("rule").to_owned(),
            coder: cell("coder").to_owned(),
            note: cell("note").to_owned(),
            retracted: match cell("retracted") {
                "0" => false,
                "1" => true,
                _ => return Err(wrong(line, "retracted is neither 0 nor 1")),
            },
        };
        if row.onset >= row.end {
            return Err(wrong(line, "it ends before it begins"));
        }
        rows.push(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests;
