//! A publisher that was made before `fork` works after it, which API servers that fork their workers need.
//!
//! The tests have their own `main`: libtest starts threads, and only a process with one thread may fork and continue.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where an expectation fails"
)]

#[path = "fork/file_broker.rs"]
mod file_broker;
#[path = "fork/on_broker.rs"]
mod on_broker;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::exit;
use std::time::Duration;

use fork::{Fork, WEXITSTATUS, WIFEXITED, fork, waitpid};
use publisher_client::BlockingPublisher;
use pubsub_api::settings::Settings;
use pubsub_api::wire::EventRef;
use pubsub_api::{Action, Batch, ErrorKind, Event, Registry, Role, SEND_ALL};
use settings::Sources;

/// The deadline of every wait, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    let tests: [(&str, fn()); 8] = [
        ("four_workers_forked_after_initialize_publish_complete_and_in_order", four_workers),
        ("a_driver_opened_before_fork_is_a_separate_worker_in_each_process", driver_opened_before),
        ("a_publisher_used_before_fork_keeps_working_in_parent_and_child", used_before),
        ("a_worker_may_close_what_its_parent_uses", closed_in_child),
        ("a_worker_that_only_drops_what_its_parent_uses_ends", dropped_in_child),
        ("a_closed_publisher_stays_closed", closed),
        ("on_a_broker_each_process_is_a_separate_publisher", on_broker::each_process),
        ("on_a_broker_a_client_that_was_used_before_fork_starts_over_in_the_child", on_broker::used_before),
    ];
    for (name, test) in tests {
        test();
        println!("test {name} ... ok");
    }
}

fn settings(folder: &Path) -> Settings {
    let socket = folder.join("ipc.sock");
    let sets = vec![format!("publisher_multiproc_socket={}", socket.display()), "linger=20s".to_owned()];
    let sources = Sources { sets, ..Sources::default() };
    all_settings::load(&sources, &Registry::collect().unwrap().settings()).unwrap().0
}

fn open(settings: &Settings) -> BlockingPublisher {
    let publisher = BlockingPublisher::open(settings).unwrap();
    publisher.initialize().unwrap();
    publisher
}

/// Publishes the events `from..to` of a worker.
fn publish(publisher: &BlockingPublisher, worker: &str, from: usize, to: usize) {
    for number in from..to {
        let event = Event::new(worker, number.to_string(), Action::Set, "value", SEND_ALL);
        publisher.send(&event).expect("accepted");
    }
}

/// Runs `work` in a forked process, which ends with exit status 0 if it comes to its end.
fn in_child(work: impl FnOnce()) -> i32 {
    match fork().expect("fork") {
        Fork::Parent(pid) => pid,
        Fork::Child => {
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            exit(i32::from(ended.is_err()));
        }
    }
}

