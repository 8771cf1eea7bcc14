//! A server that restarts without its rows.

use std::io::{self, Read, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, Weak};
use std::thread;

use pubsub_api::ErrorKind;
use pubsub_api::database::RowName;
use redis_servers::{RedisServer, ServerProgram};

use crate::ends::{assert_kind, database};

const ROW: RowName<'static> = RowName { table: "t", key: "k", topic: Some("topic") };

/// A server that saves nothing to its disk.
fn forgetful() -> RedisServer {
    RedisServer::start(&["--appendonly", "no"])
}

#[tokio::test]
async fn a_server_that_restarted_empty_is_not_listed_as_an_empty_database() {
    let mut server = forgetful();
    let db = database(&[server.address()], &["timeout=3s"]).await;
    assert_eq!(db.get_all_keys("t", None).await.unwrap(), [], "an empty database is listed");
    db.create_key(ROW, "x".into(), false).await.unwrap();
    assert_eq!(db.get_all_keys("t", None).await.unwrap().len(), 1);
    server.start_again();
    for refused in [
        db.get_all_entries("t", None).await.map(|_| ()),
        db.get_all_keys("t", Some("topic")).await.map(|_| ()),
        db.tables().await.map(|_| ()),
        db.delete_table("t").await,
    ] {
        let text = assert_kind(refused, ErrorKind::Unavailable);
        assert!(text.contains("restarted without its rows: it had 1 keys"), "{text}");
    }
    db.create_key(ROW, "y".into(), false).await.unwrap();
    assert_eq!(db.get_all_entries("t", None).await.unwrap().len(), 1, "it has rows again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_loading_its_rows_has_no_listing() {
    // It loads a row in 20 ms, and answers in between. Redis 6.2 lacks the second setting.
    let slowly = ["--key-load-delay", "20000", "--loading-process-events-interval-bytes", "1024"];
    let options = [&["--appendonly", "no", "--rdbcompression", "no"], &slowly[..]].concat();
    let mut server = RedisServer::start_program(ServerProgram::Redis7, &options);
    let db = database(&[server.address()], &["timeout=3s"]).await;
    for number in 0..250 {
        let key = number.to_string();
        db.create_key(RowName::new("t", &key).on("topic"), vec![b'x'; 2_000].into(), false).await.unwrap();
    }
    server.raw().call(&["SAVE"]).expect_ok();
    // On a busy host a listing may come too late for the five seconds of loading, or end for another reason.
    let mut was_loading = false;
    for _ in 0..5 {
        let restarting = tokio::task::spawn_blocking(move || {
            server.start_again();
            server
        });
        while !restarting.is_finished() {
            match db.get_all_keys("t", None).await {
                Ok(keys) => assert_eq!(keys.len(), 250),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                    was_loading |= error.to_string().contains("is loading its rows");
                }
            }
        }
        server = restarting.await.unwrap();
        if was_loading {
            break;
        }
    }
    assert!(was_loading, "no listing was attempted during loading");
    assert_eq!(db.get_all_keys("t", None).await.unwrap().len(), 250);
}

#[tokio::test]
async fn rows_that_are_deleted_without_a_restart_are_not_listed() {
    let server = forgetful();
    let db = database(&[server.address()], &[]).await;
    db.create_key(ROW, "x".into(), false).await.unwrap();
    assert_eq!(db.get_all_keys("t", None).await.unwrap().len(), 1);
    server.raw().call(&["FLUSHALL"]).expect_ok();
    assert_eq!(db.get_all_keys("t", None).await.unwrap(), []);
}

/// A proxy between clients and the server that restarts the server before it forwards the first command that reads values.
fn restarting_before_values(server: &Arc<Mutex<RedisServer>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    // The threads live as long as the process: they must not keep the server alive.
    let (server, restarted) = (Arc::downgrade(server), Arc::new(Mutex::new(false)));
    thread::spawn(move || {
        for client in listener.incoming() {
            let (server, restarted) = (Weak::clone(&server), Arc::clone(&restarted));
            thread::spawn(move || {
                let mut client = client.unwrap();
                let Some(port) = server.upgrade().map(|server| server.lock().unwrap().port()) else { return };
                let Ok(mut upstream) = TcpStream::connect(("127.0.0.1", port)) else { return };
                let (mut back_from, mut back_to) =
                    (upstream.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || {
                    let _ = io::copy(&mut back_from, &mut back_to);
                    let _ = back_to.shutdown(Shutdown::Both);
                });
                let mut bytes = [0; 64 * 1024];
                while let Ok(length @ 1..) = client.read(&mut bytes) {
                    let mut restarted = restarted.lock().unwrap();
                    if !*restarted && bytes[..length].windows(4).any(|word| word == b"MGET") {
                        *restarted = true;
                        server.upgrade().unwrap().lock().unwrap().start_again();
                        return;
                    }
                    if upstream.write_all(&bytes[..length]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_loses_its_rows_between_keys_and_values_has_no_listing() {
    let server = forgetful();
    let direct = database(&[server.address()], &[]).await;
    let server = Arc::new(Mutex::new(server));
    direct.create_key(ROW, "x".into(), false).await.unwrap();
    let db = database(&[restarting_before_values(&server)], &[]).await;
    let text = assert_kind(db.get_all_entries("t", None).await, ErrorKind::Unavailable);
    assert!(text.contains("restarted"), "{text}");
}
