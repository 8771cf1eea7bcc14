//! The directory of publishers: rows, leases, and removals.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use northbound::{Directory, PUBLISHER_TABLE, PublisherRow};
use pubsub_api::ErrorKind;
use pubsub_api::database::RowName;

use crate::database::Interrupted;
use crate::publisher::{Behaviour, Recorder};
use crate::scene::{Scene, quick};

const TIMEOUT: Duration = Duration::from_secs(300);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(1_700_000_000 + seconds)
}

fn directory(scene: &Scene, id: &str, uri: &str) -> Directory {
    let publisher: Arc<dyn pubsub_api::Publisher> = Arc::<Recorder>::clone(&scene.publisher);
    Directory::new(Arc::clone(&scene.database), publisher, (id.to_owned(), uri.to_owned()), TIMEOUT)
}

fn count(directory: &Directory, name: &str) -> u64 {
    let counters = directory.status().counters;
    counters.iter().filter(|counter| counter.name == name).map(|counter| counter.value).sum()
}

/// The clock of the reader, which starts at any time.
fn reader(start: Instant, seconds: u64) -> Instant {
    start + Duration::from_secs(seconds)
}

async fn ids(directory: &Directory, now: Instant) -> Vec<String> {
    let mut ids: Vec<String> =
        directory.publishers(now).await.unwrap().into_iter().map(|row| row.id).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn a_row_is_published_when_it_is_new_or_moves_and_not_when_it_is_renewed() {
    let scene = Scene::new("row", quick()).await;
    let here = directory(&scene, "a", "tcp://here:1");
    here.announce(at(0)).await.unwrap();
    here.announce(at(100)).await.unwrap();
    directory(&scene, "a", "tcp://there:1").announce(at(200)).await.unwrap();
    here.leave().await.unwrap();
    here.leave().await.unwrap();
    assert_eq!(
        scene.published(),
        [
            r#"D create publisher/a {"id":"a","uri":"tcp://here:1","last_activity_timestamp":1700000000.0}"#,
            r#"D set publisher/a {"id":"a","uri":"tcp://there:1","last_activity_timestamp":1700000200.0}"#,
            "D delete publisher/a -",
        ]
    );
}

#[tokio::test]
async fn a_new_row_that_could_not_be_published_is_published_with_its_renewal() {
    let scene = Scene::new("owed", quick()).await;
    let directory = directory(&scene, "a", "tcp://a:1");
    scene.publisher.behave(&[Behaviour::Refuses, Behaviour::Refuses]);
    directory.announce(at(0)).await.unwrap_err();
    directory.announce(at(10)).await.unwrap_err();
    directory.announce(at(20)).await.unwrap();
    directory.announce(at(30)).await.unwrap();
    let published = scene.published();
    assert!(published.len() == 1 && published[0].starts_with("D set publisher/a"), "{published:?}");
}

#[tokio::test]
async fn a_new_row_whose_answer_is_lost_is_published_with_its_renewal() {
    let scene = Scene::new("row_in_doubt", quick()).await;
    let database = Interrupted::new(&scene.database);
    let publisher: Arc<dyn pubsub_api::Publisher> = Arc::<Recorder>::clone(&scene.publisher);
    let own = ("a".to_owned(), "tcp://a:1".to_owned());
    let directory = Directory::new(Arc::<Interrupted>::clone(&database), publisher, own, TIMEOUT);
    database.lose_answers();
    assert_eq!(directory.announce(at(0)).await.unwrap_err().kind(), ErrorKind::InDoubt);
    database.keep_answers();
    directory.announce(at(10)).await.unwrap();
    directory.announce(at(20)).await.unwrap();
    let published = scene.published();
    assert!(published.len() == 1 && published[0].starts_with("D set publisher/a"), "{published:?}");
}

#[tokio::test]
async fn two_services_of_a_host_have_two_rows_and_a_restart_keeps_its_own() {
    let scene = Scene::new("two", quick()).await;
    let (a, b) = (directory(&scene, "a", "tcp://h:1"), directory(&scene, "b", "tcp://h:2"));
    a.announce(at(0)).await.unwrap();
    b.announce(at(0)).await.unwrap();
    drop(a);
    let start = Instant::now();
    assert_eq!(ids(&b, start).await, ["a", "b"]);
    directory(&scene, "a", "tcp://h:1").announce(at(299)).await.unwrap();
    assert_eq!(ids(&b, reader(start, 299)).await, ["a", "b"]);
    assert_eq!(scene.published().len(), 2, "only both creates");
}

#[tokio::test]
async fn a_publisher_that_is_silent_for_too_long_is_removed_once_and_that_is_published() {
    let scene = Scene::new("stale", quick()).await;
    let (a, b, c) = (
        directory(&scene, "a", "tcp://a:1"),
        directory(&scene, "b", "tcp://b:1"),
        directory(&scene, "c", "tcp://c:1"),
    );
    a.announce(at(0)).await.unwrap();
    b.announce(at(200)).await.unwrap();
    c.announce(at(200)).await.unwrap();
    scene.published();
    let start = Instant::now();
    for seconds in [0, 300] {
        for directory in [&b, &c] {
            let removed = directory.remove_stale(reader(start, seconds)).await.unwrap();
            assert!(removed.is_empty(), "the lease is still valid");
        }
        b.announce(at(201 + seconds)).await.unwrap();
        c.announce(at(201 + seconds)).await.unwrap();
    }
    let late = reader(start, 301);
    let (by_b, by_c) = tokio::join!(b.remove_stale(late), c.remove_stale(late));
    assert_eq!(by_b.unwrap().len() + by_c.unwrap().len(), 1, "only one of them removes it");
    assert_eq!(scene.published(), ["D delete publisher/a -"]);
    assert_eq!(ids(&b, late).await, ["b", "c"]);
    a.announce(at(302)).await.unwrap();
    assert!(scene.published()[0].starts_with("D create publisher/a"), "it is alive, and new again");
    assert_eq!(count(&a, "own_row_removed"), 1, "and counts the removal");
    a.remove_stale(start).await.unwrap();
    let removed = a.remove_stale(reader(start, 9000)).await.unwrap();
    assert!(removed.len() == 2 && removed.iter().all(|row| row.id != "a"), "but not its own row");
}

#[tokio::test]
async fn a_publisher_whose_clock_is_wrong_keeps_its_row_while_it_renews_it() {
    let hour = 3600;
    for (clock_of_a, clock_of_b) in [(0, 20), (20, 0), (0, hour), (hour, 0)] {
        let scene = Scene::new(&format!("clocks_{clock_of_a}_{clock_of_b}"), quick()).await;
        let (a, b) = (directory(&scene, "a", "tcp://a:1"), directory(&scene, "b", "tcp://b:1"));
        let start = Instant::now();
        for seconds in (0..1000).step_by(100) {
            a.announce(at(clock_of_a + seconds)).await.unwrap();
            b.announce(at(clock_of_b + seconds)).await.unwrap();
            for directory in [&a, &b] {
                let removed = directory.remove_stale(reader(start, seconds)).await.unwrap();
                assert!(removed.is_empty(), "clocks {clock_of_a} and {clock_of_b}: {removed:?}");
            }
        }
        assert_eq!(ids(&a, reader(start, 1000)).await, ["a", "b"]);
        assert_eq!(count(&a, "own_row_removed") + count(&b, "own_row_removed"), 0);
    }
}

#[tokio::test]
async fn an_observer_has_no_row_and_removes_those_of_others() {
    let scene = Scene::new("observer", quick()).await;
    let publisher: Arc<dyn pubsub_api::Publisher> = Arc::<Recorder>::clone(&scene.publisher);
    let observer = Directory::observer(Arc::clone(&scene.database), publisher, TIMEOUT);
    directory(&scene, "a", "tcp://a:1").announce(at(0)).await.unwrap();
    observer.announce(at(301)).await.unwrap();
    observer.leave().await.unwrap();
    let start = Instant::now();
    assert_eq!(ids(&observer, start).await, ["a"]);
    scene.published();
    assert_eq!(observer.remove_stale(reader(start, 301)).await.unwrap().len(), 1);
    assert_eq!(scene.published(), ["D delete publisher/a -"]);
}

#[tokio::test]
async fn a_removal_that_cannot_be_published_is_tried_again() {
    let scene = Scene::new("unpublished", quick()).await;
    let (a, b) = (directory(&scene, "a", "tcp://a:1"), directory(&scene, "b", "tcp://b:1"));
    a.announce(at(0)).await.unwrap();
    b.announce(at(301)).await.unwrap();
    scene.published();
    let start = Instant::now();
    assert_eq!(ids(&b, start).await, ["a", "b"]);
    scene.publisher.behave(&[Behaviour::Refuses]);
    b.remove_stale(reader(start, 301)).await.unwrap_err();
    assert_eq!(b.remove_stale(reader(start, 301)).await.unwrap().len(), 1);
    assert_eq!(scene.published(), ["D delete publisher/a -"]);
}

#[tokio::test]
async fn rows_of_others_that_cannot_be_read_are_ignored_and_counted() {
    let scene = Scene::new("bad_rows", quick()).await;
    let directory = directory(&scene, "a", "tcp://a:1");
    directory.announce(at(0)).await.unwrap();
    for (key, json) in [("bad", "junk"), ("other", r#"{"id": "another", "uri": "tcp://x:1"}"#)] {
        let row = RowName::new(PUBLISHER_TABLE, key);
        scene.database.create_key(row, Bytes::from_static(json.as_bytes()), false).await.unwrap();
    }
    assert!(directory.remove_stale(Instant::now()).await.unwrap().is_empty());
    assert_eq!(ids(&directory, Instant::now()).await, ["a"]);
    let bad =
        directory.status().counters.into_iter().find(|counter| counter.cause.as_deref() == Some("bad_row"));
    assert_eq!(bad.unwrap().value, 4);
    assert_eq!(scene.database.get_all_keys(PUBLISHER_TABLE, None).await.unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_lease_is_renewed_in_time_although_the_database_is_unavailable_for_a_while() {
    let scene = Scene::new("renewed", quick()).await;
    let directory = Arc::new(directory(&scene, "a", "tcp://a:1"));
    let count = |name: &str| count(&directory, name);
    let running = Arc::clone(&directory);
    let task = tokio::spawn(async move { running.run().await });
    tokio::time::sleep(TIMEOUT).await;
    let renewed = count("leases_renewed");
    assert!((3..=4).contains(&renewed), "{renewed} renewals during one lease");

    scene.database.close().await.unwrap();
    tokio::time::sleep(TIMEOUT / 2).await;
    assert!(count("directory_failures") >= 4, "it retries sooner");
    assert_eq!(count("leases_renewed"), renewed);
    task.abort();
    assert_eq!(scene.published().len(), 1);
    assert!(PublisherRow::now() > at(0));
}
