//! The kind `pushed`.

use std::fs;
use std::path::Path;

use data_services::{CallErrorKind, ServiceConfig, ServiceId};
use serde_json::json;

use crate::bus::Bus;
use crate::view::View;
use crate::wait::{call, status_until};

fn config(file: Option<&Path>) -> ServiceConfig {
    let config = ServiceConfig::new("events", "pushed").option("tables", json!({"vms": ["id"], "tags": []}));
    match file {
        Some(file) => config.option("file", file.to_str().unwrap()),
        None => config,
    }
}

#[tokio::test]
async fn pushes_and_changes_are_published_as_differences() {
    let bus = Bus::new("bus");
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    cage.create(config(None)).await.unwrap();
    let mut vms = View::of(&screen, "events", "vms").await;
    vms.until("the empty table", View::is_known).await;
    let push = |rows| json!({"table": "vms", "rows": rows});
    let pushed = push(json!([{"id": 1, "on": true}, {"id": 2, "on": true}]));
    assert_eq!(call(&screen, "events", "push", pushed).await.unwrap(), 2);
    let pushed = push(json!([{"id": 1, "on": true}, {"id": 2, "on": false}]));
    assert_eq!(call(&screen, "events", "push", pushed).await.unwrap(), 1, "only one row has changed");
    let change = json!({"table": "vms", "put": [{"id": 3, "on": true}], "deleted": [[1], [9]]});
    assert_eq!(call(&screen, "events", "change", change).await.unwrap(), 2);
    vms.until_rows(&json!([{"id": 2, "on": false}, {"id": 3, "on": true}])).await;
    assert_eq!(vms.changed, 5);
    let status = status_until(&screen, "events", "it runs", |_| true).await;
    assert_eq!(
        (&status["number_of_updates"], &status["subscribers"]),
        (&json!(3), &json!({"vms": ["node-2"]}))
    );
}

#[tokio::test]
async fn wrong_arguments_are_refused_and_change_nothing() {
    let bus = Bus::new("bus");
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    cage.create(config(None)).await.unwrap();
    for (method, arguments, says) in [
        (
            "push",
            json!({"table": "no", "rows": []}),
            "there is no table no; the tables are [\"tags\", \"vms\"]",
        ),
        ("push", json!({"table": "vms", "rows": [1]}), "a row is a JSON array or object"),
        ("push", json!({"table": "vms", "rows": [{"x": 1}]}), "lacks a key column"),
        ("push", json!({"table": "vms"}), "missing field `rows`"),
        ("change", json!({"table": "vms", "deleted": [1]}), "a key of this table is the list of the fields"),
        ("change", json!({"table": "vms", "delete": []}), "unknown field `delete`"),
    ] {
        let error = call(&screen, "events", method, arguments).await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::BadArguments, "{error}");
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
    let error = call(&screen, "events", "remove", json!(null)).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::NoMethod);
}

#[tokio::test]
async fn pushed_rows_are_restored_at_the_next_start() {
    let (bus, folder) = (Bus::new("bus"), tempfile::tempdir().unwrap());
    let file = folder.path().join("events.json");
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    cage.create(config(Some(&file))).await.unwrap();
    let pushed = json!({"table": "vms", "rows": [{"id": 1}, {"id": 2}]});
    call(&screen, "events", "push", pushed).await.unwrap();
    call(&screen, "events", "push", json!({"table": "tags", "rows": [["a"]]})).await.unwrap();
    let change = json!({"table": "vms", "put": [{"id": 3}], "deleted": [[1]]});
    call(&screen, "events", "change", change).await.unwrap();
    cage.stop(&ServiceId::new("events").unwrap()).await.unwrap();
    let saved: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(saved, json!({"tags": [["a"]], "vms": [{"id": 2}, {"id": 3}]}));
    cage.create(config(Some(&file))).await.unwrap();
    let (mut vms, mut tags) =
        (View::of(&screen, "events", "vms").await, View::of(&screen, "events", "tags").await);
    vms.until_rows(&json!([{"id": 2}, {"id": 3}])).await;
    tags.until_rows(&json!([["a"]])).await;
    cage.reload(config(Some(&file))).await.unwrap();
    call(&screen, "events", "change", json!({"table": "vms", "deleted": [[2]]})).await.unwrap();
    vms.until_rows(&json!([{"id": 3}])).await;
    assert_eq!((vms.gone, vms.changed), (0, 1), "the reload changed nothing");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no other file is left");
}

#[tokio::test]
async fn a_damaged_file_is_not_overwritten() {
    let (bus, folder) = (Bus::new("bus"), tempfile::tempdir().unwrap());
    let file = folder.path().join("events.json");
    fs::write(&file, "{\"vms\": [").unwrap();
    let cage = bus.cage("node-1").await;
    let screen = bus.screen("node-2").await;
    cage.create(config(Some(&file))).await.unwrap();
    let pushed = json!({"table": "vms", "rows": [{"id": 1}]});
    assert!(screen.call("events", "push", pushed.clone()).await.is_err());
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\"vms\": [");
    fs::remove_file(&file).unwrap();
    assert_eq!(
        call(&screen, "events", "push", pushed).await.unwrap(),
        1,
        "it starts once the file is repaired"
    );
}
