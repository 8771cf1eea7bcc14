//! The polling base.

use std::time::Duration;

use data_services::{Cage, ServiceId};
use serde_json::{Value as Json, json};

use crate::bus::Bus;
use crate::scripted::{Outcome, Script, config};
use crate::view::View;
use crate::wait::{PATIENCE, call, has_error, status_until, until};

#[tokio::test]
async fn a_refresh_polls_at_once_and_returns_the_status_after_it() {
    let bus = Bus::new("bus");
    let script = Script::of("refreshed", Outcome::Rows(vec![("t", json!([[1]]))]));
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    cage.create(config("refreshed", 3_600_000, false)).await.unwrap();
    let mut view = View::of(&screen, "refreshed", "t").await;
    view.until_rows(&json!([[1]])).await;
    let first = status_until(&screen, "refreshed", "it lists its subscriber", |status| {
        status["subscribers"]["t"] == json!(["node-2"])
    })
    .await;
    assert_eq!((&first["initialized"], &first["number_of_updates"]), (&json!(true), &json!(1)));
    assert!(first["last_error"].is_null() && first["last_updated"].as_u64().is_some_and(|time| time > 0));
    script.set(Outcome::Rows(vec![("t", json!([[1], [2]]))]));
    let status = call(&screen, "refreshed", "refresh", Json::Null).await.unwrap();
    assert_eq!(status["number_of_updates"], 2, "one more poll, and the interval is an hour");
    view.until_rows(&json!([[1], [2]])).await;
    assert_eq!((script.begun(), view.gone), (2, 0));
}

#[tokio::test]
async fn all_tables_of_a_poll_change_together() {
    let bus = Bus::new("bus");
    let script = Script::of("together", Outcome::Rows(vec![("p", json!([[1]])), ("q", json!([[1]]))]));
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    cage.create(config("together", 3_600_000, false)).await.unwrap();
    let (mut p, mut q) = (View::of(&screen, "together", "p").await, View::of(&screen, "together", "q").await);
    p.until_rows(&json!([[1]])).await;
    q.until_rows(&json!([[1]])).await;
    for round in 2..20 {
        script.set(Outcome::Rows(vec![("p", json!([[round]])), ("q", json!([[round]]))]));
        call(&screen, "together", "refresh", Json::Null).await.unwrap();
        p.until_rows(&json!([[round]])).await;
        q.drain().await;
        assert!(q.has(&json!([[round]])), "q is of the poll of p: {q:?}");
    }
}

#[tokio::test]
async fn an_error_is_in_the_status_and_the_rows_of_before_stay_until_the_next_interval() {
    let bus = Bus::new("bus");
    let script = Script::of("failing", Outcome::Rows(vec![("t", json!([[1]]))]));
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    cage.create(config("failing", 50, false)).await.unwrap();
    let mut view = View::of(&screen, "failing", "t").await;
    view.until_rows(&json!([[1]])).await;
    script.set(Outcome::Error("the cloud does not answer"));
    let status =
        status_until(&screen, "failing", "the error is shown", |status| has_error(status, "the cloud")).await;
    assert!(status["number_of_errors"].as_u64() >= Some(1), "{status}");
    script.set(Outcome::Rows(vec![("t", json!([[2]]))]));
    view.until_rows(&json!([[2]])).await;
    let status =
        status_until(&screen, "failing", "the error is over", |status| status["last_error"].is_null()).await;
    assert_eq!((status["initialized"].as_bool(), view.gone), (Some(true), 0));
}

#[tokio::test]
async fn a_table_that_is_refused_does_not_hold_back_the_others() {
    let bus = Bus::new("bus");
    let long = "x".repeat(2000);
    Script::of("refused", Outcome::Rows(vec![("big", json!([[1, long]])), ("small", json!([[1]]))]));
    let mut options = bus.options("node-1");
    options.table_bytes = 1000;
    let cage = Cage::start(bus.join(options).await).await.unwrap();
    let screen = bus.screen("node-2").await;
    cage.create(config("refused", 50, false)).await.unwrap();
    View::of(&screen, "refused", "small").await.until_rows(&json!([[1]])).await;
    status_until(&screen, "refused", "the refused table is named", |status| {
        has_error(status, "table big is not published") && status["number_of_errors"].as_u64() > Some(2)
    })
    .await;
}

#[tokio::test]
async fn a_poll_is_not_interrupted_when_its_service_stops() {
    let bus = Bus::new("bus");
    let script = Script::gated("slow", Outcome::Rows(vec![("t", json!([[1]]))]));
    let cage = bus.cage("node-1").await;
    cage.create(config("slow", 3_600_000, false)).await.unwrap();
    until("the poll has begun", || async { script.begun() == 1 }).await;
    let stopping = tokio::spawn({
        let cage = cage.clone();
        async move { cage.stop(&ServiceId::new("slow").unwrap()).await }
    });
    until("the service is asked to stop", || async { cage.list().is_empty() }).await;
    assert!(!stopping.is_finished(), "it waits for the poll");
    script.permit(1);
    tokio::time::timeout(PATIENCE, stopping).await.unwrap().unwrap().unwrap();
    assert_eq!(script.ended(), 1);
}

#[tokio::test]
async fn a_lazy_service_polls_only_while_somebody_subscribes_and_blocks_no_subscriber() {
    let bus = Bus::new("bus");
    let script = Script::gated("lazy", Outcome::Rows(vec![("t", json!([[1]]))]));
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    cage.create(config("lazy", 20, true)).await.unwrap();
    let status = status_until(&screen, "lazy", "it runs", |_| true).await;
    assert_eq!((&status["initialized"], script.begun()), (&json!(false), 0));
    let mut view = View::of(&screen, "lazy", "t").await;
    view.until("a snapshot comes while the poll waits", View::is_known).await;
    assert!(view.has(&json!([])), "{view:?}");
    until("the first subscriber begins the polls", || async { script.begun() == 1 }).await;
    script.permit(1000);
    view.until_rows(&json!([[1]])).await;
    until("it polls again and again", || async { script.ended() > 3 }).await;
    drop(view);
    status_until(&screen, "lazy", "nobody subscribes", |status| status["subscribers"] == json!({})).await;
    // The poll that may have begun meanwhile ends; none follows within some intervals.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = script.begun();
    // Nothing can be waited for: what must not happen would have happened after an interval of 20 ms.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(script.begun(), begun);
    let status = call(&screen, "lazy", "refresh", Json::Null).await.unwrap();
    assert_eq!(
        (script.begun(), status["initialized"].as_bool()),
        (begun + 1, Some(true)),
        "a refresh polls anyway"
    );
}
