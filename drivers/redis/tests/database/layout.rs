//! The bytes on the server, read over a connection of the tests' own.

use captured_log::CapturedLog;
use pubsub_api::ErrorKind;
use pubsub_api::database::RowName;
use redis_servers::{Raw, RedisServer, Reply};

use crate::ends::{assert_kind, database, place};

fn keys(raw: &mut Raw) -> Vec<String> {
    let mut keys: Vec<_> = raw.call(&["KEYS", "*"]).list().iter().map(Reply::text).collect();
    keys.sort();
    keys
}

#[tokio::test]
async fn keys_are_written_as_configured() {
    for (layout, expected) in [
        ("head", ["{lport.tenant-1}port-1", "{lport.}port-2", "{lport.}..dot", "{unique_key.}lport"]),
        ("4.0", ["{lport.tenant-1}.port-1", "{lport.}.port-2", "{lport.}..dot", "{unique_key.}.lport"]),
    ] {
        let server = RedisServer::start(&[]);
        let db = database(&[server.address()], &[&format!("key_layout={layout}")]).await;
        db.create_key(RowName::new("lport", "port-1").on("tenant-1"), "{\"a\":1}".into(), false)
            .await
            .unwrap();
        db.create_key(RowName::new("lport", "port-2"), "{}".into(), true).await.unwrap();
        db.compare_and_set(RowName::new("lport", ".dot"), None, Some("{}".into())).await.unwrap();
        db.allocate_unique_key("lport").await.unwrap();
        let mut raw = server.raw();
        let mut expected = expected.map(str::to_owned);
        expected.sort();
        assert_eq!(keys(&mut raw), expected);
        let value = raw.call(&[
            "GET",
            if layout == "head" { "{lport.tenant-1}port-1" } else { "{lport.tenant-1}.port-1" },
        ]);
        assert_eq!(value, Reply::Bytes(b"{\"a\":1}".to_vec()));
    }
}

#[tokio::test]
async fn rows_of_the_other_layout_are_found_changed_and_deleted_where_they_are() {
    for (layout, other) in [("head", "{lport.t}.k"), ("4.0", "{lport.t}k")] {
        let server = RedisServer::start(&[]);
        let mut raw = server.raw();
        let db = database(&[server.address()], &[&format!("key_layout={layout}")]).await;
        raw.call(&["SET", other, "old"]).expect_ok();
        let (row, bare) = (RowName::new("lport", "k").on("t"), RowName::new("lport", "k"));
        for row in [row, bare] {
            assert_eq!(db.get_key(row).await.unwrap(), "old");
        }
        assert_eq!(db.get_all_keys("lport", None).await.unwrap(), [place("k", Some("t"))]);
        assert_eq!(db.get_all_entries("lport", Some("t")).await.unwrap()[0].value, "old");
        assert_kind(db.create_key(row, "new".into(), false).await, ErrorKind::AlreadyExists);
        assert!(!db.compare_and_set(row, None, Some("new".into())).await.unwrap());
        db.set_key(bare, "set".into()).await.unwrap();
        assert!(db.compare_and_set(row, Some(b"set"), Some("swapped".into())).await.unwrap());
        assert_eq!(keys(&mut raw), [other]);
        assert_eq!(raw.call(&["GET", other]).text(), "swapped");
        db.delete_key(row).await.unwrap();
        assert!(keys(&mut raw).is_empty());
        raw.call(&["SET", other, "old"]).expect_ok();
        db.create_key(row, "new".into(), true).await.unwrap();
        assert_eq!(keys(&mut raw).len(), 1, "one row is one key");
        assert_eq!(db.get_batch(&[row, bare]).await.unwrap(), [Some("new".into()), Some("new".into())]);
    }
}

#[tokio::test]
async fn counters_of_another_layout_are_continued() {
    let server = RedisServer::start(&[]);
    let mut raw = server.raw();
    let db = database(&[server.address()], &[]).await;
    raw.call(&["SET", "{unique_key.}.lport", "41"]).expect_ok();
    assert_eq!(db.allocate_unique_key("lport").await.unwrap(), 42);
    assert_eq!(db.allocate_unique_key("lport").await.unwrap(), 43);
    assert_eq!(keys(&mut raw), ["{unique_key.}.lport"]);
}

#[tokio::test]
async fn foreign_keys_are_ignored() {
    let server = RedisServer::start(&[]);
    let mut raw = server.raw();
    let foreign = ["plain", "{lport}x", "{lport.t}", "{lport.t", "{other.t}x"];
    for key in foreign {
        raw.call(&["SET", key, "1"]).expect_ok();
    }
    raw.call(&["RPUSH", "{list.}k", "1"]);
    let db = database(&[server.address()], &[]).await;
    assert_eq!(db.get_all_entries("lport", None).await.unwrap(), []);
    assert_eq!(db.tables().await.unwrap(), ["list", "other"]);
    db.delete_table("lport").await.unwrap();
    assert_eq!(keys(&mut raw).len(), foreign.len() + 1);
    let text = assert_kind(db.get_key(RowName::new("list", "k")).await, ErrorKind::Invalid);
    assert!(text.contains("not a row"), "{text}");
}

#[tokio::test]
async fn a_key_that_is_not_a_string_is_omitted_from_listings_logged_and_counted() {
    let log = CapturedLog::begin();
    let server = RedisServer::start(&[]);
    let db = database(&[server.address()], &[]).await;
    db.create_key(RowName::new("lport", "port-1"), "{}".into(), false).await.unwrap();
    let mut raw = server.raw();
    raw.call(&["LPUSH", "{lport.}list", "x"]);
    raw.call(&["HSET", "{lport.t}hash", "a", "b"]);
    let entries = db.get_all_entries("lport", None).await.unwrap();
    let keys: Vec<_> = entries.iter().map(|entry| entry.place.key.as_str()).collect();
    assert_eq!(keys, ["port-1"]);
    assert_eq!(db.status().counter("redis_keys_left_out", Some("no_string")), 2);
    assert!(
        log.text().contains("ignored key ") && log.text().contains("a row must be a string"),
        "{}",
        log.text()
    );
    let error = db.get_key(RowName::new("lport", "list").on(None)).await.unwrap_err();
    assert!(error.to_string().contains("WRONGTYPE") || error.kind() == ErrorKind::Invalid, "{error}");
}

#[tokio::test]
async fn no_call_uses_keys() {
    let server = RedisServer::start(&["--rename-command", "KEYS", ""]);
    let db = database(&[server.address()], &[]).await;
    db.create_key(RowName::new("lport", "k").on("t"), "x".into(), false).await.unwrap();
    db.get_key(RowName::new("lport", "k")).await.unwrap();
    db.get_all_entries("lport", None).await.unwrap();
    db.delete_table("lport").await.unwrap();
}
