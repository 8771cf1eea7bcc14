use std::sync::Arc;
use std::time::Instant;

use pubsub_api::{Backoff, Envelope};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::connection::{End, RequestConnection};
use super::pending_requests::PendingRequests;
use crate::connect::ConnectError;
use crate::protocol::{ProtocolError, SocketType};
use crate::subscriber::sub::link_state::LinkState;
use crate::subscriber::sub::subscriber_state::SubscriberState;

/// The request link to one publisher: pending requests, and the task that connects when there are some. Dropping it ends both.
#[derive(Debug)]
pub(crate) struct RequestLink {
    endpoint: Arc<str>,
    requests: Arc<PendingRequests>,
    task: JoinHandle<()>,
}

impl RequestLink {
    /// Starts the task, which connects at the first request.
    pub(crate) fn start(endpoint: &str, shared: &Arc<SubscriberState>, link: &Arc<LinkState>) -> Self {
        let (endpoint, requests) = (Arc::from(endpoint), Arc::default());
        let task = Task {
            endpoint: Arc::clone(&endpoint),
            requests: Arc::clone(&requests),
            shared: Arc::clone(shared),
            link: Arc::clone(link),
        };
        Self { endpoint, requests, task: tokio::spawn(task.run()) }
    }

    /// Queues a request; `false` if the queue is full.
    pub(crate) fn ask(&self, request: Envelope) -> bool {
        self.requests.add(request, Instant::now())
    }

    /// The address was unregistered: outstanding replies will not arrive.
    pub(crate) fn leave(&self, shared: &SubscriberState) {
        if self.requests.lose() {
            shared.requester.lost.add(1);
            shared.requester.replies.lose(&self.endpoint, "the address was unregistered".to_owned());
        }
    }

    /// The number of requests that wait, and its bound.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        self.requests.read()
    }
}

impl Drop for RequestLink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Task {
    endpoint: Arc<str>,
    requests: Arc<PendingRequests>,
    shared: Arc<SubscriberState>,
    link: Arc<LinkState>,
}

impl Task {
    /// Runs until it is aborted, or the link is not needed any more.
    async fn run(self) {
        let mut backoff = Backoff::default();
        loop {
            self.requests.some().await;
            let address = self.address();
            let reason = match self.shared.connect(&self.endpoint, &address, SocketType::Dealer).await {
                Ok(connected) => {
                    let mut connection = RequestConnection::new(
                        &self.endpoint,
                        connected,
                        &self.shared,
                        &self.link,
                        &self.requests,
                    );
                    let end = connection.run().await;
                    if connection.is_proved() {
                        backoff.reset();
                    }
                    match end {
                        End::Abandoned => return,
                        End::Rested => continue,
                        End::Broken(reason) => reason,
                    }
                }
                Err(reason) if takes_no_requests(&reason) => {
                    self.refuse(reason.to_string());
                    sleep(backoff.next_delay(fastrand::f64())).await;
                    continue;
                }
                Err(reason) => reason.to_string(),
            };
            self.lose(reason);
            sleep(backoff.next_delay(fastrand::f64())).await;
        }
    }

    /// Where the events come from: a name may lead to another publisher by now.
    fn address(&self) -> String {
        match self.link.address() {
            Some(address) => address.to_string(),
            None => self.endpoint.strip_prefix("tcp://").unwrap_or(&self.endpoint).to_owned(),
        }
    }

    /// A PUB that has no place for a DEALER refuses it in the handshake: `zmq_pubsub_driver`, libzmq.
    fn refuse(&self, reason: String) {
        if self.requests.lose() {
            tracing::info!(id = "SK0511", "{} does not accept requests: {reason}", self.endpoint);
            self.shared.requester.lost.add(1);
            self.shared.requester.replies.refuse(&self.endpoint, reason);
        }
    }

    fn lose(&self, reason: String) {
        if self.requests.lose() {
            tracing::info!(id = "SK0512", "{} will not answer the pending requests: {reason}", self.endpoint);
            self.shared.requester.lost.add(1);
            self.shared.requester.replies.lose(&self.endpoint, reason);
        }
    }
}

/// Whether the peer has no place for a DEALER: it sends an ERROR or the READY of another type, or it greets and then closes
/// silently, as libzmq does (4.3.5), such as a proxy of XSUB and XPUB between the publisher and us.
///
/// With CURVE only a socket type that the peer has proved means that: anybody on the path can close a connection, or send an
/// ERROR, before the peer has proved its key. (A proxy of CURVE that has no place for us is asked again and again.)
fn takes_no_requests(reason: &ConnectError) -> bool {
    matches!(
        reason,
        ConnectError::Refused(ProtocolError::WrongSocketType | ProtocolError::RefusedByPeer)
            | ConnectError::Left { after_its_greeting: true, stage: None }
    )
}

#[cfg(test)]
mod tests {
    use super::{ConnectError, ProtocolError, takes_no_requests};
    use crate::protocol::CurveStage;

    #[test]
    fn nobody_who_has_not_proved_a_key_ends_the_requests_of_an_agent_with_one() {
        let left = |stage| ConnectError::Left { after_its_greeting: true, stage };
        for (reason, wanted) in [
            (left(None), true),
            (left(Some(CurveStage::AwaitsWelcome)), false),
            (left(Some(CurveStage::AwaitsReady)), false),
            (ConnectError::Refused(ProtocolError::WrongSocketType), true),
            (ConnectError::Refused(ProtocolError::RefusedByPeer), true),
            (ConnectError::Refused(ProtocolError::CurveUnexpectedCommand), false),
            (ConnectError::Refused(ProtocolError::CurveKeyRefused), false),
        ] {
            assert_eq!(takes_no_requests(&reason), wanted, "{reason}");
        }
    }
}
