//! Traces of calls and of table changes, from end to end.

use captured_log::CapturedLog;
use data_services::{Call, CallError, CallErrorKind, CallOptions, Node, ServiceHandle, TableEvent, TraceId};
use serde_json::json;
use tokio::sync::watch;

use crate::bus::{Bus, on_each_driver, rows};
use crate::calls::know;
use crate::tables::{snapshot, table};
use crate::wait::next_rows;

on_each_driver!(
    the_trace_of_a_call_reaches_the_subscribers_of_what_its_method_publishes,
    errors_of_a_call_name_its_trace,
);

/// The service `b` with the table `p`: its method `add` publishes a row more under the trace of the call, `fail` fails, and
/// `panic` panics.
async fn service(node: &Node) -> ServiceHandle {
    let (ready, own) = watch::channel(None::<ServiceHandle>);
    let add = move |call: Call| {
        let own = own.borrow().clone();
        async move {
            tracing::info!("a row is added");
            let change = own.ok_or_else(|| CallError::new(CallErrorKind::Draining, "not ready"))?;
            let row = rows([call.arguments::<u64>()?]);
            Ok(change.transaction().traced(call.trace).change("p", row, vec![]).commit().await?)
        }
    };
    let fail = |_| async { Err::<(), _>(CallError::new(CallErrorKind::Remote, "it fails")) };
    let panics = |call: Call| async move {
        assert_eq!(call.json(), &json!("no panic"), "the panic of the test");
        Ok(())
    };
    let service = node.service("b").table("p", table()).method("add", add).method("fail", fail);
    let service = service.method("panic", panics).start().await.unwrap();
    ready.send_replace(Some(service.clone()));
    service
}

async fn the_trace_of_a_call_reaches_the_subscribers_of_what_its_method_publishes(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let _publisher = service(&one).await;
    let caller = two.service("a").start().await.unwrap();
    let mut subscription = caller.subscribe("b", "p").await.unwrap();
    assert!(snapshot(next_rows(&mut subscription).await).is_empty());
    for (row, trace) in [(1_u64, Some(TraceId::random())), (2, None)] {
        caller.call_with("b", "add", row, CallOptions::default().traced(trace)).await.unwrap();
        let TableEvent::Change { change, .. } = next_rows(&mut subscription).await else {
            panic!("a change")
        };
        assert_eq!((&change.added, change.trace), (&rows([row]), trace));
    }
}

async fn errors_of_a_call_name_its_trace(bus: Bus) {
    let (one, two) = (bus.node("node-1").await, bus.node("node-2").await);
    let _callee = service(&one).await;
    let caller = two.service("a").start().await.unwrap();
    know(&two, "b", 1).await;
    let trace = TraceId::random();
    let options = || CallOptions::default().traced(trace);
    let mut errors = Vec::new();
    for (address, method) in [("b", "fail"), ("b", "nothing"), ("nobody", "fail"), ("a..b", "fail")] {
        errors.push(caller.call_with(address, method, (), options()).await.unwrap_err());
    }
    errors
        .push(caller.call_all_with("b", "fail", (), options()).await.unwrap().remove(0).result.unwrap_err());
    let mut stream = caller.call_stream("b", "fail", (), options()).await.unwrap();
    errors.push(stream.next().await.unwrap().unwrap_err());
    for error in errors {
        assert_eq!(error.trace(), Some(trace), "{error}");
        assert!(error.to_string().ends_with(&format!(" (trace {trace})")), "{error}");
    }
    let error = caller.call("b", "fail", ()).await.unwrap_err();
    assert_eq!((error.trace(), error.to_string().as_str()), (None, "it fails"));
}

#[tokio::test]
async fn what_is_logged_for_a_call_has_its_trace() {
    let log = CapturedLog::begin();
    let node = Bus::memory().node("node-1").await;
    let service = service(&node).await;
    let trace = TraceId::random();
    let options = || CallOptions::default().traced(trace);
    service.call_with("b", "add", 1, options()).await.unwrap();
    service.call_with("b", "panic", "", options()).await.unwrap_err();
    service.call("b", "add", 2).await.unwrap();
    let text = log.text();
    for logged in [
        "a call of a trace begins",
        "a row is added",
        "a change of a trace is published",
        "a method panicked",
    ] {
        let with_trace =
            text.lines().filter(|line| line.contains(logged) && line.contains(&trace.to_string())).count();
        assert!(with_trace >= 1, "{logged}: {text}");
    }
    let added: Vec<&str> = text.lines().filter(|line| line.contains("a row is added")).collect();
    assert_eq!(added.len(), 2, "{text}");
    assert!(!added[1].contains("trace="), "{text}");
}
