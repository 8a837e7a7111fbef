//! Little-endian writing and bounded reading of payload fields. Nothing here knows what a field means.

/// A payload that ends before its fields do, or a field that holds no known value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payload ends early or holds an unknown code")]
pub struct Malformed;

/// Appends fields to a payload.
#[derive(Debug, Default)]
pub(super) struct Out(pub(super) Vec<u8>);

/// One method per number type: appends it, little endian.
macro_rules! put {
    ($($name:ident: $type:ty),*) => {$(
        pub(super) fn $name(&mut self, value: $type) -> &mut Self {
            self.0.extend_from_slice(&value.to_le_bytes());
            self
        }
    )*};
}

impl Out {
    put!(u8: u8, u16: u16, u32: u32, u64: u64, i32: i32, i64: i64, f32: f32, f64: f64);

    pub(super) fn flag(&mut self, value: bool) -> &mut Self {
        self.u8(u8::from(value))
    }

    pub(super) fn length(&mut self, len: usize) -> &mut Self {
        self.u32(crate::emg::units::small(len))
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.blob(text.as_bytes())
    }

    pub(super) fn blob(&mut self, bytes: &[u8]) -> &mut Self {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn list<T>(&mut self, items: &[T], mut put: impl FnMut(&mut Self, &T)) -> &mut Self {
        self.length(items.len());
        for item in items {
            put(self, item);
        }
        self
    }
}

/// Takes fields from a payload.
#[derive(Debug)]
pub(super) struct In<'a>(pub(super) &'a [u8]);

/// One method per number type: takes it, little endian.
macro_rules! take {
    ($($name:ident: $type:ty),*) => {$(
        pub(super) fn $name(&mut self) -> Result<$type, Malformed> {
            let (head, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
            self.0 = rest;
            Ok(<$type>::from_le_bytes(*head))
        }
    )*};
}

impl<'a> In<'a> {
    take!(u8: u8, u16: u16, u32: u32, u64: u64, i32: i32, i64: i64, f32: f32, f64: f64);

    /// Whether nothing is left: what an older program put may end here.
    pub(super) fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn flag(&mut self) -> Result<bool, Malformed> {
        Ok(self.u8()? != 0)
    }

    pub(super) fn bytes(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(Malformed)?;
        self.0 = rest;
        Ok(head)
    }

    pub(super) fn blob(&mut self) -> Result<&'a [u8], Malformed> {
        let len = crate::emg::units::index(u64::from(self.u32()?));
        self.bytes(len)
    }

    pub(super) fn text(&mut self) -> Result<String, Malformed> {
        String::from_utf8(self.blob()?.to_vec()).map_err(|_| Malformed)
    }

    /// A list whose length is believed only as far as the payload can hold it.
    pub(super) fn list<T>(
        &mut self,
        mut take: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let len = crate::emg::units::index(u64::from(self.u32()?));
        if len > self.0.len() {
            return Err(Malformed);
        }
        (0..len).map(|_| take(self)).collect()
    }

    /// The element of `all` at the coded position.
    pub(super) fn code<T: Copy>(&mut self, all: &[T]) -> Result<T, Malformed> {
        all.get(usize::from(self.u8()?)).copied().ok_or(Malformed)
    }
}

/// The position of `value` in `all`, the code [`In::code`] reads back.
pub(super) fn code_of<T: PartialEq>(all: &[T], value: &T) -> u8 {
    let at = all.iter().position(|candidate| candidate == value).unwrap_or(usize::from(u8::MAX));
    u8::try_from(at).unwrap_or(u8::MAX)
}
