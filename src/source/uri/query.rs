//! The part of a URI behind the `?`: keys and values, each taken once, with refusals that help.

use super::{Error, refusal};
use std::fmt::Display;
use std::str::FromStr;

/// A URI split into its path and its keys.
pub(super) struct Query<'a> {
    uri: &'a str,
    path: &'a str,
    pairs: Vec<(&'a str, &'a str)>,
}

impl<'a> Query<'a> {
    /// Splits what follows the scheme of `uri`.
    pub(super) fn parse(uri: &'a str, rest: &'a str) -> Result<Self, Error> {
        let (path, keys) = rest.split_once('?').unwrap_or((rest, ""));
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for pair in keys.split('&').filter(|pair| !pair.is_empty()) {
            let Some((key, value)) = pair.split_once('=').filter(|(_, value)| !value.is_empty()) else {
                return Err(refusal(
                    uri,
                    format!("`{pair}` has no value"),
                    "write `key=value`, joined by `&`",
                ));
            };
            if pairs.iter().any(|(known, _)| *known == key) {
                return Err(refusal(uri, format!("`{key}` is given twice"), "give it once"));
            }
            pairs.push((key, value));
        }
        Ok(Self { uri, path, pairs })
    }

    /// The URI as typed.
    pub(super) fn uri(&self) -> &'a str {
        self.uri
    }

    /// What stands between the scheme and the `?`.
    pub(super) fn path(&self) -> &'a str {
        self.path
    }

    /// Refuses any key not in `known`, naming the nearest one.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Error> {
        match self.pairs.iter().find(|(key, _)| !known.contains(key)) {
            None => Ok(()),
            Some((key, _)) => Err(self.refuse(
                format!("it has no key `{key}`"),
                format!("did you mean `{}`? The keys are {}", nearest(key, known), known.join(", ")),
            )),
        }
    }

    /// The value of `key` as a number for which `sane` holds; `wanted` says what that is.
    pub(super) fn number<T: FromStr>(
        &mut self,
        key: &str,
        wanted: &str,
        sane: impl FnOnce(&T) -> bool,
    ) -> Result<Option<T>, Error> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        match value.parse().ok().filter(sane) {
            Some(number) => Ok(Some(number)),
            None => {
                Err(self.refuse(format!("`{key}={value}` makes no sense"), format!("`{key}` takes {wanted}")))
            }
        }
    }

    /// The value of `key`, which must be one of `words`.
    pub(super) fn word(&mut self, key: &str, words: &[&str]) -> Result<Option<&'a str>, Error> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        if words.contains(&value) {
            return Ok(Some(value));
        }
        Err(self.refuse(
            format!("`{key}` cannot be `{value}`"),
            format!("did you mean `{}`? `{key}` takes {}", nearest(value, words), words.join(", ")),
        ))
    }

    /// The value of `key` as it stands.
    pub(super) fn text(&mut self, key: &str) -> Option<&'a str> {
        self.take(key)
    }

    /// Whether `key` is `value`; takes it if so.
    pub(super) fn is(&mut self, key: &str, value: &str) -> bool {
        let found = self.pairs.contains(&(key, value));
        self.pairs.retain(|pair| *pair != (key, value));
        found
    }

    /// An error about this URI.
    pub(super) fn refuse(&self, reason: impl Display, advice: impl Display) -> Error {
        refusal(self.uri, reason.to_string(), advice.to_string())
    }

    fn take(&mut self, key: &str) -> Option<&'a str> {
        let at = self.pairs.iter().position(|(known, _)| *known == key)?;
        Some(self.pairs.swap_remove(at).1)
    }
}

/// The word of `known` that needs the fewest single-letter changes to become `word` (Levenshtein 1965).
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> &'k str {
    known.iter().copied().min_by_key(|candidate| distance(word, candidate)).unwrap_or("")
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_changed_letters() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(nearest("chanels", &["seed", "channels", "rate"]), "channels");
    }
}
