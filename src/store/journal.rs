//! The journal: an append-only file of self-checking records, the recording itself.
//!
//! Frame, little endian: magic `MYOJ`, type u16, version u16, payload length u32, recording id 16 bytes, segment u32,
//! sequence u64, payload, CRC-32C over everything before it. A reader scans past damage to the next valid frame and
//! skips types it does not know, counting both. `recorder` writes, `projector` follows.

mod bytes;
pub mod codec;
pub mod durable;
pub mod follow;
pub mod frame;
pub mod parts;
pub mod record;
pub mod writer;

pub use durable::Durable;
pub use follow::{Follower, Step};
pub use frame::Identity;
pub use record::{Entities, Header, Record};
pub use writer::Journal;

#[cfg(test)]
mod tests;
