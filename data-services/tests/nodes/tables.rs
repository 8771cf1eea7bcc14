//! Publishing and subscribing (the cases of Congress's test_dse2.py, and those that it lacks).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use data_services::{KeyColumns, Row, SubscribeOptions, SubscriptionId, TableEvent};

use crate::bus::{Bus, on_each_driver, rows};
use crate::wait::{next_rows, until};

on_each_driver!(
    a_subscriber_on_the_same_node_receives_a_snapshot_and_then_changes,
    a_subscriber_on_another_node_receives_a_snapshot_and_then_changes,
    an_empty_table_is_delivered_as_an_empty_snapshot,
    a_subscription_waits_for_its_publisher,
    a_subscription_that_is_dropped_ends_alone,
    two_subscriptions_of_one_service_are_independent,
    publishers_that_share_an_address_are_kept_apart_and_later_ones_are_found,
    a_service_that_stops_is_gone_with_its_rows,
    a_service_that_starts_again_has_its_rows_replaced,
    a_table_without_subscribers_counts_and_sends_nothing,
    hooks_run_at_the_first_and_after_the_last_subscriber,
    a_transaction_is_seen_as_a_whole,
);

pub(crate) fn table() -> KeyColumns {
    KeyColumns::Positions(vec![0])
}

pub(crate) fn snapshot(event: TableEvent) -> BTreeSet<Row> {
    match event {
        TableEvent::Snapshot { rows, .. } => rows.into_iter().collect(),
        other => panic!("a snapshot is expected: {other:?}"),
    }
}

async fn a_subscriber_on_the_same_node_receives_a_snapshot_and_then_changes(bus: Bus) {
    let node = bus.node("node-1").await;
    let publisher = node.service("b").table("p", KeyColumns::Row).start().await.unwrap();
    let subscriber = node.service("a").start().await.unwrap();
    assert_eq!(publisher.publish("p", rows([1, 2])).await.unwrap(), 2);
    let mut subscription = subscriber.subscribe("b", "p").await.unwrap();
    assert_eq!(snapshot(next_rows(&mut subscription).await), BTreeSet::from_iter(rows([1, 2])));
    assert_eq!(publisher.publish("p", rows([2, 3])).await.unwrap(), 2);
    let TableEvent::Change { change, .. } = next_rows(&mut subscription).await else { panic!("a change") };
    assert_eq!((&change.added, &change.removed, change.changed.len()), (&rows([3]), &rows([1]), 0));
    assert_eq!(publisher.publish("p", rows([3, 2])).await.unwrap(), 0, "nothing has changed");
}

async fn a_subscriber_on_another_node_receives_a_snapshot_and_then_changes(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let publisher = one.service("b").table("p", table()).start().await.unwrap();
    publisher.publish("p", vec![Row::of(&(1, "x")).unwrap(), Row::of(&(2, "x")).unwrap()]).await.unwrap();
    let subscriber = two.service("a").start().await.unwrap();
    let mut subscription = subscriber.subscribe("b", "p").await.unwrap();
    assert_eq!(snapshot(next_rows(&mut subscription).await).len(), 2);
    let key = table().key_of(&Row::of(&(1,)).unwrap()).unwrap();
    publisher.change("p", vec![Row::of(&(2, "y")).unwrap()], vec![key]).await.unwrap();
    let TableEvent::Change { publisher, change } = next_rows(&mut subscription).await else {
        panic!("a change")
    };
    assert_eq!((publisher.node.as_str(), publisher.service.as_str()), ("node-1", "b"));
    assert_eq!(change.changed, [(Row::of(&(2, "x")).unwrap(), Row::of(&(2, "y")).unwrap())]);
    assert_eq!(change.removed, [Row::of(&(1, "x")).unwrap()]);
}

async fn an_empty_table_is_delivered_as_an_empty_snapshot(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let _publisher = one.service("b").table("p", table()).start().await.unwrap();
    let subscriber = two.service("a").start().await.unwrap();
    let mut subscription = subscriber.subscribe("b", "p").await.unwrap();
    assert!(snapshot(next_rows(&mut subscription).await).is_empty());
}

