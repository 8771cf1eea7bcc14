//! The subscribers of each table, as publishers see them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use data_services::{KeyColumns, Node, SubscribeOptions, SubscriptionId, TableEvent, TableSubscription};

use crate::bus::{Bus, on_each_driver, rows};
use crate::overflow::patient;
use crate::wait::{next_rows, until};

on_each_driver!(
    a_service_that_stops_without_unsubscribing_disturbs_no_other_subscriber,
    the_subscribers_of_each_table_are_exact_while_services_subscribe_crosswise,
    a_publisher_sees_how_far_each_subscriber_is,
    a_service_subscribes_to_itself,
    a_subscription_id_is_free_when_its_subscription_has_ended,
);

async fn a_service_that_stops_without_unsubscribing_disturbs_no_other_subscriber(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let lost = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&lost);
    let publisher = one.service("b").table("p", KeyColumns::Row).on_no_subscriber(move |_| {
        counting.fetch_add(1, Ordering::SeqCst);
        async {}
    });
    let publisher = publisher.start().await.unwrap();
    let (stopping, staying) =
        (two.service("stopping").start().await.unwrap(), two.service("staying").start().await.unwrap());
    let mut ended = stopping.subscribe("b", "p").await.unwrap();
    let mut kept = staying.subscribe("b", "p").await.unwrap();
    for subscription in [&mut ended, &mut kept] {
        assert!(matches!(next_rows(subscription).await, TableEvent::Snapshot { .. }));
    }
    stopping.stop().await.unwrap();
    while ended.next().await.is_some() {}
    publisher.publish("p", rows([1])).await.unwrap();
    let TableEvent::Change { change, .. } = next_rows(&mut kept).await else { panic!("a change") };
    assert_eq!(change.added, rows([1]));
    assert_eq!(lost.load(Ordering::SeqCst), 0, "one subscriber is left");
    staying.stop().await.unwrap();
    until("the last subscriber is gone", || async { lost.load(Ordering::SeqCst) == 1 }).await;
}

/// The nodes that subscribe to each table of a node.
async fn subscribers(node: &Node) -> BTreeMap<String, Vec<String>> {
    let published = node.report().await.unwrap().published;
    let names = |nodes: Vec<data_services::NodeId>| {
        let mut names: Vec<String> = nodes.iter().map(ToString::to_string).collect();
        names.sort_unstable();
        names
    };
    published.into_iter().map(|one| (one.table.to_string(), names(one.subscribers))).collect()
}

/// Waits until the tables of a node have exactly these subscribers.
async fn have(node: &Node, expected: &[(&str, &[&str])]) {
    let owned = |nodes: &[&str]| nodes.iter().map(|node| (*node).to_owned()).collect::<Vec<_>>();
    let expected: BTreeMap<String, Vec<String>> =
        expected.iter().map(|(table, nodes)| ((*table).to_owned(), owned(nodes))).collect();
    until("the subscribers are exact", || async { subscribers(node).await == expected }).await;
}

async fn the_subscribers_of_each_table_are_exact_while_services_subscribe_crosswise(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await, bus.node("node-3").await];
    let mut services = Vec::new();
    for (number, node) in nodes.iter().enumerate() {
        let service = node.service(format!("s{number}"));
        let service =
            ["a", "b"].into_iter().fold(service, |service, table| service.table(table, KeyColumns::Row));
        services.push(service.start().await.unwrap());
    }
    let mut subscriptions: Vec<(&str, TableSubscription)> = Vec::new();
    for (name, from, to, table) in [
        ("0 a", 0, "s1", "a"),
        ("0 b", 0, "s2", "b"),
        ("1 a", 1, "s2", "a"),
        ("2 a", 2, "s1", "a"),
        ("2 again", 2, "s1", "a"),
        ("1 own", 1, "s1", "b"),
    ] {
        subscriptions.push((name, services[from].subscribe(to, table).await.unwrap()));
    }
    have(&nodes[0], &[("a", &[]), ("b", &[])]).await;
    have(&nodes[1], &[("a", &["node-1", "node-3"]), ("b", &["node-2"])]).await;
    have(&nodes[2], &[("a", &["node-2"]), ("b", &["node-1"])]).await;
    subscriptions.retain(|(name, _)| !["0 b", "2 a", "1 own"].contains(name));
    have(&nodes[1], &[("a", &["node-1", "node-3"]), ("b", &[])]).await;
    have(&nodes[2], &[("a", &["node-2"]), ("b", &[])]).await;
    subscriptions.retain(|(name, _)| *name != "2 again");
    subscriptions.push(("0 b", services[0].subscribe("s2", "b").await.unwrap()));
    have(&nodes[1], &[("a", &["node-1"]), ("b", &[])]).await;
    have(&nodes[2], &[("a", &["node-2"]), ("b", &["node-1"])]).await;
    // Only those that subscribe receive something.
    services[1].publish("a", rows([1])).await.unwrap();
    let (_, subscription) = subscriptions.iter_mut().find(|(name, _)| *name == "0 a").unwrap();
    while !matches!(next_rows(subscription).await, TableEvent::Change { .. }) {}
    let (_, other) = subscriptions.iter_mut().find(|(name, _)| *name == "1 a").unwrap();
    assert!(matches!(next_rows(other).await, TableEvent::Snapshot { rows, .. } if rows.is_empty()));
}

