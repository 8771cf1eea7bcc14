//! Services that fail.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use data_services::{
    KeyColumns, Row, Service, ServiceBuilder, ServiceConfig, ServiceHandle, ServiceKind, StopSignal,
};
use pubsub_api::{Error, ErrorKind, Result};
use serde_json::json;

use crate::bus::Bus;
use crate::scripted::{Outcome, Script, config};
use crate::view::View;
use crate::wait::status_until;

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
    crate::wait::until("two polls have panicked", || async { script.ended() > ended + 2 }).await;
    script.set(Outcome::Rows(vec![("t", json!([[2], [3]]))]));
    view.until_rows(&json!([[2], [3]])).await;
    assert_eq!((view.gone, view.changed), (0, 2), "the rows stayed, and only the difference came");
    status_until(&screen, "panicking", "it runs again", |status| status["last_error"].is_null()).await;
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
