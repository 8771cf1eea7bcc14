//! Services of which one is active, on a network that is cut and healed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use data_services::{Call, KeyColumns, Node, NodeOptions, Row, ServiceHandle, TableEvent, TableSubscription};
use faulty_driver::FaultyNetwork;
use serde_json::json;
use tokio::time::{Instant, sleep};

/// How long anything takes at most, in virtual time.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a subscriber has, by the node of the publisher.
type View = Arc<Mutex<BTreeMap<String, Vec<Row>>>>;

async fn join(network: &FaultyNetwork, name: &str) -> Node {
    let options = NodeOptions::new(name).unwrap().seed("faulty://a:1");
    Node::join(options, network.node_at(name, name, 1), false).await.unwrap()
}

/// One instance of the service, whose row and method have the name of its node.
async fn replica(node: &Node) -> ServiceHandle {
    let name = node.instance().node.to_string();
    let own = name.clone();
    let service = node.service("inventory").active_standby().table("hosts", KeyColumns::Row);
    let service = service.method("who", move |_: Call| {
        let own = own.clone();
        async move { Ok(own) }
    });
    let service = service.start().await.unwrap();
    service.publish("hosts", vec![Row::of(&(name,)).unwrap()]).await.unwrap();
    service
}

async fn view(service: &ServiceHandle) -> View {
    let subscription = service.subscribe("inventory", "hosts").await.unwrap();
    let view = View::default();
    tokio::spawn(read(subscription, Arc::clone(&view)));
    view
}

async fn read(mut subscription: TableSubscription, view: View) {
    while let Some(event) = subscription.next().await {
        let publisher = event.publisher().node.to_string();
        let mut view = view.lock().unwrap();
        match event {
            TableEvent::Snapshot { rows, .. } => drop(view.insert(publisher, rows)),
            TableEvent::Gone { .. } => drop(view.remove(&publisher)),
            TableEvent::Change { change, .. } => {
                let rows = view.entry(publisher).or_default();
                rows.retain(|row| !change.removed.contains(row));
                rows.extend(change.added.iter().cloned());
            }
            _ => {}
        }
    }
}

async fn until_shown(view: &View, nodes: &[&str]) {
    let began = Instant::now();
    let expected: BTreeSet<String> = nodes.iter().map(|node| (*node).to_owned()).collect();
    loop {
        let shown: BTreeSet<String> = view.lock().unwrap().keys().cloned().collect();
        if shown == expected {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "expected {expected:?}, shown {shown:?}");
        // Virtual time passes in such steps.
        sleep(Duration::from_millis(100)).await;
    }
}

async fn until_called(service: &ServiceHandle, node: &str) {
    let began = Instant::now();
    while service.call("inventory", "who", ()).await != Ok(json!(node)) {
        assert!(began.elapsed() < PATIENCE, "calls do not reach {node}");
        // Virtual time passes in such steps.
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_side_of_a_partition_has_an_active_instance_and_the_later_one_steps_back_at_the_heal() {
    for seed in 1..4 {
        fastrand::seed(seed);
        let network = FaultyNetwork::mesh(seed);
        let mut nodes = Vec::new();
        for name in ["a", "b", "c", "d"] {
            nodes.push(join(&network, name).await);
        }
        let _first = replica(&nodes[0]).await;
        sleep(Duration::from_secs(2)).await;
        let _second = replica(&nodes[1]).await;
        let near = nodes[2].service("near").start().await.unwrap();
        let far = nodes[3].service("far").start().await.unwrap();
        let (near_view, far_view) = (view(&near).await, view(&far).await);
        until_shown(&near_view, &["a"]).await;
        until_shown(&far_view, &["a"]).await;

        network.partition(&["a", "c"], &["b", "d"]);
        until_shown(&far_view, &["b"]).await;
        until_called(&far, "b").await;
        until_shown(&near_view, &["a"]).await;
        until_called(&near, "a").await;

        network.heal();
        until_shown(&far_view, &["a"]).await;
        until_called(&far, "a").await;
        until_shown(&near_view, &["a"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_always_has_the_rows_of_an_instance_during_a_hand_over() {
    let network = FaultyNetwork::mesh(7);
    fastrand::seed(7);
    let mut nodes = Vec::new();
    for name in ["a", "b", "c"] {
        nodes.push(join(&network, name).await);
    }
    let _first = replica(&nodes[0]).await;
    sleep(Duration::from_secs(2)).await;
    let _second = replica(&nodes[1]).await;
    let viewer = nodes[2].service("viewer").start().await.unwrap();
    let view = view(&viewer).await;
    until_shown(&view, &["a"]).await;
    network.partition(&["a"], &["b", "c"]);
    let began = Instant::now();
    while !view.lock().unwrap().keys().eq(["b"]) {
        assert!(!view.lock().unwrap().is_empty(), "no rows during the hand-over");
        assert!(began.elapsed() < PATIENCE);
        // Virtual time passes in such steps.
        sleep(Duration::from_millis(10)).await;
    }
}
