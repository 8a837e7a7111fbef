//! Which columns become channels, and which one is time.

use super::clock::{self, Unit};
use super::head::{Content, Head};
use super::{Error, Options};
use crate::emg::{Channel, Kind};
use std::path::Path;

/// The columns, chosen.
#[derive(Debug)]
pub(super) struct Choice {
    /// Column of each channel.
    pub(super) columns: Vec<usize>,
    pub(super) channels: Vec<Channel>,
    /// Column of each entry of `--markers`.
    pub(super) markers: Vec<usize>,
    pub(super) time: Option<(usize, Unit)>,
    pub(super) warnings: Vec<String>,
}

/// Chooses by what the user said; else every column of numbers is a channel, except time.
pub(super) fn choose(path: &Path, head: &Head, options: &Options) -> Result<Choice, Error> {
    let find = |flag, column: &str| resolve(path, head, flag, column);
    let markers =
        options.markers.iter().map(|spec| find("--markers", &spec.column)).collect::<Result<Vec<_>, _>>()?;
    let asked =
        options.columns.iter().map(|spec| find("--columns", &spec.column)).collect::<Result<Vec<_>, _>>()?;
    let mut warnings = Vec::new();
    let numeric = |at: &usize| head.columns[*at].content == Content::Number;
    let time = (0..head.columns.len())
        .filter(|at| numeric(at) && !asked.contains(at))
        .find_map(|at| Some((at, clock::unit(&head.columns[at].channel.name)?)));
    let (columns, channels) = if asked.is_empty() {
        warnings.extend(ignored(head));
        let columns: Vec<usize> =
            (0..head.columns.len()).filter(numeric).filter(|at| time.is_none_or(|it| it.0 != *at)).collect();
        let channels = columns.iter().map(|at| unsaid(head, *at, &markers)).collect();
        (columns, channels)
    } else {
        (asked.clone(), said(head, &asked, options)?)
    };
    if columns.is_empty() {
        return Err(Error::NoChannels { path: path.to_owned(), columns: head.listing() });
    }
    Ok(Choice { columns, channels, markers, time, warnings })
}

/// The column a number (from 1) or a name means.
fn resolve(path: &Path, head: &Head, flag: &'static str, asked: &str) -> Result<usize, Error> {
    let number = asked.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let named = || head.columns.iter().position(|column| column.channel.name == asked);
    let (path, column, columns) = (path.to_owned(), asked.to_owned(), head.listing());
    match number.filter(|at| *at < head.columns.len()).or_else(named) {
        None => Err(Error::NoColumn { path, flag, column, columns }),
        Some(at) if head.columns[at].content != Content::Number => {
            Err(Error::TextColumn { path, flag, column, columns })
        }
        Some(at) => Ok(at),
    }
}

/// A channel as the head describes it; a column whose steps are markers is a trigger line.
fn unsaid(head: &Head, at: usize, markers: &[usize]) -> Channel {
    let mut channel = head.columns[at].channel.clone();
    if markers.contains(&at) {
        channel.kind = Kind::Trigger;
    }
    channel
}

/// The channels of `--columns`, with what the head knows beyond name, kind and unit.
fn said(head: &Head, columns: &[usize], options: &Options) -> Result<Vec<Channel>, Error> {
    let mut channels: Vec<Channel> = Vec::with_capacity(columns.len());
    for (spec, at) in options.columns.iter().zip(columns) {
        if channels.iter().any(|other| other.name == spec.name) {
            return Err(Error::SameName { name: spec.name.clone() });
        }
        let (name, unit) = (spec.name.clone(), spec.unit.clone());
        let known = head.columns[*at].channel.clone();
        let sensor_tau_s = spec.tau_s.unwrap_or(known.sensor_tau_s);
        channels.push(Channel { name, unit, kind: spec.kind, sensor_tau_s, ..known });
    }
    Ok(channels)
}

/// What is said of columns that hold words.
fn ignored(head: &Head) -> Option<String> {
    let words = head.columns.iter().filter(|column| column.content == Content::Text);
    let names: Vec<String> = words.map(|column| format!("`{}`", column.channel.name)).collect();
    (!names.is_empty()).then(|| format!("columns of words are not imported: {}", names.join(", ")))
}
