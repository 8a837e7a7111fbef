//! Keys that set markers, and the keys nobody may bind because the dashboard needs them.

use super::document::{Entry, Value};
use super::{Error, document, value};
use crate::emg::marker::LABEL_BYTES;
use std::path::Path;
use std::time::Duration;
use toml::Value as Toml;

/// A key that sets a marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBinding {
    /// The character typed.
    pub key: char,
    /// The marker's label.
    pub label: String,
    /// The marker's number in the recording, 0 for none.
    pub code: i32,
    /// Whether the first press opens a duration and the second one ends it.
    pub duration: bool,
    /// The same key does not count again for so long, milliseconds; 0 for tapping tasks.
    pub guard_ms: u32,
}

/// Longer than the delay before a held key begins to repeat on usual terminals (250 to 660 ms).
const GUARD_MS: u32 = 700;

/// What the dashboard does with its own keys. Upper case letters not listed are kept for what comes.
const RESERVED: &[(char, &str)] = &[
    ('q', "leave while the recording goes on"),
    ('?', "show help"),
    (':', "open the command line"),
    ('/', "search"),
    (',', "freeze the screen"),
    ('+', "raise the gain"),
    ('-', "lower the gain"),
    ('=', "reset the gain"),
    ('[', "shorten the window"),
    (']', "lengthen the window"),
    (' ', "set a plain marker"),
    ('\t', "go to the next view"),
    ('\u{8}', "take back the last marker"),
    ('\u{1b}', "close dialogs"),
    ('\n', "confirm dialogs"),
    ('A', "acknowledge alarms"),
    ('F', "open the filters"),
    ('M', "begin to record"),
    ('N', "write a note"),
    ('S', "stop the recording"),
    ('Z', "zoom"),
];

/// Keys that have a name instead of a visible character.
const NAMED: [(&str, char); 5] =
    [("space", ' '), ("tab", '\t'), ("backspace", '\u{8}'), ("esc", '\u{1b}'), ("enter", '\n')];

const KEY_FORM: &str = "one visible character for a key, e.g. `b` or `1`";
const LABEL_FORM: &str = "a label of 1 to 64 bytes, or `{ label = \"blink\", code = 3 }`";
const DURATION_FORM: &str = "true or false";
const GUARD_FORM: &str = "`off`, or the shortest time between two presses, e.g. `700ms`, at most 60s";
const CODE_FORM: &str = "a whole number between -2147483648 and 2147483647";

/// What the dashboard does with `key`, none where it is free for markers.
#[must_use]
pub fn reserved(key: char) -> Option<&'static str> {
    let upper = key.is_uppercase().then_some("act on the station, like all upper case letters");
    RESERVED.iter().find(|(reserved, _)| *reserved == key).map(|(_, action)| *action).or(upper)
}

/// Digits 1 to 9 set the markers `event-1` to `event-9`.
pub(super) fn defaults() -> Vec<KeyBinding> {
    ('1'..='9').zip(1..).map(|(key, code)| KeyBinding::of(key, format!("event-{key}"), code)).collect()
}

/// Reads the table `keys`; it replaces the default one as a whole.
pub(super) fn read(table: &Entry, path: &Path) -> Result<Vec<KeyBinding>, Error> {
    let Value::Table(entries) = &table.value else {
        return Err(table.refuse(path, "a table of keys, e.g. `b = \"blink\"` under `[keys]`"));
    };
    let mut bindings = entries.iter().map(|entry| binding(entry, path)).collect::<Result<Vec<_>, _>>()?;
    bindings.sort_by_key(|binding| binding.key);
    Ok(bindings)
}

fn binding(entry: &Entry, path: &Path) -> Result<KeyBinding, Error> {
    let binding = match &entry.value {
        Value::Text(label) => KeyBinding::of(' ', label.clone(), 0),
        Value::Table(fields) => fields_of(fields, entry, path)?,
        Value::List(_) => return Err(entry.refuse(path, LABEL_FORM)),
    };
    let label = &binding.label;
    if label.trim().is_empty() || label.len() > LABEL_BYTES || label.chars().any(char::is_control) {
        return Err(document::refuse(entry.origin(path), &entry.key, label, LABEL_FORM));
    }
    let named = NAMED.iter().find(|(name, _)| entry.key.eq_ignore_ascii_case(name)).map(|(_, key)| *key);
    let mut characters = entry.key.chars();
    let only = characters.next().filter(|_| characters.next().is_none());
    let refuse = || document::refuse(entry.origin(path), super::key::BINDINGS, &entry.key, KEY_FORM);
    let key = named.or(only).ok_or_else(refuse)?;
    if let Some(action) = reserved(key) {
        let (key, label) = (entry.key.clone(), binding.label);
        return Err(Error::ReservedKey { origin: entry.origin(path), key, label, action });
    }
    if key.is_control() || key.is_whitespace() {
        return Err(refuse());
    }
    Ok(KeyBinding { key, ..binding })
}

fn fields_of(fields: &[Entry], entry: &Entry, path: &Path) -> Result<KeyBinding, Error> {
    let mut label = None;
    let mut binding = KeyBinding::of(' ', String::new(), 0);
    for field in fields {
        match (field.key.as_str(), &field.value) {
            ("label", Value::Text(text)) => label = Some(text.clone()),
            ("label", _) => return Err(field.refuse(path, LABEL_FORM)),
            ("code", value) => {
                binding.code = value.words().parse().map_err(|_| field.refuse(path, CODE_FORM))?;
            }
            ("duration", value) => {
                binding.duration = value.words().parse().map_err(|_| field.refuse(path, DURATION_FORM))?;
            }
            ("guard", value) => {
                binding.guard_ms = guard(value.words()).ok_or_else(|| field.refuse(path, GUARD_FORM))?;
            }
            _ => return Err(field.unknown(path, ["label", "code", "duration", "guard"].into_iter())),
        }
    }
    label.map(|label| KeyBinding { label, ..binding }).ok_or_else(|| entry.refuse(path, LABEL_FORM))
}

/// Reads `off` or a duration of at most a minute.
fn guard(text: &str) -> Option<u32> {
    if text == "off" {
        return Some(0);
    }
    u32::try_from(value::duration(text)?.as_millis()).ok().filter(|ms| *ms <= 60_000)
}

impl KeyBinding {
    /// A key that sets a plain marker.
    fn of(key: char, label: String, code: i32) -> Self {
        Self { key, label, code, duration: false, guard_ms: GUARD_MS }
    }

    /// As a line of TOML.
    pub(super) fn to_line(&self) -> String {
        let name = if self.key.is_ascii_alphanumeric() {
            self.key.to_string()
        } else {
            Toml::from(self.key.to_string()).to_string()
        };
        let label = Toml::from(self.label.as_str());
        let guard = match self.guard_ms {
            0 => "off".to_owned(),
            ms => value::show_duration(Duration::from_millis(ms.into())),
        };
        let Self { code, duration, .. } = self;
        let table = super::key::BINDINGS;
        format!(
            "{table}.{name} = {{ label = {label}, code = {code}, duration = {duration}, guard = \"{guard}\" }}"
        )
    }
}
