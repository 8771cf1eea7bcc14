use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::time::{Duration, Instant};

use pubsub_api::hello::HELLO_INTERVAL;
use pubsub_api::{Notice, PublisherEpoch};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Interval, sleep_until};

use super::heard_publishers::HeardOverLink;
use super::inbound::Inbound;
use super::link_state::{LinkState, Phase};
use super::peer_connection::PeerConnection;
use super::queue::{Abandoned, Item};
use super::sent_subscriptions::SentSubscriptions;
use super::subscriber_state::SubscriberState;
use crate::connect::Connected;

/// One connection to a publisher, from its handshake to its end.
pub(crate) struct SubConnection<'a> {
    shared: &'a SubscriberState,
    link: &'a LinkState,
    hearing: &'a HeardOverLink<'a>,
    /// Whether it ends if another link leads to the same publisher. Until that is known, for as long as a hello may take, it
    /// holds back what it receives: so nothing is received twice.
    yields: bool,
    holds_until: Option<Instant>,
    /// The first epoch whose hello came.
    epoch: Option<PublisherEpoch>,
    peer: PeerConnection,
    sent: SentSubscriptions,
    /// When something is to be taken back.
    cancel_at: Option<Instant>,
    wanted: watch::Receiver<()>,
}

/// How a connection ended.
pub(crate) enum End {
    /// It is not needed any more.
    Abandoned,
    /// It leads to an epoch of a publisher that is heard over this other link.
    SamePublisher(PublisherEpoch, String),
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

/// A publisher cannot keep an agent away for longer than this by asking it to wait: 60,000 agents at the default of
/// `reconnects_per_second`.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Within this time a publisher that sends hellos has sent two.
const HOLD: Duration = HELLO_INTERVAL.saturating_mul(2);

/// Above this, in blocks and notices and in bytes, it holds nothing back.
const MAX_HELD_ITEMS: usize = 64;
const MAX_HELD_BYTES: usize = 4 * 1024 * 1024;

impl<'a> SubConnection<'a> {
    pub(crate) fn new(
        publisher: &str,
        connected: Connected<TcpStream>,
        shared: &'a SubscriberState,
        link: &'a LinkState,
        hearing: &'a HeardOverLink<'a>,
        yields: bool,
    ) -> Self {
        let Connected { stream, peer, session, arrived } = connected;
        let sent = SentSubscriptions::new(peer);
        let inbound = Inbound::new(publisher, if session.is_some() { b"" } else { &arrived });
        let peer = PeerConnection::new(stream, peer, inbound, &shared.settings);
        let mut peer = peer.sealed(session, &arrived);
        peer.received.push_back(Item::Notice(Notice::LinkUp { publisher: publisher.to_owned() }));
        let mut connection = Self {
            shared,
            link,
            hearing,
            yields,
            holds_until: yields.then(|| Instant::now() + HOLD),
            epoch: None,
            peer,
            sent,
            cancel_at: None,
            wanted: shared.wanted.watch(),
        };
        if !yields {
            link.set(Phase::Up);
        }
        connection.place();
        connection
    }

    /// The first epoch whose hello came.
    pub(crate) fn epoch(&self) -> Option<PublisherEpoch> {
        self.epoch
    }

    /// Whether nothing of it is in the queue yet.
    pub(crate) fn is_held(&self) -> bool {
        self.holds_until.is_some()
    }

    /// Whether a hello came.
    pub(crate) fn is_proved(&self) -> bool {
        self.peer.inbound.is_proved()
    }

    /// How long the publisher, which stops, asks this link to wait before it connects again.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.peer.retry_after.map(|time| time.min(LONGEST_RETRY_AFTER))
    }

    /// What was received and is not yet in the queue.
    pub(crate) fn into_received(self) -> VecDeque<Item> {
        self.peer.received
    }

    /// Carries events until the connection ends.
    pub(crate) async fn run(&mut self) -> End {
        match self.carry().await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn carry(&mut self) -> Result<Infallible, End> {
        let mut ticks = self.peer.ticks();
        self.hear()?;
        loop {
            if !self.is_held() {
                self.shared.queue.offer(self.link, &mut self.peer.received)?;
            }
            let reads = self.reads();
            self.peer.liveness.reading(reads, Instant::now());
            self.step(reads, &mut ticks).await?;
        }
    }

    fn reads(&self) -> bool {
        self.peer.received.is_empty() || self.is_held()
    }

    fn holds_too_much(&self) -> bool {
        let bytes = self.peer.received.iter().map(|item| match item {
            Item::Events(chunk) => chunk.bytes(),
            Item::Notice(_) => 0,
        });
        self.peer.received.len() > MAX_HELD_ITEMS || bytes.sum::<usize>() > MAX_HELD_BYTES
    }

    /// What is held back, and all that follows, is for the queue.
    fn release(&mut self) {
        self.holds_until = None;
        self.link.set(Phase::Up);
    }

    /// Waits for the next thing to do, and does it.
    async fn step(&mut self, reads: bool, ticks: &mut Interval) -> Result<(), End> {
        let writes = self.peer.writes();
        tokio::select! {
            () = self.shared.queue.room(), if !reads => Ok(()),
            () = at(self.holds_until) => {
                self.release();
                Ok(())
            }
            ready = self.peer.stream.readable(), if reads => {
                ready.map_err(End::broken)?;
                self.read()
            }
            ready = self.peer.stream.writable(), if writes => {
                ready.map_err(End::broken)?;
                self.peer.write().map_err(End::Broken)
            }
            // Changes add up while something waits to be written: what is taken back meanwhile is never asked for.
            changed = self.wanted.changed(), if !writes => {
                changed.map_err(|_| End::Abandoned)?;
                self.place();
                Ok(())
            }
            () = at(self.cancel_at), if !writes => {
                self.place();
                Ok(())
            }
            _ = ticks.tick() => self.look_at_the_clock(),
        }
    }

    fn place(&mut self) {
        self.wanted.mark_unchanged();
        self.cancel_at = self.sent.place(&self.shared.wanted.read(), Instant::now(), &mut self.peer.out);
    }

    fn read(&mut self) -> Result<(), End> {
        if self.peer.read().map_err(End::Broken)? { self.hear() } else { Ok(()) }
    }

    fn hear(&mut self) -> Result<(), End> {
        if self.peer.decode(&self.shared.counters).map_err(End::Broken)? {
            self.peer.liveness.published(Instant::now());
        }
        self.note_epochs()?;
        if self.is_held() && (self.peer.inbound.is_proved() || self.holds_too_much()) {
            self.release();
        }
        if self.peer.inbound.is_proved() {
            self.peer.liveness.proved();
            self.link.set(Phase::Subscribed);
        }
        Ok(())
    }

    /// The first hello decides whether the connection ends: behind a proxy there may be more publishers than over another
    /// link.
    fn note_epochs(&mut self) -> Result<(), End> {
        for epoch in self.peer.inbound.new_epochs() {
            let is_first = self.epoch.replace(self.epoch.unwrap_or(epoch)).is_none();
            if !self.yields || !is_first {
                self.hearing.hear(epoch);
            } else if let Some(other) = self.hearing.hear_unless_heard(epoch) {
                return Err(End::SamePublisher(epoch, other));
            }
        }
        Ok(())
    }

    /// What has arrived is read first: if this process was stopped or suspended, the silence was ours.
    fn look_at_the_clock(&mut self) -> Result<(), End> {
        if self.reads() {
            self.read()?;
        }
        self.peer.check_liveness(Instant::now()).map_err(End::Broken)
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time.into()).await,
        None => pending().await,
    }
}
