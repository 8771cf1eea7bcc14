//! Calls whose arguments consist of several parts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use data_services::{Call, CallError, CallErrorKind, CallOptions, CallUpload, Delivery, Node, ServiceHandle};
use data_services::{IdempotencyKey, TraceId};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::bus::{Bus, on_each_driver};
use crate::calls::{echo, know};
use crate::membership::mortal_node;
use crate::wait::until;

on_each_driver!(
    parts_arrive_in_order_and_the_result_follows,
    a_slow_method_stops_its_caller,
    an_upload_that_is_dropped_cancels_the_method,
    an_upload_ends_with_the_error_of_its_method_its_deadline_or_the_loss_of_its_node,
    a_method_that_takes_no_parts_refuses_them,
);

/// A service whose methods add up the numbers that come as parts: `sum` reads all, `first` one, `fail` fails after one, and `wait`
/// reads as many as it has permits.
async fn adder(node: &Node, permits: &Arc<Semaphore>) -> ServiceHandle {
    let number = |part: serde_json::Value| part.as_u64().unwrap_or_default();
    let sum = move |call: Call| async move {
        let mut numbers = vec![call.arguments::<u64>()?];
        while let Some(part) = call.next_part().await? {
            numbers.push(number(part));
        }
        assert_eq!(call.next_part().await?, None);
        Ok(json!({"in_order": numbers.is_sorted(), "sum": numbers.iter().sum::<u64>()}))
    };
    let first = move |call: Call| async move { Ok(call.next_part().await?.map(number)) };
    let fail = move |call: Call| async move {
        call.next_part().await?;
        Err::<(), _>(CallError::new(CallErrorKind::Denied, "one is enough"))
    };
    let permits = Arc::clone(permits);
    let wait = move |call: Call| {
        let permits = Arc::clone(&permits);
        async move {
            let mut count = 0;
            loop {
                if let Ok(permit) = permits.acquire().await {
                    permit.forget();
                }
                match call.next_part().await? {
                    Some(_) => count += 1,
                    None => return Ok(count),
                }
            }
        }
    };
    let service = node.service("adder").method_with_parts("sum", sum).method_with_parts("first", first);
    let service = service.method_with_parts("fail", fail).method_with_parts("wait", wait);
    service.method("none", |_| async { Ok(()) }).start().await.unwrap()
}

async fn upload(service: &ServiceHandle, method: &str) -> CallUpload {
    service.call_with_parts("adder", method, 0, CallOptions::default()).await.unwrap()
}

/// A service that calls from another node than that of the adder, which reads as the permits allow.
async fn apart(bus: &Bus) -> ([Node; 2], ServiceHandle, ServiceHandle, Arc<Semaphore>) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await];
    let permits = Arc::new(Semaphore::new(0));
    let adder = adder(&nodes[0], &permits).await;
    let (caller, _) = echo(&nodes[1], "caller").await;
    know(&nodes[1], "adder", 1).await;
    (nodes, adder, caller, permits)
}

async fn parts_arrive_in_order_and_the_result_follows(bus: Bus) {
    let (_nodes, adder, caller, _) = apart(&bus).await;
    for service in [adder, caller] {
        let mut upload = upload(&service, "sum").await;
        for part in 1..=100 {
            upload.send(part).await.unwrap();
        }
        assert_eq!(upload.finish().await.unwrap(), json!({"in_order": true, "sum": 5050}));
        // A call without parts has none.
        let sum = service.call("adder", "sum", 7).await.unwrap();
        assert_eq!(sum, json!({"in_order": true, "sum": 7}));
        let empty = service.call_with_parts("adder", "sum", 8, CallOptions::default()).await.unwrap();
        assert_eq!(empty.finish().await.unwrap()["sum"], json!(8));
    }
}

async fn a_slow_method_stops_its_caller(bus: Bus) {
    let (_nodes, _adder, caller, permits) = apart(&bus).await;
    let sent = Arc::new(AtomicU64::new(0));
    let counting = Arc::clone(&sent);
    let mut upload = upload(&caller, "wait").await;
    let sending = tokio::spawn(async move {
        for part in 0..100 {
            upload.send(part).await.unwrap();
            counting.fetch_add(1, Ordering::SeqCst);
        }
        upload.finish().await.unwrap()
    });
    until("the window is full", || async { sent.load(Ordering::SeqCst) >= 16 }).await;
    // Nothing can be waited for: what must not happen would happen at once.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(sent.load(Ordering::SeqCst), 16);
    permits.add_permits(101);
    assert_eq!(sending.await.unwrap(), json!(100));
}

async fn an_upload_that_is_dropped_cancels_the_method(bus: Bus) {
    let (nodes, _adder, caller, _permits) = apart(&bus).await;
    let mut upload = upload(&caller, "wait").await;
    upload.send(1).await.unwrap();
    drop(upload);
    until("it does not run any more", || async {
        let report = nodes[0].report().await.unwrap();
        report.counters.contains(&("calls_running", 0))
            && report.counters.contains(&("calls_finished_late", 1))
    })
    .await;
}

/// The error with which an upload ends.
async fn last(mut upload: CallUpload) -> CallError {
    loop {
        if let Err(error) = upload.send(1).await {
            assert_eq!(upload.send(2).await, Err(error.clone()), "it stays the same");
            assert_eq!(upload.finish().await, Err(error.clone()));
            return error;
        }
    }
}

async fn an_upload_ends_with_the_error_of_its_method_its_deadline_or_the_loss_of_its_node(bus: Bus) {
    let one = bus.node("node-1").await;
    let (caller, _) = echo(&one, "caller").await;
    let (runtime, two) = mortal_node(&bus, "node-2").await;
    let _adder = adder(&two, &Arc::new(Semaphore::new(0))).await;
    know(&one, "adder", 1).await;
    let trace = TraceId::random();
    let options = CallOptions::default().traced(trace);
    let failing = caller.call_with_parts("adder", "fail", (), options).await.unwrap();
    let error = last(failing).await;
    assert_eq!((error.kind(), error.trace()), (CallErrorKind::Denied, Some(trace)));
    // A method that returns early has its result.
    let mut early = upload(&caller, "first").await;
    while early.send(5).await.is_ok() {}
    assert_eq!(early.finish().await.unwrap(), json!(5));
    let options = CallOptions::within(Duration::from_millis(300));
    let late = caller.call_with_parts("adder", "wait", (), options).await.unwrap();
    assert_eq!(last(late).await.kind(), CallErrorKind::Timeout);
    let missing = caller.call_with_parts("nobody", "sum", 1, CallOptions::default()).await.unwrap();
    assert_eq!(last(missing).await.kind(), CallErrorKind::NoService);
    let mut lost = upload(&caller, "wait").await;
    lost.send(1).await.unwrap();
    runtime.shutdown_background();
    assert_eq!(last(lost).await.kind(), CallErrorKind::PeerLost);
}

async fn a_method_that_takes_no_parts_refuses_them(bus: Bus) {
    let (_nodes, adder, caller, _) = apart(&bus).await;
    for service in [adder, caller] {
        let error = last(upload(&service, "none").await).await;
        assert_eq!(error.kind(), CallErrorKind::BadArguments);
        assert!(error.to_string().contains("takes no parts"), "{error}");
        let delivery = Delivery::Keyed(IdempotencyKey::new("k").unwrap());
        let options = CallOptions { delivery, ..CallOptions::default() };
        let error = service.call_with_parts("adder", "sum", 1, options).await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::BadArguments);
    }
}
