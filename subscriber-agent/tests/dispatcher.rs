//! Handlers and their queues: order, isolation, failures, and unfinished events after a short grace.

#![expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use pubsub_api::{Action, Error, ErrorKind, Event, Result, SEND_ALL, Topic};
use subscriber_agent::{
    Change, DeliveryMode, Dispatcher, EventFilter, ExecHandler, Handler, OnFailure, QueueLimits, Report,
    ResyncRequest,
};
use tokio::sync::Semaphore;

const LONG: Duration = Duration::from_secs(30);

type Seen = Arc<Mutex<Vec<String>>>;

/// Records the keys of its events. With a gate it waits for a permit for each event; it fails on keys `bad…` and `panic…`.
struct Recorder {
    seen: Seen,
    gate: Option<Arc<Semaphore>>,
}

#[async_trait]
impl Handler for Recorder {
    async fn handle(&mut self, Change { event, .. }: &Change) -> Result<()> {
        if let Some(gate) = &self.gate {
            gate.acquire().await.unwrap().forget();
        }
        let key = event.key.clone().unwrap();
        self.seen.lock().unwrap().push(key.clone());
        assert!(!key.starts_with("panic"), "a defect, as this test wants it");
        if key.starts_with("bad") {
            return Err(Error::new(ErrorKind::Internal, format!("does not like {key}")));
        }
        Ok(())
    }
}

fn recorder(gate: Option<&Arc<Semaphore>>) -> (Seen, Box<Recorder>) {
    let seen = Seen::default();
    (Arc::clone(&seen), Box::new(Recorder { seen, gate: gate.cloned() }))
}

fn event(table: &str, key: &str, topic: &str) -> Change {
    let topic = Topic::new(topic.to_owned()).unwrap();
    Change::live(Arc::new(Event::new(table, key, Action::Set, "v", topic)))
}

fn limits(events: usize) -> QueueLimits {
    QueueLimits { events, bytes: 1_000_000, age: LONG, conflate: false }
}

