//! Events, from publishers to subscribers.

use pubsub_api::Envelope;
use tokio::time::Instant;

use super::State;

impl State {
    /// Offers an event to every linked subscriber that wants it, with the faults of each direction.
    pub(crate) fn publish(&mut self, id: u64, envelope: &Envelope) {
        let now = Instant::now();
        for subscriber_id in self.linked_to(id) {
            let Some(publisher) = self.publishers.get_mut(&id) else { return };
            let Some(subscriber) = self.subscribers.get_mut(&subscriber_id) else { continue };
            if !subscriber.wants(envelope) {
                continue;
            }
            for fate in self.plan.draw(&publisher.name, &subscriber.name) {
                subscriber.offer(publisher.due(subscriber_id, now, fate), envelope.clone());
            }
        }
    }
}
