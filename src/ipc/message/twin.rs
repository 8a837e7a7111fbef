//! Two macros that write a wire twin and the way to it and back, so that each field is named once.
//!
//! Destructuring and rebuilding are exhaustive: a field or variant that a session type gains does not compile
//! until its twin (and so the version number) has been thought about.

/// A struct twin: `Twin = the::Original { field: Type, list: [Type] }`, where `Type` is the field's own type
/// or its twin, and `[Type]` stands for a `Vec`.
macro_rules! twin {
    ($name:ident = $real:path { $($field:ident: $kind:tt),* $(,)? }) => {
        #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
        pub(super) struct $name {
            $($field: twin!(@type $kind)),*
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

/// A twin of an enum without data: variants travel as their place in this list.
macro_rules! codes {
    ($name:ident = $real:path { $($variant:ident),* $(,)? }) => {
        #[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
        pub(super) enum $name {
            $($variant),*
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
}

pub(super) use {codes, twin};
