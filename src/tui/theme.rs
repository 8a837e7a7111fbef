//! HOW THINGS LOOK: styles, and the choice of characters and colours from options and environment.
//!
//! Every fact is a word or a sign first; colour only helps. Red means saturation and nothing else.

use super::widget::Dots;
use super::{Color, Glyphs, Look};
use ratatui::style::{Color as Ink, Modifier, Style};

/// The styles of the dashboard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Theme {
    /// How many colours there are.
    color: Color,
    /// Traces, alternating, so that neighbours can be told apart.
    pub(crate) traces: [Style; 2],
    /// A trace whose sensor is at its rail.
    pub(crate) saturated: Style,
    /// Marker lines and signs.
    pub(crate) marker: Style,
    /// Names and headings.
    pub(crate) title: Style,
    /// What the recorder is doing.
    pub(crate) state: Style,
    /// An open alarm, a flag, a stripe over the picture.
    pub(crate) alarm: Style,
    /// The selected channel.
    pub(crate) selected: Style,
    /// Time ruler and frames.
    pub(crate) frame: Style,
}

impl Theme {
    /// The styles of a look for a number of colours; `Color::Auto` is taken as 16. The colours for the
    /// colour-blind are those of Okabe and Ito (2008), as near as the palette has them.
    pub(crate) fn new(color: Color, look: Look) -> Self {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let reverse = bold.add_modifier(Modifier::REVERSED);
        let mono = Self {
            color,
            traces: [Style::new(), Style::new()],
            saturated: bold,
            marker: bold,
            title: bold,
            state: reverse,
            alarm: reverse,
            selected: reverse,
            frame: Style::new(),
        };
        let few = color != Color::Ansi256;
        let (trace, marker, saturated) = match (look, color) {
            (Look::Mono, _) | (_, Color::Never) => return mono,
            (Look::Default, _) if few => (Ink::Cyan, Ink::Yellow, Ink::Red),
            (Look::Default, _) => (Ink::Indexed(117), Ink::Indexed(227), Ink::Indexed(196)),
            (Look::ColourBlind, _) if few => (Ink::LightBlue, Ink::Yellow, Ink::LightRed),
            (Look::ColourBlind, _) => (Ink::Indexed(117), Ink::Indexed(227), Ink::Indexed(208)),
        };
        Self {
            traces: [Style::new(), Style::new().fg(trace)],
            saturated: bold.fg(saturated),
            marker: Style::new().fg(marker),
            ..mono
        }
    }

    /// The same number of colours with another look.
    pub(crate) fn with(self, look: Look) -> Self {
        Self::new(self.color, look)
    }
}

/// What the environment says, so that tests can say it.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The characters for an option: braille where the locale's codeset is UTF-8, else ASCII. Whether the
/// font has the characters cannot be asked.
pub(crate) fn dots(glyphs: Glyphs, environment: Environment<'_>) -> Dots {
    match glyphs {
        Glyphs::Braille => Dots::Braille,
        Glyphs::Block => Dots::Block,
        Glyphs::Ascii => Dots::Ascii,
        Glyphs::Auto => {
            let set = |name: &&str| environment(name).filter(|value| !value.is_empty());
            let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set).unwrap_or_default();
            let codeset = locale.split(['.', '@']).nth(1).unwrap_or_default().to_ascii_lowercase();
            if matches!(codeset.as_str(), "utf-8" | "utf8") { Dots::Braille } else { Dots::Ascii }
        }
    }
}

/// The number of colours for an option: none under a non-empty `NO_COLOR` or on a terminal without them.
pub(crate) fn color(color: Color, environment: Environment<'_>) -> Color {
    if color != Color::Auto {
        return color;
    }
    let term = environment("TERM").unwrap_or_default();
    let refused = environment("NO_COLOR").is_some_and(|value| !value.is_empty());
    match term.as_str() {
        _ if refused => Color::Never,
        "" | "dumb" => Color::Never,
        term if term.starts_with("vt") => Color::Never,
        term if term.contains("256color") => Color::Ansi256,
        _ => Color::Ansi16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)], ask: impl Fn(Environment<'_>)) {
        ask(&|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()));
    }

    #[test]
    fn the_strongest_locale_variable_decides() {
        with(&[("LANG", "de_DE.UTF-8")], |env| assert_eq!(dots(Glyphs::Auto, env), Dots::Braille));
        with(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")], |env| {
            assert_eq!(dots(Glyphs::Auto, env), Dots::Ascii);
        });
        with(&[("LC_CTYPE", "C.utf8"), ("LC_ALL", "")], |env| {
            assert_eq!(dots(Glyphs::Auto, env), Dots::Braille);
        });
        with(&[], |env| assert_eq!(dots(Glyphs::Auto, env), Dots::Ascii));
        with(&[], |env| assert_eq!(dots(Glyphs::Block, env), Dots::Block));
    }

    #[test]
    fn no_color_is_obeyed_unless_colours_were_asked_for() {
        with(&[("NO_COLOR", "1"), ("TERM", "xterm-256color")], |env| {
            assert_eq!(color(Color::Auto, env), Color::Never);
            assert_eq!(color(Color::Ansi16, env), Color::Ansi16);
        });
        with(&[("NO_COLOR", ""), ("TERM", "xterm-256color")], |env| {
            assert_eq!(color(Color::Auto, env), Color::Ansi256);
        });
        with(&[("TERM", "linux")], |env| assert_eq!(color(Color::Auto, env), Color::Ansi16));
    }

    #[test]
    fn red_is_for_saturation_alone() {
        for (color, look) in [
            (Color::Ansi16, Look::Default),
            (Color::Ansi256, Look::Default),
            (Color::Ansi16, Look::ColourBlind),
            (Color::Ansi256, Look::ColourBlind),
        ] {
            let theme = Theme::new(color, look);
            let others =
                [theme.traces[0], theme.traces[1], theme.marker, theme.title, theme.state, theme.alarm];
            assert!(others.iter().all(|style| style.fg != theme.saturated.fg), "{color:?} {look:?}");
        }
    }

    #[test]
    fn without_colours_every_look_is_the_same() {
        let inks = |theme: Theme| [theme.traces[1], theme.saturated, theme.marker].map(|style| style.fg);
        for look in Look::ALL {
            assert_eq!(inks(Theme::new(Color::Never, look)), [None; 3]);
        }
        assert_eq!(inks(Theme::new(Color::Ansi256, Look::Default).with(Look::Mono)), [None; 3]);
    }
}
