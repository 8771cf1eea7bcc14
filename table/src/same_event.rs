use std::sync::Arc;

use pubsub_api::Event;

/// An event that is equal only to itself: any other event of the same row is a change.
#[derive(Debug, Clone)]
pub(crate) struct SameEvent(pub(crate) Arc<Event>);

impl PartialEq for SameEvent {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
