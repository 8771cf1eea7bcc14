use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cluster_node::{ClusterNode, SlotMove};
use super::slot::SLOTS;

/// The node of each slot, as the nodes report it at one time.
#[derive(Debug, Clone)]
pub(super) struct SlotView {
    owners: Vec<Option<Arc<str>>>,
    moves: BTreeMap<u16, BTreeSet<SlotMove>>,
}

/// The known state of one slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SlotState {
    owner: Arc<str>,
    moves: BTreeSet<SlotMove>,
}

impl SlotView {
    /// Combines the reports of the nodes about themselves.
    pub(super) fn new<'a>(nodes: impl IntoIterator<Item = &'a ClusterNode>) -> Self {
        let mut view = Self { owners: vec![None; usize::from(SLOTS)], moves: BTreeMap::new() };
        for node in nodes {
            let id: Arc<str> = node.id.as_str().into();
            for slot in node.slots.iter().cloned().flatten() {
                if let Some(owner) = view.owners.get_mut(usize::from(slot)) {
                    *owner = Some(Arc::clone(&id));
                }
            }
            for one in &node.moves {
                view.moves.entry(one.slot).or_default().insert(one.clone());
            }
        }
        view
    }

    /// A slot that no node serves, if there is one.
    pub(super) fn unserved(&self) -> Option<u16> {
        (0..SLOTS).find(|slot| self.state(*slot).is_none())
    }

    /// `None` if no node serves the slot.
    pub(super) fn state(&self, slot: u16) -> Option<SlotState> {
        let owner = self.owners.get(usize::from(slot))?.clone()?;
        Some(SlotState { owner, moves: self.moves.get(&slot).cloned().unwrap_or_default() })
    }
}

impl SlotState {
    /// Whether the slot is moving from one node to another, so that its keys are on both.
    pub(super) fn is_moving(&self) -> bool {
        !self.moves.is_empty()
    }
}
