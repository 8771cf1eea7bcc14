//! Behaviour of Valkey that Redis does not have.

use std::sync::Arc;

use pubsub_api::database::RowName;
use redis_servers::{RedisCluster, ServerProgram};

use crate::resharding::{moved_under_writes, slot};

/// `CLUSTER MIGRATESLOTS`: a slot moves atomically, and its old master refuses nothing before.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_duplicated_or_refused_while_slots_migrate_atomically_under_writes() {
    let cluster = RedisCluster::start_program(ServerProgram::Valkey9);
    let (cluster, db) = moved_under_writes(cluster, 30, RedisCluster::migrate_slot).await;
    // The driver may have read the new places of slots before a redirect: of some moves it learns by one.
    let slot = slot(&cluster, "written", "tenant-1");
    for _ in 0..20 {
        let (mover, to) = (Arc::clone(&cluster), (cluster.master_of(slot) + 1) % 3);
        tokio::task::spawn_blocking(move || mover.migrate_slot(slot, to)).await.unwrap();
        db.set_key(RowName::new("written", "steady").on("tenant-1"), "again".into()).await.unwrap();
    }
    assert_eq!(db.status().counter("redis_redirects", Some("ask")), 0, "no slot is partly moved");
    assert!(db.status().counter("redis_redirects", Some("moved")) > 0);
}
