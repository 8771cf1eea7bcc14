//! A cluster that loses a master.

use std::time::Duration;

use pubsub_api::ErrorKind;
use pubsub_api::database::RowName;
use redis_servers::{RedisCluster, until};

use crate::cases;
use crate::ends::{assert_kind, closed_database, database};
use crate::writers::Writers;

/// Time without an answer after which a node's replica takes over.
const NODE_TIMEOUT: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn every_case_holds_at_a_cluster() {
    let cluster = RedisCluster::start();
    cases::all(&database(&cluster.addresses()[..1], &[]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_all_nodes_are_found_from_whichever_node_the_settings_have() {
    let cluster = RedisCluster::start();
    let writer = database(&cluster.addresses()[..1], &[]).await;
    for number in 0..100 {
        let topic = format!("tenant-{number}");
        writer.create_key(RowName::new("lport", &topic).on(topic.as_str()), "x".into(), false).await.unwrap();
    }
    for address in cluster.addresses() {
        let reader = database(&[address], &[]).await;
        assert_eq!(reader.get_all_entries("lport", None).await.unwrap().len(), 100);
        reader.get_key(RowName::new("lport", "tenant-42")).await.unwrap();
    }
    let counts = (0..3).map(|place| cluster.raw(place).call(&["DBSIZE"]).text().parse::<u32>().unwrap());
    let counts: Vec<_> = counts.collect();
    assert!(counts.iter().all(|count| *count > 10), "the rows are on all masters: {counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_wait_for_a_fail_over_and_find_the_rows_of_the_replica() {
    let mut cluster = RedisCluster::with_node_timeout(NODE_TIMEOUT);
    let db = database(&cluster.addresses(), &[]).await;
    let mut topics = Vec::new();
    for number in 0..100 {
        let topic = format!("tenant-{number}");
        db.create_key(RowName::new("lport", &topic).on(topic.as_str()), "x".into(), false).await.unwrap();
        topics.push(topic);
    }
    for place in 0..3 {
        let answer = until("the replica has all writes", || {
            let mut raw = cluster.raw(place);
            let info = raw.call(&["INFO", "replication"]).text();
            let field = |name: &str| {
                info.lines()
                    .find_map(|line| line.split(name).nth(1))
                    .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>())
            };
            (field(",offset=").is_some() && field(",offset=") == field("master_repl_offset:")).then_some(true)
        });
        assert!(answer);
    }
    cluster.nodes[0].kill();
    // When the end of the connection is noticed, nothing is in doubt: the calls wait for the new master.
    for topic in &topics {
        let row = RowName::new("lport", topic).on(topic.as_str());
        assert_eq!(db.get_key(row).await.unwrap(), "x");
        db.set_key(row, "y".into()).await.unwrap();
    }
    assert_eq!(db.get_all_entries("lport", None).await.unwrap().len(), 100);
    assert_eq!(db.get_key(RowName::new("lport", "tenant-7")).await.unwrap(), "y");
    let peers = db.status().peers;
    assert!(peers.iter().any(|peer| peer.endpoint.ends_with(&cluster.nodes[3].address())), "{peers:?}");
    // The old master returns as a replica, and then the new one fails.
    cluster.nodes[0].start_again();
    until("the old master follows the new one", || {
        let info = cluster.raw(0).call(&["INFO", "replication"]).text();
        info.contains("master_link_status:up").then_some(())
    });
    let again = Writers::start(&db, 2);
    again.wait_for_more(50).await;
    again.end_and_check(&db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_master_is_replaced_by_its_replica() {
    let cluster = RedisCluster::with_node_timeout(NODE_TIMEOUT);
    let db = closed_database(&cluster.addresses(), &["timeout=2s"]).unwrap();
    db.initialize().await.unwrap();
    let topics: Vec<_> = (0..30).map(|number| format!("tenant-{number}")).collect();
    for topic in &topics {
        db.create_key(RowName::new("lport", "k").on(topic.as_str()), "x".into(), false).await.unwrap();
    }
    cluster.nodes[1].halt();
    let works = async {
        for topic in &topics {
            let row = RowName::new("lport", "k").on(topic.as_str());
            while let Err(error) = db.create_key(row, "y".into(), true).await {
                assert!(matches!(error.kind(), ErrorKind::InDoubt | ErrorKind::Unavailable), "{error}");
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), works).await.expect("the replica takes over");
    cluster.nodes[1].go_on();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_lost_a_master_and_its_replica_is_unavailable() {
    let mut cluster = RedisCluster::with_node_timeout(NODE_TIMEOUT);
    let db = closed_database(&cluster.addresses(), &["timeout=2s"]).unwrap();
    db.initialize().await.unwrap();
    for place in [0, 3] {
        cluster.nodes[place].kill();
    }
    let slot_of_foo = 12_182;
    assert_ne!(cluster.master_of(slot_of_foo), 0);
    let text = assert_kind(db.get_all_keys("t", None).await, ErrorKind::Unavailable);
    assert!(text.contains("redis://") || text.contains("slots"), "{text}");
    cluster.nodes[0].start_again();
    let serves =
        |place: usize| cluster.raw(place).call(&["CLUSTER", "INFO"]).text().contains("cluster_state:ok");
    until("each node reports that the cluster serves again", || {
        [0, 1, 2, 4, 5].into_iter().all(serves).then_some(())
    });
    assert_eq!(db.get_all_keys("t", None).await.unwrap(), []);
    db.create_key(RowName::new("t", "k"), "x".into(), false).await.unwrap();
}
