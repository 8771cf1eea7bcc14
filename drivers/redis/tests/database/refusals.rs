//! Refusals of a server, and the kind of each error.

use std::io::{Read, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use pubsub_api::ErrorKind;
use pubsub_api::database::{RowName, Write};
use redis_servers::{RedisServer, ServerProgram};

use crate::ends::{assert_kind, closed_database, database};
use crate::passwords::{CANARY, password_file};

const ROW: RowName<'static> = RowName { table: "t", key: "k", topic: Some("topic") };

#[tokio::test]
async fn a_user_may_do_only_what_its_rules_allow() {
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
async fn a_server_that_is_not_redis_is_unavailable_and_named() {
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
        assert!(text.contains("does not speak the Redis protocol") && !text.contains(CANARY), "{text}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_unavailable_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (_file, password) = password_file(CANARY);
    for more in [vec!["timeout=1s"], vec!["timeout=1s", &password]] {
        let began = Instant::now();
        let db = closed_database(std::slice::from_ref(&address), &more).unwrap();
        let text = assert_kind(db.initialize().await, ErrorKind::Unavailable);
        assert!(text.contains(&address) && text.contains("in time (drivers.redis.timeout)"), "{text}");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?} with a timeout of 1 s", began.elapsed());
    }
}

#[tokio::test]
async fn several_hosts_that_are_not_a_cluster_are_refused() {
    let (one, other) = (RedisServer::start(&[]), RedisServer::start(&[]));
    let db = closed_database(&[one.address(), other.address()], &[]).unwrap();
    let text = assert_kind(db.initialize().await, ErrorKind::Settings);
    assert!(text.contains("set one host"), "{text}");
}

#[tokio::test]
async fn a_replica_serves_reads_and_refuses_writes_with_an_explanation() {
    let master = RedisServer::start(&[]);
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &master.port().to_string()]);
    database(&[master.address()], &[]).await.create_key(ROW, "old".into(), false).await.unwrap();
    redis_servers::until("the replica has the row", || {
        (replica.raw().call(&["DBSIZE"]).text() == "1").then_some(())
    });
    let db = database(&[replica.address()], &[]).await;
    for refused in [
        db.create_key(ROW, "x".into(), true).await,
        db.set_key(ROW, "x".into()).await,
        db.delete_key(ROW).await,
        db.write_batch(&[Write::Put(ROW, "x".into())]).await,
        db.delete_table(ROW.table).await,
        db.compare_and_set(ROW, Some(b"old"), Some("x".into())).await.map(|_| ()),
        db.allocate_unique_key("t").await.map(|_| ()),
    ] {
        let text = assert_kind(refused, ErrorKind::Unavailable);
        assert!(text.contains("read-only replica") && text.contains("to its master"), "{text}");
    }
    assert_eq!(db.get_key(ROW).await.unwrap(), "old");
    assert_eq!(db.get_all_entries(ROW.table, None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_with_full_memory_is_overloaded_and_still_deletes() {
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
async fn a_server_that_cannot_save_is_reported_as_such() {
    let server = RedisServer::start(&["--appendonly", "no", "--save", "3600", "1"]);
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

#[tokio::test]
async fn a_server_that_has_reached_maxclients_is_reported_as_such() {
    let server = RedisServer::start(&[]);
    let mut raw = server.raw();
    raw.call(&["CONFIG", "SET", "maxclients", "1"]).expect_ok();
    let (_file, password) = password_file(CANARY);
    for more in [vec!["timeout=1s"], vec!["timeout=1s", &password]] {
        let db = closed_database(&[server.address()], &more).unwrap();
        let text = assert_kind(db.initialize().await, ErrorKind::Unavailable);
        assert!(text.contains("maxclients") && text.contains(&server.address()), "{text}");
    }
    raw.call(&["CONFIG", "SET", "maxclients", "100"]).expect_ok();
}

/// Redis 6.2 wraps errors that stop a script.
#[tokio::test]
async fn an_error_that_stops_a_script_has_the_same_kind_on_every_server() {
    for program in ServerProgram::ALL {
        let server = RedisServer::start_program(*program, &[]);
        let db = database(&[server.address()], &[]).await;
        db.create_key(ROW, "x".into(), false).await.unwrap();
        let scripted = async || db.compare_and_set(ROW, Some(b"x"), Some("y".into())).await;
        let mut raw = server.raw();
        raw.call(&["CONFIG", "SET", "maxmemory", "1"]).expect_ok();
        let text = assert_kind(scripted().await, ErrorKind::Overloaded);
        assert!(text.contains("raise maxmemory"), "{program:?}: {text}");
        raw.call(&["CONFIG", "SET", "maxmemory", "0"]).expect_ok();
        raw.call(&["CONFIG", "SET", "min-replicas-to-write", "1"]).expect_ok();
        let text = assert_kind(scripted().await, ErrorKind::Unavailable);
        assert!(text.contains("too few replicas"), "{program:?}: {text}");
        raw.call(&["CONFIG", "SET", "min-replicas-to-write", "0"]).expect_ok();
        let master = RedisServer::start_program(*program, &[]);
        database(&[master.address()], &[]).await.create_key(ROW, "x".into(), false).await.unwrap();
        server.follow(&master);
        let text = assert_kind(scripted().await, ErrorKind::Unavailable);
        assert!(text.contains("read-only replica"), "{program:?}: {text}");
    }
}
