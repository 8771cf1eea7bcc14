use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::time::Instant;

use pubsub_api::Notice;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep_until};

use super::sub_filters::Placed;
use super::sub_inbound::Inbound;
use super::sub_queue::{Abandoned, Item};
use super::sub_shared::{LinkState, Phase, Shared};
use super::sub_vigil::{Verdict, Vigil};
use crate::connect::Connected;
use crate::protocol::Command;

/// One connection to a publisher, from its handshake to its end.
pub(super) struct SubConnection<'a> {
    shared: &'a Shared,
    link: &'a LinkState,
    stream: TcpStream,
    inbound: Inbound,
    /// Received, and not yet in the queue. As long as there is something, nothing more is read.
    received: VecDeque<Item>,
    placed: Placed,
    /// When something is to be taken back.
    cancel_at: Option<Instant>,
    /// To be written: subscriptions, PINGs and PONGs.
    out: Vec<u8>,
    vigil: Vigil,
    wanted: watch::Receiver<()>,
}

/// How a connection ended.
pub(super) enum End {
    /// Nobody wants it any more.
    Abandoned,
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

/// A publisher that does not take our answers gets none while so many bytes of them wait.
pub(super) const MAX_UNWRITTEN_BYTES: usize = 64 * 1024;

impl<'a> SubConnection<'a> {
    pub(super) fn new(
        publisher: &str,
        connected: Connected<TcpStream>,
        shared: &'a Shared,
        link: &'a LinkState,
    ) -> Self {
        let Connected { stream, peer, arrived, .. } = connected;
        let settings = &shared.settings;
        let (beat, dead_after) = (settings.heartbeat_interval, settings.dead_after);
        let mut connection = Self {
            shared,
            link,
            stream,
            inbound: Inbound::new(publisher, &arrived),
            received: VecDeque::from([Item::Notice(Notice::LinkUp { publisher: publisher.to_owned() })]),
            placed: Placed::new(peer),
            cancel_at: None,
            out: Vec::new(),
            vigil: Vigil::new(beat, dead_after, peer.speaks_3_1(), Instant::now()),
            wanted: shared.wanted.watch(),
        };
        connection.place();
        connection
    }

    /// Whether a hello came.
    pub(super) fn is_proved(&self) -> bool {
        self.inbound.is_proved()
    }

    /// What was received and is not yet in the queue.
    pub(super) fn into_received(self) -> VecDeque<Item> {
        self.received
    }

    /// Carries events until the connection ends.
    pub(super) async fn run(&mut self) -> End {
        match self.carry().await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn carry(&mut self) -> Result<Infallible, End> {
        let mut ticks = interval(self.vigil.tick_every());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.hear()?;
        loop {
            self.shared.queue.offer(self.link, &mut self.received)?;
            let reads = self.received.is_empty();
            self.vigil.reading(reads, Instant::now());
            self.step(reads, &mut ticks).await?;
        }
    }

    /// Waits for the next thing to do, and does it.
    async fn step(&mut self, reads: bool, ticks: &mut Interval) -> Result<(), End> {
        let writes = !self.out.is_empty();
        tokio::select! {
            () = self.shared.queue.room(), if !reads => Ok(()),
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
        self.cancel_at = self.placed.place(&self.shared.wanted.read(), Instant::now(), &mut self.out);
    }

    fn read(&mut self) -> Result<(), End> {
        match self.stream.try_read_buf(&mut self.inbound.room()) {
            Ok(0) => Err(End::broken("the publisher closed the connection")),
            Ok(_) => {
                self.vigil.heard(Instant::now());
                self.hear()
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(End::broken(error)),
        }
    }

    fn hear(&mut self) -> Result<(), End> {
        let said = self.inbound.take(&mut self.received, &self.shared.counters).map_err(End::broken)?;
        for (time_to_live, context) in said.pings {
            self.vigil.pinged(time_to_live);
            if self.out.len() < MAX_UNWRITTEN_BYTES {
                Command::put_pong(&mut self.out, context.as_bytes());
            }
        }
        if said.of_publisher {
            self.vigil.published(Instant::now());
        }
        if self.inbound.is_proved() {
            self.vigil.proved();
            self.link.set(Phase::Subscribed);
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), End> {
        match self.stream.try_write(&self.out) {
            Ok(count) => {
                self.out.drain(..count);
                if self.out.is_empty() {
                    self.vigil.written(Instant::now());
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
        match self.vigil.tick(!self.out.is_empty(), Instant::now()) {
            Verdict::Quiet => {}
            // No time to live: a publisher that has much to say hears little from us.
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
