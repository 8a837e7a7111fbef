//! What a user may choose about the screen, for every command that opens one.

use crate::config::{Color, Config, Flags, Glyphs, Theme};
use crate::tui;
use clap::Args;

#[derive(Debug, Default, Args)]
pub(super) struct Screen {
    /// Characters of the traces: auto, braille, block or ascii
    #[arg(long)]
    glyphs: Option<String>,
    /// Colours: auto, never, 16 or 256
    #[arg(long)]
    color: Option<String>,
    /// What colours mean: default, colour-blind or mono
    #[arg(long)]
    theme: Option<String>,
}

impl Screen {
    /// These choices, and no other.
    pub(super) fn flags(&self) -> Flags {
        Flags {
            glyphs: self.glyphs.clone(),
            color: self.color.clone(),
            theme: self.theme.clone(),
            ..Flags::default()
        }
    }
}

/// The configured choices in the dashboard's own words.
pub(super) fn options(config: &Config, read_only: bool) -> tui::Options {
    let (glyphs, color, look) = (glyphs(config.glyphs), color(config.color), look(config.theme));
    tui::Options { glyphs, color, look, read_only, ..tui::Options::default() }
}

fn glyphs(glyphs: Glyphs) -> tui::Glyphs {
    match glyphs {
        Glyphs::Auto => tui::Glyphs::Auto,
        Glyphs::Braille => tui::Glyphs::Braille,
        Glyphs::Block => tui::Glyphs::Block,
        Glyphs::Ascii => tui::Glyphs::Ascii,
    }
}

fn look(theme: Theme) -> tui::Look {
    match theme {
        Theme::Default => tui::Look::Default,
        Theme::ColourBlind => tui::Look::ColourBlind,
        Theme::Mono => tui::Look::Mono,
    }
}

fn color(color: Color) -> tui::Color {
    match color {
        Color::Auto => tui::Color::Auto,
        Color::Never => tui::Color::Never,
        Color::Ansi16 => tui::Color::Ansi16,
        Color::Ansi256 => tui::Color::Ansi256,
    }
}
