//! Servers that are not masters: replicas that lost their master, and Sentinel.

use std::time::Duration;

use captured_log::CapturedLog;
use pubsub_api::ErrorKind;
use pubsub_api::database::RowName;
use redis_servers::{PATIENCE, RedisServer, Sentinel, until};

use crate::ends::{assert_kind, closed_database, database, wait_until};

const ROW: RowName<'static> = RowName { table: "t", key: "k", topic: Some("topic") };

/// A replica of `master` that is synchronized with it.
pub(crate) fn replica_of(master: &RedisServer) -> RedisServer {
    replica_with(master, &[])
}

fn replica_with(master: &RedisServer, options: &[&str]) -> RedisServer {
    let port = master.port().to_string();
    let replica = RedisServer::start(&[&["--replicaof", "127.0.0.1", &port], options].concat());
    until("the replica is synchronized", || {
        replica.raw().call(&["INFO", "replication"]).text().contains("master_link_status:up").then_some(())
    });
    replica
}

/// With `no`, it refuses most commands as MASTERDOWN.
#[tokio::test]
async fn a_replica_that_lost_its_master_is_not_read() {
    for serves_stale_data in ["yes", "no"] {
        let mut master = RedisServer::start(&[]);
        database(&[master.address()], &[]).await.create_key(ROW, "x".into(), false).await.unwrap();
        let replica = replica_with(&master, &["--replica-serve-stale-data", serves_stale_data]);
        let db = closed_database(&[replica.address()], &["timeout=3s"]).unwrap();
        master.kill();
        let replication = || replica.raw().call(&["INFO", "replication"]).text();
        until("the replica notices", || replication().contains("master_link_status:down").then_some(()));
        let is_refused = replica.raw().call(&["KEYS", "*"]).text().starts_with("MASTERDOWN");
        assert_eq!(is_refused, serves_stale_data == "no");
        let text = assert_kind(db.initialize().await, ErrorKind::Unavailable);
        assert!(text.contains("a replica of") && text.contains(&master.address()), "{text}");
        master.start_again();
        until("the replica is synchronized again", || {
            replication().contains("master_link_status:up").then_some(())
        });
        db.initialize().await.unwrap();
        assert_eq!(db.get_key(ROW).await.unwrap(), "x");
    }
}

#[tokio::test]
async fn a_replica_that_loses_its_master_is_not_read_any_more() {
    let mut master = RedisServer::start(&[]);
    let replica = replica_of(&master);
    let log = CapturedLog::begin();
    let hosts = [replica.address()];
    // Each call tries until its time is over; one attempt has a quarter of it.
    let db = closed_database(&hosts, &["timeout=5s", "topology_check_interval=100ms"]).unwrap();
    db.initialize().await.unwrap();
    assert_eq!(db.get_all_keys("t", None).await.unwrap(), []);
    master.kill();
    until("the replica notices", || {
        replica.raw().call(&["INFO", "replication"]).text().contains("master_link_status:down").then_some(())
    });
    let (entries, tables, deleted) =
        tokio::join!(db.get_all_entries("t", None), db.tables(), db.delete_table("t"));
    for refused in [entries.map(drop), tables.map(drop), deleted] {
        let text = assert_kind(refused, ErrorKind::Unavailable);
        assert!(text.contains("not synchronized"), "{text}");
    }
    // Single rows are not read either, after the driver's next check.
    let refused = async {
        loop {
            match db.get_key(ROW).await {
                Err(error) if error.kind() == ErrorKind::Unavailable => break error.to_string(),
                // A poll with a deadline.
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    let text = tokio::time::timeout(PATIENCE, refused).await.expect("the driver checks the role");
    assert!(text.contains("not synchronized"), "{text}");
    assert!(log.text().contains("is now a replica of"), "{}", log.text());
    master.start_again();
}

#[tokio::test]
async fn a_master_that_becomes_a_replica_is_reported() {
    let (master, other) = (RedisServer::start(&[]), RedisServer::start(&[]));
    let log = CapturedLog::begin();
    let db = database(&[master.address()], &["topology_check_interval=100ms"]).await;
    master.raw().call(&["REPLICAOF", "127.0.0.1", &other.port().to_string()]).expect_ok();
    wait_until("the driver checks the role", || log.text().contains("before, it was a master")).await;
    assert_kind(db.set_key(ROW, "x".into()).await, ErrorKind::Unavailable);
}

#[tokio::test]
async fn sentinel_is_refused_by_name() {
    let master = RedisServer::start(&[]);
    let sentinel = Sentinel::start(&master);
    let db = closed_database(&[sentinel.address()], &[]).unwrap();
    let text = assert_kind(db.initialize().await, ErrorKind::Settings);
    assert!(text.contains("Sentinel") && text.contains("to the Redis master"), "{text}");
}