fn assert_ended_well(what: &str, pid: i32) {
    let status = waitpid(pid).expect("a child");
    assert!(WIFEXITED(status) && WEXITSTATUS(status) == 0, "{what} ended with status {status:#x}");
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// Receives and acknowledges until each worker's events are complete and in order. Each worker has a different id.
fn receive(settings: &Settings, workers: &BTreeMap<String, usize>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let work = async {
        let registry = Registry::collect().unwrap();
        let subscriber = registry.open(settings, Role::Multiproc).unwrap().subscriber();
        subscriber.initialize().await.unwrap();
        let mut came: BTreeMap<String, usize> = BTreeMap::new();
        let mut ids: BTreeMap<u64, String> = BTreeMap::new();
        let mut batch = Batch::new();
        while came != *workers {
            let next = tokio::time::timeout(PATIENCE, subscriber.recv_batch(&mut batch)).await;
            next.unwrap_or_else(|_| panic!("events are missing after {PATIENCE:?}, received: {came:?}"))
                .unwrap();
            for encoded in batch.iter() {
                let event = EventRef::read(encoded.topic, encoded.payload).unwrap().to_event();
                let name = event.table.unwrap();
                let id = encoded.origin.expect("numbered").worker;
                assert_eq!(*ids.entry(id).or_insert(name.clone()), name, "two workers have the same id");
                let count = came.entry(name).or_default();
                assert_eq!(event.key.unwrap(), count.to_string(), "in order: {came:?}");
                *count += 1;
            }
            for source in batch.sources() {
                subscriber.acknowledger().unwrap().acknowledge(source.peer, source.last());
            }
            batch.clear();
        }
        assert_eq!(ids.len(), workers.len(), "each worker has one id: {ids:?}");
        subscriber.close().await;
    };
    runtime.block_on(work);
}

fn four_workers() {
    const EVENTS: usize = 500;
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let publisher = open(&settings);
    assert_eq!(threads(), 1, "making and initializing a publisher starts nothing");
    let workers: BTreeMap<String, usize> =
        (0..4).map(|worker| (format!("worker-{worker}"), EVENTS)).collect();
    let children: Vec<(&String, i32)> = workers
        .keys()
        .map(|worker| {
            let child = in_child(|| {
                publish(&publisher, worker, 0, EVENTS);
                publisher.close().expect("handed over");
            });
            (worker, child)
        })
        .collect();
    receive(&settings, &workers);
    for (worker, child) in children {
        assert_ended_well(worker, child);
    }
}

fn driver_opened_before() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let driver = Registry::collect().unwrap().open(&settings, Role::Multiproc).unwrap();
    let publisher = driver.publisher();
    let workers: BTreeMap<String, usize> = (0..4).map(|worker| (format!("worker-{worker}"), 1)).collect();
    let children: Vec<(&String, i32)> = workers
        .keys()
        .map(|worker| {
            let child = in_child(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let event = Event::new(worker.as_str(), "0", Action::Set, "value", SEND_ALL);
                    publisher.send_event(&event).await.expect("accepted");
                    publisher.close().await.expect("confirmed");
                });
            });
            (worker, child)
        })
        .collect();
    receive(&settings, &workers);
    for (worker, child) in children {
        assert_ended_well(worker, child);
    }
}

fn used_before() {
    for round in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path());
        let publisher = open(&settings);
        let wanted = BTreeMap::from([("parent".to_owned(), 600), ("child".to_owned(), 500)]);
        let receiver = in_child(|| receive(&settings, &wanted));
        publish(&publisher, "parent", 0, 100);
        assert!(threads() > 1, "the publisher has started its thread");
        let child = in_child(|| {
            publish(&publisher, "child", 0, 500);
            publisher.close().expect("handed over");
        });
        publish(&publisher, "parent", 100, 600);
        publisher.close().expect("handed over");
        assert_ended_well(&format!("the child of round {round}"), child);
        assert_ended_well(&format!("the receiver of round {round}"), receiver);
    }
}

fn dropped_in_child() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let mut publisher = open(&settings);
    let receiver = in_child(|| receive(&settings, &BTreeMap::from([("parent".to_owned(), 100)])));
    publish(&publisher, "parent", 0, 100);
    let child = in_child(|| drop(std::mem::replace(&mut publisher, open(&settings))));
    assert_ended_well("the child", child);
    publisher.close().expect("handed over");
    assert_ended_well("the receiver", receiver);
}

fn closed() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = open(&settings(folder.path()));
    publisher.close().expect("nothing to do");
    let event = Event::new("worker", "key", Action::Set, "value", SEND_ALL);
    assert_eq!(publisher.send(&event).unwrap_err().kind(), ErrorKind::Closed);
}

fn closed_in_child() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let publisher = open(&settings);
    let receiver = in_child(|| receive(&settings, &BTreeMap::from([("parent".to_owned(), 200)])));
    publish(&publisher, "parent", 0, 100);
    let child = in_child(|| publisher.close().expect("nothing to do"));
    assert_ended_well("the child", child);
    publish(&publisher, "parent", 100, 200);
    publisher.close().expect("handed over");
    assert_ended_well("the receiver", receiver);
}
