//! Stories about the whole station, told with real parts: the real binary, real pseudo-terminals, real HDF5 read
//! by h5py. One binary, so that its parts are built once; each file tells the stories of one subject.
//!
//! `MYOGRAPH_PYTHON` names a Python with `h5py`, `numpy` and `scipy`, `MYOGRAPH_DATA` a folder of real recordings;
//! `MYOGRAPH_FIRMWARE` and `MYOGRAPH_RIG` the board's firmware and its bench (`tests/rig`);
//! without them the stories that need them print `skipped: …`. `MYOGRAPH_TEST_LIMIT_S` is how long a story waits (60).

// A story that cannot go on fails, and a skipped one says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod support;

mod alarms;
mod baseline;
mod board;
mod calibration;
mod clean;
mod commands;
mod corpus;
mod crash;
mod detect;
mod doctor;
mod errors;
mod features;
mod filters;
mod firmware;
mod hooks;
mod house;
mod import;
mod listen;
mod live;
mod markers;
mod models;
mod quality;
mod recording;
mod review;
mod sealing;
mod service;
mod socket;
mod terminal;
mod text_lines;
mod trials;
mod wire;
