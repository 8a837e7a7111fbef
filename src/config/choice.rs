//! Values that are one of a few words, or a word with a number in it.

use std::fmt;
use std::str::FromStr;

/// Writes an enum whose variants are words in the file, with `ALL`, `word` and reading a word.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name { $($(#[$what])* $variant,)+ }

        impl $name {
            /// All choices.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word in files and flags.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The choice `word` names.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|choice| choice.word() == word)
            }
        }
    };
}

words! {
    /// Mains frequency the notches stand at.
    LineFrequency {
        /// Most of the world.
        #[default]
        Hz50 = "50",
        /// The Americas, parts of Asia.
        Hz60 = "60",
        /// As found by `--monitor` or `doctor`, else 50.
        Auto = "auto",
    }
}

words! {
    /// Characters the traces are drawn with.
    Glyphs {
        /// What the terminal's locale can show.
        #[default]
        Auto = "auto",
        /// Two by four dots in a cell.
        Braille = "braille",
        /// Eighths of a cell.
        Block = "block",
        /// Letters and signs of ASCII.
        Ascii = "ascii",
    }
}

words! {
    /// Colours of the dashboard.
    Color {
        /// What the terminal says it can show; none under `NO_COLOR`.
        #[default]
        Auto = "auto",
        /// None.
        Never = "never",
        /// The terminal's own sixteen.
        Ansi16 = "16",
        /// The palette of 256.
        Ansi256 = "256",
    }
}

words! {
    /// What the colours of the dashboard mean.
    Theme {
        /// Red for saturation, and little else.
        #[default]
        Default = "default",
        /// Colours that are told apart by the colour-blind.
        ColourBlind = "colour-blind",
        /// Bold and reverse only.
        Mono = "mono",
    }
}

/// Where stimulus machines may connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Name or address; loopback unless one is given.
    pub host: String,
    /// TCP port, never 0.
    pub port: u16,
}

impl Listen {
    /// Reads `[HOST:]PORT`; an IPv6 address stands in brackets.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':').unwrap_or(("127.0.0.1", text));
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bare.unwrap_or(host);
        let plain = !host.is_empty()
            && host
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-') || (c == ':' && bare.is_some()));
        let port = u16::from_str(port).ok().filter(|port| *port > 0)?;
        plain.then(|| Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}
