use std::sync::Arc;
use std::time::Instant;

use pubsub_api::{Backoff, Envelope};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::sub_ask_connection::{AskConnection, End};
use super::sub_requests::Requests;
use super::sub_shared::{LinkState, Shared};
use crate::connect::{self, ConnectError};
use crate::protocol::{ProtocolError, SocketType};

/// The way to ask one publisher: its requests, and the task that connects when there are some. Dropping it ends both.
#[derive(Debug)]
pub(super) struct AskLink {
    endpoint: Arc<str>,
    requests: Arc<Requests>,
    task: JoinHandle<()>,
}

impl AskLink {
    /// Starts the task, which connects at the first request.
    pub(super) fn start(endpoint: &str, shared: &Arc<Shared>, link: &Arc<LinkState>) -> Self {
        let (endpoint, requests) = (Arc::from(endpoint), Arc::default());
        let task = Task {
            endpoint: Arc::clone(&endpoint),
            requests: Arc::clone(&requests),
            shared: Arc::clone(shared),
            link: Arc::clone(link),
        };
        Self { endpoint, requests, task: tokio::spawn(task.run()) }
    }

    /// Asks; `false` if so much waits already that there is no room.
    pub(super) fn ask(&self, request: Envelope) -> bool {
        self.requests.add(request, Instant::now())
    }

    /// The address was taken away: what is owed will not come.
    pub(super) fn leave(&self, shared: &Shared) {
        if self.requests.lose() {
            shared.asking.lost.add(1);
            shared.asking.replies.lose(&self.endpoint, "the address was unregistered".to_owned());
        }
    }

    /// How many requests wait, and how many may.
    pub(super) fn waiting(&self) -> (usize, usize) {
        self.requests.read()
    }
}

impl Drop for AskLink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Task {
    endpoint: Arc<str>,
    requests: Arc<Requests>,
    shared: Arc<Shared>,
    link: Arc<LinkState>,
}

impl Task {
    /// Runs until it is aborted, or nobody wants it any more.
    async fn run(self) {
        let mut backoff = Backoff::default();
        let address = self.endpoint.strip_prefix("tcp://").unwrap_or(&self.endpoint);
        loop {
            self.requests.some().await;
            let reason = match connect::tcp(address, SocketType::Dealer, &self.shared.settings).await {
                Ok(connected) => {
                    let mut connection = AskConnection::new(
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
                Err(ConnectError::Refused(
                    reason @ (ProtocolError::WrongSocketType | ProtocolError::RefusedByPeer),
                )) => {
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

    /// A PUB that has no place for a DEALER says so in its handshake: `zmq_pubsub_driver`, libzmq.
    fn refuse(&self, reason: String) {
        if self.requests.lose() {
            tracing::info!("{} takes no requests: {reason}", self.endpoint);
            self.shared.asking.lost.add(1);
            self.shared.asking.replies.refuse(&self.endpoint, reason);
        }
    }

    fn lose(&self, reason: String) {
        if self.requests.lose() {
            tracing::info!("{} will not answer what it was asked: {reason}", self.endpoint);
            self.shared.asking.lost.add(1);
            self.shared.asking.replies.lose(&self.endpoint, reason);
        }
    }
}
