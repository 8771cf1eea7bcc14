//! Behaviour of Valkey that Redis does not have.

use redis_servers::{RedisCluster, ServerProgram};

use crate::resharding::moved_under_writes;

/// `CLUSTER MIGRATESLOTS`: a slot moves atomically, and its old master refuses nothing before.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_duplicated_or_refused_while_slots_migrate_atomically_under_writes() {
    let cluster = RedisCluster::start_program(ServerProgram::Valkey9);
    let db = moved_under_writes(cluster, 30, RedisCluster::migrate_slot).await;
    assert_eq!(db.status().counter("redis_redirects", Some("ask")), 0, "no slot is partly moved");
    assert!(db.status().counter("redis_redirects", Some("moved")) > 0);
}
