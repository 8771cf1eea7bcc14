use std::collections::BTreeSet;
use std::time::Duration;

use pubsub_api::wire::WireError;
use pubsub_api::{Backoff, Notice};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::filter::Filter;
use super::lingering_filters::LingeringFilters;
use super::queue::Abandoned;
use super::recipient::Recipient;
use super::sent_subscriptions::{SentSubscriptions, ServerMessage};
use crate::pubsub::connection::{Connection, Exchanged};
use crate::pubsub::nodes::Nodes;

/// One connection while it is served.
pub(super) struct LinkSession<'a> {
    recipient: &'a mut Recipient,
    connection: Connection,
    dead_after: Duration,
    subscriptions: SentSubscriptions,
    lingering: LingeringFilters,
    /// The server's name in notices.
    publisher: String,
    /// Why events may be missing, until it is reported.
    missed: Option<String>,
    reported: ReportedState,
    /// Whether every subscription was answered at some time.
    was_settled: bool,
    /// Refusals that were reported.
    reported_refusals: BTreeSet<Filter>,
    /// The text of the last refusal.
    refusal: String,
    /// Whether this connection ever had to wait for the application.
    held_back: bool,
    /// Thirds of `dead_after` without input.
    quiet_ticks: u32,
}

/// The reported state of the subscriptions of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ReportedState {
    /// Not reported: some subscriptions are not answered yet.
    None,
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

/// Number of refused subscriptions that a reason names; the log names all.
const MAX_NAMED: usize = 10;

/// Why a connection is not served any more.
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

impl<'a> LinkSession<'a> {
    pub(super) fn new(
        recipient: &'a mut Recipient,
        connection: Connection,
        dead_after: Duration,
        missed: Option<String>,
    ) -> Self {
        Self {
            publisher: connection.endpoint().to_string(),
            recipient,
            connection,
            dead_after,
            subscriptions: SentSubscriptions::default(),
            lingering: LingeringFilters::default(),
            missed,
            reported: ReportedState::None,
            was_settled: false,
            reported_refusals: BTreeSet::new(),
            refusal: String::new(),
            held_back: false,
            quiet_ticks: 0,
        }
    }

    /// Reports the link as up, serves it until it ends, and reports it as down.
    pub(super) async fn run(mut self, nodes: &Nodes) -> Result<End, Abandoned> {
        self.recipient.set_state(self.connection.endpoint(), "up");
        self.recipient.notify(Notice::LinkUp { publisher: self.publisher.clone() }).await?;
        let reason = match self.serve(nodes).await {
            Stop::Lost(reason) => self.explained(reason),
            Stop::Abandoned => return Err(Abandoned),
        };
        self.recipient.set_state(self.connection.endpoint(), "connecting");
        self.recipient.counters.links_lost.add(1);
        tracing::warn!(id = "SK0501", "lost the connection to {}: {reason}; reconnecting", self.publisher);
        let (publisher, of_notice) = (self.publisher, reason.clone());
        self.recipient.notify(Notice::LinkDown { publisher: publisher.clone(), reason: of_notice }).await?;
        // If this connection never reported what an earlier one missed, that reason remains.
        let reason =
            self.missed.unwrap_or_else(|| format!("the connection to {publisher} was lost: {reason}"));
        Ok(End { reason, was_settled: self.was_settled })
    }

    /// Adds what an operator can do about it, if that is known.
    fn explained(&self, reason: String) -> String {
        if !self.held_back {
            return reason;
        }
        format!(
            "{reason}; the application was too slow, and Redis disconnects a subscriber that exceeds its \
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
        let mut left = std::pin::pin!(nodes.until_left(&node));
        let mut ticks = interval(self.dead_after / TICKS);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut backoff, mut retry_at) = (Backoff::default(), None);
        self.update_subscriptions();
        self.settle().await?;
        loop {
            let again = self.subscriptions.has_refused() && self.subscriptions.is_settled();
            if again && retry_at.is_none() {
                retry_at = Some(Instant::now() + backoff.next_delay(fastrand::f64()));
            }
            tokio::select! {
                exchanged = self.connection.exchange() => {
                    if exchanged.map_err(Stop::Lost)? == Exchanged::Read {
                        self.quiet_ticks = 0;
                        self.handle_frames().await?;
                    }
                }
                changed = self.recipient.changes.changed() => {
                    changed.map_err(|_| Stop::Abandoned)?;
                    self.update_subscriptions();
                    // A refused subscription may not be wanted any more.
                    self.settle().await?;
                }
                _ = ticks.tick() => {
                    self.tick().map_err(Stop::Lost)?;
                    if !self.lingering.is_empty() {
                        self.update_subscriptions();
                    }
                }
                () = sleep_until(retry_at.unwrap_or_else(Instant::now)), if again => {
                    retry_at = None;
                    self.subscriptions.retry(&mut self.connection.out);
                }
                reason = &mut left => return Err(Stop::Lost(reason)),
            }
        }
    }

