//! Macros that write a wire twin and the way to it and back, so that each field is named once.
//!
//! Destructuring and rebuilding are exhaustive: a field or variant that a session type gains does not compile
//! until its twin has been thought about. What an older program did not say is [`Missing`].

/// What a field holds that the other program does not know of.
pub(super) trait Missing {
    /// Nothing; a number with a fraction is NaN, which is what screens take for unknown.
    fn missing() -> Self;
}

macro_rules! missing {
    ($($type:ty = $value:expr),* $(,)?) => {$(
        impl Missing for $type {
            fn missing() -> Self {
                $value
            }
        }
    )*};
}
missing!(
    u8 = 0,
    u16 = 0,
    u32 = 0,
    u64 = 0,
    i32 = 0,
    i64 = 0,
    f64 = f64::NAN,
    bool = false,
    char = ' ',
    String = String::new()
);

impl<T> Missing for Vec<T> {
    fn missing() -> Self {
        Self::new()
    }
}

impl<T> Missing for Option<T> {
    fn missing() -> Self {
        None
    }
}

/// A struct twin: `Twin = the::Original { field: Type, list: [Type] }`, where `Type` is the field's own type
/// or its twin, and `[Type]` stands for a `Vec`. Fields travel by name: one that is not known here is passed
/// over, one that is not there is [`Missing`].
macro_rules! twin {
    ($name:ident = $real:path { $($field:ident: $kind:tt),* $(,)? }) => {
        #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub(super) struct $name {
            $($field: twin!(@type $kind)),*
        }

        impl crate::ipc::message::twin::Missing for $name {
            fn missing() -> Self {
                Self { $($field: crate::ipc::message::twin::Missing::missing()),* }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                crate::ipc::message::twin::Missing::missing()
            }
        }

        impl From<$real> for $name {
            fn from(real: $real) -> Self {
                let $real { $($field),* } = real;
                Self { $($field: twin!(@value $field $kind)),* }
            }
        }

        impl From<$name> for $real {
            fn from(twin: $name) -> Self {
                let $name { $($field),* } = twin;
                Self { $($field: twin!(@value $field $kind)),* }
            }
        }
    };
    (@type [$kind:ty]) => { Vec<$kind> };
    (@type $kind:ty) => { $kind };
    (@value $field:ident [$kind:ty]) => { $field.into_iter().map(Into::into).collect() };
    (@value $field:ident $kind:ty) => { $field.into() };
}

/// A twin of an enum without data: variants travel by name. A name that is not known here makes the message
/// unreadable, or stands for the variant after `else`.
macro_rules! codes {
    ($name:ident = $real:path { $($variant:ident),* $(,)? } $(else $fallback:ident)?) => {
        #[derive(Clone, Copy, Debug)]
        pub(super) enum $name {
            $($variant),*
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(match self { $(Self::$variant => stringify!($variant)),* })
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <String as serde::Deserialize>::deserialize(deserializer)?;
                match word.as_str() {
                    $(stringify!($variant) => Ok(Self::$variant),)*
                    _ => codes!(@unknown D, &word, [$(stringify!($variant)),*] $($fallback)?),
                }
            }
        }

        impl crate::ipc::message::twin::Missing for $name {
            fn missing() -> Self {
                codes!(@missing [$($variant),*] $($fallback)?)
            }
        }

        impl From<$real> for $name {
            fn from(real: $real) -> Self {
                match real { $(<$real>::$variant => Self::$variant),* }
            }
        }

        impl From<$name> for $real {
            fn from(twin: $name) -> Self {
                match twin { $($name::$variant => Self::$variant),* }
            }
        }
    };
    (@unknown $d:ident, $word:expr, [$($known:expr),*]) => {
        Err(<$d::Error as serde::de::Error>::unknown_variant($word, &[$($known),*]))
    };
    (@unknown $d:ident, $word:expr, [$($known:expr),*] $fallback:ident) => { Ok(Self::$fallback) };
    (@missing [$first:ident $(, $other:ident)*]) => { Self::$first };
    (@missing [$($variant:ident),*] $fallback:ident) => { Self::$fallback };
}

pub(super) use {codes, twin};
