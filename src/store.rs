//! WHAT STAYS ON DISK: the journal (the truth) and the HDF5 file projected from it.
//!
//! The recorder only appends to a [`journal`]; another process, the [`projector`], follows that file, runs the
//! same pipeline over it and writes the `.h5` beside it: live, sealed at the end, or recovered after a crash, by
//! one code path. The only room that names hdf5. Callers: `recorder` (journal, naming), `cli` (the rest).

pub mod error;
pub mod follow;
pub mod journal;
pub mod layout;
pub mod naming;
pub mod projector;
pub mod reader;
pub mod sidecar;
pub mod verify;

pub use error::{StoreError, in_full};
pub use layout::MOST_CLASSES;
pub use projector::Projection;
pub use reader::Recording;
pub use reader::inspect::{self, Summary};
pub use sidecar::Sidecar;
pub use verify::{Report, verify};
