//! `attach`: a dashboard on a running recorder.

use super::control::find;
use super::{Which, advise, say, tell};
use crate::config::{Color, Config, Glyphs, Theme};
use crate::{ipc, tui};
use clap::Args;
use std::path::Path;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct AttachArgs {
    #[command(flatten)]
    which: Which,
    /// Look only
    #[arg(long)]
    read_only: bool,
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

pub(super) fn run(args: &AttachArgs) -> anyhow::Result<ExitCode> {
    let flags = crate::config::Flags {
        glyphs: args.glyphs.clone(),
        color: args.color.clone(),
        theme: args.theme.clone(),
        ..crate::config::Flags::default()
    };
    let config = Config::resolve(&flags, |name| std::env::var(name).ok(), Path::new(""))
        .map_err(|error| advise(&error, error.advice()))?;
    let (_, socket) = find(args.which.id.as_deref())?;
    show(&socket, &config, args.read_only)
}

/// Runs the dashboard until it is left or the recording ends.
pub(super) fn show(socket: &Path, config: &Config, read_only: bool) -> anyhow::Result<ExitCode> {
    let (session, welcome) =
        ipc::connect(socket, &super::control::own_name()).map_err(|error| advise(&error, error.advice()))?;
    let (glyphs, color, look) = (glyphs(config.glyphs), color(config.color), look(config.theme));
    let options = tui::Options { glyphs, color, look, read_only };
    match tui::run(session, options)? {
        tui::Exit::Detached => {
            let id = welcome.id;
            tell(&format!(
                "the recording goes on: `myograph attach {id}` to look, `myograph stop {id}` to end it"
            ));
            Ok(ExitCode::SUCCESS)
        }
        tui::Exit::Finished { code, text } => {
            say(&text);
            Ok(ExitCode::from(code))
        }
        tui::Exit::RecorderGone => anyhow::bail!(
            "the recorder {} ended without a word; run `myograph recover` on its folder",
            welcome.id
        ),
    }
}

pub(super) fn glyphs(glyphs: Glyphs) -> tui::Glyphs {
    match glyphs {
        Glyphs::Auto => tui::Glyphs::Auto,
        Glyphs::Braille => tui::Glyphs::Braille,
        Glyphs::Block => tui::Glyphs::Block,
        Glyphs::Ascii => tui::Glyphs::Ascii,
    }
}

pub(super) fn look(theme: Theme) -> tui::Look {
    match theme {
        Theme::Default => tui::Look::Default,
        Theme::ColourBlind => tui::Look::ColourBlind,
        Theme::Mono => tui::Look::Mono,
    }
}

pub(super) fn color(color: Color) -> tui::Color {
    match color {
        Color::Auto => tui::Color::Auto,
        Color::Never => tui::Color::Never,
        Color::Ansi16 => tui::Color::Ansi16,
        Color::Ansi256 => tui::Color::Ansi256,
    }
}
