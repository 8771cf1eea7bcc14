//! What a server refuses, by the kind of the error; and passwords, which no text shows.

use std::fs;
use std::io::{self, Read, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use pubsub_api::ErrorKind;
use pubsub_api::database::RowName;
use redis_servers::{RedisCluster, RedisServer};
use tempfile::NamedTempFile;

use crate::ends::{assert_kind, closed_database, database};

const CANARY: &str = "canary-7f3a-hunter2";
const ROW: RowName<'static> = RowName { table: "t", key: "k", topic: Some("topic") };

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn password_file(password: &str) -> (NamedTempFile, String) {
    let file = NamedTempFile::new().unwrap();
    fs::write(&file, format!("{password}\n")).unwrap();
    let set = format!("password_file={}", file.path().display());
    (file, set)
}

#[tokio::test]
async fn the_right_password_opens_and_is_shown_nowhere() {
    let server = RedisServer::start(&["--requirepass", CANARY]);
    let (_file, set) = password_file(CANARY);
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
    // Of this thread, on which the test's runtime runs all its tasks.
    let _guard = tracing::subscriber::set_default(subscriber.with_writer(move || writer.clone()).finish());
    let db = closed_database(&[server.address()], &[&set]).unwrap();
    let before = format!("{db:?} {db:#?}");
    db.initialize().await.unwrap();
    db.create_key(ROW, "x".into(), false).await.unwrap();
    let shown = format!("{before} {db:?} {db:#?} {:?} {}", db.status(), log.text());
    assert!(!shown.contains(CANARY), "{shown}");
    assert!(log.text().contains("Redis is open"), "the log is looked at: {shown}");
}

#[tokio::test]
async fn a_wrong_or_missing_password_is_an_error_of_settings_that_does_not_show_it() {
    let server = RedisServer::start(&["--requirepass", "right"]);
    let (_file, set) = password_file(CANARY);
    let hosts = [server.address()];
    for (more, says) in [
        (vec![set.as_str()], "refuses the password"),
        (vec![set.as_str(), "user=nobody"], "refuses the password for user \"nobody\""),
        (vec![], "wants a password"),
        (vec!["password_file=/nonexistent/secret"], "cannot read drivers.redis.password_file"),
    ] {
        let db = closed_database(&hosts, &more).unwrap();
        let text = assert_kind(db.initialize().await, ErrorKind::Settings);
        assert!(text.contains(says) && !text.contains(CANARY), "{text}");
    }
    // One that does not know AUTH repeats what it was given.
    let server = RedisServer::start(&["--rename-command", "AUTH", ""]);
    let db = closed_database(&[server.address()], &[&set]).unwrap();
    let text = assert_kind(db.initialize().await, ErrorKind::Settings);
    assert!(!text.contains(CANARY), "{text}");
    let error = closed_database(&hosts, &["user=someone"]).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("without a password"), "{error}");
}

#[tokio::test]
async fn a_user_may_do_what_its_rules_allow() {
    let server = RedisServer::start(&[]);
    let rule = format!(">{CANARY}");
    server
        .raw()
        .call(&["ACL", "SETUSER", "reader", "on", &rule, "~*", "+@read", "+info", "+auth"])
        .expect_ok();
    let (_file, set) = password_file(CANARY);
    let db = database(&[server.address()], &[&set, "user=reader"]).await;
    assert_kind(db.get_key(ROW).await, ErrorKind::NotFound);
    let text = assert_kind(db.create_key(ROW, "x".into(), false).await, ErrorKind::Settings);
    assert!(text.contains("drivers.redis.user") && !text.contains(CANARY), "{text}");
}

#[tokio::test]
async fn what_is_no_redis_is_unavailable_and_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 64]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let (_file, set) = password_file(CANARY);
    for more in [vec![], vec![set.as_str()]] {
        let db = closed_database(std::slice::from_ref(&address), &more).unwrap();
        let text = assert_kind(db.initialize().await, ErrorKind::Unavailable);
        assert!(text.contains("does not speak the protocol") && !text.contains(CANARY), "{text}");
    }
}

#[tokio::test]
async fn several_hosts_that_are_no_cluster_are_refused() {
    let (one, other) = (RedisServer::start(&[]), RedisServer::start(&[]));
    let db = closed_database(&[one.address(), other.address()], &[]).unwrap();
    let text = assert_kind(db.initialize().await, ErrorKind::Settings);
    assert!(text.contains("name one host"), "{text}");
}

#[tokio::test]
async fn a_replica_reads_and_says_that_it_cannot_write() {
    let master = RedisServer::start(&[]);
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &master.port().to_string()]);
    let db = database(&[replica.address()], &[]).await;
    for refused in [
        db.create_key(ROW, "x".into(), false).await,
        db.compare_and_set(ROW, None, Some("x".into())).await.map(|_| ()),
        db.allocate_unique_key("t").await.map(|_| ()),
    ] {
        let text = assert_kind(refused, ErrorKind::Unavailable);
        assert!(text.contains("read-only replica"), "{text}");
    }
    assert_kind(db.get_key(ROW).await, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_server_without_memory_is_overloaded_and_still_deletes() {
    let server = RedisServer::start(&[]);
    let db = database(&[server.address()], &[]).await;
    db.create_key(ROW, "x".into(), false).await.unwrap();
    server.raw().call(&["CONFIG", "SET", "maxmemory", "1"]).expect_ok();
    for refused in [
        db.set_key(ROW, "y".into()).await,
        db.compare_and_set(ROW, Some(b"x"), Some("y".into())).await.map(|_| ()),
    ] {
        let text = assert_kind(refused, ErrorKind::Overloaded);
        assert!(text.contains("maxmemory"), "{text}");
    }
    assert_eq!(db.get_key(ROW).await.unwrap(), "x");
    db.delete_key(ROW).await.unwrap();
}

#[tokio::test]
async fn a_server_that_cannot_save_says_so() {
    let server = RedisServer::start(&["--appendonly", "no", "--save", "3600 1"]);
    let db = database(&[server.address()], &[]).await;
    db.create_key(ROW, "x".into(), false).await.unwrap();
    let mut raw = server.raw();
    raw.call(&["CONFIG", "SET", "rdb-key-save-delay", "0"]);
    server.lose_its_folder();
    raw.call(&["BGSAVE"]);
    redis_servers::until("the save has failed", || {
        raw.call(&["INFO", "persistence"]).text().contains("rdb_last_bgsave_status:err").then_some(())
    });
    let text = assert_kind(db.set_key(ROW, "y".into()).await, ErrorKind::Unavailable);
    assert!(text.contains("cannot save"), "{text}");
    assert_eq!(db.get_key(ROW).await.unwrap(), "x");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_with_a_password_is_entered_at_every_node() {
    let cluster = RedisCluster::start();
    for place in 0..6 {
        let mut raw = cluster.raw(place);
        raw.call(&["CONFIG", "SET", "masterauth", CANARY]).expect_ok();
        raw.call(&["CONFIG", "SET", "requirepass", CANARY]).expect_ok();
    }
    let (_file, set) = password_file(CANARY);
    let db = database(&cluster.addresses()[..1], &[&set]).await;
    for number in 0..30 {
        let topic = format!("tenant-{number}");
        db.create_key(RowName::new("t", "k").on(topic.as_str()), "x".into(), false).await.unwrap();
    }
    let shown = format!("{db:?} {:?}", db.status());
    assert!(!shown.contains(CANARY), "{shown}");
}
