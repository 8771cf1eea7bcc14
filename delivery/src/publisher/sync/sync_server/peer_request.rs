use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use pubsub_api::wire::WireError;
use pubsub_api::{Request, Topic, TopicRights};

use crate::publisher::core::Core;
use crate::publisher::sync::sync_queue::Supersedes;
use crate::{AppliedReport, FullSyncRequest, SyncItem, SyncRequest};

/// A request of a subscriber.
#[derive(Debug)]
pub(super) enum PeerRequest {
    /// The missing events of topics.
    Behind(SyncRequest),
    /// All rows of the database that a subscriber with these rights may receive.
    Rows(FullSyncRequest, TopicRights),
    /// How far an agent has applied events. It gets no reply.
    Applied(AppliedReport),
}

impl PeerRequest {
    fn read(request: &Request) -> Result<Self, WireError> {
        if let Some(report) = AppliedReport::read(&request.envelope)? {
            return Ok(Self::Applied(report));
        }
        match FullSyncRequest::read(&request.envelope)? {
            Some(rows) => Ok(Self::Rows(rows, request.rights.clone())),
            None => SyncRequest::read(&request.envelope).map(Self::Behind),
        }
    }

    /// Takes the topics out that the subscriber has no right to: a request for them alone, if there are any.
    pub(super) fn take_refused(&mut self, rights: &TopicRights) -> Option<SyncRequest> {
        let Self::Behind(request) = self else { return None };
        let is_refused = |item: &mut SyncItem| !rights.allows(&item.topic);
        let items: Vec<SyncItem> = request.items.extract_if(.., is_refused).collect();
        (!items.is_empty()).then_some(SyncRequest { id: request.id, items })
    }

    /// Whether nothing is left to be answered.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Behind(request) if request.items.is_empty())
    }
}

/// Reads a request; a malformed one is counted, logged at a limited rate, and ignored.
pub(super) fn read(core: &Core, request: &Request) -> Option<PeerRequest> {
    match PeerRequest::read(request) {
        Ok(request) => {
            core.metrics.requests.add(u64::from(!matches!(request, PeerRequest::Applied(_))));
            Some(request)
        }
        Err(error) => {
            core.metrics.requests.add(1);
            if let Some(times) = core.metrics.bad_requests.count(error.cause(), Instant::now()) {
                tracing::warn!(
                    id = "SK0308",
                    cause = error.cause(),
                    times,
                    "ignored a malformed SYNC request of {}: {error}",
                    request.name
                );
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
            (PeerRequest::Rows(later, _), PeerRequest::Rows(earlier, _)) => later.topics == earlier.topics,
            _ => false,
        }
    }
}
