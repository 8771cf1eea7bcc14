//! Methods that block their threads.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use data_services::{Call, CallErrorKind, CallOptions, KeyColumns, TableEvent};
use serde_json::json;

use crate::bus::{Bus, on_each_driver, rows};
use crate::wait::{next_rows, until};

on_each_driver!(
    methods_that_block_all_threads_of_a_program_stop_neither_its_node_nor_services_of_other_programs,
    a_bounded_number_of_blocking_methods_runs_at_once_and_delays_no_other_method,
);

/// How long the callers of a method that blocks wait: longer than a silent node counts as up.
const PATIENCE: Duration = Duration::from_secs(7);

/// A gate that is closed until its sender is dropped.
fn gate() -> (SyncSender<()>, Arc<Mutex<Receiver<()>>>) {
    let (open, gate) = sync_channel(0);
    (open, Arc::new(Mutex::new(gate)))
}

/// Blocks the thread until the gate is open.
fn pass(gate: &Mutex<Receiver<()>>) {
    // The error means that it is open.
    let _ = gate.lock().unwrap().recv();
}

async fn methods_that_block_all_threads_of_a_program_stop_neither_its_node_nor_services_of_other_programs(
    bus: Bus,
) {
    let program = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let blocked = bus.node_on_own_threads("node-1").await;
    let (open, closed) = gate();
    let service = blocked.service("blocked").table("numbers", KeyColumns::Row).method("block", move |_| {
        pass(&closed);
        async { Ok(()) }
    });
    let service = program.spawn(service.start()).await.unwrap().unwrap();
    let beside =
        blocked.service("beside").method("echo", |call: Call| async move { Ok(call.json().clone()) });
    let _beside = beside.start().await.unwrap();
    let other = bus.node("node-2").await;
    let caller = other.service("caller").start().await.unwrap();
    let mut numbers = caller.subscribe("blocked", "numbers").await.unwrap();
    assert!(matches!(next_rows(&mut numbers).await, TableEvent::Snapshot { .. }));
    let blocking = caller.call_with("blocked", "block", (), CallOptions::within(PATIENCE));
    tokio::pin!(blocking);
    let mut answers = 0_u64;
    let outcome = loop {
        tokio::select! {
            outcome = &mut blocking => break outcome,
            answer = caller.call("beside", "echo", answers) => {
                assert_eq!(answer.unwrap(), json!(answers));
                answers += 1;
                service.publish("numbers", rows([answers])).await.unwrap();
                assert!(matches!(next_rows(&mut numbers).await, TableEvent::Change { .. }));
            }
        }
    };
    assert_eq!(outcome.unwrap_err().kind(), CallErrorKind::Timeout);
    assert!(answers > 0);
    let peers = other.report().await.unwrap().peers;
    assert!(peers.iter().any(|peer| peer.peer == *blocked.instance() && peer.state == "up"), "{peers:?}");
    drop(open);
    until("the method returns when its gate opens", || async {
        caller.call("blocked", "block", ()).await.is_ok()
    })
    .await;
    blocked.leave().await;
    program.shutdown_background();
}

async fn a_bounded_number_of_blocking_methods_runs_at_once_and_delays_no_other_method(bus: Bus) {
    let nodes = [bus.node("node-1").await, bus.node("node-2").await];
    let (open, closed) = gate();
    let (begun, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (Arc::clone(&begun), Arc::clone(&ended));
    let two = NonZeroUsize::new(2).unwrap();
    let builder = nodes[0]
        .service("files")
        .blocking_method("read", two, move |call: Call| {
            counts.0.fetch_add(1, Ordering::SeqCst);
            pass(&closed);
            counts.1.fetch_add(1, Ordering::SeqCst);
            call.arguments::<u64>()
        })
        .blocking_method("fail", two, |_| -> Result<(), _> { panic!("a method that panics") })
        .method("echo", |call: Call| async move { Ok(call.json().clone()) });
    let _files = builder.start().await.unwrap();
    let caller = nodes[1].service("caller").start().await.unwrap();
    until("the service is known", || async { caller.call("files", "echo", 0).await.is_ok() }).await;
    let calls: Vec<_> = (0..6_u64)
        .map(|number| {
            let caller = caller.clone();
            tokio::spawn(async move { caller.call("files", "read", number).await })
        })
        .collect();
    until("two calls run", || async { begun.load(Ordering::SeqCst) == 2 }).await;
    let within = CallOptions::within(Duration::from_millis(300));
    let waiting = caller.call_with("files", "read", 7, within).await.unwrap_err();
    assert_eq!(waiting.kind(), CallErrorKind::Timeout, "{waiting}");
    assert_eq!(caller.call("files", "echo", 1).await.unwrap(), json!(1));
    let panicked = caller.call("files", "fail", ()).await.unwrap_err();
    assert!(panicked.to_string().contains("panicked"), "{panicked}");
    assert_eq!((begun.load(Ordering::SeqCst), ended.load(Ordering::SeqCst)), (2, 0));
    drop(open);
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap().unwrap(), json!(number));
    }
    assert_eq!(ended.load(Ordering::SeqCst), 6, "the call that was given up before it began never ran");
}
