//! Attributes: UTF-8 strings of a fixed size and plain numbers, so that a live file can change them in place.

use super::text::{Label, Note, fixed, read};
use hdf5::types::TypeDescriptor;
use hdf5::{H5Type, Location, Result};

/// A sentence or a name of up to 256 bytes.
pub(crate) fn put_note(on: &Location, name: &str, text: &str) -> Result<()> {
    on.new_attr::<Note>().create(name)?.write_scalar(&fixed::<256>(text))
}

/// A word of up to 64 bytes.
pub(crate) fn put_label(on: &Location, name: &str, text: &str) -> Result<()> {
    on.new_attr::<Label>().create(name)?.write_scalar(&fixed::<64>(text))
}

/// A number.
pub(crate) fn put<T: H5Type + Copy>(on: &Location, name: &str, value: T) -> Result<()> {
    on.new_attr::<T>().create(name)?.write_scalar(&value)
}

/// Another word in an attribute made by [`put_label`].
pub(crate) fn change_label(on: &Location, name: &str, text: &str) -> Result<()> {
    on.attr(name)?.write_scalar(&fixed::<64>(text))
}

/// Another number in an attribute made by [`put`].
pub(crate) fn change<T: H5Type + Copy>(on: &Location, name: &str, value: T) -> Result<()> {
    on.attr(name)?.write_scalar(&value)
}

/// A text, of whatever size.
pub(crate) fn text(on: &Location, name: &str) -> Result<String> {
    let attribute = on.attr(name)?;
    match attribute.dtype()?.to_descriptor()? {
        TypeDescriptor::FixedUnicode(_) => Ok(read(&attribute.read_scalar::<Note>()?)),
        _ => Err(hdf5::Error::Internal(format!("attribute {name} is no UTF-8 string of fixed size"))),
    }
}

/// A number, in whatever type of number it is stored.
pub(crate) fn number<T: H5Type>(on: &Location, name: &str) -> Result<T> {
    let attribute = on.attr(name)?;
    match attribute.dtype()?.to_descriptor()? {
        TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_) | TypeDescriptor::Float(_) => {
            attribute.read_scalar()
        }
        _ => Err(hdf5::Error::Internal(format!("attribute {name} is no number"))),
    }
}
