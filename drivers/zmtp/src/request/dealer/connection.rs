use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use tokio::net::TcpStream;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::pending_requests::{PendingRequests, REST_AFTER, Rest};
use crate::connect::Connected;
use crate::protocol::Command;
use crate::subscriber::sub::connection::MAX_UNWRITTEN_BYTES;
use crate::subscriber::sub::inbound::Inbound;
use crate::subscriber::sub::link_state::LinkState;
use crate::subscriber::sub::publisher_liveness::{PublisherLiveness, Verdict};
use crate::subscriber::sub::queue::{Abandoned, Item};
use crate::subscriber::sub::subscriber_state::SubscriberState;

/// One connection for requests, a DEALER's, from its handshake to its end.
pub(crate) struct RequestConnection<'a> {
    endpoint: &'a Arc<str>,
    shared: &'a SubscriberState,
    link: &'a LinkState,
    requests: &'a PendingRequests,
    stream: TcpStream,
    inbound: Inbound,
    /// Received, and not yet in the queue. As long as there is something, nothing more is read.
    received: VecDeque<Item>,
    /// To be written: requests, PINGs and PONGs.
    out: Vec<u8>,
    liveness: PublisherLiveness,
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
        let Connected { stream, peer, arrived, .. } = connected;
        let (beat, dead_after) = (shared.settings.heartbeat_interval, shared.settings.dead_after);
        Self {
            endpoint,
            shared,
            link,
            requests,
            stream,
            inbound: Inbound::of_replies(endpoint, &arrived),
            received: VecDeque::new(),
            out: Vec::new(),
            liveness: PublisherLiveness::new(beat, dead_after, peer.speaks_3_1(), Instant::now()),
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
            while !self.received.is_empty() {
                if let Err(abandoned) = self.offer() {
                    return abandoned;
                }
                self.shared.requester.replies.room().await;
            }
        }
        end
    }

    async fn carry(&mut self) -> Result<Infallible, End> {
        let mut ticks = interval(self.liveness.tick_every());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.hear()?;
        loop {
            self.offer()?;
            let reads = self.received.is_empty();
            self.liveness.reading(reads, Instant::now());
            self.step(reads, &mut ticks).await?;
        }
    }

    fn offer(&mut self) -> Result<(), End> {
        Ok(self.shared.requester.replies.offer(self.endpoint, self.link, &mut self.received)?)
    }

    /// Waits for the next thing to do, and does it.
    async fn step(&mut self, reads: bool, ticks: &mut Interval) -> Result<(), End> {
        let writes = !self.out.is_empty();
        tokio::select! {
            () = self.shared.requester.replies.room(), if !reads => Ok(()),
            ready = self.stream.readable(), if reads => {
                ready.map_err(End::broken)?;
                self.read()
            }
            ready = self.stream.writable(), if writes => {
                ready.map_err(End::broken)?;
                self.write()
            }
            () = self.requests.some(), if !writes => {
                let taken = self.requests.take(&mut self.out);
                self.shared.requester.sent.add(taken);
                self.write()
            }
            _ = ticks.tick() => self.look_at_the_clock(),
        }
    }

    fn read(&mut self) -> Result<(), End> {
        match self.stream.try_read_buf(&mut self.inbound.room()) {
            Ok(0) => Err(End::broken("the publisher closed the connection")),
            Ok(_) => {
                self.liveness.heard(Instant::now());
                self.hear()
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(End::broken(error)),
        }
    }

    fn hear(&mut self) -> Result<(), End> {
        let counters = &self.shared.requester.counters;
        let said = self.inbound.take(&mut self.received, counters).map_err(End::broken)?;
        if !self.received.is_empty() {
            self.proved = true;
            self.requests.answered(Instant::now());
        }
        for (time_to_live, context) in said.pings {
            self.liveness.pinged(time_to_live);
            if self.out.len() < MAX_UNWRITTEN_BYTES {
                Command::put_pong(&mut self.out, context.as_bytes());
            }
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), End> {
        match self.stream.try_write(&self.out) {
            Ok(count) => {
                self.out.drain(..count);
                if self.out.is_empty() {
                    self.liveness.written(Instant::now());
                }
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(End::broken(error)),
        }
    }

    /// What has arrived is read first: if this process was stopped or suspended, the silence was ours.
    fn look_at_the_clock(&mut self) -> Result<(), End> {
        if self.received.is_empty() {
            self.read()?;
        }
        let now = Instant::now();
        match self.liveness.tick(!self.out.is_empty(), now) {
            Verdict::Quiet => {}
            // No time to live: a publisher that sends much receives little from us.
            Verdict::Ping => Command::Ping { ttl: 0, context: b"" }.put(&mut self.out),
            Verdict::Dead => {
                let dead_after = self.shared.settings.dead_after;
                return Err(End::Broken(format!("no sign of life for {dead_after:?} (dead_after)")));
            }
        }
        if !self.received.is_empty() {
            return Ok(());
        }
        match self.requests.rest(now) {
            Rest::NotYet => Ok(()),
            Rest::Done => Err(End::Rested),
            Rest::Owed => Err(End::Broken(format!("no reply within {REST_AFTER:?}"))),
        }
    }
}
