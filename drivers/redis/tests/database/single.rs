//! One server that stops, hangs, and returns.

use std::time::{Duration, Instant};

use pubsub_api::ErrorKind;
use pubsub_api::database::RowName;
use redis_servers::RedisServer;

use crate::cases;
use crate::ends::{assert_kind, closed_database, database, until_it_works};
use crate::writers::Writers;

const ROW: RowName<'static> = RowName { table: "t", key: "k", topic: Some("topic") };

#[tokio::test(flavor = "multi_thread")]
async fn every_case_holds_at_a_single_server() {
    let server = RedisServer::start(&[]);
    cases::all(&database(&[server.address()], &[]).await).await;
}

#[tokio::test]
async fn before_initialize_and_without_a_server_calls_are_unavailable() {
    let mut server = RedisServer::start(&[]);
    let db = closed_database(&[server.address()], &["timeout=1s"]).unwrap();
    assert_kind(db.get_key(ROW).await, ErrorKind::Unavailable);
    server.kill();
    let text = assert_kind(db.initialize().await, ErrorKind::Unavailable);
    assert!(text.contains(&server.address()), "{text}");
    server.start_again();
    db.initialize().await.unwrap();
    db.create_key(ROW, "x".into(), false).await.unwrap();
}

#[tokio::test]
async fn a_dead_server_makes_calls_unavailable_in_time_and_calls_work_when_it_is_back() {
    let mut server = RedisServer::start(&[]);
    let db = closed_database(&[server.address()], &["timeout=1s"]).unwrap();
    db.initialize().await.unwrap();
    db.create_key(ROW, "before".into(), false).await.unwrap();
    server.kill();
    // The end of the connection may be noticed only by the first write, which is in doubt then.
    let _ = db.set_key(ROW, "lost".into()).await;
    let began = Instant::now();
    assert_kind(db.set_key(ROW, "lost".into()).await, ErrorKind::Unavailable);
    assert_kind(db.get_key(ROW).await, ErrorKind::Unavailable);
    assert_kind(db.get_all_keys("t", None).await, ErrorKind::Unavailable);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?} for three calls of 1 s", began.elapsed());
    assert!(db.status().peers.iter().all(|peer| peer.state == "down"));
    server.start_again();
    assert_eq!(db.get_key(ROW).await.unwrap(), "before");
    db.set_key(ROW, "after".into()).await.unwrap();
    assert!(db.status().counter("redis_failures", Some("unavailable")) >= 3);
}

#[tokio::test]
async fn a_restart_within_the_deadline_is_not_noticed() {
    let mut server = RedisServer::start(&[]);
    let db = database(&[server.address()], &[]).await;
    db.create_key(ROW, "x".into(), false).await.unwrap();
    server.kill();
    let read = tokio::spawn(async move { db.get_key(ROW).await });
    server.start_again();
    assert_eq!(read.await.unwrap().unwrap(), "x");
}

#[tokio::test]
async fn a_hanging_server_leaves_writes_in_doubt_and_reads_unavailable() {
    let server = RedisServer::start(&[]);
    let db = closed_database(&[server.address()], &["timeout=1s"]).unwrap();
    db.initialize().await.unwrap();
    db.create_key(ROW, "x".into(), false).await.unwrap();
    server.halt();
    let began = Instant::now();
    let text = assert_kind(db.set_key(ROW, "in doubt".into()).await, ErrorKind::InDoubt);
    assert!(text.contains("check before you repeat it"), "{text}");
    assert_kind(db.get_key(ROW).await, ErrorKind::Unavailable);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?} for two calls of 1 s", began.elapsed());
    server.go_on();
    until_it_works(&*db, ROW).await;
    assert_eq!(db.get_key(ROW).await.unwrap(), "again");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_confirmed_write_survives_kills_of_server_and_connections() {
    let mut server = RedisServer::start(&[]);
    let db = database(&[server.address()], &[]).await;
    let writers = Writers::start(&db, 4);
    for _ in 0..20 {
        writers.wait_for_more(20).await;
        server.raw().call(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    }
    for _ in 0..3 {
        writers.wait_for_more(20).await;
        server.start_again();
    }
    writers.wait_for_more(20).await;
    writers.end_and_check(&db).await;
    assert!(db.status().counter("redis_connections_made", None) > 3);
}
