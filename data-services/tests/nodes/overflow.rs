//! A driver that is so slow that the queue of actions overflows.

use std::time::Duration;

use data_services::{KeyColumns, Node, NodeOptions, TableEvent};

use crate::bus::{Bus, rows};
use crate::wait::{next_event, next_rows, until};

/// More than the queue of actions and the batch that the driver has taken hold.
const CHANGES: u64 = 9_000;

/// Options with which nobody is missed while the driver accepts nothing.
pub(crate) fn patient(bus: &Bus, node: &str) -> NodeOptions {
    let mut options = bus.options(node);
    (options.suspect_after, options.down_after) = (Duration::from_secs(60), Duration::from_secs(120));
    options
}

async fn counter(node: &Node, name: &str) -> u64 {
    node.report().await.unwrap().driver.counter(name, None)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_begins_while_the_driver_accepts_nothing_becomes_live() {
    let bus = Bus::memory();
    let one = bus.try_join(patient(&bus, "node-1")).await.unwrap();
    let publisher = one.service("b").table("p", KeyColumns::Row).start().await.unwrap();
    publisher.publish("p", rows([1])).await.unwrap();
    let (two, driver) = bus.join_held(patient(&bus, "node-2")).await;
    let busy = two.service("a").table("q", KeyColumns::Row).start().await.unwrap();
    let mut followed = publisher.subscribe("a", "q").await.unwrap();
    assert!(matches!(next_rows(&mut followed).await, TableEvent::Snapshot { .. }));
    until("the publisher is known", || async {
        two.report().await.unwrap().services.iter().any(|service| service.service.as_str() == "b")
    })
    .await;

    driver.hold(true);
    for number in 0..CHANGES {
        busy.change("q", rows([number]), vec![]).await.unwrap();
    }
    let mut subscription = busy.subscribe("b", "p").await.unwrap();
    for name in ["packets_dropped_before_driver", "driver_changes_deferred"] {
        until(name, || async { counter(&two, name).await > 0 }).await;
    }
    driver.hold(false);

    while !matches!(next_event(&mut subscription).await, TableEvent::Live { .. }) {}
    let mut seen = 0;
    while seen < CHANGES {
        match next_event(&mut followed).await {
            TableEvent::Snapshot { rows, .. } => seen = rows.len() as u64,
            TableEvent::Change { change, .. } => seen += change.added.len() as u64,
            _ => {}
        }
    }
}
