use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use pubsub_api::wire::WireError;
use pubsub_api::{Envelope, Topic};

use crate::publisher::core::Core;
use crate::publisher::sync::sync_queue::Supersedes;
use crate::{FullSyncRequest, SyncRequest};

/// A request of a subscriber.
#[derive(Debug)]
pub(super) enum PeerRequest {
    /// The missing events of topics.
    Behind(SyncRequest),
    /// All rows of the database.
    Rows(FullSyncRequest),
}

impl PeerRequest {
    fn read(envelope: &Envelope) -> Result<Self, WireError> {
        match FullSyncRequest::read(envelope)? {
            Some(request) => Ok(Self::Rows(request)),
            None => SyncRequest::read(envelope).map(Self::Behind),
        }
    }
}

/// Reads a request; a malformed one is counted, logged at a limited rate, and ignored.
pub(super) fn read(core: &Core, envelope: &Envelope) -> Option<PeerRequest> {
    core.metrics.requests.add(1);
    match PeerRequest::read(envelope) {
        Ok(request) => Some(request),
        Err(error) => {
            if let Some(times) = core.metrics.bad_requests.count(error.cause(), Instant::now()) {
                tracing::warn!(cause = error.cause(), times, "ignored a malformed SYNC request: {error}");
            }
            None
        }
    }
}

impl Supersedes for Arc<PeerRequest> {
    fn supersedes(&self, earlier: &Self) -> bool {
        match (&**self, &**earlier) {
            (PeerRequest::Behind(later), PeerRequest::Behind(earlier)) => {
                let later: HashSet<&Topic> = later.items.iter().map(|item| &item.topic).collect();
                earlier.items.iter().all(|item| later.contains(&item.topic))
            }
            (PeerRequest::Rows(later), PeerRequest::Rows(earlier)) => later.topics == earlier.topics,
            _ => false,
        }
    }
}
