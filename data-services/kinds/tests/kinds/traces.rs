//! The trace of a change and of a call goes through the services that stand between.

use data_services::{Call, CallError, CallErrorKind, CallOptions, KeyColumns, Row, ServiceConfig, TraceId};
use serde_json::json;

use crate::bus::{Bus, driver_settings};
use crate::view::View;
use crate::wait::call;

fn row(number: u64) -> Vec<Row> {
    vec![Row::of(&(number,)).unwrap()]
}

#[tokio::test]
async fn a_trace_goes_through_a_bridge_and_a_filter() {
    let (near, far) = (Bus::new("near"), Bus::new("far"));
    let source = far.node("far-1").await;
    let source = source
        .service("compute")
        .table("vms", KeyColumns::Positions(vec![0]))
        .method("trace", |call: Call| async move { Ok(call.trace) })
        .method("fail", |_| async { Err::<(), _>(CallError::new(CallErrorKind::Denied, "not you")) });
    let source = source.start().await.unwrap();
    source.publish("vms", row(1)).await.unwrap();
    let (cage, screen) = (near.cage("near-1").await, near.screen("near-2").await);
    let bridge = ServiceConfig::new("proxy", "bridge")
        .option("bus", far.name())
        .option("seeds", json!([far.seed()]))
        .option("settings", json!({"set": driver_settings()}))
        .option("import", json!({"prefix": "there"}));
    cage.create(bridge).await.unwrap();
    let filter =
        ServiceConfig::new("all", "filter").option("address", "there.compute").option("table", "vms");
    cage.create(filter).await.unwrap();
    let mut mirror = View::of(&screen, "there.compute", "vms").await;
    let mut filtered = View::of(&screen, "all", "vms").await;
    mirror.until_rows(&json!([[1]])).await;
    filtered.until_rows(&json!([[1]])).await;
    let traces = [Some(TraceId::random()), None, Some(TraceId::random())];
    for (number, trace) in (2..).zip(traces) {
        source.transaction().traced(trace).change("vms", row(number), vec![]).commit().await.unwrap();
    }
    for view in [&mut mirror, &mut filtered] {
        view.until_rows(&json!([[1], [2], [3], [4]])).await;
        assert_eq!(view.traces, traces);
    }
    let options = |trace| CallOptions::default().traced(trace);
    call(&screen, "there.compute", "trace", json!(null)).await.unwrap();
    for trace in traces {
        let seen = screen.call_with("there.compute", "trace", (), options(trace)).await.unwrap();
        assert_eq!(seen, json!(trace));
    }
    let error = screen.call_with("there.compute", "fail", (), options(traces[0])).await.unwrap_err();
    assert_eq!(error.to_string(), format!("not you (trace {})", traces[0].unwrap()));
}
