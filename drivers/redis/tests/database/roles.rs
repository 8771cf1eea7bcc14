//! Servers that are no master: replicas that lost theirs, and Sentinel.

use std::process::{Child, Command, Stdio};

use pubsub_api::ErrorKind;
use pubsub_api::database::RowName;
use redis_servers::{Raw, RedisServer, until};
use tempfile::TempDir;

use crate::ends::{assert_kind, closed_database, database};

const ROW: RowName<'static> = RowName { table: "t", key: "k", topic: Some("topic") };

/// A replica of `master` that is synchronized with it.
pub(crate) fn replica_of(master: &RedisServer) -> RedisServer {
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &master.port().to_string()]);
    until("the replica is synchronized", || {
        replica.raw().call(&["INFO", "replication"]).text().contains("master_link_status:up").then_some(())
    });
    replica
}

#[tokio::test]
async fn a_replica_that_lost_its_master_is_not_read() {
    let mut master = RedisServer::start(&[]);
    database(&[master.address()], &[]).await.create_key(ROW, "x".into(), false).await.unwrap();
    let replica = replica_of(&master);
    let db = closed_database(&[replica.address()], &["timeout=1s"]).unwrap();
    master.kill();
    until("the replica knows", || {
        replica.raw().call(&["INFO", "replication"]).text().contains("master_link_status:down").then_some(())
    });
    let text = assert_kind(db.initialize().await, ErrorKind::Unavailable);
    assert!(text.contains("a replica of") && text.contains(&master.address()), "{text}");
    master.start_again();
    until("the replica is synchronized again", || {
        replica.raw().call(&["INFO", "replication"]).text().contains("master_link_status:up").then_some(())
    });
    db.initialize().await.unwrap();
    assert_eq!(db.get_key(ROW).await.unwrap(), "x");
}

/// A Sentinel that watches a server which is not there.
struct Sentinel {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Sentinel {
    fn start() -> Self {
        // A server that has found a free port leaves it.
        let port = RedisServer::start(&[]).port();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sentinel.conf");
        let text =
            format!("port {port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 1 1\nlogfile log\ndir .\n");
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new("redis-server");
        command.arg(&file).arg("--sentinel").current_dir(folder.path());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let sentinel = Self { child, port, _folder: folder };
        until("Sentinel serves", || {
            Raw::connect(port).and_then(|mut raw| raw.try_call(&["PING"])).map(|_| ())
        });
        sentinel
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn sentinel_is_refused_by_name() {
    let sentinel = Sentinel::start();
    let db = closed_database(&[format!("127.0.0.1:{}", sentinel.port)], &[]).unwrap();
    let text = assert_kind(db.initialize().await, ErrorKind::Settings);
    assert!(text.contains("Sentinel") && text.contains("name the Redis master"), "{text}");
}
