#[cfg(test)]
mod copy;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use delivery::Position;

use super::consistent_cut::shown_elsewhere;
use super::follow_context::FollowContext;
use super::follow_effect::FollowEffect;
use super::followed_table::{FollowedTable, StreamCounters};
use super::message::TableMessage;
use super::options::TableOptions;
use super::schedule::Schedule;
use super::stream_phase::StreamPhase;
use super::transactions::release;
use crate::{Instance, NodeInstance, Row, StreamName};

/// All streams that services of this node follow: one copy of the rows of each, whatever the number of subscriptions.
///
/// - The first update of a stream is its complete content, also if it is empty; later ones are differences to it.
/// - While a stream is [`Live`](StreamPhase::Live), its rows are those of its publisher up to the last change that is known
///   to exist. A change that is known from a heartbeat or a transaction may take 0.2 s to arrive, and one may wait 0.5 s for
///   the others of its commit, before the phase changes.
/// - What is missing is requested for as long as the stream is followed.
pub(crate) struct FollowedTables {
    options: TableOptions,
    rng: fastrand::Rng,
    /// The token of the next stream.
    token: u64,
    tables: BTreeMap<StreamName, FollowedTable>,
    /// The streams with changes that wait for others of their commits.
    waiting: BTreeSet<StreamName>,
    schedule: Schedule,
    /// Messages whose sender is not the publisher of their stream.
    foreign: u64,
}

impl FollowedTables {
    /// No stream. `rng` spreads requests over time, and gives tokens that no other node has.
    #[must_use]
    pub(crate) fn new(options: TableOptions, mut rng: fastrand::Rng) -> Self {
        Self {
            options,
            token: rng.u64(..),
            rng,
            tables: BTreeMap::new(),
            waiting: BTreeSet::new(),
            schedule: Schedule::default(),
            foreign: 0,
        }
    }

    /// Begins to follow a stream, whose publisher is taken to be up. No effect if it is followed already.
    pub(crate) fn follow(&mut self, now: Duration, stream: StreamName, effects: &mut Vec<FollowEffect>) {
        if self.tables.contains_key(&stream) {
            return;
        }
        self.token = self.token.wrapping_add(1);
        let table = FollowedTable::new(stream.clone(), self.options.buffer, self.token, now);
        self.tables.insert(stream.clone(), table);
        self.with(now, &stream, effects, FollowedTable::request);
    }

    /// Ends to follow a stream, and drops its rows. Changes of other tables do not wait for it any more.
    pub(crate) fn unfollow(&mut self, now: Duration, stream: &StreamName, effects: &mut Vec<FollowEffect>) {
        self.tables.remove(stream);
        self.waiting.remove(stream);
        self.schedule.remove(stream);
        self.go_on(now, BTreeSet::new(), effects);
    }

    /// Handles a message of a publisher.
    pub(crate) fn received(
        &mut self,
        now: Duration,
        source: &NodeInstance,
        message: &TableMessage,
        effects: &mut Vec<FollowEffect>,
    ) {
        if message.stream().instance != source.instance {
            // A follower's message to this node as a publisher is not meant here.
            self.foreign += u64::from(!matches!(message, TableMessage::Open(_) | TableMessage::Pull(_)));
            return;
        }
        self.with(now, message.stream(), effects, |table, context| table.received(message, context));
    }

    /// Handles the last position of a stream, of a heartbeat of its publisher.
    pub(crate) fn head(
        &mut self,
        now: Duration,
        stream: &StreamName,
        position: Position,
        effects: &mut Vec<FollowEffect>,
    ) {
        self.with(now, stream, effects, |table, context| table.head(position, context));
    }

    /// Notes whether the node of a publisher is up. While it is not, its streams are stale and nothing is requested.
    pub(crate) fn publisher_state(
        &mut self,
        now: Duration,
        instance: Instance,
        is_up: bool,
        effects: &mut Vec<FollowEffect>,
    ) {
        let streams: Vec<StreamName> =
            self.tables.keys().filter(|stream| stream.instance == instance).cloned().collect();
        for stream in streams {
            self.with(now, &stream, effects, |table, context| table.set_up(is_up, context));
        }
    }

    /// The driver lost its links: packets may be missing, and topics may be unsubscribed. All streams are confirmed anew.
    pub(crate) fn links_reset(&mut self, now: Duration, effects: &mut Vec<FollowEffect>) {
        let streams: Vec<StreamName> = self.tables.keys().cloned().collect();
        for stream in streams {
            self.with(now, &stream, effects, |table, _| table.doubt());
        }
    }

