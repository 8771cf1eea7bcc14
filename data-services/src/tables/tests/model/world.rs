mod checks;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use delivery::Position;

use super::bounds::Bounds;
use super::flights::{Content, Flights};
use super::spent::Spent;
use super::view::View;
use crate::packet::{Destination, Message, Outgoing};
use crate::tables::tests::world::{node, row, stream};
use crate::tables::{
    FollowEffect, FollowedTables, PublishEffect, PublishedTables, TableChange, TableMessage, TableUpdate,
};
use crate::{Instance, Row, StreamName};

/// The present moment of both ends. Their clock stands still: when time passes, all their times move into the past instead.
/// What is older than this is infinitely old.
pub(super) const NOW: Duration = Duration::from_secs(60);

/// The interval of heartbeats when nothing fails.
const HEARTBEAT: Duration = Duration::from_secs(1);

const FOLLOWER: u64 = 2;

/// Both ends, and what is between them, at one moment.
#[derive(Clone, Hash)]
pub(super) struct World {
    pub(super) publisher: PublishedTables,
    pub(super) follower: FollowedTables,
    /// What the follower's application has, by table.
    pub(super) views: Vec<View>,
    pub(super) flights: Flights,
    pub(super) is_declared: bool,
    pub(super) is_following: bool,
    /// Whether what is sent on the topics from now on reaches the follower.
    pub(super) is_topic_active: bool,
    /// Whether the registry at the publisher lists the follower.
    pub(super) is_listed: bool,
    pub(super) is_up: bool,
    /// Something did not reach the follower since it was live with the latest rows.
    is_lost: bool,
    /// Once its tables have the same last commit, they have it after each update, unless there is a snapshot.
    is_aligned: bool,
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
        Self {
            publisher: PublishedTables::new(bounds.options()),
            follower: FollowedTables::new(bounds.options(), fastrand::Rng::with_seed(0)),
            views: bounds.tables.iter().map(|_| View::new()).collect(),
            flights: Flights::default(),
            is_declared: false,
            is_following: false,
            is_topic_active: false,
            is_listed: false,
            is_up: true,
            is_lost: false,
            is_aligned: false,
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
        self.is_lost |= self.is_following && !self.is_listed;
    }

    pub(super) fn follow(&mut self, bounds: &Bounds) {
        self.is_following = true;
        let mut effects = vec![];
        for table in bounds.tables {
            self.follower.follow(NOW, stream(table), &mut effects);
        }
        self.followed(bounds, effects);
    }

    /// The registry at the publisher lists the follower.
    pub(super) fn list(&mut self, bounds: &Bounds) {
        self.is_listed = true;
        let mut effects = vec![];
        for table in bounds.tables {
            let follower = BTreeSet::from([Instance::of(FOLLOWER)]);
            self.publisher.followers(&stream(table), &follower, &mut effects);
        }
        self.published(effects);
    }

    pub(super) fn set_up(&mut self, bounds: &Bounds, is_up: bool) {
        self.is_up = is_up;
        let mut effects = vec![];
        self.follower.publisher_state(NOW, stream("p").instance, is_up, &mut effects);
        self.followed(bounds, effects);
    }

    pub(super) fn reset(&mut self, bounds: &Bounds) {
        let mut effects = vec![];
        self.follower.links_reset(NOW, &mut effects);
        self.followed(bounds, effects);
    }

    pub(super) fn heartbeat(&mut self) {
        for (stream, position) in self.publisher.heads() {
            self.flights.put(Content::Head(stream, position));
        }
    }

    /// One copy of a message is lost.
    pub(super) fn lose(&mut self, id: u64) {
        self.flights.remove(id);
        self.is_lost = true;
    }

    /// A message arrives; it stays on its way if it arrives again.
    pub(super) fn deliver(&mut self, bounds: &Bounds, id: u64, arrives_again: bool) {
        let content = self.flights.get(id);
        if !arrives_again {
            self.flights.remove(id);
        }
        match &*content {
            Content::ToPublisher(message) => {
                let mut effects = vec![];
                self.publisher.received(NOW, &node(FOLLOWER), message, &mut effects);
                self.published(effects);
            }
            Content::ToFollower(message) => {
                self.hear(bounds, message);
                let mut effects = vec![];
                self.follower.received(NOW, &node(1), message, &mut effects);
                self.followed(bounds, effects);
            }
            Content::Head(stream, position) => {
                self.views[index(bounds, stream)].hear(*position);
                let mut effects = vec![];
                self.follower.head(NOW, stream, *position, &mut effects);
                self.followed(bounds, effects);
            }
        }
    }

    /// The time until something is due.
    pub(super) fn until_due(&self) -> Option<Duration> {
        let due = self.publisher.deadline().into_iter().chain(self.follower.deadline()).min();
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
        self.follower.age(time);
        self.views.iter_mut().for_each(|view| view.age(time));
        let mut effects = vec![];
        self.publisher.tick(NOW, &mut effects);
        self.published(effects);
        let mut effects = vec![];
        self.follower.tick(NOW, &mut effects);
        self.followed(bounds, effects);
    }

    fn hear(&mut self, bounds: &Bounds, message: &TableMessage) {
        let position = match message {
            TableMessage::Change(part) => part.position,
            TableMessage::Mark(mark) | TableMessage::Answered(mark) => mark.position,
            TableMessage::Page(page) => page.position,
            _ => return,
        };
        self.views[index(bounds, message.stream())].hear(position);
    }

    fn published(&mut self, effects: Vec<PublishEffect>) {
        for effect in effects {
            let PublishEffect::Send(Outgoing { to, message: Message::Table(message) }) = effect else {
                continue;
            };
            let is_for_all = matches!(to, Destination::Followers(_));
            if !is_for_all || self.is_topic_active {
                self.flights.put(Content::ToFollower(message));
            }
        }
    }

    fn followed(&mut self, bounds: &Bounds, effects: Vec<FollowEffect>) {
        for effect in effects {
            let result = match effect {
                FollowEffect::Send(Outgoing { message: Message::Table(message), .. }) => {
                    self.flights.put(Content::ToPublisher(message));
                    Ok(())
                }
                FollowEffect::Update(updates) => self.update(bounds, &updates),
                FollowEffect::Phase(stream, phase) => self.views[index(bounds, &stream)].report(phase),
                FollowEffect::Refused(..) => Err("a snapshot is refused"),
                FollowEffect::Raw(..) | FollowEffect::Send(_) => Err("there is no such message"),
            };
            self.broken = self.broken.or(result.err());
        }
    }

    fn update(&mut self, bounds: &Bounds, updates: &[Arc<TableUpdate>]) -> Result<(), &'static str> {
        for update in updates {
            let published = self.history.iter().find(|(position, _)| *position == update.position);
            let truth = published.map(|(_, number)| rows_of(bounds, *number));
            self.views[index(bounds, &update.stream)].apply(update, truth)?;
        }
        let is_even = self.views.iter().all(|view| view.has_rows && view.position == self.views[0].position);
        if self.is_aligned && !is_even && !updates.iter().any(|update| update.is_snapshot) {
            return Err("transactions are whole: one table has a commit that another lacks");
        }
        self.is_aligned = is_even;
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
