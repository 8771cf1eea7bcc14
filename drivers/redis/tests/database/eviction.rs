//! Servers that may evict rows.

use captured_log::CapturedLog;
use pubsub_api::database::{DbApi, RowName};
use redis_servers::RedisServer;

use crate::ends::{database, wait_until};
use crate::passwords::{CANARY, password_file};

fn state(db: &dyn DbApi) -> String {
    db.status().peers[0].state.clone()
}

#[tokio::test]
async fn a_policy_that_evicts_rows_is_logged_at_start_and_shown_in_the_status() {
    let server = RedisServer::start(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
    // A user that may not read the settings of the server gets the warning, too.
    server
        .raw()
        .call(&["ACL", "SETUSER", "tenant", "on", &format!(">{CANARY}"), "~*", "+@all", "-config"])
        .expect_ok();
    let log = CapturedLog::begin();
    let (_file, set) = password_file(CANARY);
    let db = database(&[server.address()], &[&set, "user=tenant"]).await;
    let warned = log.text();
    assert!(warned.contains("WARN") && warned.contains("maxmemory-policy is allkeys-lru"), "{warned}");
    assert!(warned.contains("set maxmemory-policy noeviction"), "{warned}");
    assert_eq!(state(&*db), "up, may evict rows (allkeys-lru)");
}

#[tokio::test]
async fn a_server_that_evicts_nothing_causes_no_warning() {
    let server = RedisServer::start(&["--maxmemory", "100mb"]);
    let log = CapturedLog::begin();
    let db = database(&[server.address()], &[]).await;
    assert_eq!(state(&*db), "up");
    assert!(!log.text().contains("maxmemory-policy"), "{}", log.text());
}

#[tokio::test]
async fn a_policy_that_changes_and_rows_that_are_evicted_are_noticed() {
    let server = RedisServer::start(&["--appendonly", "no"]);
    let log = CapturedLog::begin();
    let db = database(&[server.address()], &["topology_check_interval=100ms"]).await;
    for number in 0..100 {
        let key = number.to_string();
        db.create_key(RowName::new("t", &key).on("topic"), vec![b'x'; 10_000].into(), false).await.unwrap();
    }
    let mut raw = server.raw();
    raw.call(&["CONFIG", "SET", "maxmemory-policy", "allkeys-random"]).expect_ok();
    wait_until("the policy is shown", || state(&*db) == "up, may evict rows (allkeys-random)").await;
    raw.call(&["CONFIG", "SET", "maxmemory", "1"]).expect_ok();
    wait_until("the evictions are counted", || db.status().counter("redis_keys_evicted", None) > 0).await;
    assert!(log.text().contains("rows may be lost"), "{}", log.text());
}
