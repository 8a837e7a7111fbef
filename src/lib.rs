//! myograph: a terminal recording station for facial EMG.
//!
//! This page is the map. Each room is a file with a folder of the same name; its own first lines say what is in it,
//! what is not, and who calls it. The rooms stand here in the direction data flows.
//!
//! # Rooms
//!
//! [`emg`] is what is recorded: channels, blocks of rows, gaps, markers, clocks, as plain values every other room
//! speaks in. A gap is a value with a cause and a size, never an error.
//!
//! [`source`] is where samples come from: a serial port, a simulated face, a recording played again. A source hands over
//! packets with the device's own index; it does not count rows or fill gaps. Three decoders without I/O read a port:
//! `framed` our firmware's line (`scripts/firmware`), where every loss is known with its cause, `chords` the packets of
//! another firmware, `text` lines of numbers, whose losses nobody can count. `board` is our board in software, for
//! `simulate` and the tests.
//!
//! [`dsp`] is how a signal is cleaned: Butterworth design, the one kernel that runs all filters, envelopes, and the
//! bins a screen draws.
//!
//! [`pipeline`] puts these operators in order: raw rows and gaps in, clean rows, envelope rows and spans out. It is a
//! function of its inputs, so that the recorder's screen, the projector's file and `verify` compute the same bits.
//!
//! [`face`] is what a face does: muscles, action units, emotions, and what is found in their signals: quality,
//! artefacts, events. Its observer sees every row once, beside the pipeline, live and in the projector alike.
//!
//! [`infer`] is what a model makes of it: the card that says what a model expects, the model itself, its rolling
//! predictions.
//!
//! [`store`] is what stays on disk: the journal, which is the truth while it exists; the HDF5 file projected from it,
//! live, at the end or after a crash by the same code; reading back, joining files, names, checks.
//!
//! [`analysis`] turns recordings into the tables statistics are made of: trials and windows of features.
//!
//! [`import`] reads what other programs saved as text, and puts every doubt about it in words.
//!
//! [`session`] is what is said between a recorder and any front end: commands, events, snapshots.
//!
//! [`tui`] is the dashboard: it is given one end of a session and draws. Closing it never ends a recording.
//!
//! [`ipc`] is the session over a Unix socket: wire twins of the session's types, server, client; and for stimulus
//! machines, lines of JSON over TCP.
//!
//! [`recorder`] is the engine: numbers every row, dates every gap, keeps the journal, paints the picture. One file per
//! thread.
//!
//! [`config`] is what the user wants: file, environment and flags, validated once, each value with its origin.
//!
//! [`cli`] is what a user types, one file per command. It connects the rooms, prints, and chooses the exit code.
//!
//! A room may use the rooms above it, with these exceptions: `source` and `dsp`, and again `tui`, `ipc` and `recorder`,
//! do not use each other. `tests/it/house.rs` reads the source tree and keeps it so.
//!
//! # Flow
//!
//! One executable, three processes; a name in brackets is a thread.
//!
//! ```text
//! board ── bytes ──▶ source/serial ▶ framed or text    source/sim         `feed` process ◀── .h5
//!                              │                           │                    │ records on a pipe
//!   RECORDER                   │                           │              source/replay
//!   cli/station                └────── Source::read ───────┴────────────────────┘
//!                                           │ packets, with the device's index
//!                              [acquire] recorder/sequence: row numbers, gaps, filter chains, segment borders
//!                                           │ pieces
//!                 ┌─────────────────────────┴──────────────────────────┐ what the journal's queue took
//!                 ▼                                                    ▼
//!     ┌──▶ [journal] one record, one write ◀── state at borders ── [process] pipeline, face/observe, dsp/bins
//!     │       │ ▲       │           │                                  │
//!     │       │ └── predictions ────┼── [predict] infer ◀── rows ──────┤ bins, levels, flags, events
//!     │       │       [sync]     [keeper] starts a                     ▼
//!     │       │     fdatasync    projector per journal          [control] ◀── signals
//!     │       │                     │      rows and bytes done ──▶ │   ▲
//!     └───────┼─────────────────────┼──────── markers ─────────────┘   │
//!             ▼                     │                           events │ commands
//!            .wal                   │                              ipc/server
//!             │                     │                                  │
//! ════════════╪═════════════════════╪══════════════════════════════════╪═ Unix socket ═══════════
//!             │   PROJECTOR         │                        DASHBOARD │
//!             │   cli/project ◀─────┘                        cli/attach│
//!             ▼                                                        ▼
//!     store/follow ▶ store/projector                              ipc/client
//!             │ the same pipeline                                      │ Session
//!             ▼                                                   tui/update ▶ tui/view
//!     .h5: raw, clean, envelope, gaps, markers                         │
//!     sealed and read back, then the .wal goes                         ▼ cells
//! ```
//!
//! A recorder alone loses nothing when any of the others dies: a projector is started again and begins from the
//! journal's first record, a dashboard is attached again.
//!
//! # Invariants, written as absences
//!
//! - No row is without a number, and no loss without a gap: rows the disk could not take become one that says so.
//! - No marker is called stored before the journal has it.
//! - No recorder touches HDF5: a library that may crash or wait does so in the projector.
//! - No clean value depends on how rows were cut into blocks.
//! - No journal is removed before its file is sealed, read back and found equal; no recording is ever overwritten.
//! - No live source waits for a disk or a screen. Only the screen may skip rows, counted; sim and replay wait instead.
//! - No queue without a capacity and its reason, no thread without a name, no async runtime.
//! - No file, socket or thread in `emg`, `dsp`, `pipeline`, `face` and `session`; no clock but [`emg::Stamp::now`].
//! - Nobody but `store` names hdf5, but `source/serial` and `source/ports` serialport, but `tui` ratatui and crossterm.
//! - Nobody but `cli` prints, and no stage sees `Config`: each room owns the options `cli` fills for it.
//! - No `unwrap` and no `expect` on what the world may do; an idle line and half a frame are values.

pub mod analysis;
pub mod cli;
pub mod config;
pub mod dsp;
pub mod emg;
pub mod face;
pub mod import;
pub mod infer;
pub mod ipc;
pub mod pipeline;
pub mod recorder;
pub mod session;
pub mod source;
pub mod store;
pub mod tui;
