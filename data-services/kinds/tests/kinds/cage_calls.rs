//! Services that another node creates, reloads and stops by calls.

use data_services::{CallErrorKind, CallOptions, NodeId, ServiceHandle};
use serde_json::{Value as Json, json};

use crate::bus::Bus;
use crate::scripted::{Outcome, Script};
use crate::view::View;

/// Calls a method of the cage of node-1.
async fn call(
    screen: &ServiceHandle,
    method: &str,
    arguments: Json,
) -> Result<Json, data_services::CallError> {
    let node = CallOptions::on(NodeId::new("node-1").unwrap());
    screen.call_with("_cage", method, arguments, node).await
}

/// How the cage lists a service that runs.
fn running(mut config: Json) -> Json {
    config["state"] = json!("running");
    config
}

/// The text of the error of a call.
async fn refused(screen: &ServiceHandle, method: &str, arguments: Json) -> String {
    let error = call(screen, method, arguments).await.unwrap_err();
    assert!(matches!(error.kind(), CallErrorKind::Remote | CallErrorKind::BadArguments), "{error}");
    error.to_string()
}

#[tokio::test]
async fn services_are_created_listed_reloaded_and_stopped_by_calls() {
    let bus = Bus::new("bus");
    let script = Script::of("called", Outcome::Rows(vec![("t", json!([[1]]))]));
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    crate::wait::until("the cage is known", || async { call(&screen, "list", json!(null)).await.is_ok() })
        .await;
    assert_eq!(call(&screen, "list", json!(null)).await.unwrap(), json!([]));
    let kinds = call(&screen, "kinds", json!(null)).await.unwrap();
    assert!(kinds.as_array().unwrap().iter().any(|kind| kind["kind"] == "scripted"), "{kinds}");
    let config = |interval_ms: u64| json!({"id": "called", "kind": "scripted", "options": {"interval_ms": interval_ms, "lazy": false}});
    call(&screen, "create", config(20)).await.unwrap();
    let mut view = View::of(&screen, "called", "t").await;
    view.until_rows(&json!([[1]])).await;
    assert_eq!(call(&screen, "list", json!(null)).await.unwrap(), json!([running(config(20))]));
    call(&screen, "reload", config(10)).await.unwrap();
    assert_eq!(call(&screen, "list", json!(null)).await.unwrap(), json!([running(config(10))]));
    script.set(Outcome::Rows(vec![("t", json!([[2]]))]));
    view.until_rows(&json!([[2]])).await;
    assert_eq!(view.gone, 0, "the subscribers stay over a reload");
    call(&screen, "stop", json!("called")).await.unwrap();
    crate::wait::until("it has stopped", || async {
        screen.call("called", "status", ()).await.is_err_and(|error| error.kind() == CallErrorKind::NoService)
    })
    .await;
    assert!(cage.list().is_empty());
}

#[tokio::test]
async fn what_a_cage_cannot_create_is_refused_with_the_reason_and_changes_nothing() {
    let bus = Bus::new("bus");
    let _script = Script::of("taken", Outcome::Rows(vec![("t", json!([[1]]))]));
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    crate::wait::until("the cage is known", || async { call(&screen, "list", json!(null)).await.is_ok() })
        .await;
    let taken = json!({"id": "taken", "kind": "scripted", "options": {"interval_ms": 20, "lazy": false}});
    call(&screen, "create", taken.clone()).await.unwrap();
    let unknown = json!({"id": "other", "kind": "scrypted"});
    let invalid = json!({"id": "a..b", "kind": "scripted"});
    let wrong = json!({"id": "other", "kind": "scripted", "colour": "red"});
    for (method, arguments, text) in [
        ("create", taken.clone(), "already runs a service taken"),
        ("create", unknown, "scripted"),
        ("create", invalid, "a..b"),
        ("create", wrong, "colour"),
        ("reload", json!({"id": "absent", "kind": "scripted"}), "no service absent"),
        ("stop", json!("absent"), "no service absent"),
    ] {
        let refusal = refused(&screen, method, arguments).await;
        assert!(refusal.contains(text), "{text}: {refusal}");
    }
    assert_eq!(json!(cage.list()), json!([running(taken)]));
}
