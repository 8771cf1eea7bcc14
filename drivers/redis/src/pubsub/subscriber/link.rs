use std::sync::Arc;
use std::time::Duration;

use pubsub_api::Backoff;
use tokio::time::sleep;

use super::link_session::LinkSession;
use super::recipient::Recipient;
use crate::pubsub::nodes::Nodes;

/// The connection of a subscriber: connects to a random master, serves the connection until it ends, and connects again.
pub(super) struct SubLink {
    pub(super) nodes: Arc<Nodes>,
    pub(super) dead_after: Duration,
    pub(super) recipient: Recipient,
}

impl SubLink {
    /// Runs until it is aborted, or the queue has no reader.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        let (mut last, mut last_failure) = (None, String::new());
        // Why events may be missing at the next `Subscribed`.
        let mut missed = None;
        loop {
            match self.nodes.connect(last.as_ref()).await {
                Ok(connection) => {
                    last_failure.clear();
                    self.recipient.counters.connected.add(1);
                    let endpoint = connection.endpoint().clone();
                    let session =
                        LinkSession::new(&mut self.recipient, connection, self.dead_after, missed.take());
                    let served = session.run(&self.nodes).await;
                    let Ok(end) = served else { return };
                    if end.was_settled {
                        backoff.reset();
                    }
                    missed = Some(end.reason);
                    last = Some(endpoint);
                }
                Err(error) => {
                    let failure = error.to_string();
                    if failure != last_failure {
                        tracing::warn!(id = "SK0904", "cannot subscribe, retrying: {failure}");
                        last_failure = failure;
                    }
                }
            }
            sleep(backoff.next_delay(fastrand::f64())).await;
        }
    }
}
