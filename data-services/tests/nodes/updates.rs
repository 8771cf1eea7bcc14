//! What a subscription delivers besides snapshots and changes, and what a publisher refuses.

use std::collections::BTreeSet;
use std::time::Duration;

use data_services::{KeyColumns, Row, SubscribeOptions, TableEvent};
use serde_json::json;

use crate::bus::{Bus, on_each_driver, rows};
use crate::tables::{snapshot, table};
use crate::wait::{next_rows, until};

on_each_driver!(
    a_pull_subscription_delivers_whole_tables_at_its_interval,
    raw_data_reaches_current_subscribers_only,
    a_reader_that_is_too_slow_gets_the_whole_table,
    values_that_are_not_rows_and_wrong_tables_are_refused,
);

async fn a_pull_subscription_delivers_whole_tables_at_its_interval(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let publisher = one.service("b").table("p", table()).start().await.unwrap();
    publisher.publish("p", rows([1])).await.unwrap();
    let subscriber = two.service("a").start().await.unwrap();
    let options = SubscribeOptions::every(Duration::from_millis(200));
    let mut subscription = subscriber.subscribe_with("b", "p", options).await.unwrap();
    assert_eq!(snapshot(next_rows(&mut subscription).await).len(), 1);
    publisher.publish("p", rows([1, 2])).await.unwrap();
    publisher.publish("p", rows([1, 2, 3])).await.unwrap();
    while snapshot(next_rows(&mut subscription).await).len() < 3 {}
}

async fn raw_data_reaches_current_subscribers_only(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let publisher = one.service("b").table("p", table()).start().await.unwrap();
    let subscriber = two.service("a").start().await.unwrap();
    let mut subscription = subscriber.subscribe("b", "p").await.unwrap();
    // Raw data is lost until the stream itself reaches the subscriber, which `Live` confirms.
    while !matches!(subscription.next().await, Some(TableEvent::Live { .. })) {}
    publisher.send_raw("p", json!({"alarm": 42})).await.unwrap();
    let TableEvent::Raw { value, .. } = next_rows(&mut subscription).await else { panic!("raw data") };
    assert_eq!(value, json!({"alarm": 42}));
    let mut late = subscriber.subscribe("b", "p").await.unwrap();
    assert!(snapshot(next_rows(&mut late).await).is_empty());
}

async fn a_reader_that_is_too_slow_gets_the_whole_table(bus: Bus) {
    let mut options = bus.options("node-1");
    options.subscription_updates = 8;
    let node = bus.try_join(options).await.unwrap();
    let publisher = node.service("b").table("p", table()).start().await.unwrap();
    let subscriber = node.service("a").start().await.unwrap();
    let mut subscription = subscriber.subscribe("b", "p").await.unwrap();
    snapshot(next_rows(&mut subscription).await);
    for number in 0..50 {
        publisher.change("p", rows([number]), vec![]).await.unwrap();
    }
    until("changes were dropped for the slow reader", || async { subscription.dropped() > 0 }).await;
    let mut seen = BTreeSet::new();
    while seen.len() < 50 {
        match next_rows(&mut subscription).await {
            TableEvent::Snapshot { rows, .. } => seen = rows.into_iter().collect(),
            TableEvent::Change { change, .. } => seen.extend(change.added.iter().cloned()),
            other => panic!("{other:?}"),
        }
    }
}

async fn values_that_are_not_rows_and_wrong_tables_are_refused(bus: Bus) {
    let mut options = bus.options("node-1");
    options.table_bytes = 100;
    let node = bus.try_join(options).await.unwrap();
    let service = node.service("b").table("p", KeyColumns::Fields(vec!["id".into()])).start().await.unwrap();
    for (rows, text) in [
        (rows([1]), "lacks a key column"),
        (
            vec![Row::of(&json!({"id": 1, "a": 1})).unwrap(), Row::of(&json!({"id": 1, "a": 2})).unwrap()],
            "one key",
        ),
        (vec![Row::of(&json!({"id": 1, "a": "x".repeat(200)})).unwrap()], "table_bytes"),
    ] {
        let error = service.publish("p", rows).await.unwrap_err().to_string();
        assert!(error.contains(text), "{text}: {error}");
    }
    let error = service.publish("q", vec![]).await.unwrap_err().to_string();
    assert!(error.contains("publishes no table q") && error.contains("\"p\""), "{error}");
}
