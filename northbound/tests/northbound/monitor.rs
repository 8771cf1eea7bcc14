//! Table monitors: changes of others are published once, whatever fails meanwhile (docs/dragonflow.md#d7,
//! docs/dragonflow.md#d9).

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use northbound::TableMonitor;
use pubsub_api::ErrorKind;
use pubsub_api::database::{DbApi, RowName};
use tempfile::TempDir;

use crate::database::Interrupted;
use crate::publisher::{Behaviour, Recorder};
use crate::scene::{Scene, quick};

const POLL_TIME: Duration = Duration::from_secs(30);

fn monitor_of(scene: &Scene, database: Arc<dyn DbApi>, table: &str) -> pubsub_api::Result<TableMonitor> {
    let publisher: Arc<dyn pubsub_api::Publisher> = Arc::<Recorder>::clone(&scene.publisher);
    TableMonitor::new(database, publisher, table, POLL_TIME)
}

/// A monitor that saves its copy in this folder.
fn monitor(scene: &Scene, state_dir: &Path) -> TableMonitor {
    monitor_of(scene, Arc::clone(&scene.database), "chassis").unwrap().keep_in(state_dir)
}

/// A monitor that has seen the empty table.
async fn begun(name: &str) -> (Scene, TempDir, TableMonitor) {
    let (scene, folder) = (Scene::new(name, quick()).await, tempfile::tempdir().unwrap());
    let monitor = monitor(&scene, folder.path());
    monitor.poll().await.unwrap();
    (scene, folder, monitor)
}

async fn write(scene: &Scene, key: &str, json: &'static str) {
    scene.database.create_key(RowName::new("chassis", key), json.into(), true).await.unwrap();
}

async fn remove(scene: &Scene, key: &str) {
    scene.database.delete_key(RowName::new("chassis", key)).await.unwrap();
}

fn count(monitor: &TableMonitor, name: &str) -> u64 {
    monitor.status().counter(name, Some("chassis"))
}

const A: &str = r#"{"id":"a"}"#;
const A2: &str = r#"{"id":"a","version":2}"#;
const B: &str = r#"{"id":"b"}"#;

#[tokio::test]
async fn changes_of_others_are_published_once_with_their_version() {
    let (scene, _folder, monitor) = begun("monitor_once").await;
    write(&scene, "a", A).await;
    monitor.poll().await.unwrap();
    monitor.poll().await.unwrap();
    write(&scene, "a", A2).await;
    write(&scene, "b", B).await;
    monitor.poll().await.unwrap();
    remove(&scene, "b").await;
    monitor.poll().await.unwrap();
    monitor.poll().await.unwrap();
    assert_eq!(
        scene.published(),
        [
            r#"D create chassis/a {"id":"a"}"#,
            r#"D set chassis/a {"id":"a","version":2} v2"#,
            r#"D create chassis/b {"id":"b"}"#,
            "D delete chassis/b -",
        ]
    );
    assert_eq!((count(&monitor, "polls"), count(&monitor, "events_published")), (6, 4));
}