/// How far each subscriber of the only table of a node is: the sequence that it has applied, and the changes after that.
async fn lags(node: &Node) -> Vec<(String, Option<u64>, Option<u64>)> {
    let published = node.report().await.unwrap().published.remove(0);
    let mut lags: Vec<_> =
        published.lags.into_iter().map(|lag| (lag.node.to_string(), lag.applied, lag.behind)).collect();
    lags.sort_unstable();
    lags
}

async fn a_publisher_sees_how_far_each_subscriber_is(bus: Bus) {
    let one = bus.try_join(patient(&bus, "node-1")).await.unwrap();
    let (two, driver) = bus.join_held(patient(&bus, "node-2")).await;
    let publisher = one.service("b").table("p", KeyColumns::Row).start().await.unwrap();
    let (own, other) = (one.service("a").start().await.unwrap(), two.service("c").start().await.unwrap());
    let (_own, _other) = (own.subscribe("b", "p").await.unwrap(), other.subscribe("b", "p").await.unwrap());
    let are = async |applied: [u64; 2]| {
        let last = applied[0].max(applied[1]);
        let expected = ["node-1", "node-2"].into_iter().zip(applied);
        let expected: Vec<_> =
            expected.map(|(node, at)| (node.to_owned(), Some(at), Some(last - at))).collect();
        until("the lags are exact", || async { lags(&one).await == expected }).await;
    };
    publisher.publish("p", rows([1])).await.unwrap();
    are([1, 1]).await;
    driver.hold(true);
    publisher.publish("p", rows([1, 2])).await.unwrap();
    publisher.publish("p", rows([1, 2, 3])).await.unwrap();
    are([3, 1]).await;
    driver.hold(false);
    are([3, 3]).await;
}

async fn a_service_subscribes_to_itself(bus: Bus) {
    let node = bus.node("node-1").await;
    let service = node.service("a").table("p", KeyColumns::Row).start().await.unwrap();
    let mut subscription = service.subscribe("a", "p").await.unwrap();
    assert!(matches!(next_rows(&mut subscription).await, TableEvent::Snapshot { .. }));
    service.publish("p", rows([1])).await.unwrap();
    assert!(matches!(next_rows(&mut subscription).await, TableEvent::Change { .. }));
}

async fn a_subscription_id_is_free_when_its_subscription_has_ended(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let publisher = one.service("b").table("p", KeyColumns::Row).start().await.unwrap();
    let subscriber = two.service("a").start().await.unwrap();
    for round in 1..=3 {
        publisher.publish("p", rows([round])).await.unwrap();
        let options = SubscribeOptions { id: Some(SubscriptionId::new("mine").unwrap()), interval: None };
        let mut subscription = subscriber.subscribe_with("b", "p", options).await.unwrap();
        let event = next_rows(&mut subscription).await;
        assert!(matches!(&event, TableEvent::Snapshot { .. } | TableEvent::Change { .. }), "{event:?}");
        drop(subscription);
        until("the subscription has ended", || async {
            two.report().await.unwrap().subscriptions.is_empty()
        })
        .await;
    }
}
