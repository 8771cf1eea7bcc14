//! Services that fail.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use data_services::{
    KeyColumns, Row, Service, ServiceBuilder, ServiceConfig, ServiceHandle, ServiceId, ServiceKind,
    StopSignal,
};
use pubsub_api::{Error, ErrorKind, Result};
use serde_json::{Value as Json, json};

use crate::bus::Bus;
use crate::scripted::{Outcome, Script, config};
use crate::view::View;
use crate::wait::{call, status_until, until};

#[tokio::test]
async fn a_service_whose_poll_panics_is_started_again_and_its_subscribers_keep_the_rows() {
    let bus = Bus::new("bus");
    let script = Script::of("panicking", Outcome::Rows(vec![("t", json!([[1], [2]]))]));
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    cage.create(config("panicking", 20, false)).await.unwrap();
    let mut view = View::of(&screen, "panicking", "t").await;
    view.until_rows(&json!([[1], [2]])).await;
    let ended = script.ended();
    script.set(Outcome::Panic);
    until("two polls have panicked", || async { script.ended() > ended + 2 }).await;
    script.set(Outcome::Rows(vec![("t", json!([[2], [3]]))]));
    view.until_rows(&json!([[2], [3]])).await;
    assert_eq!((view.gone, view.changed), (0, 2), "the rows stayed, and only the difference came");
    status_until(&screen, "panicking", "it runs again", |status| status["last_error"].is_null()).await;
}

/// The states of the services of a cage, by its method `list`.
async fn states(screen: &ServiceHandle) -> Json {
    let list = call(screen, "_cage", "list", Json::Null).await.unwrap();
    list.as_array().unwrap().iter().map(|one| json!([one["id"], one["state"], one["error"]])).collect()
}

/// Ends by itself after the time of the option `after`.
#[derive(Debug)]
struct Ending {
    after: u64,
}

#[async_trait]
impl Service for Ending {
    fn declare(&self, service: ServiceBuilder) -> ServiceBuilder {
        service
    }

    async fn run(&mut self, _service: ServiceHandle, mut stop: StopSignal) -> Result<()> {
        match self.after {
            0 => Ok(()),
            1 => Err(Error::new(ErrorKind::Unavailable, "its source is down")),
            _ => {
                stop.stopped().await;
                Ok(())
            }
        }
    }
}

inventory::submit! {
    ServiceKind {
        name: "ending",
        summary: "ends after the time of its option",
        options: &[("after", "0 at once, 1 with an error, 2 when it is stopped")],
        create: |config| Ok(Box::new(Ending { after: config.options["after"].as_u64().unwrap() })),
    }
}

#[tokio::test]
async fn the_list_of_a_cage_shows_which_services_run_restart_and_have_ended() {
    let bus = Bus::new("bus");
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-1-screen").await;
    let config = |id: &str, after: u64| ServiceConfig::new(id, "ending").option("after", after);
    for (id, after) in [("a", 0), ("b", 1), ("c", 2)] {
        cage.create(config(id, after)).await.unwrap();
    }
    let expected =
        json!([["a", "ended", null], ["b", "restarting", "its source is down"], ["c", "running", null]]);
    until("the states are shown", || async { states(&screen).await == expected }).await;

    // The same configuration leaves a service that has ended as it is; another one starts it again.
    let same = vec![config("a", 0), config("b", 2), config("c", 2)];
    assert!(cage.apply(same).await.is_empty());
    let expected = json!([["a", "ended", null], ["b", "running", null], ["c", "running", null]]);
    assert_eq!(states(&screen).await, expected);
    assert!(cage.apply(vec![config("a", 2), config("b", 0)]).await.is_empty());
    let expected = json!([["a", "running", null], ["b", "ended", null]]);
    until("a runs again and b has ended", || async { states(&screen).await == expected }).await;
    cage.stop(&ServiceId::new("b").unwrap()).await.unwrap();
    cage.create(config("b", 2)).await.unwrap();
}

/// Whether the service of the next test is to fail.
static FAILS: AtomicBool = AtomicBool::new(false);

/// Publishes one row, and fails on demand.
#[derive(Debug)]
struct Failing;

#[async_trait]
impl Service for Failing {
    fn declare(&self, service: ServiceBuilder) -> ServiceBuilder {
        service.table("t", KeyColumns::Row)
    }

    async fn run(&mut self, service: ServiceHandle, mut stop: StopSignal) -> Result<()> {
        let has_failed = FAILS.load(Ordering::SeqCst);
        service.publish("t", vec![Row::of(&(1, has_failed))?]).await?;
        while !FAILS.load(Ordering::SeqCst) {
            // The pause between two checks of a condition.
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        if !has_failed {
            return Err(Error::new(ErrorKind::Unavailable, "this service fails as the test asks"));
        }
        stop.stopped().await;
        Ok(())
    }
}

inventory::submit! {
    ServiceKind {
        name: "failing",
        summary: "fails as a test asks",
        options: &[],
        create: |_| Ok(Box::new(Failing)),
    }
}

#[tokio::test]
async fn a_service_that_returns_an_error_is_started_again_and_its_subscribers_keep_the_rows() {
    let bus = Bus::new("bus");
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    cage.create(ServiceConfig::new("f", "failing")).await.unwrap();
    let mut view = View::of(&screen, "f", "t").await;
    view.until_rows(&json!([[1, false]])).await;
    // The declared table may have been seen before its first row.
    view.changed = 0;
    FAILS.store(true, Ordering::SeqCst);
    view.until_rows(&json!([[1, true]])).await;
    assert_eq!((view.gone, view.changed), (0, 2));
}
