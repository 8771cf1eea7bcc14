//! Slots that move from one master to another while rows are written (MOVED, ASK).

use std::sync::Arc;

use pubsub_api::database::{DbApi, RowName, Write};
use redis_servers::{Raw, RedisCluster, RedisServer, Reply, until};

use crate::ends::{database, place};
use crate::writers::Writers;

/// The slot of the rows of a table on a topic, as the server computes it.
pub(crate) fn slot(cluster: &RedisCluster, table: &str, topic: &str) -> u16 {
    let key = format!("{{{table}.{topic}}}k");
    let Reply::Int(slot) = cluster.raw(0).call(&["CLUSTER", "KEYSLOT", &key]) else { panic!("no slot") };
    u16::try_from(slot).unwrap()
}

async fn redirects(db: &Arc<dyn DbApi>, cause: &str) -> u64 {
    db.status().counter("redis_redirects", Some(cause))
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_moving_slot_are_read_and_written_where_they_are() {
    let cluster = RedisCluster::start();
    let db = database(&cluster.addresses(), &[]).await;
    let slot = slot(&cluster, "lport", "tenant-1");
    let to = (cluster.master_of(slot) + 1) % 3;
    let row = |key| RowName::new("lport", key).on("tenant-1");
    for key in ["stays", "goes", "dies"] {
        db.create_key(row(key), key.into(), false).await.unwrap();
    }
    let moving = cluster.begin_move(slot, to);
    // The old master answers for keys that it still has; new keys go to the new master (ASK).
    assert_eq!(db.get_key(row("stays")).await.unwrap(), "stays");
    db.create_key(row("new"), "new".into(), false).await.unwrap();
    assert_eq!(cluster.raw(to).call(&["CLUSTER", "COUNTKEYSINSLOT", &slot.to_string()]), Reply::Int(1));
    assert!(redirects(&db, "ask").await > 0);
    let batch = [
        Write::Put(row("stays"), "2".into()),
        Write::Put(row("new"), "2".into()),
        Write::Delete(row("dies")),
    ];
    db.write_batch(&batch).await.unwrap();
    assert!(db.compare_and_set(row("goes"), Some(b"goes"), Some("2".into())).await.unwrap());
    assert!(db.compare_and_set(row("newer"), None, Some("2".into())).await.unwrap());
    let listed = db.get_all_keys("lport", None).await.unwrap();
    assert_eq!(listed, ["goes", "new", "newer", "stays"].map(|key| place(key, Some("tenant-1"))));
    moving.keys();
    assert_eq!(db.get_key(row("goes")).await.unwrap(), "2");
    moving.finish();
    assert_eq!(db.get_key(row("stays")).await.unwrap(), "2");
    assert_eq!(db.get_key(RowName::new("lport", "new")).await.unwrap(), "2");
    assert_eq!(db.get_all_entries("lport", None).await.unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_at_a_node_that_receives_its_first_slot_are_listed() {
    let cluster = RedisCluster::start();
    let db = database(&cluster.addresses(), &[]).await;
    let slot = slot(&cluster, "lport", "tenant-1");
    let row = |key| RowName::new("lport", key).on("tenant-1");
    db.create_key(row("stays"), "x".into(), false).await.unwrap();
    let receiver = RedisServer::start(&["--cluster-enabled", "yes", "--cluster-node-timeout", "60000"]);
    cluster.raw(0).call(&["CLUSTER", "MEET", "127.0.0.1", &receiver.port().to_string()]).expect_ok();
    let from = cluster.master_of(slot);
    for (raw, what) in
        [(receiver.raw(), "the new node knows all nodes"), (cluster.raw(from), "all nodes know the new one")]
    {
        let mut raw = raw;
        until(what, || {
            let info = raw.call(&["CLUSTER", "INFO"]).text();
            (info.contains("cluster_known_nodes:7") && info.contains("cluster_state:ok")).then_some(())
        });
    }
    let id = |mut raw: Raw| raw.call(&["CLUSTER", "MYID"]).text();
    let (giver_id, receiver_id) = (id(cluster.raw(from)), id(receiver.raw()));
    let slot = slot.to_string();
    receiver.raw().call(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &giver_id]).expect_ok();
    cluster.raw(from).call(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &receiver_id]).expect_ok();
    db.create_key(row("new"), "x".into(), false).await.unwrap();
    assert_eq!(receiver.raw().call(&["DBSIZE"]), Reply::Int(1), "a new row goes to the new node");
    let listed = db.get_all_keys("lport", None).await.unwrap();
    assert_eq!(listed, ["new", "stays"].map(|key| place(key, Some("tenant-1"))));
    assert_eq!(db.get_all_entries("lport", None).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_knew_the_old_master_follows_a_moved_slot() {
    let cluster = RedisCluster::start();
    let db = database(&cluster.addresses(), &[]).await;
    let slot = slot(&cluster, "lport", "tenant-1");
    let row = RowName::new("lport", "k").on("tenant-1");
    db.create_key(row, "x".into(), false).await.unwrap();
    cluster.move_slot(slot, (cluster.master_of(slot) + 1) % 3);
    db.set_key(row, "y".into()).await.unwrap();
    assert_eq!(db.get_key(row).await.unwrap(), "y");
    assert_eq!(redirects(&db, "moved").await, 1, "the redirect is followed once, and remembered");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_duplicated_or_refused_while_slots_move_under_writes() {
    moved_under_writes(RedisCluster::start(), 100, RedisCluster::move_slot).await;
}

/// Moves the slots of this many topics, one after the other, while rows are written and listed.
pub(crate) async fn moved_under_writes(
    cluster: RedisCluster,
    topics: usize,
    move_slot: fn(&RedisCluster, u16, usize),
) -> (Arc<RedisCluster>, Arc<dyn DbApi>) {
    let cluster = Arc::new(cluster);
    let db = database(&cluster.addresses(), &[]).await;
    let steady: Vec<_> = (0..topics).map(|number| format!("tenant-{number}")).collect();
    let rows: Vec<_> =
        steady.iter().map(|topic| RowName::new("written", "steady").on(topic.as_str())).collect();
    let writes: Vec<_> = rows.iter().map(|row| Write::Put(*row, "steady".into())).collect();
    db.write_batch(&writes).await.unwrap();
    let writers = Writers::start(&db, 4);
    writers.wait_for_more(50).await;
    let slots: Vec<_> = steady.iter().map(|topic| slot(&cluster, "written", topic)).collect();
    let mover = Arc::clone(&cluster);
    let moves = tokio::task::spawn_blocking(move || {
        for slot in slots {
            let to = (mover.master_of(slot) + 1) % 3;
            move_slot(&mover, slot, to);
        }
    });
    let mut listings = 0;
    while !moves.is_finished() {
        let listed = db.get_all_keys("written", None).await.unwrap();
        let found = listed.iter().filter(|place| place.key == "steady").count();
        assert_eq!(found, steady.len(), "a row that exists the whole time is in every listing");
        listings += 1;
    }
    moves.await.unwrap();
    writers.wait_for_more(50).await;
    let status = db.status();
    assert_eq!(status.counter("redis_failures", Some("in_doubt")), 0, "a redirect leaves nothing in doubt");
    assert_eq!(status.counter("redis_failures", Some("unavailable")), 0);
    assert!(listings > 0);
    writers.end_and_check(&db).await;
    println!(
        "{listings} listings, {} moved, {} ask",
        redirects(&db, "moved").await,
        redirects(&db, "ask").await
    );
    (cluster, db)
}