    /// The driver lost its link to one instance, or it is there again: the streams of that are confirmed anew.
    pub(crate) fn link_reset(&mut self, now: Duration, instance: Instance, effects: &mut Vec<FollowEffect>) {
        let streams: Vec<StreamName> =
            self.tables.keys().filter(|stream| stream.instance == instance).cloned().collect();
        for stream in streams {
            self.with(now, &stream, effects, |table, _| table.doubt());
        }
    }

    /// Does everything that is due.
    pub(crate) fn tick(&mut self, now: Duration, effects: &mut Vec<FollowEffect>) {
        let mut due = vec![];
        while let Some(stream) = self.schedule.take_due(now) {
            due.push(stream);
        }
        for stream in due {
            self.with(now, &stream, effects, FollowedTable::tick);
        }
    }

    /// Returns when something may be due.
    #[must_use]
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.schedule.next_at()
    }

    /// Returns the rows of a stream and their position; `None` if it is not followed.
    #[must_use]
    pub(crate) fn rows(&self, stream: &StreamName) -> Option<(Position, Vec<Row>)> {
        let table = self.tables.get(stream)?;
        Some((table.position(), table.rows().rows().cloned().collect()))
    }

    /// Returns the position of the rows of a stream; `None` if it is not followed.
    #[must_use]
    pub(crate) fn position(&self, stream: &StreamName) -> Option<Position> {
        self.tables.get(stream).map(FollowedTable::position)
    }

    /// Returns the phase of a stream that was reported last; `None` if it is not followed.
    #[must_use]
    pub(crate) fn phase(&self, stream: &StreamName) -> Option<StreamPhase> {
        self.tables.get(stream).map(FollowedTable::reported)
    }

    /// Returns what was dropped of a stream; `None` if it is not followed.
    #[must_use]
    pub(crate) fn counters(&self, stream: &StreamName) -> Option<StreamCounters> {
        self.tables.get(stream).map(FollowedTable::counters)
    }

    /// Returns the number of messages whose sender is not the publisher of their stream; they are dropped.
    #[must_use]
    pub(crate) fn foreign(&self) -> u64 {
        self.foreign
    }

    /// Passes an input to a stream, and does what follows from it.
    fn with(
        &mut self,
        now: Duration,
        stream: &StreamName,
        effects: &mut Vec<FollowEffect>,
        input: impl FnOnce(&mut FollowedTable, &mut FollowContext<'_>),
    ) {
        let Some(table) = self.tables.get_mut(stream) else { return };
        let was_unknown = table.is_unknown();
        let (options, rng) = (&self.options, &mut self.rng);
        input(table, &mut FollowContext { now, options, rng, effects });
        let is_back = was_unknown && !table.is_unknown();
        let shown = is_back.then(|| shown_elsewhere(&self.tables, stream)).flatten();
        let Some(table) = self.tables.get_mut(stream) else { return };
        if let Some(shown) = shown {
            // Nothing waited for it meanwhile.
            table.must_reach(shown);
        }
        table.begin_if_empty();
        if table.next().is_some() {
            self.waiting.insert(stream.clone());
        }
        self.go_on(now, BTreeSet::from([stream.clone()]), effects);
    }

    /// Applies what can be applied, then settles and schedules the streams that were touched.
    fn go_on(&mut self, now: Duration, mut touched: BTreeSet<StreamName>, effects: &mut Vec<FollowEffect>) {
        let released = release(&mut self.tables, &self.waiting);
        effects.extend(released.updates.into_iter().map(FollowEffect::Update));
        touched.extend(released.applied);
        let (options, rng) = (&self.options, &mut self.rng);
        let mut context = FollowContext { now, options, rng, effects };
        for (stream, position) in released.awaited {
            if let Some(table) = self.tables.get_mut(&stream) {
                table.claim(position, &mut context);
                touched.insert(stream);
            }
        }
        for stream in touched {
            let Some(table) = self.tables.get_mut(&stream) else { continue };
            table.settle(&mut context);
            if table.next().is_none() {
                self.waiting.remove(&stream);
            }
            if let Some(at) = table.deadline() {
                self.schedule.put(&stream, at);
            }
        }
    }
}