async fn until(condition: impl Fn() -> bool) {
    tokio::time::timeout(LONG, async {
        while !condition() {
            // The wait helper itself.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn each_handler_gets_the_events_of_its_route_in_order() {
    let (mut dispatcher, _failures) = Dispatcher::new(limits(10));
    let ((all, to_all), (topic, to_topic), (table, to_table)) =
        (recorder(None), recorder(None), recorder(None));
    dispatcher.add(EventFilter::All, to_all, OnFailure::Skip);
    dispatcher.add(EventFilter::Topic(Topic::new("tenant-1").unwrap()), to_topic, OnFailure::Skip);
    dispatcher.add(EventFilter::Table("lport".to_owned()), to_table, OnFailure::Skip);
    for event in
        [event("lport", "1", "D"), event("lrouter", "2", "tenant-1"), event("lport", "3", "tenant-1")]
    {
        dispatcher.dispatch(&event).await;
    }
    dispatcher.finish(LONG).await.unwrap();
    assert_eq!(*all.lock().unwrap(), ["1", "2", "3"]);
    assert_eq!(*topic.lock().unwrap(), ["2", "3"]);
    assert_eq!(*table.lock().unwrap(), ["1", "3"]);
}

#[tokio::test]
async fn a_handler_failure_is_reported_and_the_handler_gets_the_next_event() {
    let (mut dispatcher, failures) = Dispatcher::new(limits(10));
    let (seen, handler) = recorder(None);
    dispatcher.add(EventFilter::All, handler, OnFailure::Skip);
    for key in ["1", "bad", "2", "panic", "3"] {
        dispatcher.dispatch(&event("t", key, "D")).await;
    }
    let Report::Failed(failure) = failures.next().await else { unreachable!("it failed") };
    assert_eq!((failure.key.as_deref(), failure.reason.as_str()), (Some("bad"), "does not like bad"));
    dispatcher.finish(LONG).await.unwrap();
    let Report::Failed(failure) = failures.next().await else { unreachable!("it panicked") };
    assert_eq!(failure.reason, "the handler panicked");
    assert_eq!(*seen.lock().unwrap(), ["1", "bad", "2", "panic", "3"]);
    let status = dispatcher.status();
    assert_eq!(
        (status.counter("events_handled", Some("all")), status.counter("events_failed", Some("all"))),
        (3, 2)
    );
}

#[tokio::test]
async fn unread_failure_reports_block_no_handler() {
    let (mut dispatcher, _unread) = Dispatcher::new(limits(10));
    let (_, handler) = recorder(None);
    dispatcher.add(EventFilter::All, handler, OnFailure::Skip);
    for _ in 0..1500 {
        dispatcher.dispatch(&event("t", "bad", "D")).await;
    }
    dispatcher.finish(LONG).await.unwrap();
    let status = dispatcher.status();
    assert_eq!(status.counter("events_failed", Some("all")), 1500);
    assert_eq!(status.counter("failures_unreported", Some("all")), 500, "the bound is 1000");
}

#[tokio::test]
async fn a_slow_handler_delays_no_other_until_its_queue_is_full_and_then_nothing_is_dropped() {
    let gate = Arc::new(Semaphore::new(0));
    let (mut dispatcher, _failures) = Dispatcher::new(limits(5));
    let ((slow, to_slow), (quick, to_quick)) = (recorder(Some(&gate)), recorder(None));
    dispatcher.add(EventFilter::All, to_quick, OnFailure::Skip);
    dispatcher.add(EventFilter::All, to_slow, OnFailure::Skip);
    let keys: Vec<String> = (0..9).map(|key| key.to_string()).collect();
    let dispatcher = Arc::new(dispatcher);
    let dispatching = tokio::spawn({
        let (dispatcher, keys) = (Arc::clone(&dispatcher), keys.clone());
        async move {
            for key in keys {
                dispatcher.dispatch(&event("t", &key, "D")).await;
            }
        }
    });
    // The slow handler processes one event and five wait in its queue; the quick one has these and the seventh, which waits.
    until(|| quick.lock().unwrap().len() == 7).await;
    until(|| dispatcher.status().queues.iter().any(|queue| queue.depth == queue.bound)).await;
    assert!(!dispatching.is_finished());
    assert!(slow.lock().unwrap().is_empty());
    gate.add_permits(100);
    dispatching.await.unwrap();
    dispatcher.finish(LONG).await.unwrap();
    assert_eq!(*quick.lock().unwrap(), keys);
    assert_eq!(*slow.lock().unwrap(), keys, "in order, and each once");
}

#[tokio::test]
async fn events_that_are_unfinished_after_a_short_grace_are_counted() {
    let gate = Arc::new(Semaphore::new(0));
    let (mut dispatcher, _failures) = Dispatcher::new(limits(10));
    let (seen, handler) = recorder(Some(&gate));
    dispatcher.add(EventFilter::All, handler, OnFailure::Skip);
    for key in ["1", "2", "3"] {
        dispatcher.dispatch(&event("t", key, "D")).await;
    }
    let error = dispatcher.finish(Duration::from_millis(50)).await.unwrap_err();
    assert!(error.to_string().starts_with("handlers did not finish 3 events"), "{error}");
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_handler_with_retries_retries_before_the_next_event() {
    let (mut dispatcher, reports) = Dispatcher::new(limits(10));
    let (seen, handler) = recorder(None);
    dispatcher.add(EventFilter::All, handler, OnFailure::Retry(2));
    for key in ["1", "bad", "2"] {
        dispatcher.dispatch(&event("t", key, "D")).await;
    }
    dispatcher.finish(LONG).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), ["1", "bad", "bad", "bad", "2"]);
    assert!(matches!(reports.try_next(), Some(Report::Failed(_))), "it is reported once");
    assert_eq!(reports.try_next(), None);
    assert_eq!(dispatcher.status().counter("events_retried", Some("all")), 2);
}

#[tokio::test]
async fn a_handler_with_the_resync_policy_requests_its_table_by_name() {
    let (mut dispatcher, reports) = Dispatcher::new(limits(10));
    let ((_, quiet), (seen, handler)) = (recorder(None), recorder(None));
    dispatcher.add(EventFilter::Table("other".to_owned()), quiet, OnFailure::Resync);
    dispatcher.add(EventFilter::All, handler, OnFailure::Resync);
    for key in ["bad", "panic", "1"] {
        dispatcher.dispatch(&event("t", key, "D")).await;
    }
    until(|| seen.lock().unwrap().len() == 3).await;
    let reported: Vec<Report> = std::iter::from_fn(|| reports.try_next()).collect();
    let reason = "the handler of all failed on table t: does not like bad".to_owned();
    assert_eq!(reported[2..], [Report::Resync(ResyncRequest { handler: 1, table: "t".to_owned(), reason })]);

    let again = Change { mode: DeliveryMode::Sync, ..event("t", "bad-no-more", "D") };
    dispatcher.give(1, &again).await;
    dispatcher.give(0, &again).await;
    dispatcher.finish(LONG).await.unwrap();
    assert_eq!(seen.lock().unwrap().len(), 4, "its filter matches, and the other's does not");
}

#[tokio::test]
async fn a_handler_that_stops_the_agent_accepts_no_more_events_and_blocks_no_dispatcher() {
    let (mut dispatcher, reports) = Dispatcher::new(limits(1));
    let (seen, handler) = recorder(None);
    dispatcher.add(EventFilter::All, handler, OnFailure::Stop);
    for key in ["panic", "1", "2", "3", "4"] {
        dispatcher.dispatch(&event("t", key, "D")).await;
    }
    until(|| !seen.lock().unwrap().is_empty()).await;
    assert!(matches!(reports.next().await, Report::Failed(_)));
    let Report::Stop(reason) = reports.next().await else { unreachable!("the policy is to stop") };
    assert!(reason.contains("the handler panicked") && reason.contains("agent.on_failure"), "{reason}");
    dispatcher.dispatch(&event("t", "5", "D")).await;
    assert_eq!(*seen.lock().unwrap(), ["panic"]);
    assert!(dispatcher.unfinished().iter().any(|change| change.event.key.as_deref() == Some("panic")));
}

#[tokio::test]
async fn a_handler_that_is_stuck_for_too_long_loses_events_and_that_is_reported() {
    let gate = Arc::new(Semaphore::new(0));
    let age = Duration::from_millis(50);
    let (mut dispatcher, reports) = Dispatcher::new(QueueLimits { age, ..limits(2) });
    let ((seen, stuck), (others, quick)) = (recorder(Some(&gate)), recorder(None));
    dispatcher.add(EventFilter::All, stuck, OnFailure::Skip);
    dispatcher.add(EventFilter::All, quick, OnFailure::Skip);
    dispatcher.dispatch(&event("t", "in-hand", "D")).await;
    until(|| dispatcher.status().queues[0].depth == 0).await;
    for key in ["1", "2", "3"] {
        dispatcher.dispatch(&event("t", key, "D")).await;
    }
    until(|| others.lock().unwrap().len() == 4).await;
    let Report::Gap(gap) = reports.next().await else { unreachable!("events were dropped") };
    let dropped = dispatcher.status().counter("events_outdated", Some("all"));
    assert!(gap.handler == "all" && gap.events == dropped && (1..=2).contains(&dropped), "{gap:?}");
    gate.add_permits(100);
    dispatcher.finish(LONG).await.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!((seen.len() as u64, seen.last().unwrap().as_str()), (4 - dropped, "3"));
}

#[tokio::test]
async fn a_command_reads_the_event_from_stdin_and_fails_by_exit_status_or_timeout() {
    let folder = std::env::temp_dir().join(format!("skimmer-exec-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let out = folder.join("out");
    let event = Change::live(Arc::new(Event::new("lport", "k", Action::Delete, None, SEND_ALL)));
    ExecHandler::new(&format!("cat >> {}", out.display()), LONG).handle(&event).await.unwrap();
    let line = std::fs::read_to_string(&out).unwrap();
    assert_eq!(
        line,
        "{\"table\":\"lport\",\"key\":\"k\",\"action\":\"delete\",\"value\":null,\"topic\":\"D\"}\n"
    );
    let replayed = Change { mode: DeliveryMode::Replay, ..event.clone() };
    ExecHandler::new(&format!("cat > {}", out.display()), LONG).handle(&replayed).await.unwrap();
    let line = std::fs::read_to_string(&out).unwrap();
    assert!(line.ends_with(",\"topic\":\"D\",\"origin\":\"replay\"}\n"), "{line}");
    std::fs::remove_dir_all(&folder).unwrap();

    let failed = ExecHandler::new("exit 3", LONG).handle(&event).await.unwrap_err().to_string();
    assert!(failed.contains("exit status: 3"), "{failed}");
    let killed = ExecHandler::new("sleep 60", Duration::from_millis(100))
        .handle(&event)
        .await
        .unwrap_err()
        .to_string();
    assert!(killed.contains("took longer than 100ms"), "{killed}");
}
