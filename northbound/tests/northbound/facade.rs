//! Objects are written, then published; and the results when either step fails (docs/dragonflow.md#redis).

use std::sync::Arc;

use northbound::{Northbound, NorthboundOptions, OnUnpublished, Updated};
use pubsub_api::ErrorKind::{self, AlreadyExists, Conflict, NotFound};
use pubsub_api::database::RowName;
use serde_json::json;

use crate::database::Interrupted;
use crate::publisher::{Behaviour, Recorder};
use crate::scene::{PORT, Scene, fields, port, quick};

#[tokio::test]
async fn each_change_is_written_and_then_published_once() {
    let scene = Scene::new("each_change", quick()).await;
    let created = scene.northbound.create(port(json!({"id": "p", "name": "x"}))).await.unwrap();
    assert_eq!(created.version(), Some(1));
    let updated = scene.northbound.update(PORT, &fields(json!({"name": "y"})), Some(1)).await.unwrap();
    let after = port(json!({"id": "p", "name": "y", "version": 2}));
    assert_eq!(updated, Updated::Changed(after.clone()));
    assert_eq!(scene.northbound.get(PORT).await.unwrap(), Some(after.clone()));
    let same = scene.northbound.update(PORT, &fields(json!({"name": "y"})), None).await.unwrap();
    assert_eq!(same, Updated::Unchanged(after.clone()));
    assert_eq!(scene.northbound.delete(PORT, Some(2)).await.unwrap(), after);
    assert_eq!(scene.northbound.get(PORT).await.unwrap(), None);
    assert_eq!(
        scene.published(),
        [
            r#"D create lport/p {"id":"p","name":"x","version":1} v1"#,
            r#"D set lport/p {"id":"p","name":"y","version":2} v2"#,
            "D delete lport/p -",
        ]
    );
    assert_eq!((scene.count("changes"), scene.count("updates_unchanged")), (3, 1));
}

#[tokio::test]
async fn events_use_the_topic_of_their_object_if_distribution_is_selective() {
    for (selective, topic) in [(false, "D"), (true, "tenant-1")] {
        let scene =
            Scene::new(&format!("selective_{selective}"), NorthboundOptions { selective, ..quick() }).await;
        scene.northbound.create(port(json!({"id": "p", "topic": "tenant-1"}))).await.unwrap();
        scene.northbound.create(port(json!({"id": "q"}))).await.unwrap();
        scene.northbound.update(PORT, &fields(json!({"name": "y"})), None).await.unwrap();
        scene.northbound.delete(PORT.on("tenant-1"), None).await.unwrap();
        let topics: Vec<String> = scene
            .published()
            .iter()
            .map(|published| published.split(' ').next().unwrap().to_owned())
            .collect();
        assert_eq!(topics, [topic, "D", topic, topic]);
    }
}

/// A write fails: an added row is deleted again, and nothing is published.
#[tokio::test]
async fn a_create_without_an_answer_is_deleted_again_and_not_published() {
    let scene = Scene::new("answer_lost", quick()).await;
    let database = Interrupted::new(&scene.database);
    let publisher: Arc<dyn pubsub_api::Publisher> = Arc::<Recorder>::clone(&scene.publisher);
    let northbound = Northbound::new(Arc::<Interrupted>::clone(&database), publisher, quick());
    database.lose_answers();
    let error = northbound.create(port(json!({"id": "p", "name": "x"}))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "nothing is left: {error}");
    assert_eq!((scene.held(PORT).await, scene.published()), (None, Vec::new()));
    assert_eq!(northbound.status().counter("creates_taken_back", None), 1);
}

#[tokio::test]
async fn a_refused_write_is_not_published() {
    let scene = Scene::new("refused", quick()).await;
    scene.northbound.create(port(json!({"id": "p", "name": "x"}))).await.unwrap();
    scene.published();
    let kinds = [
        scene.northbound.create(port(json!({"id": "p", "name": "z"}))).await.unwrap_err().kind(),
        scene
            .northbound
            .update(RowName::new("lport", "q"), &fields(json!({"name": "y"})), None)
            .await
            .unwrap_err()
            .kind(),
        scene.northbound.delete(RowName::new("lport", "q"), None).await.unwrap_err().kind(),
        scene.northbound.update(PORT, &fields(json!({"name": "y"})), Some(7)).await.unwrap_err().kind(),
        scene.northbound.delete(PORT, Some(7)).await.unwrap_err().kind(),
    ];
    assert_eq!(kinds, [AlreadyExists, NotFound, NotFound, Conflict, Conflict]);
    assert_eq!(scene.published(), [""; 0]);
    assert_eq!(scene.held(PORT).await, Some(json!({"id": "p", "name": "x", "version": 1})));
}

#[tokio::test]
async fn a_repeated_create_succeeds_and_is_published_again() {
    let scene = Scene::new("repeated", quick()).await;
    let object = port(json!({"id": "p", "name": "x"}));
    scene.northbound.create(object.clone()).await.unwrap();
    scene.northbound.create(object).await.unwrap();
    let published = scene.published();
    assert_eq!((published.len(), &published[0], scene.count("creates_repeated")), (2, &published[1], 1));
}

