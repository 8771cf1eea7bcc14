//! Servers that refuse PING but carry events, and servers that have reached a limit.

use std::time::Duration;

use pubsub_api::ErrorKind;
use redis_servers::{RedisServer, ServerProgram, until};

use crate::ends::{Reader, event, publisher, refused};

/// A new publisher and subscriber at the server reach each other.
async fn ends_meet(server: &RedisServer) {
    let hosts = [server.address()];
    let mut reader = Reader::subscribed(&hosts, &["a", "b.*"], &[]).await;
    let sender = publisher(&hosts, &[]).await;
    sender.send_event(&event("a", "1")).await.unwrap();
    sender.send_event(&event("b.1", "2")).await.unwrap();
    reader.expect("a", "1").await;
    reader.expect("b.1", "2").await;
    // An existing link does not count as dead either.
    assert_eq!(server.raw().call(&["CLIENT", "KILL", "TYPE", "pubsub"]).text(), "1");
    reader.loss_and_return().await;
    sender.send_event(&event("a", "3")).await.unwrap();
    reader.expect("a", "3").await;
}

fn ping(server: &RedisServer) -> String {
    server.raw().call(&["PING"]).text()
}

#[tokio::test]
async fn a_server_that_cannot_save_carries_events() {
    let server = RedisServer::start(&["--appendonly", "no", "--save", "3600", "1"]);
    server.raw().call(&["SET", "row", "x"]).expect_ok();
    server.lose_its_folder();
    server.raw().call(&["BGSAVE"]);
    until("PING is refused, since the save has failed", || {
        ping(&server).starts_with("MISCONF").then_some(())
    });
    ends_meet(&server).await;
    assert!(ping(&server).starts_with("MISCONF"));
}

#[tokio::test]
async fn a_server_that_is_loading_its_rows_carries_events() {
    // Redis 6.2 answers only after each 2 MiB of loading, which cannot be configured.
    let program = Some(ServerProgram::chosen()).filter(|program| *program != ServerProgram::Redis6);
    let mut server =
        RedisServer::start_program(program.unwrap_or(ServerProgram::Redis7), &["--appendonly", "no"]);
    let script = "for row = 1, 3000 do redis.call('SET', row, string.rep('x', 1000)) end";
    server.raw().call(&["EVAL", script, "0"]);
    server.raw().call(&["SAVE"]).expect_ok();
    server.start_again_loading(Duration::from_millis(20));
    ends_meet(&server).await;
    assert!(ping(&server).starts_with("LOADING"), "the rows were loaded too early for this test");
}

/// It is alive, and no server to publish at: it is named as a replica, not taken for dead.
#[tokio::test]
async fn a_replica_that_refuses_ping_without_its_master_is_named_as_a_replica_until_it_is_a_master() {
    // Redis 6.2 answers PING all the same.
    let program = Some(ServerProgram::chosen()).filter(|program| *program != ServerProgram::Redis6);
    let start = |options| RedisServer::start_program(program.unwrap_or(ServerProgram::Redis7), options);
    let mut master = start(&[]);
    let replica = start(&["--replica-serve-stale-data", "no"]);
    replica.follow(&master);
    master.kill();
    until("PING is refused for want of the master", || {
        ping(&replica).starts_with("MASTERDOWN").then_some(())
    });
    let hosts = [replica.address()];
    let sender = publisher(&hosts, &[]).await;
    let text = refused(sender.send_event(&event("a", "1")).await, ErrorKind::Unavailable);
    assert!(text.contains(&format!("{} is a replica of {}", replica.address(), master.address())), "{text}");
    let mut reader = Reader::begin(&hosts, &["a"], &[]).await;
    reader.expect_silence().await;
    assert!(ping(&replica).starts_with("MASTERDOWN"));
    replica.follow_nobody();
    reader.until_notice("Subscribed", |notice| matches!(notice, pubsub_api::Notice::Subscribed { .. })).await;
    sender.send_event(&event("a", "2")).await.unwrap();
    reader.expect("a", "2").await;
}

#[tokio::test]
async fn a_server_with_full_memory_carries_events() {
    let server = RedisServer::start(&[]);
    server.raw().call(&["CONFIG", "SET", "maxmemory", "1"]).expect_ok();
    assert!(server.raw().call(&["SET", "row", "x"]).text().starts_with("OOM"));
    ends_meet(&server).await;
}

#[tokio::test]
async fn a_server_that_has_reached_maxclients_is_unavailable_and_the_error_names_it() {
    let server = RedisServer::start(&["--requirepass", "right"]);
    let hosts = [server.address()];
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "right").unwrap();
    let password = format!("drivers.redis.password_file={}", file.path().display());
    let mut raw = server.raw();
    raw.call(&["AUTH", "right"]).expect_ok();
    raw.call(&["CONFIG", "SET", "maxclients", "1"]).expect_ok();
    for more in [vec![], vec![password.as_str()]] {
        let sender = publisher(&hosts, &more).await;
        let text = refused(sender.send_event(&event("a", "1")).await, ErrorKind::Unavailable);
        assert!(text.contains("maxclients") && text.contains(&server.address()), "{text}");
    }
    let mut reader = Reader::begin(&hosts, &["a"], &[&password]).await;
    reader.expect_silence().await;
    raw.call(&["CONFIG", "SET", "maxclients", "100"]).expect_ok();
    reader.until_notice("Subscribed", |notice| matches!(notice, pubsub_api::Notice::Subscribed { .. })).await;
}
