mod follower;
mod running;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use delivery::Position;
use follower::Follower;

use super::network::{Content, Faults, Flight, Place};
use super::replica::{History, Replica};
use crate::packet::{Destination, Message, Outgoing};
use crate::tables::{
    FollowEffect, FollowedTables, PublishEffect, PublishedTables, StreamPhase, TableChange, TableMessage,
    TableOptions,
};
use crate::{Instance, KeyColumns, NodeId, NodeInstance, Row, ServiceId, StreamName, TableId};

const PUBLISHER: u64 = 1;

/// What the network drops by name.
type Drops = Box<dyn FnMut(&TableMessage) -> bool>;

/// A publishing node, some following ones, and a network, in virtual time.
pub(super) struct World {
    pub(super) now: Duration,
    pub(super) rng: fastrand::Rng,
    pub(super) faults: Faults,
    pub(super) drops: Drops,
    pub(super) publisher: PublishedTables,
    pub(super) followers: Vec<Follower>,
    pub(super) published: Vec<PublishEffect>,
    /// Every message that was sent, with its time.
    pub(super) sent: Vec<(Duration, TableMessage)>,
    pub(super) history: History,
    pub(super) has_heartbeats: bool,
    /// Nothing arrives anywhere.
    pub(super) is_cut: bool,
    /// The positions of p and q after each commit of both.
    commits: Vec<[Position; 2]>,
    listed: BTreeMap<StreamName, BTreeSet<Instance>>,
    flights: BTreeMap<(Duration, u64), Flight>,
    flown: u64,
    next_heartbeat: Duration,
    /// The last epoch.
    pub(super) epoch: u64,
}

pub(super) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(super) fn stream(table: &str) -> StreamName {
    StreamName {
        instance: Instance::of(PUBLISHER),
        service: ServiceId::new("nova").unwrap(),
        table: TableId::new(table).unwrap(),
    }
}

pub(super) fn node(number: u64) -> NodeInstance {
    NodeInstance {
        node: NodeId::new(format!("node-{number}")).unwrap(),
        instance: Instance::of(number),
        boot: 1,
    }
}

pub(super) fn row(key: u64, value: u64) -> Row {
    Row::of(&(key, value)).unwrap()
}

/// Keyed by the first column.
pub(super) fn first_column() -> KeyColumns {
    KeyColumns::Positions(vec![0])
}

impl World {
    pub(super) fn new(followers: usize, seed: u64) -> Self {
        Self::with_options(followers, seed, TableOptions::default())
    }

    pub(super) fn with_options(followers: usize, seed: u64, options: TableOptions) -> Self {
        let follower = |number: usize| Follower {
            tables: FollowedTables::new(options, fastrand::Rng::with_seed(seed + number as u64)),
            replicas: BTreeMap::new(),
            raws: vec![],
            refused: vec![],
            transactions: vec![],
            topics: BTreeMap::new(),
        };
        Self {
            now: Duration::ZERO,
            rng: fastrand::Rng::with_seed(seed),
            faults: Faults::NONE,
            drops: Box::new(|_| false),
            publisher: PublishedTables::new(options),
            followers: (0..followers).map(follower).collect(),
            published: vec![],
            sent: vec![],
            history: History::new(),
            has_heartbeats: true,
            is_cut: false,
            commits: vec![],
            listed: BTreeMap::new(),
            flights: BTreeMap::new(),
            flown: 0,
            next_heartbeat: ms(500),
            epoch: 0,
        }
    }

    /// Declares a table, in a new epoch.
    pub(super) fn declare(&mut self, table: &str, key: KeyColumns) {
        self.epoch += 1;
        let mut effects = vec![];
        let stream = stream(table);
        let epoch = self.publisher.declare(stream.clone(), key, self.epoch, &mut effects);
        assert_eq!(epoch, self.epoch);
        self.history.insert((stream, Position { epoch, sequence: 0 }), BTreeSet::new());
        self.published(effects);
    }

    pub(super) fn publish(&mut self, table: &str, rows: Vec<Row>) -> usize {
        self.commit(vec![(table, TableChange::Rows(rows))])
    }

    pub(super) fn commit(&mut self, changes: Vec<(&str, TableChange)>) -> usize {
        let mut effects = vec![];
        let before = self.positions();
        let changes = changes.into_iter().map(|(table, change)| (stream(table), change)).collect();
        let changed = self.publisher.commit(changes, &mut effects).unwrap();
        let after = self.positions();
        if before.iter().zip(after).all(|(before, after)| *before != after) {
            self.commits.push(after);
        }
        self.record();
        self.published(effects);
        changed
    }

    /// The positions of p and q.
    fn positions(&self) -> [Position; 2] {
        ["p", "q"].map(|table| self.publisher.position(&stream(table)).unwrap_or_default())
    }

    /// Notes the rows of all tables at their positions.
    fn record(&mut self) {
        for table in ["p", "q"].map(stream) {
            if let (Some(rows), Some(position)) =
                (self.publisher.rows(&table), self.publisher.position(&table))
            {
                self.history.insert((table, position), rows.into_iter().collect());
            }
        }
    }

