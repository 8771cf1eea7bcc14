use std::sync::{Arc, Mutex, PoisonError};

use pubsub_api::PeerId;

use super::acceptor::Newcomer;
use super::block::Block;

/// What others leave for a shard.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    blocks: Mutex<(Vec<Arc<Block>>, u64)>,
    newcomers: Mutex<Vec<(PeerId, Newcomer)>>,
    /// The peers with new replies.
    answered: Mutex<Vec<PeerId>>,
}

impl Inbox {
    pub(super) fn take_blocks(&self) -> Vec<Arc<Block>> {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        blocks.1 = 0;
        std::mem::take(&mut blocks.0)
    }

    pub(super) fn put(&self, block: Arc<Block>) {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        blocks.1 += block.weight();
        blocks.0.push(block);
    }

    pub(super) fn bytes(&self) -> u64 {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    pub(super) fn take_answered(&self) -> Vec<PeerId> {
        std::mem::take(&mut self.answered.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn take_newcomers(&self) -> Vec<(PeerId, Newcomer)> {
        std::mem::take(&mut self.newcomers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn put_newcomer(&self, peer: PeerId, newcomer: Newcomer) {
        self.newcomers.lock().unwrap_or_else(PoisonError::into_inner).push((peer, newcomer));
    }

    /// The number of connections that were left here and not yet taken.
    pub(super) fn newcomers(&self) -> usize {
        self.newcomers.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Notes that replies wait for a peer.
    pub(super) fn put_answered(&self, peer: PeerId) {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).push(peer);
    }
}
