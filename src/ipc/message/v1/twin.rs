//! Macros for frozen twins: postcard knows fields and variants by their place alone, so none may move.

/// A struct as version 1 laid it out, and what fills in the fields it did not know:
/// `Twin = the::Original { field: Type, list: [Type] } + { later: value }`.
macro_rules! heard {
    ($name:ident = $real:path { $($field:ident: $kind:tt),* $(,)? } $(+ { $($later:ident: $value:expr),* $(,)? })?) => {
        #[derive(Clone, Debug, serde::Deserialize)]
        pub(super) struct $name {
            $($field: heard!(@type $kind)),*
        }

        impl From<$name> for $real {
            fn from(twin: $name) -> Self {
                let $name { $($field),* } = twin;
                Self { $($field: heard!(@value $field $kind),)* $($($later: $value),*)? }
            }
        }
    };
    (@type [$kind:ty]) => { Vec<$kind> };
    (@type $kind:ty) => { $kind };
    (@value $field:ident [$kind:ty]) => { $field.into_iter().map(Into::into).collect() };
    (@value $field:ident $kind:ty) => { $field.into() };
}

/// An enum without data as version 1 numbered its variants, as heard from a recorder.
macro_rules! heard_codes {
    ($name:ident = $real:path { $($variant:ident),* $(,)? }) => {
        #[derive(Clone, Copy, Debug, serde::Deserialize)]
        pub(super) enum $name {
            $($variant),*
        }

        impl From<$name> for $real {
            fn from(twin: $name) -> Self {
                match twin { $($name::$variant => Self::$variant),* }
            }
        }
    };
}

/// A struct as version 1 laid it out, as said to a recorder.
macro_rules! said {
    ($name:ident = $real:path { $($field:ident: $kind:ty),* $(,)? }) => {
        #[derive(Clone, Debug, serde::Serialize)]
        pub(super) struct $name {
            $($field: $kind),*
        }

        impl From<$real> for $name {
            fn from(real: $real) -> Self {
                let $real { $($field),* } = real;
                Self { $($field: $field.into()),* }
            }
        }
    };
}

/// An enum without data as version 1 numbered its variants, as said to a recorder.
macro_rules! said_codes {
    ($name:ident = $real:path { $($variant:ident),* $(,)? }) => {
        #[derive(Clone, Copy, Debug, serde::Serialize)]
        pub(super) enum $name {
            $($variant),*
        }

        impl From<$real> for $name {
            fn from(real: $real) -> Self {
                match real { $(<$real>::$variant => Self::$variant),* }
            }
        }
    };
}

pub(super) use {heard, heard_codes, said, said_codes};
