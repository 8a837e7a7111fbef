//! All chains a recording has brought: one that was designed before is that chain again, under its old id, so that
//! channels whose filters stay the same go on undisturbed when others change.

use crate::emg::units::small;
use crate::pipeline::{Chain, ChainChange};

/// The chains of this recorder; ids below the first are those of one that was cut off.
#[derive(Debug, Default)]
pub(super) struct Repertoire {
    first_id: u32,
    chains: Vec<Chain>,
}

impl Repertoire {
    /// None yet; the first will have this id.
    pub(super) fn from_id(first_id: u32) -> Self {
        Self { first_id, chains: Vec::new() }
    }

    /// Whether no chain was brought yet.
    pub(super) fn is_empty(&self) -> bool {
        self.chains.is_empty()
    }

    /// Takes a change as designed; gives it with the ids of this recording and only those chains that are new.
    pub(super) fn adopt(&mut self, change: ChainChange) -> ChainChange {
        let known = self.chains.len();
        let ids: Vec<(u32, u32)> =
            change.chains.into_iter().map(|chain| (chain.id, self.id_of(chain))).collect();
        let own = |id: &u32| ids.iter().find(|(designed, _)| designed == id).map_or(*id, |(_, own)| *own);
        let assignment = change.assignment.iter().map(own).collect();
        ChainChange { chains: self.chains[known..].to_vec(), assignment, ..change }
    }

    fn id_of(&mut self, chain: Chain) -> u32 {
        let same = |old: &&Chain| **old == Chain { id: old.id, ..chain.clone() };
        if let Some(old) = self.chains.iter().find(same) {
            return old.id;
        }
        let id = self.first_id + small(self.chains.len());
        self.chains.push(Chain { id, ..chain });
        id
    }
}
