//! Nodes find each other, miss each other, and refuse a second node of one name.

use data_services::{CallErrorKind, KeyColumns, Node, TableEvent};
use pubsub_api::ErrorKind;
use tokio::runtime::Runtime;

use crate::bus::{Bus, on_each_driver, rows};
use crate::wait::{ended, next_rows, until};

on_each_driver!(
    every_node_finds_every_other_by_one_seed,
    a_node_that_leaves_is_gone_at_once,
    a_node_that_crashes_is_missed_and_what_waited_for_it_ends,
    a_node_that_starts_again_has_the_rows_of_its_earlier_instance_replaced,
    a_second_node_of_one_name_is_refused,
    buses_are_invisible_to_each_other,
);

/// The peers of a node that are in a state.
async fn peers(node: &Node, state: &str) -> Vec<String> {
    let report = node.report().await.unwrap();
    let mut names: Vec<_> =
        report.peers.iter().filter(|one| one.state == state).map(|one| one.peer.node.to_string()).collect();
    names.sort_unstable();
    names
}

async fn every_node_finds_every_other_by_one_seed(bus: Bus) {
    let mut nodes = Vec::new();
    for number in 0..4 {
        nodes.push(bus.node(&format!("node-{number}")).await);
    }
    for node in &nodes {
        until("all others are up", || async { peers(node, "up").await.len() == 3 }).await;
    }
}

async fn a_node_that_leaves_is_gone_at_once(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    until("it is up", || async { peers(&one, "up").await == ["node-2"] }).await;
    two.leave().await;
    until("it has left", || async { peers(&one, "left").await == ["node-2"] }).await;
}

/// A node on a runtime of its own, which ends without a goodbye when the runtime is dropped.
pub(crate) async fn mortal_node(bus: &Bus, name: &str) -> (Runtime, Node) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let node = bus.join_on(runtime.handle(), name).await;
    (runtime, node)
}

async fn a_node_that_crashes_is_missed_and_what_waited_for_it_ends(bus: Bus) {
    let one = bus.node("node-1").await;
    let (runtime, two) = mortal_node(&bus, "node-2").await;
    let (running, mut runs) = tokio::sync::mpsc::channel(1);
    let service = two.service("doomed").table("t", KeyColumns::Row).method("wait", move |_| {
        let running = running.clone();
        async move {
            running.send(()).await.unwrap();
            std::future::pending::<Result<(), data_services::CallError>>().await
        }
    });
    let service = service.method("ping", async |_| Ok::<_, data_services::CallError>(()));
    let service = service.start().await.unwrap();
    service.publish("t", rows([1])).await.unwrap();
    let caller = one.service("caller").start().await.unwrap();
    let mut subscription = caller.subscribe("doomed", "t").await.unwrap();
    assert!(matches!(next_rows(&mut subscription).await, TableEvent::Snapshot { .. }));
    let waiting = tokio::spawn(async move { caller.call("doomed", "wait", ()).await });
    runs.recv().await.unwrap();
    // Its reply comes after the acknowledgement of the call that waits, without which that may be a timeout.
    let other = one.service("other").start().await.unwrap();
    other.call("doomed", "ping", ()).await.unwrap();
    runtime.shutdown_background();
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::PeerLost, "{error}");
    until("it is down", || async { peers(&one, "down").await == ["node-2"] }).await;
    while !matches!(subscription.next().await, Some(TableEvent::Stale { .. })) {}
}

async fn a_node_that_starts_again_has_the_rows_of_its_earlier_instance_replaced(bus: Bus) {
    let one = bus.node("node-1").await;
    let subscriber = one.service("a").start().await.unwrap();
    let mut subscription = subscriber.subscribe("b", "t").await.unwrap();
    let (runtime, two) = mortal_node(&bus, "node-2").await;
    let publisher = two.service("b").table("t", KeyColumns::Row).start().await.unwrap();
    publisher.publish("t", rows([1, 2])).await.unwrap();
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 2 {
        apply(&mut seen, next_rows(&mut subscription).await);
    }
    runtime.shutdown_background();
    until("it is down", || async { peers(&one, "down").await == ["node-2"] }).await;
    let again = bus.node("node-2").await;
    let publisher = again.service("b").table("t", KeyColumns::Row).start().await.unwrap();
    publisher.publish("t", rows([2, 3])).await.unwrap();
    while seen != rows([2, 3]).into_iter().collect() {
        apply(&mut seen, next_rows(&mut subscription).await);
    }
}

fn apply(seen: &mut std::collections::BTreeSet<data_services::Row>, event: TableEvent) {
    match event {
        TableEvent::Snapshot { rows, .. } => *seen = rows.into_iter().collect(),
        TableEvent::Change { change, .. } => {
            seen.retain(|row| !change.removed.contains(row));
            seen.extend(change.added.iter().cloned());
        }
        TableEvent::Gone { .. } => panic!("the rows stay until they are replaced"),
        _ => {}
    }
}

async fn a_second_node_of_one_name_is_refused(bus: Bus) {
    let first = bus.node("node-1").await;
    let error = match bus.try_join(bus.options("node-1")).await {
        Err(error) => error,
        // On a busy machine it joins before it hears of the other.
        Ok(second) => ended(&second).await,
    };
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    let instance = first.instance().instance.to_string();
    assert!(error.to_string().contains("node-1") && error.to_string().contains(&instance), "{error}");
    assert!(first.report().await.is_ok(), "the first node stays");
}

async fn buses_are_invisible_to_each_other(bus: Bus) {
    let one = bus.node("1-x").await;
    let other = bus.try_join(bus.options("node.*").bus("bus.other").unwrap()).await.unwrap();
    let _service = one.service("x-1").table("servers", KeyColumns::Row).start().await.unwrap();
    let _other = other.service("x").table("servers_ext", KeyColumns::Row).start().await.unwrap();
    // Nothing can be waited for: what must not happen would have happened after a heartbeat.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    for node in [&one, &other] {
        let report = node.report().await.unwrap();
        assert_eq!((report.services.len(), peers(node, "up").await.len()), (1, 0));
    }
}
