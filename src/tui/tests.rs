//! The dashboard without a terminal: screens as text, keys as commands, bytes as numbers.

pub(crate) mod fixture;

mod answers;
mod budget;
mod commands;
mod keys;
mod pty;
mod review;
mod screens;
mod sizes;
