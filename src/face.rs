//! WHAT A FACE DOES: muscles, action units and emotions; events and calibration beside them.
//!
//! Plain values and arithmetic: no I/O, no threads.

pub mod table;
