use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use pubsub_api::{Backoff, Notice};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::sub_connection::{End, SubConnection};
use super::sub_queue::{Abandoned, Item};
use super::sub_shared::{LinkState, Phase, Shared};
use crate::connect::{self, ConnectError, Connected, ToldOnce};
use crate::protocol::SocketType;

/// The link to one publisher: connects, carries events, and starts over when the connection breaks.
pub(super) struct SubLink {
    publisher: String,
    shared: Arc<Shared>,
    state: Arc<LinkState>,
    /// Since when there is no connection.
    down_since: Instant,
    /// A connection stood.
    has_stood: bool,
}

impl SubLink {
    pub(super) fn new(publisher: &str, shared: &Arc<Shared>, state: &Arc<LinkState>) -> Self {
        let (shared, state) = (Arc::clone(shared), Arc::clone(state));
        Self { publisher: publisher.to_owned(), shared, state, down_since: Instant::now(), has_stood: false }
    }

    /// Runs until it is aborted, or nobody wants it any more.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        let mut told = ToldOnce::default();
        let address = self.publisher.strip_prefix("tcp://").unwrap_or(&self.publisher).to_owned();
        loop {
            match connect::tcp(&address, SocketType::Sub, &self.shared.settings).await {
                Ok(mut connected) => {
                    told.forget();
                    self.note_place(&mut connected);
                    let connection =
                        SubConnection::new(&self.publisher, connected, &self.shared, &self.state);
                    let Ok(proved) = self.serve(connection).await else { return };
                    (self.down_since, self.has_stood) = (Instant::now(), true);
                    if proved {
                        backoff.reset();
                    }
                }
                Err(reason) => {
                    self.tell(&reason, &mut told);
                    if self.report_unreachable(&reason).await.is_err() {
                        return;
                    }
                }
            }
            sleep(backoff.next_delay(fastrand::f64())).await;
        }
    }

    /// A publisher that cannot be reached for longer than one attempt and a silence may take is reported once: in the log, the
    /// status and, if it never could be, as [`Notice::Stale`]; a lost link was reported when it was lost.
    async fn report_unreachable(&self, reason: &ConnectError) -> Result<(), Abandoned> {
        let settings = &self.shared.settings;
        let patience = settings.handshake_timeout + settings.dead_after;
        if self.state.is(Phase::Unreachable) || self.down_since.elapsed() < patience {
            return Ok(());
        }
        self.state.set(Phase::Unreachable);
        let publisher = &self.publisher;
        tracing::warn!("{publisher} has not answered for {patience:?}: {reason}; connecting is retried");
        if self.has_stood {
            return Ok(());
        }
        let reason = format!("the publisher has not answered for {patience:?}: {reason}");
        let stale = Item::Notice(Notice::Stale { publisher: publisher.clone(), reason });
        self.deliver(VecDeque::from([stale])).await
    }

    /// Carries one connection's events until it ends; whether a hello came.
    async fn serve(&self, mut connection: SubConnection<'_>) -> Result<bool, Abandoned> {
        self.state.set(Phase::Up);
        let end = connection.run().await;
        self.state.set(Phase::Connecting);
        let End::Broken(reason) = end else { return Err(Abandoned) };
        self.shared.counters.links_lost.add(1);
        let publisher = self.publisher.clone();
        tracing::warn!("lost {publisher}: {reason}");
        let proved = connection.is_proved();
        // The connection is closed before the application has read what came over it.
        let mut received = connection.into_received();
        received.push_back(Item::Notice(Notice::LinkDown { publisher, reason }));
        self.deliver(received).await?;
        Ok(proved)
    }

    async fn deliver(&self, mut items: VecDeque<Item>) -> Result<(), Abandoned> {
        loop {
            self.shared.queue.offer(&self.state, &mut items)?;
            if items.is_empty() {
                return Ok(());
            }
            self.shared.queue.room().await;
        }
    }

    /// A name with several addresses may stand for several publishers, of which one connection follows one.
    fn note_place(&self, connected: &mut Connected<TcpStream>) {
        let others = std::mem::take(&mut connected.others);
        let listed = format!("{others:?}");
        if self.state.connected_to(connected.stream.peer_addr().ok(), others) {
            tracing::warn!(
                "{} has several addresses, and one of them is followed; events of other publishers at {listed} are \
                 not received: name each publisher in publishers_ips",
                self.publisher
            );
        }
    }

    fn tell(&self, reason: &ConnectError, told: &mut ToldOnce) {
        if let Some(cause) = reason.refusal() {
            self.shared.counters.refused.count(cause, Instant::now());
        }
        let Some(text) = told.untold(reason) else { return };
        match reason {
            ConnectError::Refused(_) => {
                tracing::warn!("cannot follow {}: {text}; connecting is retried", self.publisher);
            }
            _ => tracing::info!("cannot reach {} yet: {text}", self.publisher),
        }
    }
}
