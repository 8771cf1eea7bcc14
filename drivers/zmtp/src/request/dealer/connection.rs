use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use tokio::net::TcpStream;
use tokio::time::Interval;

use super::pending_requests::{PendingRequests, REST_AFTER, Rest};
use crate::connect::Connected;
use crate::subscriber::sub::inbound::Inbound;
use crate::subscriber::sub::link_state::LinkState;
use crate::subscriber::sub::peer_connection::PeerConnection;
use crate::subscriber::sub::queue::Abandoned;
use crate::subscriber::sub::subscriber_state::SubscriberState;

/// One connection for requests, a DEALER's, from its handshake to its end.
pub(crate) struct RequestConnection<'a> {
    endpoint: &'a Arc<str>,
    shared: &'a SubscriberState,
    link: &'a LinkState,
    requests: &'a PendingRequests,
    peer: PeerConnection,
    /// Something was answered.
    proved: bool,
}

/// How a connection ended.
pub(crate) enum End {
    /// It is not needed any more.
    Abandoned,
    /// It had nothing to do.
    Rested,
    /// It broke, and why.
    Broken(String),
}

impl From<Abandoned> for End {
    fn from(_: Abandoned) -> Self {
        Self::Abandoned
    }
}

impl End {
    fn broken(reason: impl ToString) -> Self {
        Self::Broken(reason.to_string())
    }
}

impl<'a> RequestConnection<'a> {
    pub(crate) fn new(
        endpoint: &'a Arc<str>,
        connected: Connected<TcpStream>,
        shared: &'a SubscriberState,
        link: &'a LinkState,
        requests: &'a PendingRequests,
    ) -> Self {
        let Connected { stream, peer, session, arrived } = connected;
        let inbound = Inbound::of_replies(endpoint, if session.is_some() { b"" } else { &arrived });
        Self {
            endpoint,
            shared,
            link,
            requests,
            peer: PeerConnection::new(stream, peer, inbound, &shared.settings).sealed(session, &arrived),
            proved: false,
        }
    }

    /// Whether something was answered.
    pub(crate) fn is_proved(&self) -> bool {
        self.proved
    }

    /// Carries requests and replies until the connection ends. Replies that arrived before are in the queue then.
    pub(crate) async fn run(&mut self) -> End {
        let Err(end) = self.carry().await;
        if let End::Broken(_) = &end {
            while !self.peer.received.is_empty() {
                if let Err(abandoned) = self.offer() {
                    return abandoned;
                }
                self.shared.requester.replies.room().await;
            }
        }
        end
    }

    async fn carry(&mut self) -> Result<Infallible, End> {
        let mut ticks = self.peer.ticks();
        self.hear()?;
        loop {
            self.offer()?;
            let reads = self.peer.received.is_empty();
            self.peer.liveness.reading(reads, Instant::now());
            self.step(reads, &mut ticks).await?;
        }
    }

    fn offer(&mut self) -> Result<(), End> {
        Ok(self.shared.requester.replies.offer(self.endpoint, self.link, &mut self.peer.received)?)
    }

    /// Waits for the next thing to do, and does it.
    async fn step(&mut self, reads: bool, ticks: &mut Interval) -> Result<(), End> {
        let writes = self.peer.writes();
        tokio::select! {
            () = self.shared.requester.replies.room(), if !reads => Ok(()),
            ready = self.peer.stream.readable(), if reads => {
                ready.map_err(End::broken)?;
                self.read()
            }
            ready = self.peer.stream.writable(), if writes => {
                ready.map_err(End::broken)?;
                self.peer.write().map_err(End::Broken)
            }
            () = self.requests.some(), if !writes => {
                let taken = self.requests.take(&mut self.peer.out);
                self.shared.requester.sent.add(taken);
                self.peer.write().map_err(End::Broken)
            }
            _ = ticks.tick() => self.look_at_the_clock(),
        }
    }

    fn read(&mut self) -> Result<(), End> {
        if self.peer.read().map_err(End::Broken)? { self.hear() } else { Ok(()) }
    }

    fn hear(&mut self) -> Result<(), End> {
        self.peer.decode(&self.shared.requester.counters).map_err(End::Broken)?;
        if !self.peer.received.is_empty() {
            self.proved = true;
            self.requests.answered(Instant::now());
        }
        Ok(())
    }

    /// What has arrived is read first: if this process was stopped or suspended, the silence was ours.
    fn look_at_the_clock(&mut self) -> Result<(), End> {
        if self.peer.received.is_empty() {
            self.read()?;
        }
        let now = Instant::now();
        self.peer.check_liveness(now).map_err(End::Broken)?;
        if !self.peer.received.is_empty() {
            return Ok(());
        }
        match self.requests.rest(now) {
            Rest::NotYet => Ok(()),
            Rest::Done => Err(End::Rested),
            Rest::Owed => Err(End::Broken(format!("no reply within {REST_AFTER:?}"))),
        }
    }
}
