//! Layers: defaults, one file, the environment, flags; a later one wins, key by key.

use super::document::{self, Value};
use super::key::{BINDINGS, KEYS, Key, LATER, LISTS};
use super::{Config, Error, Origin, binding};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The file's name in the working folder and in the user's configuration folder.
const FILE_NAME: &str = "myograph.toml";

/// What was typed, as it was typed: one field per flag, none where it was not given.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "each field is the flag and the key of its name")]
pub struct Flags {
    /// `--config FILE`: read this file instead of searching.
    pub config: Option<PathBuf>,
    pub source: Option<String>,
    pub out: Option<String>,
    pub subject: Option<String>,
    pub session: Option<String>,
    pub task: Option<String>,
    pub run: Option<String>,
    pub duration: Option<String>,
    pub rotate: Option<String>,
    pub fsync: Option<String>,
    pub listen: Option<String>,
    pub line_frequency: Option<String>,
    pub kind: Option<String>,
    pub montage: Option<String>,
    pub model: Option<String>,
    pub preset: Option<String>,
    pub glyphs: Option<String>,
    pub color: Option<String>,
    pub theme: Option<String>,
    pub blind: Option<String>,
}

impl Flags {
    fn get(&self, key: &Key) -> Option<&String> {
        match key.name {
            "source" => self.source.as_ref(),
            "out" => self.out.as_ref(),
            "subject" => self.subject.as_ref(),
            "session" => self.session.as_ref(),
            "task" => self.task.as_ref(),
            "run" => self.run.as_ref(),
            "duration" => self.duration.as_ref(),
            "rotate" => self.rotate.as_ref(),
            "fsync" => self.fsync.as_ref(),
            "listen" => self.listen.as_ref(),
            "line-frequency" => self.line_frequency.as_ref(),
            "kind" => self.kind.as_ref(),
            "montage" => self.montage.as_ref(),
            "model" => self.model.as_ref(),
            "preset" => self.preset.as_ref(),
            "glyphs" => self.glyphs.as_ref(),
            "color" => self.color.as_ref(),
            "theme" => self.theme.as_ref(),
            "blind" => self.blind.as_ref(),
            _ => None,
        }
    }
}

impl Config {
    /// The effective configuration. `env` looks an environment variable up, empty ones counting as unset;
    /// `folder` is searched first for `myograph.toml` (the empty path is the working folder).
    pub fn resolve(
        flags: &Flags,
        env: impl Fn(&str) -> Option<String>,
        folder: &Path,
    ) -> Result<Self, Error> {
        let env = |name: &str| env(name).filter(|value| !value.is_empty());
        let mut config = Self::default();
        if let Some(path) = locate(flags, env, folder) {
            config.read_layer(&document::read("configuration", &path)?, &path)?;
        }
        for key in KEYS {
            if let Some(text) = env(&key.variable()) {
                config.set(key, &text, Origin::Environment(key.variable()))?;
            }
            if let Some(text) = flags.get(key) {
                config.set(key, text, Origin::Flag(key.name))?;
            }
        }
        Ok(config)
    }

    /// The defaults under one TOML text, said to come from `path`; neither files nor environment are looked at.
    pub fn from_toml(text: &str, path: &Path) -> Result<Self, Error> {
        let mut config = Self::default();
        config.read_layer(text, path)?;
        Ok(config)
    }

    /// Sets one key as its flag would; a key that is none changes nothing.
    pub fn ask(&mut self, name: &'static str, text: &str) -> Result<(), Error> {
        match KEYS.iter().find(|key| key.name == name) {
            Some(key) => self.set(key, text, Origin::Flag(name)),
            None => Ok(()),
        }
    }

    fn read_layer(&mut self, text: &str, path: &Path) -> Result<(), Error> {
        for entry in document::parse(text, path)? {
            let origin = entry.origin(path);
            if entry.key == BINDINGS {
                self.keys = binding::read(&entry, path)?;
                self.origins.insert(BINDINGS, origin);
            } else if let Some(key) = KEYS.iter().find(|key| key.name == entry.key) {
                let list = matches!(entry.value, Value::List(_));
                let Some(text) = entry.value.one_text().filter(|_| !list || LISTS.contains(&key.name)) else {
                    return Err(entry.refuse(path, key.form));
                };
                self.set(key, &text, origin)?;
            } else if LATER.contains(&entry.key.as_str()) {
                return Err(Error::LaterKey { origin, key: entry.key });
            } else {
                return Err(entry.unknown(path, KEYS.iter().map(|key| key.name).chain([BINDINGS])));
            }
        }
        Ok(())
    }

    fn set(&mut self, key: &Key, text: &str, origin: Origin) -> Result<(), Error> {
        let printable = !text.chars().any(char::is_control);
        if !printable || (key.read)(self, text).is_none() {
            return Err(document::refuse(origin, key.name, text, key.form));
        }
        self.origins.insert(key.name, origin);
        Ok(())
    }
}

/// The one file to read: as named, else the first found.
fn locate(flags: &Flags, env: impl Fn(&str) -> Option<String>, folder: &Path) -> Option<PathBuf> {
    let absolute = |name| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || absolute("HOME").map(|home| home.join(".config"));
    let user = absolute("XDG_CONFIG_HOME").or_else(home).map(|path| path.join("myograph"));
    let found = || {
        std::iter::once(folder.to_owned())
            .chain(user)
            .map(|path| path.join(FILE_NAME))
            .find(|path| there(path))
    };
    flags.config.clone().or_else(|| env("MYOGRAPH_CONFIG").map(PathBuf::from)).or_else(found)
}

/// Whether something has this name, readable or not: a file that cannot be read must not be passed over.
fn there(path: &Path) -> bool {
    match path.symlink_metadata() {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}