#[tokio::test]
async fn a_change_that_the_publisher_refuses_is_undone_and_returned() {
    let scene = Scene::new("undone", quick()).await;
    let before = json!({"id": "p", "name": "x", "version": 1});
    scene.publisher.behave(&[Behaviour::Refuses]);
    let error = scene.northbound.create(port(json!({"id": "p", "name": "x"}))).await.unwrap_err();
    assert_eq!((error.kind(), scene.held(PORT).await), (ErrorKind::Overloaded, None));
    assert!(
        error.to_string().contains("row lport/p was written") && error.to_string().contains("undone"),
        "{error}"
    );

    scene.northbound.create(port(json!({"id": "p", "name": "x"}))).await.unwrap();
    scene.publisher.behave(&[Behaviour::Refuses, Behaviour::Refuses]);
    scene.northbound.update(PORT, &fields(json!({"name": "y"})), None).await.unwrap_err();
    assert_eq!(scene.held(PORT).await, Some(before.clone()));
    scene.northbound.delete(PORT, None).await.unwrap_err();
    assert_eq!(scene.held(PORT).await, Some(before));
    assert_eq!((scene.published().len(), scene.count("changes_unpublished")), (1, 3));
}

#[tokio::test]
async fn a_change_that_may_have_been_published_is_undone_and_reverted() {
    let scene = Scene::new("in_doubt", quick()).await;
    let not_confirmed = || scene.publisher.behave(&[Behaviour::DoesNotConfirm]);
    not_confirmed();
    let error = scene.northbound.create(port(json!({"id": "p", "name": "x"}))).await.unwrap_err();
    assert_eq!((error.kind(), scene.held(PORT).await), (ErrorKind::Unavailable, None));
    assert_eq!(scene.published()[1..], ["D delete lport/p -"]);

    scene.northbound.create(port(json!({"id": "p", "name": "x"}))).await.unwrap();
    scene.published();
    not_confirmed();
    scene.northbound.update(PORT, &fields(json!({"name": "y"})), None).await.unwrap_err();
    assert_eq!(scene.published()[1..], [r#"D set lport/p {"id":"p","name":"x","version":1}"#]);
    not_confirmed();
    scene.northbound.delete(PORT, None).await.unwrap_err();
    assert_eq!(scene.published()[1..], [r#"D create lport/p {"id":"p","name":"x","version":1}"#]);
    assert_eq!(scene.held(PORT).await, Some(json!({"id": "p", "name": "x", "version": 1})));

    scene.publisher.behave(&[Behaviour::DoesNotConfirm, Behaviour::Refuses]);
    let error = scene.northbound.delete(PORT, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InDoubt, "receivers of the event are not corrected: {error}");
}

#[tokio::test]
async fn an_undo_never_overwrites_another_writer() {
    let scene = Scene::new("overtaken", quick()).await;
    let others = br#"{"id": "p", "name": "other"}"#;
    scene.publisher.behave(&[Behaviour::Meanwhile(Arc::clone(&scene.database), PORT, others)]);
    let error = scene.northbound.create(port(json!({"id": "p", "name": "x"}))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InDoubt);
    assert!(error.to_string().contains("another writer"), "{error}");
    assert_eq!(scene.held(PORT).await, Some(json!({"id": "p", "name": "other"})));
}

#[tokio::test]
async fn an_unpublished_change_stays_if_a_monitor_is_to_find_it() {
    let scene =
        Scene::new("left", NorthboundOptions { on_unpublished: OnUnpublished::Leave, ..quick() }).await;
    scene.publisher.behave(&[Behaviour::Refuses]);
    let error = scene.northbound.create(port(json!({"id": "p", "name": "x"}))).await.unwrap_err();
    assert!(error.to_string().contains("monitor"), "{error}");
    assert_eq!(scene.held(PORT).await, Some(json!({"id": "p", "name": "x", "version": 1})));
}

#[tokio::test]
async fn rows_that_are_not_objects_are_logged_counted_and_skipped() {
    let scene = Scene::new("corrupt", quick()).await;
    scene.northbound.create(port(json!({"id": "p"}))).await.unwrap();
    scene.database.create_key(RowName::new("lport", "bad"), "junk".into(), false).await.unwrap();
    let ids: Vec<String> = scene
        .northbound
        .get_all("lport", None)
        .await
        .unwrap()
        .iter()
        .map(|port| port.id().to_owned())
        .collect();
    assert_eq!((ids, scene.count("rows_corrupt")), (vec!["p".to_owned()], 1));
    let error = scene.northbound.get(RowName::new("lport", "bad")).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Invalid && error.to_string().contains("lport/bad"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_concurrent_update_is_lost() {
    const WRITERS: usize = 8;
    const ROUNDS: usize = 10;
    let scene = Arc::new(Scene::new("many", quick()).await);
    scene.northbound.create(port(json!({"id": "p"}))).await.unwrap();
    let write = |writer: usize| {
        let scene = Arc::clone(&scene);
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let change = fields(json!({format!("writer-{writer}"): round}));
                while let Err(error) = scene.northbound.update(PORT, &change, None).await {
                    assert_eq!(error.kind(), Conflict, "{error}");
                }
            }
        })
    };
    for task in (0..WRITERS).map(write).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let object = scene.northbound.get(PORT).await.unwrap().unwrap();
    assert_eq!(object.version(), Some((1 + WRITERS * ROUNDS) as u64));
    for writer in 0..WRITERS {
        assert_eq!(object.fields()[&format!("writer-{writer}")], ROUNDS - 1);
    }
    assert_eq!(scene.published().len(), 1 + WRITERS * ROUNDS);
}
