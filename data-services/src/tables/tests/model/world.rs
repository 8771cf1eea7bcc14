use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use delivery::Position;

use super::bounds::Bounds;
use super::flights::{Content, Flights};
use super::follower::Follower;
use super::spent::Spent;
use crate::packet::{Destination, Message, Outgoing};
use crate::tables::tests::world::{node, row, stream};
use crate::tables::{FollowEffect, PublishEffect, PublishedTables, TableChange, TableMessage, TableUpdate};
use crate::{Instance, NodeInstance, Row, StreamName};

/// The present moment of both ends. Their clock stands still: when time passes, all their times move into the past instead.
/// What is older than this is infinitely old.
pub(super) const NOW: Duration = Duration::from_secs(60);

/// The interval of heartbeats when nothing fails.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// The number of the first follower's node.
const FIRST_FOLLOWER: u64 = 2;

/// All ends, and what is between them, at one moment.
#[derive(Clone, Hash)]
pub(super) struct World {
    pub(super) publisher: PublishedTables,
    pub(super) followers: Vec<Follower>,
    pub(super) flights: Flights,
    pub(super) is_declared: bool,
    epoch: u64,
    /// The number of the last publication.
    number: u8,
    /// The number of the publication that made the table what it was at each position; 0 for none.
    history: Vec<(Position, u8)>,
    /// The time until the next heartbeat when nothing fails.
    until_heartbeat: Duration,
    pub(super) spent: Spent,
    pub(super) broken: Option<&'static str>,
}

impl World {
    pub(super) fn new(bounds: &Bounds) -> Self {
        let numbers = FIRST_FOLLOWER..FIRST_FOLLOWER + bounds.followers;
        Self {
            publisher: PublishedTables::new(bounds.options()),
            followers: numbers.map(|number| Follower::new(bounds, number)).collect(),
            flights: Flights::default(),
            is_declared: false,
            epoch: 0,
            number: 0,
            history: vec![],
            until_heartbeat: HEARTBEAT,
            spent: Spent::default(),
            broken: None,
        }
    }

    /// Begins all tables, in a new epoch.
    pub(super) fn declare(&mut self, bounds: &Bounds) {
        self.note_absence();
        self.is_declared = true;
        let (mut effects, next) = (vec![], self.epoch + 1);
        for table in bounds.tables {
            self.epoch = self.publisher.declare(stream(table), bounds.key(), next, &mut effects);
        }
        self.history.push((Position { epoch: self.epoch, sequence: 0 }, 0));
        self.published(effects);
    }

    pub(super) fn withdraw(&mut self) {
        self.is_declared = false;
        self.publisher.withdraw(&stream("p").service);
    }

    /// Publishes the next state of all tables, in one commit.
    pub(super) fn publish(&mut self, bounds: &Bounds) {
        self.note_absence();
        let is_empty = self.publisher.row_count(&stream("p")) == Some(0);
        self.number += 1;
        if is_empty && rows_of(bounds, self.number).is_empty() {
            self.number += 1;
        }
        let number = self.number;
        let rows = || rows_of(bounds, number).into_iter().collect();
        let changes = bounds.tables.iter().map(|table| (stream(table), TableChange::Rows(rows())));
        let mut effects = vec![];
        let changed = self.publisher.commit(changes.collect(), &mut effects).unwrap();
        assert!(changed > 0, "each state is another one");
        let position = self.publisher.position(&stream("p")).unwrap();
        self.history.push((position, number));
        self.published(effects);
    }

    /// A table that nobody is known to follow sends nothing.
    fn note_absence(&mut self) {
        for follower in &mut self.followers {
            follower.is_lost |= follower.misses();
        }
    }

    /// Something happens at a follower.
    pub(super) fn at(
        &mut self,
        bounds: &Bounds,
        number: usize,
        happens: impl FnOnce(&mut Follower) -> Vec<FollowEffect>,
    ) {
        let effects = happens(&mut self.followers[number]);
        self.followed(bounds, number, effects);
    }

    /// The registry at the publisher lists a follower, or does not any more.
    pub(super) fn list(&mut self, bounds: &Bounds, number: usize, is_listed: bool) {
        self.followers[number].is_listed = is_listed;
        let listed = self.followers.iter().filter(|follower| follower.is_listed);
        let listed: BTreeSet<Instance> = listed.map(|follower| follower.instance).collect();
        let mut effects = vec![];
        for table in bounds.tables {
            self.publisher.followers(&stream(table), &listed, &mut effects);
        }
        self.published(effects);
    }

    pub(super) fn heartbeat(&mut self) {
        for (stream, position) in self.publisher.heads() {
            for number in 0..self.followers.len() {
                self.flights.put(Content::Head(number, stream.clone(), position));
            }
        }
    }

    /// One copy of a message is lost.
    pub(super) fn lose(&mut self, id: u64) {
        let number = self.flights.get(id).follower();
        self.flights.remove(id);
        self.followers[number].is_lost = true;
    }

    /// A message arrives; it stays on its way if it arrives again.
    pub(super) fn deliver(&mut self, bounds: &Bounds, id: u64, arrives_again: bool) {
        let content = self.flights.get(id);
        if !arrives_again {
            self.flights.remove(id);
        }
        match &*content {
            Content::ToPublisher(number, message) => {
                let from =
                    NodeInstance { instance: self.followers[*number].instance, ..node(FIRST_FOLLOWER) };
                let mut effects = vec![];
                self.publisher.received(NOW, &from, message, &mut effects);
                self.published(effects);
            }
            Content::ToFollower(number, message) => {
                self.hear(bounds, *number, message);
                let mut effects = vec![];
                self.followers[*number].tables.received(NOW, &node(1), message, &mut effects);
                self.followed(bounds, *number, effects);
            }
            Content::Head(number, stream, position) => {
                let follower = &mut self.followers[*number];
                if follower.is_following {
                    follower.views[index(bounds, stream)].hear(*position);
                }
                let mut effects = vec![];
                follower.tables.head(NOW, stream, *position, &mut effects);
                self.followed(bounds, *number, effects);
            }
        }
    }

