//! Access rules, and services that refuse subscribers.

use data_services::{
    AccessRules, CallErrorKind, KeyColumns, Node, NodeOptions, ServiceHandle, TableEvent, TableSubscription,
};
use pubsub_api::ErrorKind;
use serde_json::json;

use crate::bus::{Bus, on_each_driver, rows};
use crate::calls::{echo, know};
use crate::wait::{next_event, next_rows, until};

on_each_driver!(
    a_call_that_a_rule_denies_is_denied_and_others_run,
    a_node_that_may_not_publish_or_subscribe_is_refused_at_home,
    a_publisher_refuses_subscribers_by_its_rules_and_reports_it,
    a_table_of_a_node_that_may_not_publish_is_not_shown,
    a_service_refuses_a_subscriber_by_its_hook_and_serves_the_others,
);

async fn with_rules(bus: &Bus, node: &str, rules: serde_json::Value) -> Node {
    let access: AccessRules = serde_json::from_value(rules).unwrap();
    bus.try_join(NodeOptions { access, ..bus.options(node) }).await.unwrap()
}

async fn publisher(node: &Node) -> ServiceHandle {
    let service = node.service("inventory").table("hosts", KeyColumns::Row).start().await.unwrap();
    service.publish("hosts", rows([1])).await.unwrap();
    service
}

/// Waits until a subscription is stale for a reason with this text; nothing else may arrive before.
async fn refused(subscription: &mut TableSubscription, text: &str) {
    let event = next_event(subscription).await;
    assert!(matches!(event, TableEvent::Stale { ref reason, .. } if reason.contains(text)), "{event:?}");
}

async fn a_call_that_a_rule_denies_is_denied_and_others_run(bus: Bus) {
    let rules = json!([{"effect": "deny", "actions": ["call"], "names": ["echo"], "nodes": ["guest-*"]}]);
    let one = with_rules(&bus, "node-1", rules).await;
    let guest = bus.node("guest-1").await;
    let (own, _) = echo(&one, "service").await;
    let (caller, _) = echo(&guest, "caller").await;
    know(&guest, "service", 1).await;
    let error = caller.call("service", "echo", ()).await.unwrap_err();
    assert_eq!((error.kind(), error.may_have_run()), (CallErrorKind::Denied, false), "{error}");
    assert!(error.to_string().contains("access rule 1 denies node guest-1"), "{error}");
    own.call("service", "echo", ()).await.unwrap();
    let error = caller.call("service", "other", ()).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::NoMethod, "{error}");
}

async fn a_node_that_may_not_publish_or_subscribe_is_refused_at_home(bus: Bus) {
    let rules = json!([{"effect": "deny", "services": ["inventory"], "nodes": ["node-1"]}]);
    let one = with_rules(&bus, "node-1", rules).await;
    let started = one.service("inventory").table("hosts", KeyColumns::Row).start().await;
    let error = started.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("access rule 1"), "{error}");
    let other = one.service("other").table("hosts", KeyColumns::Row).start().await.unwrap();
    let error = other.subscribe("inventory", "hosts").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    other.subscribe("other", "hosts").await.unwrap();
}

async fn a_publisher_refuses_subscribers_by_its_rules_and_reports_it(bus: Bus) {
    let rules = json!([{"effect": "deny", "actions": ["subscribe"], "nodes": ["guest"]}]);
    let one = with_rules(&bus, "node-1", rules).await;
    let service = publisher(&one).await;
    let (guest, friend) = (bus.node("guest").await, bus.node("friend").await);
    let (guest, _) = echo(&guest, "guest").await;
    let (friend, _) = echo(&friend, "friend").await;
    let mut denied = guest.subscribe("inventory", "hosts").await.unwrap();
    refused(&mut denied, "access rule 1 denies node guest").await;
    let mut served = friend.subscribe("inventory", "hosts").await.unwrap();
    assert!(matches!(next_rows(&mut served).await, TableEvent::Snapshot { .. }));
    service.publish("hosts", rows([2])).await.unwrap();
    assert!(matches!(next_rows(&mut served).await, TableEvent::Change { .. }));
    let next = tokio::time::timeout(std::time::Duration::from_millis(500), denied.next()).await;
    assert!(next.is_err(), "{next:?}");
}

async fn a_table_of_a_node_that_may_not_publish_is_not_shown(bus: Bus) {
    let rules = json!([{"effect": "deny", "actions": ["publish"], "nodes": ["rogue"]}]);
    let one = with_rules(&bus, "node-1", rules).await;
    let (rogue, honest) = (bus.node("rogue").await, bus.node("honest").await);
    let _rogue = publisher(&rogue).await;
    let _honest = publisher(&honest).await;
    know(&one, "inventory", 2).await;
    let (viewer, _) = echo(&one, "viewer").await;
    let mut subscription = viewer.subscribe("inventory", "hosts").await.unwrap();
    assert_eq!(next_rows(&mut subscription).await.publisher().node.as_str(), "honest");
    let report = one.report().await.unwrap();
    assert_eq!(report.subscriptions[0].publishers.len(), 1);
}

async fn a_service_refuses_a_subscriber_by_its_hook_and_serves_the_others(bus: Bus) {
    let one = bus.node("node-1").await;
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let asking = std::sync::Arc::clone(&asked);
    let service =
        one.service("inventory").table("hosts", KeyColumns::Row).admit_subscribers(move |subscriber| {
            asking.lock().unwrap().push((subscriber.node.node.to_string(), subscriber.table.to_string()));
            if subscriber.node.node.as_str() == "guest" { Err("no guests".to_owned()) } else { Ok(()) }
        });
    let service = service.start().await.unwrap();
    service.publish("hosts", rows([1])).await.unwrap();
    let (guest, friend) = (bus.node("guest").await, bus.node("friend").await);
    let (guest, _) = echo(&guest, "guest").await;
    let (friend, _) = echo(&friend, "friend").await;
    let mut denied = guest.subscribe("inventory", "hosts").await.unwrap();
    refused(&mut denied, "no guests").await;
    let mut served = friend.subscribe("inventory", "hosts").await.unwrap();
    assert!(matches!(next_rows(&mut served).await, TableEvent::Snapshot { .. }));
    service.publish("hosts", rows([2])).await.unwrap();
    assert!(matches!(next_rows(&mut served).await, TableEvent::Change { .. }));
    until("the hook has decided about both nodes", || async {
        let asked = asked.lock().unwrap();
        ["friend", "guest"].iter().all(|node| asked.contains(&((*node).to_owned(), "hosts".to_owned())))
    })
    .await;
}
