//! Calls between services (the cases of Congress that were disabled as unstable, and those that it lacks).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use data_services::{Call, CallError, CallErrorKind, CallOptions, Node, NodeId, ServiceHandle};
use serde_json::json;

use crate::bus::{Bus, on_each_driver};
use crate::wait::until;

on_each_driver!(
    every_pair_of_nodes_calls_each_other,
    a_call_to_all_reaches_every_service_of_an_address,
    a_call_prefers_its_own_node,
    a_service_calls_its_private_methods_and_nobody_else_does,
    unknown_services_methods_and_arguments_are_three_different_errors,
    a_method_that_fails_or_panics_is_an_error_for_its_caller_only,
    a_call_that_takes_too_long_ends_at_its_deadline_and_is_cancelled,
    a_stopped_service_is_not_found,
);

pub(crate) async fn echo(node: &Node, name: &str) -> (ServiceHandle, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&count);
    let service = node.service(name).method("echo", move |call: Call| {
        counting.fetch_add(1, Ordering::SeqCst);
        async move { Ok(json!({"caller": call.caller.node, "arguments": call.json()})) }
    });
    (service.start().await.unwrap(), count)
}

/// Waits until a node knows a service on this number of nodes.
pub(crate) async fn know(node: &Node, service: &str, nodes: usize) {
    until("the service is known", || async {
        let services = node.report().await.unwrap().services;
        services.iter().filter(|one| one.service.as_str() == service).count() == nodes
    })
    .await;
}

async fn every_pair_of_nodes_calls_each_other(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await, bus.node("node-3").await];
    let mut services = Vec::new();
    for (number, node) in nodes.iter().enumerate() {
        services.push(echo(node, &format!("echo-{number}")).await);
    }
    for (from, node) in nodes.iter().enumerate() {
        for to in 0..nodes.len() {
            let name = format!("echo-{to}");
            know(node, &name, 1).await;
            let result = services[from].0.call(&name, "echo", json!([from, to])).await.unwrap();
            let caller = format!("node-{}", from + 1);
            assert_eq!(result, json!({"caller": caller, "arguments": [from, to]}));
        }
    }
    assert!(services.iter().all(|(_, count)| count.load(Ordering::SeqCst) == nodes.len()));
}

async fn a_call_to_all_reaches_every_service_of_an_address(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await, bus.node("node-3").await];
    let mut services = Vec::new();
    for node in &nodes {
        services.push(echo(node, "same").await);
    }
    know(&nodes[0], "same", 3).await;
    let results = services[0].0.call_all("same", "echo", ()).await.unwrap();
    let mut answered: Vec<_> = results.iter().map(|one| (one.node.as_str(), one.result.is_ok())).collect();
    answered.sort_unstable();
    assert_eq!(answered, [("node-1", true), ("node-2", true), ("node-3", true)]);
    assert_eq!(services[0].0.call_all("nobody.#", "echo", ()).await.unwrap(), []);
}

async fn a_call_prefers_its_own_node(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await];
    let (one, count) = echo(&nodes[0], "same").await;
    let (_two, other) = echo(&nodes[1], "same").await;
    know(&nodes[0], "same", 2).await;
    for _ in 0..4 {
        one.call("same", "echo", ()).await.unwrap();
    }
    assert_eq!((count.load(Ordering::SeqCst), other.load(Ordering::SeqCst)), (4, 0));
    let options = CallOptions::on(NodeId::new("node-2").unwrap());
    one.call_with("same", "echo", (), options).await.unwrap();
    assert_eq!((count.load(Ordering::SeqCst), other.load(Ordering::SeqCst)), (4, 1));
}

