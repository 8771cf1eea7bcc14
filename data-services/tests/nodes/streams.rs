//! Calls whose results consist of several parts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use data_services::{Call, CallError, CallErrorKind, CallOptions, CallStream, Node, ServiceHandle};
use serde_json::json;

use crate::bus::{Bus, on_each_driver};
use crate::calls::{echo, know};
use crate::membership::mortal_node;
use crate::wait::until;

on_each_driver!(
    parts_arrive_in_order_and_then_the_end,
    a_slow_reader_stops_the_method,
    a_stream_that_is_dropped_cancels_the_method,
    a_stream_ends_with_the_error_of_its_method_its_deadline_or_the_loss_of_its_node,
    a_method_with_parts_needs_a_caller_that_reads_them,
);

/// A service that sends the number of parts in the argument, and counts those that it has sent.
async fn numbers(node: &Node) -> (ServiceHandle, Arc<AtomicU64>) {
    let sent = Arc::new(AtomicU64::new(0));
    let counting = Arc::clone(&sent);
    let count = move |call: Call| {
        let sent = Arc::clone(&counting);
        async move {
            let parts = call.arguments::<u64>()?;
            for part in 0..parts {
                call.send_part(part).await?;
                sent.fetch_add(1, Ordering::SeqCst);
            }
            if parts == 3 {
                return Err(CallError::new(CallErrorKind::Remote, "three is too few"));
            }
            Ok(json!({"parts": parts}))
        }
    };
    (node.service("numbers").method("count", count).start().await.unwrap(), sent)
}

async fn stream(service: &ServiceHandle, parts: u64) -> CallStream {
    service.call_stream("numbers", "count", parts, CallOptions::default()).await.unwrap()
}

async fn parts_arrive_in_order_and_then_the_end(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await];
    let (local, _) = numbers(&nodes[0]).await;
    let (caller, _) = echo(&nodes[1], "caller").await;
    know(&nodes[1], "numbers", 1).await;
    for service in [local, caller] {
        let mut stream = stream(&service, 100).await;
        for part in 0..100 {
            assert_eq!(stream.next().await, Some(Ok(json!(part))));
        }
        assert_eq!(stream.end(), None);
        assert_eq!(stream.next().await, None);
        assert_eq!(stream.end(), Some(&json!({"parts": 100})));
        assert_eq!(stream.next().await, None);
    }
}

async fn a_slow_reader_stops_the_method(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await];
    let (_numbers, sent) = numbers(&nodes[0]).await;
    let (caller, _) = echo(&nodes[1], "caller").await;
    know(&nodes[1], "numbers", 1).await;
    let mut stream = stream(&caller, 1_000).await;
    assert_eq!(stream.next().await, Some(Ok(json!(0))));
    until("the window is full", || async { sent.load(Ordering::SeqCst) >= 16 }).await;
    // Nothing can be waited for: what must not happen would happen at once.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(sent.load(Ordering::SeqCst) <= 17, "{sent:?}");
    for part in 1..1_000 {
        assert_eq!(stream.next().await, Some(Ok(json!(part))));
    }
    assert_eq!(stream.next().await, None);
}

async fn a_stream_that_is_dropped_cancels_the_method(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await];
    let (_numbers, _) = numbers(&nodes[0]).await;
    let (caller, _) = echo(&nodes[1], "caller").await;
    know(&nodes[1], "numbers", 1).await;
    let mut stream = stream(&caller, 1_000).await;
    assert_eq!(stream.next().await, Some(Ok(json!(0))));
    drop(stream);
    until("it does not run any more", || async {
        let report = nodes[0].report().await.unwrap();
        report.counters.contains(&("calls_running", 0))
    })
    .await;
}

async fn a_stream_ends_with_the_error_of_its_method_its_deadline_or_the_loss_of_its_node(bus: Bus) {
    let one = bus.node("node-1").await;
    let (caller, _) = echo(&one, "caller").await;
    let (runtime, two) = mortal_node(&bus, "node-2").await;
    let (_numbers, _) = numbers(&two).await;
    know(&one, "numbers", 1).await;
    let mut failing = stream(&caller, 3).await;
    for part in 0..3 {
        assert_eq!(failing.next().await, Some(Ok(json!(part))));
    }
    assert_eq!(failing.next().await.unwrap().unwrap_err().kind(), CallErrorKind::Remote);
    assert_eq!(failing.next().await, None);
    let options = CallOptions::within(Duration::from_millis(300));
    let mut late = caller.call_stream("numbers", "count", 1_000, options).await.unwrap();
    assert_eq!(last(&mut late, Duration::from_millis(50)).await.kind(), CallErrorKind::Timeout);
    let mut lost = stream(&caller, 1_000).await;
    assert_eq!(lost.next().await, Some(Ok(json!(0))));
    runtime.shutdown_background();
    assert_eq!(last(&mut lost, Duration::ZERO).await.kind(), CallErrorKind::PeerLost);
    let mut missing = caller.call_stream("nobody", "count", 1, CallOptions::default()).await.unwrap();
    assert_eq!(missing.next().await.unwrap().unwrap_err().kind(), CallErrorKind::NoService);
}

/// The error that ends a stream, of which each part is read after a pause.
async fn last(stream: &mut CallStream, pause: Duration) -> CallError {
    loop {
        match stream.next().await {
            // A slow reader, so that the deadline comes before the end.
            Some(Ok(_)) => tokio::time::sleep(pause).await,
            Some(Err(error)) => return error,
            None => panic!("it has ended without an error"),
        }
    }
}

async fn a_method_with_parts_needs_a_caller_that_reads_them(bus: Bus) {
    let node = bus.node("node-1").await;
    let (service, _) = numbers(&node).await;
    let error = service.call("numbers", "count", 2).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::BadArguments, "{error}");
    assert_eq!(service.call("numbers", "count", 0).await.unwrap(), json!({"parts": 0}));
    let (plain, _) = echo(&node, "plain").await;
    let mut stream = plain.call_stream("plain", "echo", (), CallOptions::default()).await.unwrap();
    assert_eq!(stream.next().await, None);
    assert!(stream.end().is_some());
}
