//! The commands typed after `:`, once: what `update/command` runs is what help prints.

use super::Act;

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// The same as a key.
    Key(Act),
    /// Move control to this screen.
    Take,
    /// Ask for other filters.
    Filter,
    /// Other characters.
    Glyphs,
    /// Other colours.
    Theme,
    /// The bell on or off.
    Bell,
    /// A step of a calibration.
    Calibrate,
    /// Another length of the window.
    Window,
    /// Another full scale.
    Gain,
    /// Another view.
    View,
    /// A marker with any label.
    Mark,
    /// A note to the last marker.
    Note,
    /// Another label for the last marker.
    Relabel,
    /// Take back a marker by its number.
    Retract,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Command {
    /// The word.
    pub(crate) name: &'static str,
    /// What follows it, for help; empty for nothing.
    pub(crate) takes: &'static str,
    /// What it does.
    pub(crate) wish: Wish,
    /// What help says.
    pub(crate) help: &'static str,
}

const fn row(name: &'static str, takes: &'static str, wish: Wish, help: &'static str) -> Command {
    Command { name, takes, wish, help }
}

/// All commands.
pub(crate) const TABLE: [Command; 19] = [
    row("acknowledge", "", Wish::Key(Act::Acknowledge), "the open alarms were seen"),
    row("bell", "on|off", Wish::Bell, "ring for alarms, or not"),
    row("calibrate", "STEP [CHANNEL]", Wish::Calibrate, "start, next, redo, keep, ...; F3 has keys"),
    row("filter", "PRESET 50|60 notches=LIST order=N baseline=HZ|track", Wish::Filter, "e.g. 30-400 60"),
    row("freeze", "", Wish::Key(Act::Freeze), "hold the picture, or let it go"),
    row("gain", "+|-|auto", Wish::Gain, "draw larger, smaller, or as it fits"),
    row("glyphs", "braille|block|ascii", Wish::Glyphs, "draw with other characters"),
    row("help", "", Wish::Key(Act::Help), "keys and commands"),
    row("mark", "LABEL", Wish::Mark, "set a marker with any label"),
    row("note", "TEXT", Wish::Note, "write a note to the last marker"),
    row("quit", "", Wish::Key(Act::Detach), "leave; the recording goes on"),
    row("record", "", Wish::Key(Act::Record), "begin to record, while only monitoring"),
    row("relabel", "LABEL", Wish::Relabel, "give the last marker another label"),
    row("retract", "ID", Wish::Retract, "take back a marker by its number"),
    row("stop", "", Wish::Key(Act::Stop), "stop the recording: asks for the word"),
    row("take", "", Wish::Take, "move control to this screen"),
    row("theme", "default|colour-blind|mono", Wish::Theme, "draw with other colours"),
    row("view", "NAME", Wish::View, "live, calibration, electrodes, log, system"),
    row("window", "SECONDS", Wish::Window, "show 2, 4, 8, 16 or 32 s"),
];

/// Why a word names no command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// Several begin like it.
    Ambiguous(Vec<&'static str>),
    /// None does; this one is the nearest.
    Nearest(&'static str),
}

/// The command with this name, or the only one that begins so.
pub(crate) fn find(word: &str) -> Result<&'static Command, Unknown> {
    if let Some(exact) = TABLE.iter().find(|command| command.name == word) {
        return Ok(exact);
    }
    let alike: Vec<_> = TABLE.iter().filter(|command| command.name.starts_with(word)).collect();
    match alike.as_slice() {
        [only] => Ok(only),
        [] => Err(Unknown::Nearest(nearest(word))),
        several => Err(Unknown::Ambiguous(several.iter().map(|command| command.name).collect())),
    }
}

/// The name that takes the fewest changes of a letter.
fn nearest(word: &str) -> &'static str {
    TABLE.iter().map(|command| command.name).min_by_key(|name| distance(word, name)).unwrap_or("help")
}

/// Letters to put in, leave out or change between two words (Levenshtein 1965).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (n, a) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], n + 1);
        for (m, b) in other.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[m + 1];
            row[m + 1] = changed.min(row[m] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_by_name_and_by_what_only_it_begins_with() {
        for command in &TABLE {
            assert_eq!(find(command.name).map(|found| found.name), Ok(command.name));
        }
        assert_eq!(find("q").map(|found| found.name), Ok("quit"));
        assert_eq!(find("t").map(|found| found.name), Err(Unknown::Ambiguous(vec!["take", "theme"])));
    }

    #[test]
    fn a_mistyped_word_gets_the_nearest_named() {
        for (typed, meant) in
            [("windwo", "window"), ("thme", "theme"), ("fliter", "filter"), ("exit", "quit")]
        {
            assert_eq!(find(typed).map(|found| found.name), Err(Unknown::Nearest(meant)), "{typed}");
        }
    }

    #[test]
    fn distances_count_letters() {
        assert_eq!(
            (distance("", "mark"), distance("mark", "mark"), distance("kitten", "sitting")),
            (4, 0, 3)
        );
    }
}
