use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::time::{Duration, Instant};

use pubsub_api::hello::HELLO_INTERVAL;
use pubsub_api::{Incarnation, Notice};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep_until};

use super::heard_publishers::HeardOverLink;
use super::inbound::Inbound;
use super::link_state::{LinkState, Phase};
use super::publisher_liveness::{PublisherLiveness, Verdict};
use super::queue::{Abandoned, Item};
use super::sent_subscriptions::SentSubscriptions;
use super::subscriber_state::SubscriberState;
use crate::connect::Connected;
use crate::protocol::Command;

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
    epoch: Option<Incarnation>,
    stream: TcpStream,
    inbound: Inbound,
    /// Received, and not yet in the queue. As long as there is something, nothing more is read.
    received: VecDeque<Item>,
    sent: SentSubscriptions,
    /// When something is to be taken back.
    cancel_at: Option<Instant>,
    /// To be written: subscriptions, PINGs and PONGs.
    out: Vec<u8>,
    liveness: PublisherLiveness,
    wanted: watch::Receiver<()>,
}

/// How a connection ended.
pub(crate) enum End {
    /// It is not needed any more.
    Abandoned,
    /// It leads to an epoch of a publisher that is heard over this other link.
    SamePublisher(Incarnation, String),
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

/// While this number of bytes waits for a publisher that does not read, it gets no further PONG.
pub(crate) const MAX_UNWRITTEN_BYTES: usize = 64 * 1024;

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
        let Connected { stream, peer, arrived, .. } = connected;
        let settings = &shared.settings;
        let (beat, dead_after) = (settings.heartbeat_interval, settings.dead_after);
        let mut connection = Self {
            shared,
            link,
            hearing,
            yields,
            holds_until: yields.then(|| Instant::now() + HOLD),
            epoch: None,
            stream,
            inbound: Inbound::new(publisher, &arrived),
            received: VecDeque::from([Item::Notice(Notice::LinkUp { publisher: publisher.to_owned() })]),
            sent: SentSubscriptions::new(peer),
            cancel_at: None,
            out: Vec::new(),
            liveness: PublisherLiveness::new(beat, dead_after, peer.speaks_3_1(), Instant::now()),
            wanted: shared.wanted.watch(),
        };
        if !yields {
            link.set(Phase::Up);
        }
        connection.place();
        connection
    }

    /// The first epoch whose hello came.
    pub(crate) fn epoch(&self) -> Option<Incarnation> {
        self.epoch
    }

    /// Whether nothing of it is in the queue yet.
    pub(crate) fn is_held(&self) -> bool {
        self.holds_until.is_some()
    }

    /// Whether a hello came.
    pub(crate) fn is_proved(&self) -> bool {
        self.inbound.is_proved()
    }

    /// What was received and is not yet in the queue.
    pub(crate) fn into_received(self) -> VecDeque<Item> {
        self.received
    }

    /// Carries events until the connection ends.
    pub(crate) async fn run(&mut self) -> End {
        match self.carry().await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn carry(&mut self) -> Result<Infallible, End> {
        let mut ticks = interval(self.liveness.tick_every());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.hear()?;
        loop {
            if !self.is_held() {
                self.shared.queue.offer(self.link, &mut self.received)?;
            }
            let reads = self.reads();
            self.liveness.reading(reads, Instant::now());
            self.step(reads, &mut ticks).await?;
        }
    }

    fn reads(&self) -> bool {
        self.received.is_empty() || self.is_held()
    }

    fn holds_too_much(&self) -> bool {
        let bytes = self.received.iter().map(|item| match item {
            Item::Events(chunk) => chunk.bytes(),
            Item::Notice(_) => 0,
        });
        self.received.len() > MAX_HELD_ITEMS || bytes.sum::<usize>() > MAX_HELD_BYTES
    }

    /// What is held back, and all that follows, is for the queue.
    fn release(&mut self) {
        self.holds_until = None;
        self.link.set(Phase::Up);
    }

    /// Waits for the next thing to do, and does it.
    async fn step(&mut self, reads: bool, ticks: &mut Interval) -> Result<(), End> {
        let writes = !self.out.is_empty();
        tokio::select! {
            () = self.shared.queue.room(), if !reads => Ok(()),
            () = at(self.holds_until) => {
                self.release();
                Ok(())
            }
            ready = self.stream.readable(), if reads => {
                ready.map_err(End::broken)?;
                self.read()
            }
            ready = self.stream.writable(), if writes => {
                ready.map_err(End::broken)?;
                self.write()
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
        self.cancel_at = self.sent.place(&self.shared.wanted.read(), Instant::now(), &mut self.out);
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
        let said = self.inbound.take(&mut self.received, &self.shared.counters).map_err(End::broken)?;
        for (time_to_live, context) in said.pings {
            self.liveness.pinged(time_to_live);
            if self.out.len() < MAX_UNWRITTEN_BYTES {
                Command::put_pong(&mut self.out, context.as_bytes());
            }
        }
        if said.of_publisher {
            self.liveness.published(Instant::now());
        }
        self.note_epochs()?;
        if self.is_held() && (self.inbound.is_proved() || self.holds_too_much()) {
            self.release();
        }
        if self.inbound.is_proved() {
            self.liveness.proved();
            self.link.set(Phase::Subscribed);
        }
        Ok(())
    }

    /// The first hello decides whether the connection ends: behind a proxy there may be more publishers than over another
    /// link.
    fn note_epochs(&mut self) -> Result<(), End> {
        for epoch in self.inbound.new_epochs() {
            let is_first = self.epoch.replace(self.epoch.unwrap_or(epoch)).is_none();
            if !self.yields || !is_first {
                self.hearing.hear(epoch);
            } else if let Some(other) = self.hearing.hear_unless_heard(epoch) {
                return Err(End::SamePublisher(epoch, other));
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
        if self.reads() {
            self.read()?;
        }
        match self.liveness.tick(!self.out.is_empty(), Instant::now()) {
            Verdict::Quiet => {}
            // No time to live: a publisher that sends much receives little from us.
            Verdict::Ping => Command::Ping { ttl: 0, context: b"" }.put(&mut self.out),
            Verdict::Dead => {
                let dead_after = self.shared.settings.dead_after;
                return Err(End::Broken(format!("no sign of life for {dead_after:?} (dead_after)")));
            }
        }
        Ok(())
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time.into()).await,
        None => pending().await,
    }
}