async fn a_service_calls_its_private_methods_and_nobody_else_does(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await];
    let owner = nodes[0].service("owner").method("_secret", |_| async { Ok(7) }).start().await.unwrap();
    let (stranger, _) = echo(&nodes[0], "stranger").await;
    let (remote, _) = echo(&nodes[1], "remote").await;
    know(&nodes[1], "owner", 1).await;
    assert_eq!(owner.call("owner", "_secret", ()).await.unwrap(), json!(7));
    for other in [stranger, remote] {
        let error = other.call("owner", "_secret", ()).await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::Denied, "{error}");
    }
}

async fn unknown_services_methods_and_arguments_are_three_different_errors(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await];
    let (caller, _) = echo(&nodes[0], "caller").await;
    let double = |call: Call| async move { Ok(2 * call.arguments::<u64>()?) };
    let _service = nodes[1].service("numbers").method("double", double).start().await.unwrap();
    know(&nodes[0], "numbers", 1).await;
    for (service, method, arguments, kind, text) in [
        ("nobody", "double", json!(1), CallErrorKind::NoService, "nobody"),
        ("numbers", "triple", json!(1), CallErrorKind::NoMethod, "triple"),
        ("numbers", "double", json!("one"), CallErrorKind::BadArguments, "double"),
    ] {
        let error = caller.call(service, method, arguments).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(text), "{error}");
    }
    assert_eq!(caller.call("numbers", "double", 21).await.unwrap(), json!(42));
}

async fn a_method_that_fails_or_panics_is_an_error_for_its_caller_only(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await];
    let (caller, _) = echo(&nodes[0], "caller").await;
    let _service = nodes[1]
        .service("risky")
        .method("panic", |_| async { panic!("a method that panics") as Result<(), CallError> })
        .method("fail", |_| async { Err::<(), _>(CallError::new(CallErrorKind::Remote, "the disk is full")) })
        .method("work", |_| async { Ok("done") })
        .start()
        .await
        .unwrap();
    know(&nodes[0], "risky", 1).await;
    let panicked = caller.call("risky", "panic", ()).await.unwrap_err();
    assert!(
        panicked.kind() == CallErrorKind::Remote && panicked.to_string().contains("panicked"),
        "{panicked}"
    );
    let failed = caller.call("risky", "fail", ()).await.unwrap_err();
    assert!(failed.to_string().contains("the disk is full"), "{failed}");
    assert_eq!(caller.call("risky", "work", ()).await.unwrap(), json!("done"));
}

async fn a_call_that_takes_too_long_ends_at_its_deadline_and_is_cancelled(bus: Bus) {
    /// Counts when it is dropped.
    struct Dropped(Arc<AtomicUsize>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let nodes = [bus.node("node-1").await, bus.node("node-2").await];
    let (caller, _) = echo(&nodes[0], "caller").await;
    let dropped = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&dropped);
    let slow = move |_| {
        let dropped = Dropped(Arc::clone(&counting));
        async move {
            let _dropped = dropped;
            std::future::pending::<Result<(), CallError>>().await
        }
    };
    let _service = nodes[1].service("slow").method("wait", slow).start().await.unwrap();
    know(&nodes[0], "slow", 1).await;
    let options = CallOptions::within(Duration::from_millis(300));
    let error = caller.call_with("slow", "wait", (), options).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Timeout, "{error}");
    until("the method is cancelled", || async { dropped.load(Ordering::SeqCst) == 1 }).await;
    let call = caller.call("slow", "wait", ());
    assert!(tokio::time::timeout(Duration::from_millis(300), call).await.is_err());
    until("dropping the future cancels too", || async { dropped.load(Ordering::SeqCst) == 2 }).await;
}

async fn a_stopped_service_is_not_found(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await];
    let (caller, _) = echo(&nodes[0], "caller").await;
    let (service, _) = echo(&nodes[1], "echo").await;
    know(&nodes[0], "echo", 1).await;
    caller.call("echo", "echo", ()).await.unwrap();
    service.stop().await.unwrap();
    let error = caller.call("echo", "echo", ()).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::NoService, "{error}");
    assert!(service.stop().await.is_err(), "it has stopped already");
}