async fn a_subscription_waits_for_its_publisher(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let subscriber = one.service("a").start().await.unwrap();
    let mut subscription = subscriber.subscribe("b", "p").await.unwrap();
    let publisher = two.service("b").table("p", table()).start().await.unwrap();
    publisher.change("p", rows([1]), vec![]).await.unwrap();
    publisher.change("p", rows([2]), vec![]).await.unwrap();
    let mut seen = BTreeSet::new();
    while seen.len() < 2 {
        match next_rows(&mut subscription).await {
            TableEvent::Snapshot { rows, .. } => seen = rows.into_iter().collect(),
            TableEvent::Change { change, .. } => seen.extend(change.added.iter().cloned()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen, BTreeSet::from_iter(rows([1, 2])));
}

async fn a_subscription_that_is_dropped_ends_alone(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let publisher = one.service("b").table("p", table()).table("q", table()).start().await.unwrap();
    let subscriber = two.service("a").start().await.unwrap();
    let mut kept = subscriber.subscribe("b", "p").await.unwrap();
    let mut dropped = subscriber.subscribe("b", "q").await.unwrap();
    snapshot(next_rows(&mut kept).await);
    snapshot(next_rows(&mut dropped).await);
    drop(dropped);
    until("only one table is followed", || async {
        let published = one.report().await.unwrap().published;
        let followed = |name: &str| {
            published.iter().any(|one| one.table.as_str() == name && !one.subscribers.is_empty())
        };
        followed("p") && !followed("q")
    })
    .await;
    publisher.publish("p", rows([7])).await.unwrap();
    let TableEvent::Change { change, .. } = next_rows(&mut kept).await else { panic!("a change") };
    assert_eq!(change.added, rows([7]));
}

async fn two_subscriptions_of_one_service_are_independent(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let publisher = one.service("b").table("p", table()).start().await.unwrap();
    let subscriber = two.service("a").start().await.unwrap();
    let options = SubscribeOptions { id: Some(SubscriptionId::new("mine").unwrap()), interval: None };
    let mut first = subscriber.subscribe_with("b", "p", options.clone()).await.unwrap();
    assert_eq!(first.id().as_str(), "mine");
    let twice = subscriber.subscribe_with("b", "p", options).await.unwrap_err();
    assert!(twice.to_string().contains("has a subscription mine already"), "{twice}");
    let mut second = subscriber.subscribe("b", "p").await.unwrap();
    snapshot(next_rows(&mut first).await);
    snapshot(next_rows(&mut second).await);
    drop(first);
    publisher.publish("p", rows([1])).await.unwrap();
    assert!(matches!(next_rows(&mut second).await, TableEvent::Change { .. }));
}

async fn publishers_that_share_an_address_are_kept_apart_and_later_ones_are_found(bus: Bus) {
    let (one, two, three) = (bus.node("node-1").await, bus.node("node-2").await, bus.node("node-3").await);
    let list = "vSphere.node.list";
    let boston = one.service("vSphere.Boston").address(list).table("hosts", table()).start().await.unwrap();
    let subscriber = three.service("screen").start().await.unwrap();
    let mut subscription = subscriber.subscribe(list, "hosts").await.unwrap();
    boston.publish("hosts", rows([1])).await.unwrap();
    let mut hosts = std::collections::BTreeMap::new();
    let chicago = two.service("vSphere.Chicago").address(list).table("hosts", table()).start().await.unwrap();
    chicago.publish("hosts", rows([1])).await.unwrap();
    while hosts.len() < 2 || hosts.values().any(|rows| *rows != 1) {
        let event = next_rows(&mut subscription).await;
        let count = match &event {
            TableEvent::Snapshot { rows, .. } => rows.len(),
            TableEvent::Change { change, .. } => change.added.len(),
            other => panic!("{other:?}"),
        };
        hosts.insert(event.publisher().clone(), count);
    }
    let names: Vec<_> = hosts.keys().map(|publisher| publisher.service.as_str()).collect();
    assert_eq!(names, ["vSphere.Boston", "vSphere.Chicago"]);
}

async fn a_service_that_stops_is_gone_with_its_rows(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let publisher = one.service("b").table("p", table()).start().await.unwrap();
    publisher.publish("p", rows([1])).await.unwrap();
    let subscriber = two.service("a").start().await.unwrap();
    let mut subscription = subscriber.subscribe("b", "p").await.unwrap();
    snapshot(next_rows(&mut subscription).await);
    publisher.stop().await.unwrap();
    let TableEvent::Gone { removed, .. } = next_rows(&mut subscription).await else { panic!("gone") };
    assert_eq!(removed, rows([1]));
}

async fn a_service_that_starts_again_has_its_rows_replaced(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let subscriber = two.service("a").start().await.unwrap();
    let mut subscription = subscriber.subscribe("b", "p").await.unwrap();
    for round in 0..3 {
        let publisher = one.service("b").table("p", table()).start().await.unwrap();
        publisher.publish("p", rows([round, 10 + round])).await.unwrap();
        let mut seen = BTreeSet::new();
        while seen != BTreeSet::from_iter(rows([round, 10 + round])) {
            match next_rows(&mut subscription).await {
                TableEvent::Snapshot { rows, .. } => seen = rows.into_iter().collect(),
                TableEvent::Change { change, .. } => seen.extend(change.added.iter().cloned()),
                TableEvent::Gone { .. } => seen.clear(),
                other => panic!("{other:?}"),
            }
        }
        publisher.stop().await.unwrap();
    }
}

async fn a_table_without_subscribers_counts_and_sends_nothing(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let publisher = one.service("b").table("p", table()).start().await.unwrap();
    for round in 0..10 {
        publisher.publish("p", rows([round])).await.unwrap();
    }
    let report = one.report().await.unwrap();
    assert_eq!(report.published.iter().map(|one| one.sequence).max(), Some(10));
    let sent =
        report.counters.iter().find(|(name, _)| *name == "table_messages_sent").map(|(_, value)| *value);
    assert_eq!(sent, Some(0));
    let subscriber = two.service("a").start().await.unwrap();
    let mut subscription = subscriber.subscribe("b", "p").await.unwrap();
    assert_eq!(snapshot(next_rows(&mut subscription).await), BTreeSet::from_iter(rows([9])));
}

async fn hooks_run_at_the_first_and_after_the_last_subscriber(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let (first, last) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (on_first, on_last) = (Arc::clone(&first), Arc::clone(&last));
    let _publisher = one
        .service("_hidden")
        .table("p", table())
        .on_first_subscriber(move |_| {
            on_first.fetch_add(1, Ordering::SeqCst);
            async {}
        })
        .on_no_subscriber(move |_| {
            on_last.fetch_add(1, Ordering::SeqCst);
            async { panic!("a hook that panics affects nothing else") }
        })
        .start()
        .await
        .unwrap();
    let subscriber = two.service("a").start().await.unwrap();
    for round in 1..=2 {
        let mut subscription = subscriber.subscribe("_hidden", "p").await.unwrap();
        let second = subscriber.subscribe("_hidden", "p").await.unwrap();
        snapshot(next_rows(&mut subscription).await);
        until("the first hook has run", || async { first.load(Ordering::SeqCst) == round }).await;
        drop((subscription, second));
        until("the last hook has run", || async { last.load(Ordering::SeqCst) == round }).await;
    }
}

async fn a_transaction_is_seen_as_a_whole(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let publisher = one.service("b").table("p", table()).table("q", table()).start().await.unwrap();
    let subscriber = two.service("a").start().await.unwrap();
    let mut p = subscriber.subscribe("b", "p").await.unwrap();
    let mut q = subscriber.subscribe("b", "q").await.unwrap();
    snapshot(next_rows(&mut p).await);
    snapshot(next_rows(&mut q).await);
    publisher.transaction().publish("p", rows([1])).publish("q", rows([2])).commit().await.unwrap();
    for subscription in [&mut p, &mut q] {
        assert!(matches!(next_rows(subscription).await, TableEvent::Change { .. }));
    }
    let none = publisher.transaction().publish("p", rows([3])).publish("no", rows([4])).commit().await;
    assert!(none.unwrap_err().to_string().contains("publishes no table no"));
    assert_eq!(
        publisher.publish("p", rows([1])).await.unwrap(),
        0,
        "the refused transaction changed nothing"
    );
}
