//! What workers may publish, by their user.

use pubsub_api::{Action, Event, Publisher, Registry, Role, Topic};
use rustix::process::geteuid;

use super::raw_worker::{RawWorker, hello_of_a_push};
use super::service::{Service, until};

fn own(right: &str) -> String {
    format!("worker_rights=uid:{} {right}", geteuid().as_raw())
}

async fn limited(right: &str) -> Service {
    Service::start(&[&format!("drivers.zmtp.{}", own(right))]).await
}

fn event(table: &str, topic: &'static str) -> Event {
    Event::new(table, "key", Action::Set, "value", Topic::new(topic).unwrap())
}

/// A worker of the driver itself.
fn worker(service: &Service) -> std::sync::Arc<dyn Publisher> {
    let settings = service.settings();
    Registry::collect().unwrap().open(&settings, Role::Multiproc).unwrap().publisher()
}

#[tokio::test]
async fn an_event_outside_of_its_rights_is_dropped_remembered_and_reported_to_the_worker() {
    let service = limited("table=lport topic=tenant-*").await;
    let worker = worker(&service);
    worker.initialize().await.unwrap();
    for (table, topic) in
        [("lport", "tenant-1"), ("chassis", "tenant-1"), ("lport", "D"), ("lport", "tenant-2")]
    {
        worker.send_event(&event(table, topic)).await.unwrap();
    }
    // Several tasks may share a worker: each that waits is told.
    let (taken, one, other) = tokio::join!(service.take_and_acknowledge(4), worker.flush(), worker.flush());
    assert_eq!(taken, ["tenant-1", "tenant-2"]);
    for flushed in [one, other] {
        let error = flushed.unwrap_err().to_string();
        assert!(error.contains("refused 2 events") && error.contains("worker_rights"), "{error}");
    }
    worker.flush().await.expect("it is reported once");
    let status = service.status();
    assert_eq!(status.counter("publications_refused", Some("worker_right")), 2);
    let entry = status.refusals.iter().find(|entry| entry.cause == "worker_right").unwrap();
    assert!(entry.who.contains(&format!("pid {}", std::process::id())), "{entry:?}");
    assert_eq!(entry.times, 2);
    assert!(entry.reason.contains("topic \"D\""), "the last one: {entry:?}");
}

#[tokio::test]
async fn a_worker_that_no_entry_names_may_not_connect() {
    let service = Service::start(&["drivers.zmtp.worker_rights=uid:4000000000 topic=D"]).await;
    let mut refused = RawWorker::silent(&service.socket());
    refused.say(&hello_of_a_push());
    refused.until_closed().await;
    until("it is counted", || service.refused("no_worker_rights") == 1).await;
    let refusals = service.status().refusals;
    assert!(refusals[0].reason.contains("no entry of drivers.zmtp.worker_rights"), "{refusals:?}");
}