#[tokio::test]
async fn an_event_that_cannot_be_sent_is_due_at_the_next_poll_and_a_sent_one_is_not() {
    let (scene, _folder, monitor) = begun("monitor_sends").await;
    write(&scene, "a", A).await;
    scene.publisher.behave(&[Behaviour::Meanwhile(
        Arc::clone(&scene.database),
        RowName { table: "chassis", key: "b", topic: None },
        B.as_bytes(),
    )]);
    assert_eq!(monitor.poll().await.unwrap_err().kind(), ErrorKind::Overloaded);
    assert_eq!(scene.published(), [""; 0]);
    monitor.poll().await.unwrap();
    assert_eq!(scene.published(), [r#"D create chassis/a {"id":"a"}"#, r#"D create chassis/b {"id":"b"}"#]);

    remove(&scene, "a").await;
    monitor.poll().await.unwrap();
    scene.publisher.behave(&[Behaviour::Refuses, Behaviour::Refuses]);
    monitor.poll().await.unwrap_err();
    monitor.poll().await.unwrap_err();
    monitor.poll().await.unwrap();
    assert_eq!(scene.published(), ["D delete chassis/a -"]);
}

#[tokio::test]
async fn a_row_that_only_one_poll_did_not_find_is_not_deleted() {
    let (scene, _folder, monitor) = begun("monitor_evicted").await;
    write(&scene, "a", A).await;
    write(&scene, "b", B).await;
    monitor.poll().await.unwrap();
    scene.published();
    for _ in 0..3 {
        remove(&scene, "a").await;
        monitor.poll().await.unwrap();
        write(&scene, "a", A).await;
        monitor.poll().await.unwrap();
    }
    assert_eq!(scene.published(), [""; 0]);
}

#[tokio::test]
async fn the_deletes_of_an_emptied_table_are_held_back() {
    let (scene, _folder, monitor) = begun("monitor_emptied").await;
    write(&scene, "a", A).await;
    write(&scene, "b", B).await;
    monitor.poll().await.unwrap();
    scene.published();
    remove(&scene, "a").await;
    remove(&scene, "b").await;
    for _ in 0..5 {
        monitor.poll().await.unwrap();
    }
    assert_eq!((scene.published().len(), count(&monitor, "polls_held")), (0, 5));
    write(&scene, "a", A).await;
    write(&scene, "b", B).await;
    monitor.poll().await.unwrap();
    assert_eq!((scene.published().len(), count(&monitor, "polls_held")), (0, 5));
}

#[tokio::test]
async fn a_row_that_vanished_before_its_create_was_published_is_never_published() {
    let (scene, _folder, monitor) = begun("monitor_vanished").await;
    write(&scene, "a", A).await;
    scene.publisher.behave(&[Behaviour::Refuses]);
    monitor.poll().await.unwrap_err();
    remove(&scene, "a").await;
    monitor.poll().await.unwrap();
    assert_eq!(scene.published(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_monitor_survives_an_unavailable_database_and_a_publisher_that_refuses() {
    let scene = Scene::new("monitor_outlives", quick()).await;
    let database = Interrupted::new(&scene.database);
    let of_monitor: Arc<dyn DbApi> = Arc::<Interrupted>::clone(&database);
    let monitor = Arc::new(monitor_of(&scene, of_monitor, "chassis").unwrap());
    let running = Arc::clone(&monitor);
    let task = tokio::spawn(async move { running.run().await });
    tokio::time::sleep(POLL_TIME).await;

    database.go();
    write(&scene, "a", A).await;
    tokio::time::sleep(POLL_TIME * 10).await;
    let failures = count(&monitor, "poll_failures");
    assert!((8..=13).contains(&failures), "{failures}");
    assert_eq!(scene.published(), [""; 0], "a failed read deletes nothing");
    scene.publisher.behave(&[Behaviour::Refuses, Behaviour::Refuses]);
    database.come_back();
    tokio::time::sleep(POLL_TIME * 4).await;
    assert_eq!(scene.published(), [r#"D create chassis/a {"id":"a"}"#]);
    assert_eq!(count(&monitor, "poll_failures"), failures + 2);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn with_a_watching_database_changes_are_published_within_a_tenth_of_the_time() {
    let scene = Scene::new("monitor_watches", quick()).await;
    let monitor = Arc::new(monitor_of(&scene, Arc::clone(&scene.database), "chassis").unwrap());
    let task = tokio::spawn(async move { monitor.run().await });
    tokio::time::sleep(POLL_TIME / 5).await;
    write(&scene, "a", A).await;
    tokio::time::sleep(POLL_TIME / 100).await;
    assert_eq!(scene.published(), [r#"D create chassis/a {"id":"a"}"#]);
    write(&scene, "b", B).await;
    tokio::time::sleep(POLL_TIME / 20).await;
    assert_eq!(scene.published(), [""; 0], "the table is not read continuously while others write");
    tokio::time::sleep(POLL_TIME / 20).await;
    assert_eq!(scene.published(), [r#"D create chassis/b {"id":"b"}"#]);
    task.abort();
}

#[tokio::test]
async fn a_restart_publishes_nothing_again_and_finds_the_changes_made_meanwhile() {
    let (scene, folder, before) = begun("monitor_restart").await;
    write(&scene, "a", A).await;
    write(&scene, "b", B).await;
    before.poll().await.unwrap();
    drop(before);
    scene.published();
    monitor(&scene, folder.path()).poll().await.unwrap();
    assert_eq!(scene.published(), [""; 0]);

    write(&scene, "a", A2).await;
    remove(&scene, "b").await;
    let after = monitor(&scene, folder.path());
    scene.publisher.behave(&[Behaviour::Refuses]);
    after.poll().await.unwrap_err();
    let again = monitor(&scene, folder.path());
    again.poll().await.unwrap();
    again.poll().await.unwrap();
    assert_eq!(scene.published(), [r#"D set chassis/a {"id":"a","version":2} v2"#, "D delete chassis/b -"]);
}

#[tokio::test]
async fn without_an_intact_file_the_first_poll_only_learns_the_rows() {
    let (scene, folder, begun) = begun("monitor_damaged").await;
    write(&scene, "a", A).await;
    begun.poll().await.unwrap();
    scene.published();
    let path = folder.path().join("monitor-chassis");
    for damage in [
        |path: &Path| fs::remove_file(path).unwrap(),
        |path: &Path| {
            let whole = fs::read(path).unwrap();
            fs::write(path, &whole[..whole.len() - 1]).unwrap();
        },
    ] {
        damage(&path);
        write(&scene, "b", B).await;
        let again = monitor(&scene, folder.path());
        again.poll().await.unwrap();
        assert_eq!(scene.published(), [""; 0]);
        remove(&scene, "b").await;
        again.poll().await.unwrap();
        again.poll().await.unwrap();
        assert_eq!(scene.published(), ["D delete chassis/b -"]);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_reported_and_stops_nothing() {
    let (scene, folder, monitor) = begun("monitor_unwritable").await;
    folder.close().unwrap();
    write(&scene, "a", A).await;
    monitor.poll().await.unwrap();
    write(&scene, "b", B).await;
    monitor.poll().await.unwrap();
    assert_eq!((scene.published().len(), count(&monitor, "poll_failures")), (2, 2));
}

#[tokio::test]
async fn rows_that_cannot_be_read_are_counted_and_do_not_delay_others() {
    let (scene, _folder, monitor) = begun("monitor_unreadable").await;
    write(&scene, "a", A).await;
    monitor.poll().await.unwrap();
    write(&scene, "a", "junk").await;
    write(&scene, "b", B).await;
    monitor.poll().await.unwrap();
    write(&scene, "a", A).await;
    monitor.poll().await.unwrap();
    assert_eq!(scene.published(), [r#"D create chassis/a {"id":"a"}"#, r#"D create chassis/b {"id":"b"}"#]);
    assert_eq!(count(&monitor, "rows_unreadable"), 1);
}

#[tokio::test]
async fn tables_that_are_written_all_the_time_are_refused() {
    let scene = Scene::new("monitor_refused", quick()).await;
    for (table, why) in
        [("publisher", "renewal"), ("service", "skimmer service list"), ("l{port}", "is no table")]
    {
        let error = monitor_of(&scene, Arc::clone(&scene.database), table).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Settings, "{text}");
        assert!(text.contains("monitor_tables") && text.contains(why), "{text}");
    }
}
