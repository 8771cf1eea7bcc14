//! Which of several services is called, and calls of all of them that end early.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use data_services::{Call, CallError, CallErrorKind, CallOptions, InstanceChoice, Node, ServiceHandle};
use serde_json::json;
use tokio::sync::Notify;

use crate::bus::{Bus, on_each_driver};
use crate::calls::{echo, know};
use crate::wait::until;

on_each_driver!(
    round_robin_reaches_every_service_in_turn,
    least_pending_avoids_the_service_that_is_busy,
    a_call_to_all_ends_with_its_quorum_and_cancels_the_rest,
    a_quorum_that_cannot_be_reached_is_refused_or_reports_every_error,
);

async fn round_robin_reaches_every_service_in_turn(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await, bus.node("node-3").await];
    let mut counts = Vec::new();
    let mut caller = None;
    for node in &nodes {
        let (service, count) = echo(node, "same").await;
        counts.push(count);
        caller.get_or_insert(service);
    }
    know(&nodes[0], "same", 3).await;
    let caller = caller.unwrap();
    for _ in 0..6 {
        let options = CallOptions::default().choose(InstanceChoice::RoundRobin);
        caller.call_with("same", "echo", (), options).await.unwrap();
    }
    assert!(counts.iter().all(|count| count.load(Ordering::SeqCst) == 2), "{counts:?}");
}

/// A service with a method that ends when it is notified, and one that counts calls.
async fn slow(node: &Node, name: &str) -> (ServiceHandle, Arc<Notify>, Arc<AtomicUsize>) {
    let (end, count) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let (waiting, counting) = (Arc::clone(&end), Arc::clone(&count));
    let wait = move |_| {
        let waiting = Arc::clone(&waiting);
        async move {
            waiting.notified().await;
            Ok(())
        }
    };
    let work = move |_| {
        counting.fetch_add(1, Ordering::SeqCst);
        async { Ok(()) }
    };
    let service = node.service(name).method("wait", wait).method("work", work);
    (service.start().await.unwrap(), end, count)
}

async fn least_pending_avoids_the_service_that_is_busy(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await];
    let (one, end, count) = slow(&nodes[0], "same").await;
    let (_two, _, other) = slow(&nodes[1], "same").await;
    know(&nodes[0], "same", 2).await;
    let busy = one.clone();
    let waiting = tokio::spawn(async move { busy.call("same", "wait", ()).await });
    until("it runs", || async {
        let report = nodes[0].report().await.unwrap();
        report.counters.contains(&("calls_running", 1))
    })
    .await;
    for _ in 0..4 {
        let options = CallOptions::default().choose(InstanceChoice::LeastPending);
        one.call_with("same", "work", (), options).await.unwrap();
    }
    assert_eq!((count.load(Ordering::SeqCst), other.load(Ordering::SeqCst)), (0, 4));
    end.notify_one();
    waiting.await.unwrap().unwrap();
}

async fn a_call_to_all_ends_with_its_quorum_and_cancels_the_rest(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await, bus.node("node-3").await];
    let (one, _) = echo(&nodes[0], "same").await;
    let _two = echo(&nodes[1], "same").await;
    let stuck = |_: Call| std::future::pending::<Result<(), CallError>>();
    let _three = nodes[2].service("same").method("echo", stuck).start().await.unwrap();
    know(&nodes[0], "same", 3).await;
    let options = CallOptions::default().until_quorum(2);
    let results = one.call_all_with("same", "echo", (), options).await.unwrap();
    let mut answered: Vec<_> = results.iter().map(|one| one.node.as_str()).collect();
    answered.sort_unstable();
    assert_eq!(answered, ["node-1", "node-2"]);
    until("the third call is cancelled", || async {
        let report = nodes[2].report().await.unwrap();
        report.counters.contains(&("calls_running", 0))
    })
    .await;
}

async fn a_quorum_that_cannot_be_reached_is_refused_or_reports_every_error(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await];
    let (one, count) = echo(&nodes[0], "same").await;
    let fails = |_: Call| async { Err::<(), _>(CallError::new(CallErrorKind::Remote, "the disk is full")) };
    let _two = nodes[1].service("same").method("echo", fails).start().await.unwrap();
    know(&nodes[0], "same", 2).await;
    let options = CallOptions::default().until_quorum(3);
    let error = one.call_all_with("same", "echo", (), options).await.unwrap_err();
    assert_eq!((error.kind(), count.load(Ordering::SeqCst)), (CallErrorKind::NoService, 0), "{error}");
    let options = CallOptions::default().until_quorum(2);
    let results = one.call_all_with("same", "echo", json!(1), options).await.unwrap();
    assert_eq!(results.iter().filter(|one| one.result.is_ok()).count(), 1, "{results:?}");
    assert_eq!(results.len(), 2);
}
