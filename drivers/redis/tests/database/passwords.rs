//! Passwords: their sources, and that no text shows them.

use std::env;
use std::fs;
use std::process::Command;

use captured_log::CapturedLog;
use pubsub_api::ErrorKind;
use pubsub_api::database::RowName;
use redis_servers::{RedisCluster, RedisServer};
use tempfile::NamedTempFile;

use crate::ends::{assert_kind, closed_database, database, until_it_works};

pub(crate) const CANARY: &str = "canary-7f3a-hunter2";
const ROW: RowName<'static> = RowName { table: "t", key: "k", topic: Some("topic") };

/// The variable that the test of the environment sets for its own child process.
const VARIABLE: &str = "SKIMMER_TEST_REDIS_PASSWORD";

/// A file with a password, and the setting for it.
pub(crate) fn password_file(password: &str) -> (NamedTempFile, String) {
    let file = NamedTempFile::new().unwrap();
    fs::write(&file, format!("{password}\n")).unwrap();
    let set = format!("password_file={}", file.path().display());
    (file, set)
}

/// Logs in with `set`, and searches for the password in everything that is shown.
async fn opens_and_shows_nothing(server: &RedisServer, set: &str) {
    let log = CapturedLog::begin();
    let db = closed_database(&[server.address()], &[set]).unwrap();
    let before = format!("{db:?} {db:#?}");
    db.initialize().await.unwrap();
    db.create_key(ROW, "x".into(), true).await.unwrap();
    let shown = format!("{before} {db:?} {db:#?} {:?} {}", db.status(), log.text());
    assert!(!shown.contains(CANARY), "{shown}");
    assert!(log.text().contains("connected to the Redis database"), "the log is captured: {shown}");
}

#[tokio::test]
async fn the_correct_password_works_and_is_never_shown() {
    let server = RedisServer::start(&["--requirepass", CANARY]);
    let (_file, set) = password_file(CANARY);
    opens_and_shows_nothing(&server, &set).await;
}

#[tokio::test]
async fn a_password_that_changed_on_disk_is_used_by_the_next_connection() {
    let server = RedisServer::start(&["--requirepass", "first"]);
    let (file, set) = password_file("first");
    let db = database(&[server.address()], &[&set]).await;
    db.create_key(ROW, "x".into(), true).await.unwrap();
    let mut raw = server.raw();
    raw.call(&["AUTH", "first"]);
    raw.call(&["CONFIG", "SET", "requirepass", CANARY]);
    fs::write(file.path(), format!("{CANARY}\n")).unwrap();
    raw.call(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    let log = CapturedLog::begin();
    until_it_works(&*db, ROW).await;

    fs::remove_file(file.path()).unwrap();
    raw.call(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    until_it_works(&*db, ROW).await;
    let text = log.text();
    assert!(text.contains("cannot read drivers.redis.password_file"), "{text}");
    assert!(text.contains("connections use what it held before") && !text.contains(CANARY), "{text}");
}

/// A test cannot set variables of its own process, which has other threads: it starts itself with each value.
#[tokio::test]
async fn a_password_from_the_environment_works_and_is_never_shown() {
    const SELF: &str = "passwords::a_password_from_the_environment_works_and_is_never_shown";
    let set = format!("password_env={VARIABLE}");
    match env::var(VARIABLE).as_deref() {
        Ok("") => is_refused(&RedisServer::start(&[]), &set, "is empty").await,
        Ok(password) => {
            opens_and_shows_nothing(&RedisServer::start(&["--requirepass", password]), &set).await;
            is_refused(
                &RedisServer::start(&["--requirepass", "another"]),
                &set,
                "drivers.redis.password_env",
            )
            .await;
        }
        Err(_) => {
            is_refused(&RedisServer::start(&[]), &set, "is not set").await;
            for value in [CANARY, ""] {
                let mut child = Command::new(env::current_exe().unwrap());
                let ended = child.args(["--exact", SELF]).env(VARIABLE, value).output().unwrap();
                let said = String::from_utf8_lossy(&ended.stdout);
                assert!(ended.status.success() && said.contains("1 passed"), "{value:?}: {said}");
            }
        }
    }
}

async fn is_refused(server: &RedisServer, set: &str, says: &str) {
    let db = closed_database(&[server.address()], &[set]).unwrap();
    let text = assert_kind(db.initialize().await, ErrorKind::Settings);
    assert!(text.contains(says) && !text.contains(CANARY), "{text}");
}

#[tokio::test]
async fn a_wrong_or_missing_password_is_an_error_of_settings_that_does_not_show_it() {
    let server = RedisServer::start(&["--requirepass", "right"]);
    let (_file, set) = password_file(CANARY);
    let hosts = [server.address()];
    for (more, says) in [
        (vec![set.as_str()], "refuses the password"),
        (vec![set.as_str(), "user=nobody"], "refuses the password for user \"nobody\""),
        (vec![], "requires a password"),
        (vec!["password_file=/nonexistent/secret"], "cannot read drivers.redis.password_file"),
    ] {
        let db = closed_database(&hosts, &more).unwrap();
        let text = assert_kind(db.initialize().await, ErrorKind::Settings);
        assert!(text.contains(says) && !text.contains(CANARY), "{text}");
    }
    // A server that does not know AUTH repeats its arguments.
    let server = RedisServer::start(&["--rename-command", "AUTH", ""]);
    let db = closed_database(&[server.address()], &[&set]).unwrap();
    let text = assert_kind(db.initialize().await, ErrorKind::Settings);
    assert!(!text.contains(CANARY), "{text}");
    let error = closed_database(&hosts, &["user=someone"]).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("without a password"), "{error}");
    let error = closed_database(&hosts, &[&set, "password_env=ANY"]).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("set only one of them"), "{error}");
    let error = closed_database(&hosts, &["password_env=A=B"]).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("must be the name of a variable"), "{error}");
}

#[test]
fn a_password_in_hosts_is_refused_and_never_shown() {
    for host in
        ["redis://:{}@127.0.0.1:1", "user:{}@127.0.0.1", "rediss://{}@127.0.0.1:1/0", ":a,{}@127.0.0.1"]
    {
        let host = host.replace("{}", CANARY);
        let error = closed_database(&[host], &[]).map(|_| ()).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Settings, "{text}");
        assert!(!text.contains(CANARY) && text.contains("`password_file` or `password_env`"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_driver_logs_in_at_every_node_of_a_cluster() {
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
