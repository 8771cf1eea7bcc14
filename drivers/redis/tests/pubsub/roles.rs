//! Servers that are not masters: replicas, demoted masters, Sentinel, and addresses that lead to another server.

use std::sync::{Arc, Mutex};

use pubsub_api::{Batch, ErrorKind, Notice, Publisher};
use redis_servers::{RedisServer, Sentinel};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::ends::{NO_CHECKS, Reader, event, packed, publisher, refused, until_they_meet, wait_until};

fn is_down(notice: &Notice) -> bool {
    matches!(notice, Notice::LinkDown { .. })
}

/// Waits until the publisher has no connection.
async fn until_it_leaves(publisher: &dyn Publisher) {
    let is_up = || publisher.status().peers.iter().any(|peer| peer.state == "up");
    wait_until("the publisher disconnects from its server", || !is_up()).await;
}

#[tokio::test]
async fn publisher_and_subscriber_refuse_a_replica_and_name_its_master() {
    let (master, replica) = (RedisServer::start(&[]), RedisServer::start(&[]));
    replica.follow(&master);
    let hosts = [replica.address()];
    let sender = publisher(&hosts, &[]).await;
    let text = refused(sender.send_event(&event("a", "1")).await, ErrorKind::Unavailable);
    let says = format!("{} is a replica of {}", replica.address(), master.address());
    assert!(text.contains(&says) && text.contains("drivers.redis.hosts"), "{text}");
    let mut reader = Reader::begin(&hosts, &["a"], &[]).await;
    reader.expect_silence().await;
    // It becomes a master, and both continue.
    replica.follow_nobody();
    reader.until_notice("Subscribed", |notice| matches!(notice, Notice::Subscribed { .. })).await;
    assert_eq!(reader.notices.len(), 2, "no loss, nothing to resync: {:?}", reader.notices);
    sender.send_event(&event("a", "2")).await.unwrap();
    reader.expect("a", "2").await;
}

/// A replica accepts PUBLISH, but the event does not reach its master.
#[tokio::test]
async fn events_that_a_demoted_master_accepts_are_in_doubt_and_never_count_as_sent() {
    let (demoted, promoted) = (RedisServer::start(&[]), RedisServer::start(&[]));
    let sender = publisher(&[demoted.address()], &[NO_CHECKS]).await;
    sender.send_event(&event("a", "1")).await.unwrap();
    demoted.follow(&promoted);
    let text = refused(sender.send_event(&event("a", "2")).await, ErrorKind::InDoubt);
    assert!(text.contains(&format!("a replica of {}", promoted.address())), "{text}");
    let text = refused(sender.send_event(&event("a", "3")).await, ErrorKind::Unavailable);
    assert!(text.contains("is a replica of"), "{text}");
    let mut batch = Batch::new();
    batch.extend(["4", "5"].map(|key| packed("a", key)));
    refused(sender.send_batch(&mut batch).await, ErrorKind::Unavailable);
    assert_eq!((batch.len(), sender.status().counter("events_sent", None)), (2, 1));
    demoted.follow_nobody();
    sender.send_batch(&mut batch).await.unwrap();
    assert_eq!(sender.status().counter("events_sent", None), 3);
}

#[tokio::test]
async fn a_batch_keeps_its_events_if_the_master_is_demoted_meanwhile() {
    let (demoted, promoted) = (RedisServer::start(&[]), RedisServer::start(&[]));
    let sender = publisher(&[demoted.address()], &[NO_CHECKS]).await;
    let batch_of = |keys: std::ops::Range<u32>| {
        let mut batch = Batch::new();
        batch.extend(keys.map(|key| packed("a", &key.to_string())));
        batch
    };
    sender.send_batch(&mut batch_of(0..10)).await.unwrap();
    demoted.follow(&promoted);
    let mut batch = batch_of(10..20);
    refused(sender.send_batch(&mut batch).await, ErrorKind::InDoubt);
    assert_eq!((batch.len(), sender.status().counter("events_sent", None)), (10, 10));
}

#[tokio::test]
async fn idle_connections_leave_a_demoted_master_and_subscribers_get_a_resync() {
    let (demoted, promoted) = (RedisServer::start(&[]), RedisServer::start(&[]));
    let hosts = [demoted.address()];
    let mut reader = Reader::subscribed(&hosts, &["a"], &[]).await;
    let sender = publisher(&hosts, &[]).await;
    sender.send_event(&event("a", "1")).await.unwrap();
    reader.expect("a", "1").await;
    demoted.follow(&promoted);
    let Notice::LinkDown { reason, .. } = reader.until_notice("the loss", is_down).await else { panic!() };
    assert!(reason.contains(&format!("a replica of {}", promoted.address())), "{reason}");
    until_it_leaves(sender.as_ref()).await;
    // Nothing was sent to the replica, so nothing is in doubt.
    refused(sender.send_event(&event("a", "2")).await, ErrorKind::Unavailable);
    reader.expect_silence().await;
    demoted.follow_nobody();
    let notices = [reader.next("up").await, reader.next("subscribed").await, reader.next("resync").await];
    assert!(
        matches!(
            reader.notices.as_slice(),
            [.., Notice::LinkUp { .. }, Notice::Subscribed { .. }, Notice::Resync { topic: None, .. }]
        ),
        "{notices:?}"
    );
    sender.send_event(&event("a", "3")).await.unwrap();
    reader.expect("a", "3").await;
}

/// Forwards each new connection to the current target; existing connections stay.
async fn movable_address(target: &Arc<Mutex<String>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let target = Arc::clone(target);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let to = target.lock().unwrap().clone();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(to).await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    address
}

/// As after a fail-over by a moved address: the old server stays alive, and keeps its connections.
#[tokio::test]
async fn publisher_and_subscriber_follow_an_address_to_another_server() {
    let (old, new) = (RedisServer::start(&[]), RedisServer::start(&[]));
    let target = Arc::new(Mutex::new(old.address()));
    let hosts = [movable_address(&target).await];
    let mut reader = Reader::subscribed(&hosts, &["a"], &[]).await;
    let sender = publisher(&hosts, &[]).await;
    until_they_meet(sender.as_ref(), &mut reader, "a").await;
    *target.lock().unwrap() = new.address();
    let (reason, _) = reader.loss_and_return().await;
    assert!(reason.contains("another server"), "{reason}");
    until_it_leaves(sender.as_ref()).await;
    until_they_meet(sender.as_ref(), &mut reader, "a").await;
    let subscribers = |server: &RedisServer| server.raw().call(&["PUBSUB", "NUMSUB", "a"]).list()[1].text();
    assert_eq!((subscribers(&old), subscribers(&new)), ("0".to_owned(), "1".to_owned()));
}

#[tokio::test]
async fn sentinel_is_an_error_that_names_it_and_is_not_retried() {
    let server = RedisServer::start(&[]);
    let sentinel = Sentinel::start(&server);
    let hosts = [sentinel.address()];
    let mut reader = Reader::begin(&hosts, &["a"], &[]).await;
    for hosts in [hosts.to_vec(), vec![sentinel.address(), server.address()]] {
        let sender = publisher(&hosts, &["drivers.redis.topology_check_interval=600s"]).await;
        let error = sender.send_event(&event("a", "1")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Settings, "{error}");
        let text = error.to_string();
        // Either of two hosts may be asked first.
        assert!(
            hosts.len() > 1 || (text.contains("Sentinel") && text.contains(&sentinel.address())),
            "{text}"
        );
        assert!(text.contains("drivers.redis.hosts"), "{text}");
    }
    reader.expect_silence().await;
}
