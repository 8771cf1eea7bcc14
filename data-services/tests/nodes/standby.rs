//! Services on several nodes of which one is active.

use std::collections::BTreeSet;

use data_services::{
    Call, CallOptions, KeyColumns, Node, NodeId, Row, ServiceHandle, TableEvent, TableSubscription,
};
use serde_json::json;

use crate::bus::{Bus, on_each_driver, rows};
use crate::calls::{echo, know};
use crate::membership::mortal_node;
use crate::wait::{next_rows, until};

on_each_driver!(
    only_the_active_instance_is_shown_and_called,
    a_standby_takes_over_when_the_active_service_stops,
    a_standby_takes_over_when_the_node_of_the_active_one_crashes_and_that_returns_as_standby,
);

/// One instance, whose table and method have its number.
async fn replica(node: &Node, number: u64) -> ServiceHandle {
    let service = node.service("inventory").active_standby().table("hosts", KeyColumns::Row);
    let service = service.method("who", move |_: Call| async move { Ok(number) }).start().await.unwrap();
    service.publish("hosts", rows([number])).await.unwrap();
    service
}

/// Reads until the rows of all publishers together are these.
async fn converge(subscription: &mut TableSubscription, expected: impl IntoIterator<Item = u64>) {
    let expected: BTreeSet<Row> = rows(expected).into_iter().collect();
    let mut views = std::collections::BTreeMap::new();
    while views.values().flatten().cloned().collect::<BTreeSet<Row>>() != expected {
        let event = next_rows(subscription).await;
        let publisher = event.publisher().clone();
        match event {
            TableEvent::Snapshot { rows, .. } => drop(views.insert(publisher, rows)),
            TableEvent::Gone { .. } => drop(views.remove(&publisher)),
            other => panic!("not expected: {other:?}"),
        }
    }
}

async fn only_the_active_instance_is_shown_and_called(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await, bus.node("node-3").await];
    let active = replica(&nodes[0], 1).await;
    know(&nodes[1], "inventory", 1).await;
    let standby = replica(&nodes[1], 2).await;
    know(&nodes[2], "inventory", 2).await;
    let (viewer, _) = echo(&nodes[2], "viewer").await;
    let mut subscription = viewer.subscribe("inventory", "hosts").await.unwrap();
    converge(&mut subscription, [1]).await;
    assert!(active.is_active().await.unwrap());
    assert!(!standby.is_active().await.unwrap());
    for _ in 0..3 {
        assert_eq!(viewer.call("inventory", "who", ()).await.unwrap(), json!(1));
    }
    let results = viewer.call_all("inventory", "who", ()).await.unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!(standby.call("inventory", "who", ()).await.unwrap(), json!(1), "not even on its own node");
    let on_standby = CallOptions::on(NodeId::new("node-2").unwrap());
    assert_eq!(viewer.call_with("inventory", "who", (), on_standby).await.unwrap(), json!(2));
}

async fn a_standby_takes_over_when_the_active_service_stops(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await];
    let active = replica(&nodes[0], 1).await;
    know(&nodes[1], "inventory", 1).await;
    let standby = replica(&nodes[1], 2).await;
    let (viewer, _) = echo(&nodes[1], "viewer").await;
    let mut subscription = viewer.subscribe("inventory", "hosts").await.unwrap();
    converge(&mut subscription, [1]).await;
    active.stop().await.unwrap();
    let first = next_rows(&mut subscription).await;
    assert!(
        matches!(first, TableEvent::Snapshot { ref rows, .. } if *rows == crate::bus::rows([2])),
        "{first:?}"
    );
    let second = next_rows(&mut subscription).await;
    assert!(matches!(second, TableEvent::Gone { ref reason, .. } if reason.contains("active")), "{second:?}");
    assert!(standby.is_active().await.unwrap());
}

async fn a_standby_takes_over_when_the_node_of_the_active_one_crashes_and_that_returns_as_standby(bus: Bus) {
    let two = bus.node("node-2").await;
    let (runtime, one) = mortal_node(&bus, "node-1").await;
    let _active = replica(&one, 1).await;
    know(&two, "inventory", 1).await;
    let standby = replica(&two, 2).await;
    let (viewer, _) = echo(&two, "viewer").await;
    let mut subscription = viewer.subscribe("inventory", "hosts").await.unwrap();
    converge(&mut subscription, [1]).await;
    runtime.shutdown_background();
    until("the standby is active", || async { standby.is_active().await.unwrap() }).await;
    let mut subscription = viewer.subscribe("inventory", "hosts").await.unwrap();
    converge(&mut subscription, [2]).await;
    let again = bus.node("node-1").await;
    know(&again, "inventory", 1).await;
    let returned = replica(&again, 3).await;
    know(&two, "inventory", 2).await;
    assert!(standby.is_active().await.unwrap());
    assert!(!returned.is_active().await.unwrap());
    assert_eq!(viewer.call("inventory", "who", ()).await.unwrap(), json!(2));
}
