use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pubsub_api::{Backoff, Notice, PublisherEpoch};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::connection::{End, SubConnection};
use super::link_state::{LinkState, Phase};
use super::queue::{Abandoned, Item};
use super::subscriber_state::SubscriberState;
use crate::connect::{ConnectError, Connected, LoggedOnce};
use crate::protocol::SocketType;

/// The link to one publisher: connects, carries events, and starts over when the connection breaks.
pub(super) struct SubLink {
    publisher: String,
    /// A host and a port.
    address: String,
    shared: Arc<SubscriberState>,
    state: Arc<LinkState>,
    /// Of a link to one address of a name: notified when a connection is made or lost.
    of_name: Option<Arc<Notify>>,
    /// Since when there is no connection.
    down_since: Instant,
    /// A connection stood.
    has_stood: bool,
    /// The publisher of the last hello.
    heard: Option<u64>,
}

/// How a connection ended.
enum Served {
    Broken {
        /// A hello came.
        proved: bool,
    },
    /// The publisher stopped, and asked for this time before the next connection.
    Stopped(Duration),
    /// It led to a publisher that is heard over another link.
    SamePublisher(PublisherEpoch),
}

/// How long an address that leads to the publisher of another link is left alone while that link stands.
const SAME_PUBLISHER_RETRY: Duration = Duration::from_secs(60);

impl SubLink {
    /// To a publisher that was registered.
    pub(super) fn new(publisher: &str, shared: &Arc<SubscriberState>, state: &Arc<LinkState>) -> Self {
        let (shared, state) = (Arc::clone(shared), Arc::clone(state));
        Self {
            publisher: publisher.to_owned(),
            address: publisher.strip_prefix("tcp://").unwrap_or(publisher).to_owned(),
            shared,
            state,
            of_name: None,
            down_since: Instant::now(),
            has_stood: false,
            heard: None,
        }
    }

    /// To one address of a name.
    pub(super) fn of_name(self, address: String, name: &Arc<Notify>) -> Self {
        Self { address, of_name: Some(Arc::clone(name)), ..self }
    }

