//! Which recorder holds which port: asked before a command touches one, for a touch would reset its board.

use super::control::{own_name, running};
use crate::ipc;
use crate::session::command::Action;
use crate::session::{Answer, Snapshot};
use crate::source::uri::SourceUri;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A recorder that lives answers within this.
const PATIENCE: Duration = Duration::from_secs(5);

/// The recorders of this user, and what they say of their sources.
#[derive(Debug, Default)]
pub(super) struct Recorders {
    pub(super) answering: Vec<Snapshot>,
    /// Those that do not answer may hold any port; why, in one sentence each.
    pub(super) silent: Vec<String>,
}

impl Recorders {
    /// Asks all of them.
    pub(super) fn ask() -> Self {
        let mut recorders = Self::default();
        let sockets = match running() {
            Ok(sockets) => sockets,
            Err(error) => {
                recorders.silent.push(format!("recorders cannot be asked: {error:#}"));
                return recorders;
            }
        };
        for (id, socket) in sockets {
            match ipc::request(&socket, &own_name(), Action::Status, PATIENCE) {
                Ok(Answer::Status(snapshot)) => recorders.answering.push(*snapshot),
                // It ended between the two looks.
                Err(ipc::Error::Nobody { .. }) => {}
                Ok(_) => recorders
                    .silent
                    .push(format!("recorder {id} gives no answer to a question about its state")),
                Err(error) => recorders.silent.push(format!("recorder {id} does not answer: {error}")),
            }
        }
        recorders
    }

    /// The recorder that holds `port`, by whatever name either calls it.
    pub(super) fn holder(&self, port: &Path) -> Option<&Snapshot> {
        self.answering.iter().find(|snapshot| {
            matches!(SourceUri::parse(&snapshot.source.uri),
                Ok(SourceUri::Serial(held)) if true_path(&held.path) == true_path(port))
        })
    }
}

/// Without links, as far as the file is there: an unplugged board keeps its holder.
fn true_path(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
