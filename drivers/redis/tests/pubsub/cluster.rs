//! Clusters: connections are spread over the masters, and move to another when theirs is not a master any more.

use std::collections::BTreeSet;
use std::time::Duration;

use pubsub_api::{Incoming, Notice};
use redis_servers::{RedisCluster, RedisServer, until};
use tokio::time::{Instant, timeout};

use crate::ends::{Reader, event, publisher, until_they_meet};

/// Time without an answer after which a node's replica takes over.
const NODE_TIMEOUT: Duration = Duration::from_secs(1);

/// The position of a node among the cluster's.
fn place_of(cluster: &RedisCluster, node: &str) -> usize {
    let addresses = cluster.addresses();
    addresses.iter().position(|address| node.ends_with(address)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_spread_over_the_masters_and_reach_each_other() {
    let cluster = RedisCluster::start();
    // The settings have a replica; the driver finds the masters.
    let hosts = &cluster.addresses()[4..5];
    let (mut readers, mut at) = (Vec::new(), BTreeSet::new());
    // With 24, one of three masters is left out once in 5,600 runs.
    for _ in 0..24 {
        let reader = Reader::subscribed(hosts, &["a"], &[]).await;
        at.insert(place_of(&cluster, &reader.node()));
        readers.push(reader);
    }
    assert_eq!(at, BTreeSet::from([0, 1, 2]), "all masters, and only masters");
    let mut at = BTreeSet::new();
    for round in 0..24 {
        let sender = publisher(hosts, &[]).await;
        sender.send_event(&event("a", &round.to_string())).await.unwrap();
        at.insert(place_of(&cluster, &sender.endpoint().unwrap()));
        for reader in &mut readers {
            reader.expect("a", &round.to_string()).await;
        }
    }
    assert_eq!(at, BTreeSet::from([0, 1, 2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn publishers_and_subscribers_move_from_a_dead_master_to_another() {
    let mut cluster = RedisCluster::with_node_timeout(NODE_TIMEOUT);
    let hosts = cluster.addresses();
    let mut reader = Reader::subscribed(&hosts, &["a", "b.*"], &[]).await;
    let sender = publisher(&hosts, &[]).await;
    until_they_meet(sender.as_ref(), &mut reader, "a").await;
    let place = place_of(&cluster, &reader.node());
    cluster.nodes[place].kill();
    let (_, node) = reader.loss_and_return().await;
    assert_ne!(place_of(&cluster, &node), place);
    until_they_meet(sender.as_ref(), &mut reader, "b.1").await;
    // Now the publisher's master, whichever that is.
    let place = place_of(&cluster, &sender.endpoint().unwrap());
    until("the nodes have agreed on new masters", || {
        let mut living = (0..6).filter_map(|place| redis_servers::Raw::connect(cluster.nodes[place].port()));
        living.all(|mut raw| raw.call(&["CLUSTER", "INFO"]).text().contains("cluster_state:ok")).then_some(())
    });
    cluster.nodes[place].kill();
    until_they_meet(sender.as_ref(), &mut reader, "a").await;
    assert_ne!(place_of(&cluster, &sender.endpoint().unwrap()), place);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_becomes_a_replica_is_left() {
    let cluster = RedisCluster::start();
    let hosts = cluster.addresses();
    let mut reader = Reader::subscribed(&hosts, &["a"], &[]).await;
    let sender = publisher(&hosts, &[]).await;
    until_they_meet(sender.as_ref(), &mut reader, "a").await;
    let place = place_of(&cluster, &reader.node());
    cluster.raw(place + 3).call(&["CLUSTER", "FAILOVER"]).expect_ok();
    let (reason, node) = reader.loss_and_return().await;
    assert!(reason.contains("not a master"), "{reason}");
    assert_ne!(place_of(&cluster, &node), place);
    until_they_meet(sender.as_ref(), &mut reader, "a").await;
    let left = Instant::now() + Duration::from_secs(60);
    while place_of(&cluster, &sender.endpoint().unwrap()) == place {
        assert!(Instant::now() < left, "the publisher stays connected to a replica");
        until_they_meet(sender.as_ref(), &mut reader, "a").await;
    }
}

/// Like the address of a container that another container has by now.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_outside_the_cluster_is_not_used_although_the_cluster_announces_it() {
    // Its nodes consider the dead one alive for a minute.
    let mut cluster = RedisCluster::start();
    cluster.nodes[2].kill();
    let _stranger = RedisServer::start_at(cluster.nodes[2].port(), &[]);
    let hosts = &cluster.addresses()[..1];
    let mut readers = Vec::new();
    // With 12, no connection tries the foreign server first once in 17,000 runs.
    for _ in 0..12 {
        readers.push(Reader::subscribed(hosts, &["a"], &[]).await);
    }
    for round in 0..12 {
        let sender = publisher(hosts, &[]).await;
        sender.send_event(&event("a", &round.to_string())).await.unwrap();
        for reader in &mut readers {
            reader.expect("a", &round.to_string()).await;
        }
    }
}

/// A change in a cluster is reported once, and only to the connections that it affects (docs/dragonflow.md#d30,
/// docs/dragonflow.md#d31).
#[tokio::test(flavor = "multi_thread")]
async fn a_new_node_is_used_and_a_removed_one_is_left_without_a_storm() {
    let mut cluster = RedisCluster::start();
    let hosts = cluster.addresses();
    let mut unconcerned = Reader::subscribed(&hosts[..3], &["a"], &[]).await;
    grow(&mut cluster);
    let mut reader = reader_at(&cluster, &hosts, 6).await;
    let sender = publisher(&hosts, &[]).await;
    until_they_meet(sender.as_ref(), &mut reader, "a").await;
    shrink(&cluster);
    let (reason, node) = reader.loss_and_return().await;
    assert!(reason.contains("not a master"), "{reason}");
    assert_ne!(place_of(&cluster, &node), 6);
    until_they_meet(sender.as_ref(), &mut reader, "a").await;
    // Longer than several checks of the cluster, none of which may cause a notice.
    for one in [&mut reader, &mut unconcerned] {
        let quiet_until = Instant::now() + Duration::from_secs(3);
        while let Ok(next) = timeout(quiet_until - Instant::now(), one.subscriber.recv()).await {
            assert!(matches!(next, Ok(Incoming::Event(_))), "unexpected notice: {next:?}");
        }
    }
    let notices = &unconcerned.notices;
    assert!(matches!(notices.as_slice(), [Notice::LinkUp { .. }, Notice::Subscribed { .. }]), "{notices:?}");
}

/// Adds a master, the seventh node, with one slot.
fn grow(cluster: &mut RedisCluster) {
    // It stays a master without slots; otherwise it would make itself a replica.
    let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "60000"];
    let options = [&options[..], &["--cluster-allow-replica-migration", "no"]].concat();
    let server = RedisServer::start(&options);
    let port = server.port().to_string();
    cluster.raw(0).call(&["CLUSTER", "MEET", "127.0.0.1", &port]).expect_ok();
    cluster.nodes.push(server);
    until("all nodes know the new one", || {
        let knows =
            |place| cluster.raw(place).call(&["CLUSTER", "INFO"]).text().contains("cluster_known_nodes:7");
        (0..7).all(knows).then_some(())
    });
    cluster.move_slot(0, 6);
    until("all nodes know what it serves", || {
        let knows = |place| cluster.raw(place).call(&["CLUSTER", "SLOTS"]).list().len() == 4;
        (0..7).all(knows).then_some(())
    });
}

/// The seventh node gives up its slot and leaves the cluster, as with `redis-cli --cluster del-node`.
fn shrink(cluster: &RedisCluster) {
    cluster.move_slot(0, 0);
    let id = cluster.raw(6).call(&["CLUSTER", "MYID"]).text();
    for place in 0..6 {
        cluster.raw(place).call(&["CLUSTER", "FORGET", &id]).expect_ok();
    }
    cluster.raw(6).call(&["CLUSTER", "RESET", "SOFT"]).expect_ok();
}

/// Creates subscribers until one is connected to this node.
async fn reader_at(cluster: &RedisCluster, hosts: &[String], place: usize) -> Reader {
    for _ in 0..200 {
        let reader = Reader::subscribed(hosts, &["a"], &[]).await;
        if place_of(cluster, &reader.node()) == place {
            return reader;
        }
    }
    panic!("none of 200 chose node {place}")
}
