use pubsub_api::{Batch, PeerId, Result};

use crate::publisher::core::Core;

/// So much is put into an asker's stream at once.
pub(super) const CHUNK_BYTES: usize = 256 * 1024;

/// Puts what was gathered into the asker's stream, if there is anything.
pub(super) async fn put(core: &Core, peer: PeerId, batch: &mut Batch) -> Result<()> {
    match core.driver.requests() {
        Some(requests) if !batch.is_empty() => requests.answer(peer, batch).await,
        _ => Ok(()),
    }
}
