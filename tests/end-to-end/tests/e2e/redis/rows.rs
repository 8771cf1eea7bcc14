//! What the database holds, read by hand.

use std::collections::BTreeMap;

use redis_servers::{Raw, RedisCluster, RedisServer, Reply};
use serde_json::Value;

/// The table of the load.
pub(crate) const TABLE: &str = "lport";

/// What each row of [`TABLE`] holds, by its key.
pub(crate) type Rows = BTreeMap<String, String>;

/// The rows that these servers serve; those that are gone serve none.
pub(crate) fn rows<'a>(servers: impl IntoIterator<Item = &'a RedisServer>) -> Rows {
    servers.into_iter().filter_map(|server| Raw::connect(server.port())).flat_map(of_one).collect()
}

pub(crate) fn rows_of_cluster(cluster: &RedisCluster) -> Rows {
    rows(&cluster.nodes)
}

/// The `n` of a row: the number of its write.
pub(crate) fn number_of(row: &str) -> u64 {
    let row: Value = serde_json::from_str(row).expect("a row is JSON");
    row["n"].as_u64().expect("a row of the load has a number")
}

fn of_one(mut raw: Raw) -> Vec<(String, String)> {
    let role = raw.call(&["ROLE"]).list();
    if role.first().map(Reply::text).as_deref() != Some("master") {
        return Vec::new();
    }
    let keys = raw.call(&["KEYS", &format!("{{{TABLE}.*")]).list();
    let mut row = |key: Reply| {
        let key = key.text();
        let Reply::Bytes(value) = raw.call(&["GET", &key]) else { return None };
        let (_, id) = key.split_once('}').expect("a key of a row has its table in braces");
        Some((id.to_owned(), String::from_utf8(value).expect("JSON")))
    };
    keys.into_iter().filter_map(&mut row).collect()
}
