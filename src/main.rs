//! Parses the command line, runs it, prints an error in full, chooses the exit code. Nothing else.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match myograph::cli::run(myograph::cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) => myograph::cli::fail(&error),
    }
}