    /// The time until something is due.
    pub(super) fn until_due(&self) -> Option<Duration> {
        let followers = self.followers.iter().filter_map(|follower| follower.tables.deadline());
        let due = self.publisher.deadline().into_iter().chain(followers).min();
        due.map(|due| due.saturating_sub(NOW))
    }

    /// The time until something is due, or the next heartbeat.
    pub(super) fn until_next(&self) -> Duration {
        self.until_due().map_or(self.until_heartbeat, |due| due.min(self.until_heartbeat))
    }

    /// Heartbeats leave the publisher at their times.
    pub(super) fn beat(&mut self, passed: Duration) {
        self.until_heartbeat = self.until_heartbeat.saturating_sub(passed);
        if self.until_heartbeat.is_zero() {
            self.until_heartbeat = HEARTBEAT;
            self.heartbeat();
        }
    }

    /// Time passes.
    pub(super) fn pass(&mut self, bounds: &Bounds, time: Duration) {
        self.publisher.age(time);
        let mut effects = vec![];
        self.publisher.tick(NOW, &mut effects);
        self.published(effects);
        for number in 0..self.followers.len() {
            self.at(bounds, number, |follower| follower.pass(time));
        }
    }

    /// Whether every follower is live with the rows of the publisher.
    pub(super) fn is_equal(&self, bounds: &Bounds) -> bool {
        self.followers.iter().all(|follower| follower.is_equal(bounds, &self.publisher))
    }

    /// What does not hold at this moment.
    pub(super) fn check(&mut self, bounds: &Bounds) {
        let is_quiet = self.is_declared && self.flights.is_empty();
        for follower in &mut self.followers {
            let is_equal = follower.is_equal(bounds, &self.publisher);
            self.broken = self.broken.or(follower.check(bounds, is_equal, is_quiet));
        }
    }

    fn hear(&mut self, bounds: &Bounds, number: usize, message: &TableMessage) {
        if !self.followers[number].is_following {
            return;
        }
        let position = match message {
            TableMessage::Change(part) => part.position,
            TableMessage::Mark(mark) | TableMessage::Answered(mark) => mark.position,
            TableMessage::Page(page) => page.position,
            _ => return,
        };
        self.followers[number].views[index(bounds, message.stream())].hear(position);
    }

    fn published(&mut self, effects: Vec<PublishEffect>) {
        for effect in effects {
            let PublishEffect::Send(Outgoing { to, message: Message::Table(message) }) = effect else {
                continue;
            };
            let receives = |follower: &Follower| match &to {
                Destination::Followers(_) => follower.is_topic_active,
                to => *to == Destination::Instance(follower.instance),
            };
            for (number, _) in self.followers.iter().enumerate().filter(|(_, follower)| receives(follower)) {
                self.flights.put(Content::ToFollower(number, message.clone()));
            }
        }
    }

    fn followed(&mut self, bounds: &Bounds, number: usize, effects: Vec<FollowEffect>) {
        for effect in effects {
            let result = match effect {
                FollowEffect::Send(Outgoing { message: Message::Table(message), .. }) => {
                    self.flights.put(Content::ToPublisher(number, message));
                    Ok(())
                }
                FollowEffect::Update(updates) => self.update(bounds, number, &updates),
                FollowEffect::Phase(stream, phase) => {
                    self.followers[number].views[index(bounds, &stream)].report(phase)
                }
                FollowEffect::Refused(..) => Err("a snapshot is refused"),
                FollowEffect::Raw(..) | FollowEffect::Send(_) => Err("there is no such message"),
            };
            self.broken = self.broken.or(result.err());
        }
    }

    fn update(
        &mut self,
        bounds: &Bounds,
        number: usize,
        updates: &[Arc<TableUpdate>],
    ) -> Result<(), &'static str> {
        let follower = &mut self.followers[number];
        for update in updates {
            let published = self.history.iter().find(|(position, _)| *position == update.position);
            let truth = published.map(|(_, number)| rows_of(bounds, *number));
            follower.views[index(bounds, &update.stream)].apply(update, truth)?;
        }
        let views = &follower.views;
        let is_even = views.iter().all(|view| view.has_rows && view.position == views[0].position);
        if follower.is_aligned && !is_even && !updates.iter().any(|update| update.is_snapshot) {
            return Err("transactions are whole: one table has a commit that another lacks");
        }
        follower.is_aligned = is_even;
        Ok(())
    }
}

/// The rows of a publication. All change each time, some appear and some go; every fourth state is empty.
fn rows_of(bounds: &Bounds, number: u8) -> BTreeSet<Row> {
    let number = u64::from(number);
    if number == 0 || number % 4 == 3 {
        return BTreeSet::new();
    }
    (number..number + bounds.rows).map(|key| row(key % (bounds.rows + 1), number)).collect()
}

fn index(bounds: &Bounds, stream: &StreamName) -> usize {
    bounds.tables.iter().position(|table| *table == stream.table.as_str()).unwrap()
}
