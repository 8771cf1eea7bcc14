use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use pubsub_api::{Batch, PeerId, Requests, Result, TopicRights};

use super::reply_stream::{CHUNK_BYTES, put};
use crate::publisher::core::Core;
use crate::{FullSyncReply, FullSyncRequest, RowSource};

/// The reason of a publisher without a database.
const NO_SOURCE: &str = "the publisher does not use the database (use_nb_db)";

/// The reason for a subscriber that sends too many requests, or while too many subscribers do.
const BUSY: &str = "the publisher is busy with other requests";

/// Replies with all rows of the database that the subscriber may receive.
///
/// # Errors
/// As of [`Requests::answer`].
pub(super) async fn answer(
    core: &Core,
    peer: PeerId,
    request: &FullSyncRequest,
    rights: &TopicRights,
    taken: &AtomicU64,
) -> Result<()> {
    let tables = match core.rows.as_deref() {
        Some(source) => RowSource::tables(source).await.map_err(|error| error.to_string()),
        None => Err(NO_SOURCE.to_owned()),
    };
    let id = request.id;
    let tables = match tables {
        Ok(tables) => tables,
        Err(reason) => {
            core.metrics.rows_unavailable.add(1);
            return put(core, peer, &mut head(FullSyncReply::Unavailable { id, reason })?).await;
        }
    };
    let count = match rights.is_all() {
        true => tables.iter().map(|(_, entries)| entries.len()).sum(),
        false => request.rows(&tables, rights).count(),
    };
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    let mut batch = head(FullSyncReply::Rows { id, count })?;
    for row in request.rows(&tables, rights) {
        batch.push(row.pack()?);
        let bytes = batch.payload_bytes();
        if bytes >= CHUNK_BYTES {
            put(core, peer, &mut batch).await?;
            taken.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
    put(core, peer, &mut batch).await?;
    core.metrics.full_syncs.add(1);
    core.metrics.full_sync_rows.add(count);
    Ok(())
}

/// Refuses a request for now. If the refusal cannot be sent at once, the subscriber's deadline replaces it.
pub(super) fn say_busy(core: &Core, requests: &dyn Requests, peer: PeerId, request: &FullSyncRequest) {
    core.metrics.busy.add(1);
    let answer = FullSyncReply::Unavailable { id: request.id, reason: BUSY.to_owned() };
    let is_put = |mut batch| matches!(requests.answer(peer, &mut batch).now_or_never(), Some(Ok(())));
    if !head(answer).is_ok_and(is_put) {
        core.metrics.unanswered.add(1);
    }
}

fn head(answer: FullSyncReply) -> Result<Batch> {
    let mut batch = Batch::new();
    batch.push(answer.pack()?);
    Ok(batch)
}
