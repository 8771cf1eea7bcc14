//! Tests: whatever the path of the events and the clocks of their publishers, the tables end equal.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use pubsub_api::{Envelope, Event, SEND_ALL, Stamp};

use super::histories::{fold, history, versioned};
use super::{A, B, contents, event};
use crate::{DatedEvent, Table};
use delivery::subscriber::{DeliveryMode, PublisherClock, Snapshot};

/// An hour, in microseconds.
const HOUR: u64 = 3_600_000_000;

/// The time on the clocks of the two publishers when the true time is 0.
type Clocks = [u64; 2];

/// A history in true time; each publisher stamps its events with the time on its own clock.
struct World {
    history: Vec<(u64, Event)>,
    clocks: Clocks,
}

/// How an agent that was disconnected receives the events of a publisher that it missed.
#[derive(Debug, Clone, Copy)]
enum Path {
    Replay,
    Snapshot,
}

impl World {
    fn clock(&self, publisher: u64, true_time: u64) -> u64 {
        self.clocks[usize::from(publisher == B)] + true_time
    }

    fn stamped(&self, publisher: u64, event: &Event) -> Event {
        let stamp = event.stamp.map(|stamp| Stamp { time_us: self.clock(publisher, stamp.time_us), ..stamp });
        Event { stamp, ..event.clone() }
    }

    /// Merges the `from`th to `to`th event, live.
    fn live(&self, table: &mut Table, range: std::ops::Range<usize>) {
        for (number, (publisher, event)) in self.history.iter().enumerate() {
            if range.contains(&number) {
                table.tick(Duration::from_micros(number as u64 + 1));
                table.merge(&Arc::new(self.stamped(*publisher, event)), DeliveryMode::Live);
            }
        }
    }

    /// Merges all rows of the publisher, or the events that an agent missed since the `from`th event of the history.
    fn answer(&self, table: &mut Table, publisher: u64, from: usize, path: Path) {
        let now = self.history.len() as u64 + 10;
        table.tick(Duration::from_micros(now));
        table.clock(PublisherClock { publisher, time_us: self.clock(publisher, now) });
        let own = self.history.iter().enumerate().filter(|(_, (of, _))| *of == publisher);
        match path {
            Path::Replay => {
                for (_, (_, event)) in own.filter(|(number, _)| *number >= from) {
                    table.merge(&Arc::new(self.stamped(publisher, event)), DeliveryMode::Replay);
                }
            }
            Path::Snapshot => {
                let rows: BTreeMap<_, _> = own.map(|(_, (_, event))| (event.key.clone(), event)).collect();
                let pack = |event: &Event| Envelope::pack(&self.stamped(publisher, event)).unwrap();
                let rows = rows.into_values().map(pack).collect();
                let snapshot =
                    Snapshot { publisher, topic: SEND_ALL, rows, epochs: vec![1], is_complete: true };
                table.replace(&snapshot);
            }
        }
    }
}

fn path() -> impl Strategy<Value = Path> {
    prop_oneof![Just(Path::Replay), Just(Path::Snapshot)]
}

fn clocks() -> impl Strategy<Value = Clocks> {
    let clock = || prop_oneof![Just(HOUR), Just(2 * HOUR), 0..3 * HOUR];
    [clock(), clock()]
}

/// Restores the table as an agent does that is stopped and started again.
fn restarted(table: &Table) -> Table {
    let rows: Vec<DatedEvent> = table.dated().collect();
    Table::restored(table.now, rows)
}

proptest! {
    #[test]
    fn an_agent_that_was_there_and_one_that_came_back_end_with_the_same_rows(
        history in history(),
        has_versions in any::<bool>(),
        clocks in clocks(),
        cut in 0..40_usize,
        paths in [path(), path()],
        is_a_first in any::<bool>(),
    ) {
        let history = if has_versions { versioned(history) } else { history };
        let world = World { history, clocks };
        let mut there = Table::default();
        world.live(&mut there, 0..40);
        prop_assert_eq!(contents(&there), fold(world.history.iter().map(|(_, event)| event)));

        let mut back = Table::default();
        world.live(&mut back, 0..cut);
        let mut back = restarted(&back);
        let mut order = vec![(A, paths[0]), (B, paths[1])];
        if !is_a_first {
            order.reverse();
        }
        for (publisher, path) in order {
            world.answer(&mut back, publisher, cut, path);
        }
        prop_assert_eq!(contents(&back), contents(&there));
    }

    #[test]
    fn an_agent_that_lost_one_publisher_for_a_while_ends_with_the_same_rows(
        history in history(),
        clocks in clocks(),
        from in 0..40_usize,
        path in path(),
        lost in A..=B,
    ) {
        let world = World { history, clocks };
        let mut table = Table::default();
        world.live(&mut table, 0..from);
        for (number, (publisher, event)) in world.history.iter().enumerate().skip(from) {
            table.tick(Duration::from_micros(number as u64 + 1));
            if *publisher != lost {
                table.merge(&Arc::new(world.stamped(*publisher, event)), DeliveryMode::Live);
            }
        }
        world.answer(&mut table, lost, from, path);
        prop_assert_eq!(contents(&table), fold(world.history.iter().map(|(_, event)| event)));
    }

    #[test]
    fn newcomers_end_with_the_same_rows_whatever_the_order_of_the_answers(
        history in history(),
        clocks in clocks(),
        paths in vec(path(), 2),
    ) {
        let world = World { history, clocks };
        let mut tables = [Table::default(), Table::default()];
        for (publisher, path) in [(A, paths[0]), (B, paths[1])] {
            world.answer(&mut tables[0], publisher, 0, path);
        }
        for (publisher, path) in [(B, paths[0]), (A, paths[1])] {
            world.answer(&mut tables[1], publisher, 0, path);
        }
        let wanted = fold(world.history.iter().map(|(_, event)| event));
        prop_assert_eq!(contents(&tables[0]), wanted.clone());
        prop_assert_eq!(contents(&tables[1]), wanted);
    }
}

#[test]
fn a_publisher_whose_clock_is_an_hour_behind_wins_with_what_it_published_later() {
    for clocks in [[2 * HOUR, HOUR], [HOUR, 2 * HOUR]] {
        let rows = (0..10).map(|key| (A, event(A, key + 1, &key.to_string(), Some("first"))));
        let changes = (0..10).map(|key| (B, event(B, key + 11, &key.to_string(), Some("second"))));
        let world = World { history: rows.chain(changes).collect(), clocks };
        for path in [Path::Replay, Path::Snapshot] {
            let mut back = Table::default();
            world.live(&mut back, 0..10);
            world.answer(&mut back, B, 10, path);
            let values = contents(&back).into_values();
            assert!(values.into_iter().all(|value| value == "second".into()), "{clocks:?} {path:?}");
        }
    }
}