    pub(super) fn published(&mut self, effects: Vec<PublishEffect>) {
        for effect in effects {
            match effect {
                PublishEffect::Send(Outgoing { to, message: Message::Table(message) }) => {
                    self.send(to, message)
                }
                effect => self.published.push(effect),
            }
        }
    }

    fn send(&mut self, to: Destination, message: TableMessage) {
        let places: Vec<usize> = match to {
            Destination::Instance(instance) => vec![usize::try_from(instance.number()).unwrap() - 2],
            Destination::Followers(stream) => {
                let hears = |index: &usize| {
                    self.followers[*index].topics.get(&stream).is_some_and(|from| *from <= self.now)
                };
                (0..self.followers.len()).filter(hears).collect()
            }
            Destination::Everyone => panic!("tables send nothing to everyone"),
        };
        self.sent.push((self.now, message.clone()));
        for place in places {
            self.fly(Place::Follower(place), Content::Message(message.clone()));
        }
    }

    pub(super) fn fly(&mut self, to: Place, content: Content) {
        let Faults { loss, duplication, delay } = self.faults;
        let is_entry = matches!(content, Content::Entry(_));
        if (self.is_cut && !is_entry)
            || self.rng.u32(0..100) < loss
            || content.message().is_some_and(|message| (self.drops)(message))
        {
            return;
        }
        let copies = if self.rng.u32(0..100) < duplication { 2 } else { 1 };
        for _ in 0..copies {
            let spread = u64::try_from(delay.as_micros()).unwrap();
            let wait = Duration::from_micros(self.rng.u64(1000..=spread.max(1000)));
            self.flown += 1;
            self.flights.insert((self.now + wait, self.flown), Flight { to, content: content.clone() });
        }
    }

    /// The topic reaches the follower after `after`.
    pub(super) fn follow_late(&mut self, follower: usize, table: &str, after: Duration) {
        let stream = stream(table);
        let mut effects = vec![];
        let followed = &mut self.followers[follower];
        followed.topics.insert(stream.clone(), self.now + after);
        followed.replicas.entry(stream.clone()).or_default().begin(self.now);
        followed.tables.follow(self.now, stream, &mut effects);
        self.followed(follower, effects);
        self.enter(follower);
    }

    pub(super) fn follow(&mut self, follower: usize, table: &str) {
        self.follow_late(follower, table, Duration::ZERO);
    }

    pub(super) fn unfollow(&mut self, follower: usize, table: &str) {
        let stream = stream(table);
        let mut effects = vec![];
        let followed = &mut self.followers[follower];
        followed.topics.remove(&stream);
        followed.replicas.remove(&stream);
        followed.tables.unfollow(self.now, &stream, &mut effects);
        self.followed(follower, effects);
        self.enter(follower);
    }

    fn enter(&mut self, follower: usize) {
        let streams = self.followers[follower].topics.keys().cloned().collect();
        // The registry repairs itself: an entry is never lost for good.
        let faults = std::mem::replace(&mut self.faults, Faults::NONE);
        self.fly(Place::Publisher { from: follower }, Content::Entry(streams));
        self.faults = faults;
    }

    pub(super) fn followed(&mut self, follower: usize, effects: Vec<FollowEffect>) {
        for effect in effects {
            match effect {
                FollowEffect::Send(Outgoing { to, message: Message::Table(message) }) => {
                    assert_eq!(to, Destination::Instance(Instance::of(PUBLISHER)));
                    self.sent.push((self.now, message.clone()));
                    self.fly(Place::Publisher { from: follower }, Content::Message(message));
                }
                FollowEffect::Update(updates) => {
                    let follower = &mut self.followers[follower];
                    let names = updates.iter().map(|update| (update.stream.clone(), update.position));
                    follower.transactions.push(names.collect());
                    for update in updates {
                        follower.replicas.get_mut(&update.stream).unwrap().apply(&update, &self.history);
                    }
                    follower.check_commits(&self.commits);
                }
                FollowEffect::Phase(stream, phase) => {
                    self.followers[follower].replicas.get_mut(&stream).unwrap().report(phase);
                }
                FollowEffect::Raw(_, value) => self.followers[follower].raws.push(value),
                FollowEffect::Refused(_, text) => self.followers[follower].refused.push(text),
                FollowEffect::Send(outgoing) => panic!("{outgoing:?}"),
            }
        }
    }

    pub(super) fn phase(&self, follower: usize, table: &str) -> StreamPhase {
        self.followers[follower].tables.phase(&stream(table)).unwrap()
    }

    pub(super) fn replica(&self, follower: usize, table: &str) -> &Replica {
        &self.followers[follower].replicas[&stream(table)]
    }

    /// Checks that a follower is live and has the rows of the publisher.
    pub(super) fn assert_equal(&self, follower: usize, table: &str) {
        let stream = stream(table);
        let truth: BTreeSet<Row> = self.publisher.rows(&stream).unwrap().into_iter().collect();
        assert_eq!(self.phase(follower, table), StreamPhase::Live, "{table} at follower {follower}");
        assert_eq!(self.replica(follower, table).rows, truth, "{table} at follower {follower}");
        assert_eq!(
            self.followers[follower].tables.rows(&stream).unwrap().0,
            self.publisher.position(&stream).unwrap()
        );
    }
}
