//! How a message of version 2 lies in its frame: two `MessagePack` values, first what it is, then what it says,
//! both with named fields. So that it can be told what a message is even where it cannot be read.

use super::Error;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What a message is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    /// Its name.
    pub(super) is: String,
    /// The command it is or answers; none for what a recorder says by itself.
    #[serde(default)]
    pub(super) request: Option<u64>,
}

/// What a message without more to say says.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Nothing {}

/// The body of a message.
pub(super) fn body(is: &str, request: Option<u64>, content: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut body = rmp_serde::to_vec_named(&Head { is: is.to_owned(), request })?;
    rmp_serde::encode::write_named(&mut body, content)?;
    Ok(body)
}

/// A body whose head was read.
pub(super) struct Opened<'a> {
    pub(super) head: Head,
    content: &'a [u8],
}

/// Reads the head of a body; all that can fail for a message of a later program.
pub(super) fn open(body: &[u8]) -> Result<Opened<'_>, Error> {
    let mut rest = body;
    let head = Head::deserialize(&mut rmp_serde::Deserializer::new(&mut rest))?;
    Ok(Opened { head, content: rest })
}

impl Opened<'_> {
    /// What it says, if that is a `T` and nothing else.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let mut rest = self.content;
        match T::deserialize(&mut rmp_serde::Deserializer::new(&mut rest)) {
            Ok(content) if rest.is_empty() => Ok(content),
            _ => Err(self.unknown()),
        }
    }

    /// The refusal of a message that is not known here, or not in this form.
    pub(super) fn unknown(&self) -> Error {
        Error::Unknown { is: self.head.is.clone(), request: self.head.request }
    }
}