    fn update_subscriptions(&mut self) {
        let wanted = self.recipient.filters();
        let refused: BTreeSet<Filter> = self.subscriptions.refused().cloned().collect();
        let now = Instant::now().into_std();
        let requested = self.lingering.requested(wanted, |filter| refused.contains(filter), now);
        self.subscriptions.update(requested, &mut self.connection.out);
    }

    fn tick(&mut self) -> Result<(), String> {
        self.quiet_ticks += 1;
        if self.quiet_ticks > TICKS {
            return Err(format!("no data for {:?} (dead_after)", self.dead_after));
        }
        self.subscriptions.ping(&mut self.connection.out);
        Ok(())
    }

    /// Handles all frames that were read.
    async fn handle_frames(&mut self) -> Result<(), Stop> {
        while let Some(frame) = self.connection.next_frame().map_err(Stop::Lost)? {
            let message = self.subscriptions.on(frame).ok_or_else(|| {
                Stop::Lost("the server sent a frame that is invalid for a subscriber".to_owned())
            })?;
            match message {
                ServerMessage::Event(channel, payload) => {
                    if self.recipient.deliver(channel, payload).await? {
                        self.held_back = true;
                        // While the application blocked reading, silence is not the server's fault.
                        self.quiet_ticks = 0;
                    }
                }
                ServerMessage::TooBig => self.recipient.counters.dropped(WireError::TooBig),
                ServerMessage::Confirmed(filter) => self.confirmed(&filter).await?,
                ServerMessage::Refused(filter, line) => self.refused(filter, &line).await?,
                ServerMessage::Nothing => {}
            }
        }
        Ok(())
    }

    async fn confirmed(&mut self, filter: &Filter) -> Result<(), Stop> {
        self.settle().await?;
        if self.reported_refusals.remove(filter) {
            let reason =
                format!("{} accepts the subscription now, after it refused it before", self.publisher);
            self.resync(filter, reason).await?;
        }
        Ok(())
    }

    /// A refusal is reported once, and the subscription is retried from time to time.
    async fn refused(&mut self, filter: Filter, line: &str) -> Result<(), Stop> {
        self.recipient.counters.refused.add(1);
        if self.reported_refusals.insert(filter.clone()) {
            let why = self.connection.refused_on(filter.action(), &filter.name(), line);
            self.refusal = why.to_string();
            tracing::warn!(id = "SK0904", "the server refused a subscription, which will be retried: {why}");
            let reason = format!("the server refuses the subscription, so no events arrive: {why}");
            self.resync(&filter, reason).await?;
        }
        self.settle().await
    }

    fn why_stale(&self) -> String {
        let mut names: Vec<_> = self
            .subscriptions
            .refused()
            .map(|filter| String::from_utf8_lossy(&filter.name()).into_owned())
            .collect();
        names.sort();
        let count = names.len();
        names.truncate(MAX_NAMED);
        let more = if count > MAX_NAMED { format!(" and {} more", count - MAX_NAMED) } else { String::new() };
        format!("the server refuses subscriptions to {names:?}{more}; the last refusal: {}", self.refusal)
    }

    async fn resync(&self, filter: &Filter, reason: String) -> Result<(), Stop> {
        let (topic, reason) = match filter {
            // Without its marks, missing events at a topic's end are not detected: the notice is about the topic.
            Filter::Channel(topic) => (Some(topic.marked().as_ref().unwrap_or(topic).to_string()), reason),
            Filter::Prefix(prefix) => (None, format!("topics that begin with {prefix:?}: {reason}")),
        };
        let publisher = Some(self.publisher.clone());
        Ok(self.recipient.notify(Notice::Resync { publisher, topic, reason }).await?)
    }

    /// When every subscription is answered, reports `Subscribed` if all are confirmed, or `Stale` if the server refuses some;
    /// right after the first report, reports what was missed before.
    async fn settle(&mut self) -> Result<(), Stop> {
        if !self.subscriptions.is_settled() {
            return Ok(());
        }
        let reported =
            if self.subscriptions.has_refused() { ReportedState::Refused } else { ReportedState::Subscribed };
        if reported == self.reported {
            return Ok(());
        }
        (self.reported, self.was_settled) = (reported, true);
        let publisher = self.publisher.clone();
        if reported == ReportedState::Subscribed {
            self.recipient.set_state(self.connection.endpoint(), "subscribed");
            self.recipient.notify(Notice::Subscribed { publisher, publisher_epoch: None }).await?;
        } else {
            self.recipient.set_state(self.connection.endpoint(), "refused");
            let reason = self.why_stale();
            self.recipient.notify(Notice::Stale { publisher, reason }).await?;
        }
        if let Some(missed) = self.missed.take() {
            let reason =
                format!("{missed}; events published until now may be missing, because Redis stores none");
            self.recipient.notify(Notice::Resync { publisher: None, topic: None, reason }).await?;
        }
        Ok(())
    }
}
