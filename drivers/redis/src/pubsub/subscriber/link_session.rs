use std::collections::BTreeSet;
use std::time::Duration;

use pubsub_api::wire::WireError;
use pubsub_api::{Backoff, Notice};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::filter::Filter;
use super::link::SubLink;
use super::placement::{Heard, Placement};
use super::queue::Abandoned;
use crate::pubsub::connection::{Connection, Exchanged};
use crate::pubsub::nodes::Nodes;

/// One connection while it is read.
pub(super) struct Serving<'a> {
    link: &'a mut SubLink,
    connection: Connection,
    placement: Placement,
    /// As notices call the server.
    publisher: String,
    /// Why events may be missing, until that is told.
    missed: Option<String>,
    standing: Standing,
    /// Whether every subscription was answered at some time.
    was_settled: bool,
    /// Refusals that were told.
    told: BTreeSet<Filter>,
    /// What the last refusal means.
    refusal: String,
    /// Whether the application has ever kept this connection waiting.
    held_back: bool,
    /// Thirds of `dead_after` in which nothing came.
    quiet_ticks: u32,
}

/// What the notices say about the subscriptions of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Nothing: not every subscription was answered so far.
    Placing,
    /// All are confirmed.
    Subscribed,
    /// The server refuses some.
    Refused,
}

/// How a connection ended.
pub(super) struct End {
    pub(super) reason: String,
    pub(super) was_settled: bool,
}

const TICKS: u32 = 3;

/// How many refused subscriptions a reason names; the log names all.
const NAMED: usize = 10;

/// Why a connection is served no longer.
enum Stop {
    /// It ended, for this reason.
    Lost(String),
    Abandoned,
}

impl From<Abandoned> for Stop {
    fn from(Abandoned: Abandoned) -> Self {
        Self::Abandoned
    }
}

impl<'a> Serving<'a> {
    pub(super) fn new(link: &'a mut SubLink, connection: Connection, missed: Option<String>) -> Self {
        Self {
            publisher: connection.endpoint().to_string(),
            link,
            connection,
            placement: Placement::default(),
            missed,
            standing: Standing::Placing,
            was_settled: false,
            told: BTreeSet::new(),
            refusal: String::new(),
            held_back: false,
            quiet_ticks: 0,
        }
    }

    /// Tells that the connection stands, reads it until it ends, and tells that.
    pub(super) async fn run(mut self, nodes: &Nodes) -> Result<End, Abandoned> {
        self.link.is_now(self.connection.endpoint(), "up");
        self.link.tell(Notice::LinkUp { publisher: self.publisher.clone() }).await?;
        let reason = match self.serve(nodes).await {
            Stop::Lost(reason) => self.explained(reason),
            Stop::Abandoned => return Err(Abandoned),
        };
        self.link.is_now(self.connection.endpoint(), "connecting");
        self.link.counters.links_lost.add(1);
        tracing::warn!("lost {}: {reason}", self.publisher);
        let (publisher, reason_told) = (self.publisher, reason.clone());
        self.link.tell(Notice::LinkDown { publisher: publisher.clone(), reason: reason_told }).await?;
        // What an earlier connection missed was not told if this one never came so far.
        let reason =
            self.missed.unwrap_or_else(|| format!("the connection to {publisher} was lost: {reason}"));
        Ok(End { reason, was_settled: self.was_settled })
    }

    /// What an operator can do about it, where it shows.
    fn explained(&self, reason: String) -> String {
        if !self.held_back {
            return reason;
        }
        format!(
            "{reason}; the application did not read fast enough, and Redis disconnects a subscriber that is above its \
             client-output-buffer-limit pubsub"
        )
    }

    async fn serve(&mut self, nodes: &Nodes) -> Stop {
        match self.read(nodes).await {
            Ok(never) => match never {},
            Err(stop) => stop,
        }
    }

