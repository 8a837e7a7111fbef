//! The dashboard without a terminal: screens as text, keys as commands, bytes as numbers.

pub(crate) mod fixture;

mod budget;
mod keys;
mod pty;
mod screens;
