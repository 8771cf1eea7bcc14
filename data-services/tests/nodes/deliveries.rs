//! Calls with idempotency keys, and calls that are retried.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use data_services::{Call, CallErrorKind, CallOptions, Delivery, IdempotencyKey, Node, ServiceHandle};
use serde_json::json;

use crate::bus::{Bus, on_each_driver};
use crate::calls::{echo, know};
use crate::membership::mortal_node;
use crate::wait::until;

on_each_driver!(
    a_repeat_of_a_key_gets_the_first_result_on_every_node,
    a_repeat_after_a_restart_of_the_caller_gets_the_first_result,
    a_retried_call_survives_the_loss_of_its_callee,
    a_retried_call_waits_for_a_service_until_its_deadline,
);

fn keyed(key: &str) -> CallOptions {
    CallOptions::default().deliver(Delivery::Keyed(IdempotencyKey::new(key).unwrap()))
}

fn retried(key: &str) -> CallOptions {
    CallOptions::default().deliver(Delivery::Retried(IdempotencyKey::new(key).unwrap()))
}

/// A service that returns the number of its run.
async fn counter(node: &Node) -> ServiceHandle {
    let count = Arc::new(AtomicUsize::new(0));
    let run = move |call: Call| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        async move { Ok(json!([number, call.key])) }
    };
    node.service("counter").method("run", run).start().await.unwrap()
}

async fn a_repeat_of_a_key_gets_the_first_result_on_every_node(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await, bus.node("node-3").await];
    let _counter = counter(&nodes[0]).await;
    for (number, node) in nodes.iter().enumerate() {
        let (caller, _) = echo(node, &format!("caller-{number}")).await;
        know(node, "counter", 1).await;
        let first = caller.call_with("counter", "run", (), keyed("order-7")).await.unwrap();
        assert_eq!(first, json!([1, "order-7"]));
        let other = caller.call_with("counter", "run", (), keyed(&format!("order-{number}0"))).await.unwrap();
        assert_eq!(other[0], json!(number + 2));
    }
    let (caller, _) = echo(&nodes[1], "another").await;
    let error = caller.call_with("counter", "run", json!("changed"), keyed("order-7")).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::BadArguments, "{error}");
}

async fn a_repeat_after_a_restart_of_the_caller_gets_the_first_result(bus: Bus) {
    let one = bus.node("node-1").await;
    let _counter = counter(&one).await;
    let (runtime, two) = mortal_node(&bus, "node-2").await;
    let (caller, _) = echo(&two, "caller").await;
    know(&two, "counter", 1).await;
    assert_eq!(caller.call_with("counter", "run", (), keyed("k")).await.unwrap(), json!([1, "k"]));
    runtime.shutdown_background();
    until("it is down", || async {
        let report = one.report().await.unwrap();
        report.peers.iter().any(|peer| peer.state == "down")
    })
    .await;
    let again = bus.node("node-2").await;
    let (caller, _) = echo(&again, "caller").await;
    know(&again, "counter", 1).await;
    assert_eq!(caller.call_with("counter", "run", (), keyed("k")).await.unwrap(), json!([1, "k"]));
}

async fn a_retried_call_survives_the_loss_of_its_callee(bus: Bus) {
    let one = bus.node("node-1").await;
    let (caller, _) = echo(&one, "caller").await;
    let (runtime, two) = mortal_node(&bus, "node-2").await;
    let (running, mut runs) = tokio::sync::mpsc::channel(1);
    let stuck = move |_: Call| {
        let running = running.clone();
        async move {
            running.send(()).await.unwrap();
            std::future::pending::<Result<(), data_services::CallError>>().await
        }
    };
    let _doomed = two.service("counter").method("run", stuck).start().await.unwrap();
    know(&one, "counter", 1).await;
    let waiting = tokio::spawn(async move { caller.call_with("counter", "run", (), retried("k")).await });
    runs.recv().await.unwrap();
    let three = bus.node("node-3").await;
    let _counter = counter(&three).await;
    runtime.shutdown_background();
    assert_eq!(waiting.await.unwrap().unwrap(), json!([1, "k"]));
}

async fn a_retried_call_waits_for_a_service_until_its_deadline(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await];
    let (caller, _) = echo(&nodes[0], "caller").await;
    let options = CallOptions { deadline: Some(Duration::from_millis(300)), ..retried("k") };
    let error = caller.call_with("counter", "run", (), options).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::NoService, "{error}");
    assert!(error.to_string().contains("attempts failed") && !error.may_have_run(), "{error}");
    let early = caller.clone();
    let waiting = tokio::spawn(async move { early.call_with("counter", "run", (), retried("k")).await });
    let _counter = counter(&nodes[1]).await;
    assert_eq!(waiting.await.unwrap().unwrap(), json!([1, "k"]));
    let error = caller.call_all_with("counter", "run", (), retried("k")).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::BadArguments, "{error}");
}