    async fn read(&mut self, nodes: &Nodes) -> Result<std::convert::Infallible, Stop> {
        let node = self.connection.node.clone();
        let mut left = std::pin::pin!(nodes.left(&node));
        let mut ticks = interval(self.link.dead_after / TICKS);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut backoff, mut retry_at) = (Backoff::default(), None);
        self.place();
        self.settle().await?;
        loop {
            let again = self.placement.has_refused() && self.placement.is_settled();
            if again && retry_at.is_none() {
                retry_at = Some(Instant::now() + backoff.next_delay(fastrand::f64()));
            }
            tokio::select! {
                exchanged = self.connection.exchange() => {
                    if exchanged.map_err(Stop::Lost)? == Exchanged::Read {
                        self.quiet_ticks = 0;
                        self.take_all().await?;
                    }
                }
                changed = self.link.changes.changed() => {
                    changed.map_err(|_| Stop::Abandoned)?;
                    self.place();
                    // A subscription that was refused may be wanted no longer.
                    self.settle().await?;
                }
                _ = ticks.tick() => self.tick().map_err(Stop::Lost)?,
                () = sleep_until(retry_at.unwrap_or_else(Instant::now)), if again => {
                    retry_at = None;
                    self.placement.retry(&mut self.connection.out);
                }
                reason = &mut left => return Err(Stop::Lost(reason)),
            }
        }
    }

    fn place(&mut self) {
        let wanted = self.link.filters();
        self.placement.want(&wanted, &mut self.connection.out);
    }

    fn tick(&mut self) -> Result<(), String> {
        self.quiet_ticks += 1;
        if self.quiet_ticks > TICKS {
            let dead_after: Duration = self.link.dead_after;
            return Err(format!("nothing came for {dead_after:?} (dead_after)"));
        }
        self.placement.ping(&mut self.connection.out);
        Ok(())
    }

    /// All frames that were read.
    async fn take_all(&mut self) -> Result<(), Stop> {
        while let Some(frame) = self.connection.next_frame().map_err(Stop::Lost)? {
            let heard = self.placement.on(frame).ok_or_else(|| {
                Stop::Lost("the server said what Redis does not say to a subscriber".to_owned())
            })?;
            match heard {
                Heard::Event(channel, payload) => {
                    if self.link.deliver(channel, payload).await? {
                        self.held_back = true;
                        // Time in which we did not read is not silence of the server.
                        self.quiet_ticks = 0;
                    }
                }
                Heard::TooBig => self.link.counters.dropped(WireError::TooBig),
                Heard::Confirmed(filter) => self.confirmed(&filter).await?,
                Heard::Refused(filter, line) => self.refused(filter, &line).await?,
                Heard::Nothing => {}
            }
        }
        Ok(())
    }

    async fn confirmed(&mut self, filter: &Filter) -> Result<(), Stop> {
        self.settle().await?;
        if self.told.remove(filter) {
            let reason = format!("{} takes the subscription now, which it refused before", self.publisher);
            self.resync(filter, reason).await?;
        }
        Ok(())
    }

    /// Seed 004, case 3: a refusal is reported, once, and the subscription is asked for again from time to time.
    async fn refused(&mut self, filter: Filter, line: &str) -> Result<(), Stop> {
        self.link.counters.refused.add(1);
        if self.told.insert(filter.clone()) {
            let why = self.connection.refused_on(filter.wish(), &filter.name(), line);
            self.refusal = why.to_string();
            tracing::warn!("a subscription is refused, and is asked for again: {why}");
            let reason = format!("the server refuses the subscription, and nothing comes of it: {why}");
            self.resync(&filter, reason).await?;
        }
        self.settle().await
    }

    fn why_stale(&self) -> String {
        let mut names: Vec<_> = self
            .placement
            .refused()
            .map(|filter| String::from_utf8_lossy(&filter.name()).into_owned())
            .collect();
        names.sort();
        let count = names.len();
        names.truncate(NAMED);
        let more = if count > NAMED { format!(" and {} more", count - NAMED) } else { String::new() };
        format!("the server refuses subscriptions to {names:?}{more}; the last refusal: {}", self.refusal)
    }

    async fn resync(&self, filter: &Filter, reason: String) -> Result<(), Stop> {
        let (topic, reason) = match filter {
            // Without its marks a topic's end is not known: that is a matter of the topic.
            Filter::Channel(topic) => (Some(topic.marked().as_ref().unwrap_or(topic).to_string()), reason),
            Filter::Prefix(prefix) => (None, format!("of topics that begin with {prefix:?}: {reason}")),
        };
        let publisher = Some(self.publisher.clone());
        Ok(self.link.tell(Notice::Resync { publisher, topic, reason }).await?)
    }

    /// Once every subscription was answered, reports `Subscribed` if all are confirmed, and `Stale` if the server refuses
    /// some; and right after the first of them what was missed before.
    async fn settle(&mut self) -> Result<(), Stop> {
        if !self.placement.is_settled() {
            return Ok(());
        }
        let standing = if self.placement.has_refused() { Standing::Refused } else { Standing::Subscribed };
        if standing == self.standing {
            return Ok(());
        }
        (self.standing, self.was_settled) = (standing, true);
        let publisher = self.publisher.clone();
        if standing == Standing::Subscribed {
            self.link.is_now(self.connection.endpoint(), "subscribed");
            self.link.tell(Notice::Subscribed { publisher, incarnation: None }).await?;
        } else {
            self.link.is_now(self.connection.endpoint(), "refused");
            let reason = self.why_stale();
            self.link.tell(Notice::Stale { publisher, reason }).await?;
        }
        if let Some(missed) = self.missed.take() {
            let reason =
                format!("{missed}; what was published until now may be missing, and Redis keeps nothing");
            self.link.tell(Notice::Resync { publisher: None, topic: None, reason }).await?;
        }
        Ok(())
    }
}