    /// Runs until it is aborted, or the link is not needed any more.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        let mut logged = LoggedOnce::default();
        loop {
            match self.shared.connect(&self.publisher, &self.address, SocketType::Sub).await {
                Ok(connected) => {
                    logged.forget();
                    self.state.connected_to(connected.stream.peer_addr().ok());
                    let Ok(served) = self.serve(connected).await else { return };
                    match served {
                        Served::Broken { proved: false } => {}
                        Served::Broken { proved: true } => backoff.reset(),
                        Served::Stopped(retry_after) => {
                            backoff.reset();
                            sleep(retry_after).await;
                        }
                        Served::SamePublisher(epoch) => {
                            backoff.reset();
                            if timeout(SAME_PUBLISHER_RETRY, self.shared.heard_publishers.unheard(epoch))
                                .await
                                .is_ok()
                            {
                                self.state.set(Phase::Connecting);
                            }
                        }
                    }
                    self.down_since = Instant::now();
                }
                Err(reason) => {
                    self.report(&reason, &mut logged);
                    if self.report_unreachable(&reason).await.is_err() {
                        return;
                    }
                }
            }
            sleep(backoff.next_delay(fastrand::f64())).await;
        }
    }

    /// A publisher that cannot be reached for longer than one attempt and a silence may take is reported once: in the log, the
    /// status and, if it never could be, as [`Notice::Stale`]; a lost link was reported when it was lost. An address of a name
    /// where no publisher is missed is no failure: a host may have addresses at which its publisher does not listen.
    async fn report_unreachable(&self, reason: &ConnectError) -> Result<(), Abandoned> {
        let settings = &self.shared.settings;
        let patience = settings.handshake_timeout + settings.dead_after;
        let phase = if self.is_missed() { Phase::Unreachable } else { Phase::Unanswered };
        if self.state.is(&phase) || self.down_since.elapsed() < patience {
            return Ok(());
        }
        let publisher = &self.publisher;
        let follows = match phase {
            Phase::Unanswered => "no publisher is missed there; ",
            _ => "",
        };
        tracing::warn!(
            id = "SK0502",
            "{publisher} has not answered for {patience:?}: {reason}; {follows}connecting is retried"
        );
        self.state.set(phase);
        if self.has_stood || self.of_name.is_some() {
            return Ok(());
        }
        let reason = format!("the publisher has not answered for {patience:?}: {reason}");
        let stale = Item::Notice(Notice::Stale { publisher: publisher.clone(), reason });
        self.shared.queue.put(&self.state, VecDeque::from([stale])).await
    }

    /// Whether a publisher is expected here that is heard nowhere else.
    fn is_missed(&self) -> bool {
        match self.heard {
            _ if self.of_name.is_none() => true,
            Some(publisher) => !self.shared.heard_publishers.hear_publisher(publisher),
            None => self.has_stood,
        }
    }

    /// Carries one connection's events until it ends.
    async fn serve(&mut self, connected: Connected<TcpStream>) -> Result<Served, Abandoned> {
        let (shared, state) = (Arc::clone(&self.shared), Arc::clone(&self.state));
        let publisher = self.publisher.clone();
        let hearing = shared.heard_publishers.hearing(&publisher);
        self.notify_name();
        let yields = self.of_name.is_some();
        let mut connection = SubConnection::new(&publisher, connected, &shared, &state, &hearing, yields);
        let end = connection.run().await;
        self.heard = connection.epoch().map(|epoch| epoch.publisher).or(self.heard);
        let (is_held, proved) = (connection.is_held(), connection.is_proved());
        let retry_after = connection.retry_after();
        // The connection is closed before the application has read what came over it.
        let received = connection.into_received();
        match end {
            End::Abandoned => Err(Abandoned),
            End::Broken(reason) => {
                state.set(Phase::Connecting);
                shared.counters.links_lost.add(1);
                self.has_stood = true;
                self.notify_name();
                let Some(retry_after) = retry_after else {
                    tracing::warn!(id = "SK0501", "lost {publisher}: {reason}");
                    self.down(received, reason).await?;
                    return Ok(Served::Broken { proved });
                };
                tracing::info!(
                    id = "SK0504",
                    "{publisher} stopped; connecting again after {retry_after:?}, as it asked"
                );
                let reason = format!("the publisher stopped; connecting again after {retry_after:?}");
                self.down(received, reason).await?;
                Ok(Served::Stopped(retry_after))
            }
            End::SamePublisher(epoch, other) => {
                self.note_same_publisher(&other);
                if !is_held {
                    self.down(received, format!("it leads to the same publisher as {other}")).await?;
                }
                Ok(Served::SamePublisher(epoch))
            }
        }
    }

    fn note_same_publisher(&self, other: &str) {
        let phase = Phase::SamePublisher(other.to_owned());
        if !self.state.is(&phase) {
            tracing::info!(
                id = "SK0507",
                "{} leads to the same publisher as {other}, which is followed there",
                self.publisher
            );
        }
        self.state.set(phase);
    }

    fn notify_name(&self) {
        if let Some(name) = &self.of_name {
            name.notify_one();
        }
    }

    /// Delivers what came over a connection, and that it is gone.
    async fn down(&self, mut received: VecDeque<Item>, reason: String) -> Result<(), Abandoned> {
        received.push_back(Item::Notice(Notice::LinkDown { publisher: self.publisher.clone(), reason }));
        self.shared.queue.put(&self.state, received).await
    }

    fn report(&self, reason: &ConnectError, logged: &mut LoggedOnce) {
        if let Some(cause) = reason.refusal() {
            self.shared.counters.refused.count(cause, Instant::now());
        }
        let Some(text) = logged.unlogged(reason) else { return };
        match reason {
            ConnectError::Refused(_) => {
                tracing::warn!(
                    id = "SK0505",
                    "{} is not a compatible publisher: {text}; connecting is retried",
                    self.publisher
                );
            }
            reason if reason.refusal().is_some() => {
                tracing::warn!(
                    id = "SK0506",
                    "{} is not connected: {text}; connecting is retried",
                    self.publisher
                );
            }
            _ => tracing::info!(id = "SK0503", "cannot reach {} yet: {text}", self.publisher),
        }
    }
}
