use pubsub_api::{Batch, PeerId, Result};

use crate::publisher::core::Core;

/// The size, in bytes, at which a chunk of a reply is sent.
pub(super) const CHUNK_BYTES: usize = 256 * 1024;

/// Sends a chunk to the subscriber, if it is not empty.
pub(super) async fn put(core: &Core, peer: PeerId, batch: &mut Batch) -> Result<()> {
    match core.driver.requests() {
        Some(requests) if !batch.is_empty() => requests.answer(peer, batch).await,
        _ => Ok(()),
    }
}
