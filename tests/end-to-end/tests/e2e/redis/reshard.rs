//! A thousand slots that move together: what `redis-cli --cluster reshard` does, over connections that are kept.

use redis_servers::{Raw, RedisCluster, Reply};

/// Moves the slots from one master to another with their keys, while others read and write there.
///
/// The first one is moved as nodes must agree on; from then on the new master has the highest epoch, and takes no new one for
/// the slots that follow.
#[track_caller]
pub(crate) fn reshard(cluster: &RedisCluster, slots: std::ops::Range<u16>, to: usize) {
    let from = cluster.master_of(slots.start);
    cluster.move_slot(slots.start, to);
    let id = |place: usize| cluster.raw(place).call(&["CLUSTER", "MYID"]).text();
    let (from_id, to_id) = (id(from), id(to));
    let (mut old, mut new) = (cluster.raw(from), cluster.raw(to));
    let to_port = cluster.nodes[to].port().to_string();
    for slot in slots.start + 1..slots.end {
        let slot = slot.to_string();
        new.call(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]).expect_ok();
        old.call(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]).expect_ok();
        move_keys(&mut old, &slot, &to_port);
        new.call(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]).expect_ok();
        old.call(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]).expect_ok();
    }
    for slot in [slots.start, slots.end - 1] {
        redis_servers::until("the slots are at their new master", || {
            (cluster.master_of(slot) == to).then_some(())
        });
    }
}

#[track_caller]
fn move_keys(old: &mut Raw, slot: &str, to_port: &str) {
    loop {
        let keys = old.call(&["CLUSTER", "GETKEYSINSLOT", slot, "10"]).list();
        if keys.is_empty() {
            return;
        }
        for key in keys {
            let Reply::Bytes(key) = key else { panic!("{key:?} is no key") };
            let command: [&[u8]; 6] = [b"MIGRATE", b"127.0.0.1", to_port.as_bytes(), &key, b"0", b"5000"];
            let answer = old.call(&command).text();
            assert!(["OK", "NOKEY"].contains(&answer.as_str()), "MIGRATE: {answer}");
        }
    }
}

/// The number of tenants whose rows of a table are in these slots.
pub(crate) fn tenants_in(
    cluster: &RedisCluster,
    table: &str,
    slots: &std::ops::Range<u16>,
    count: usize,
) -> Vec<String> {
    let mut raw = cluster.raw(0);
    let mut is_there = |tenant: &String| {
        let Reply::Int(slot) = raw.call(&["CLUSTER", "KEYSLOT", &format!("{{{table}.{tenant}}}k")]) else {
            panic!("no slot")
        };
        u16::try_from(slot).is_ok_and(|slot| slots.contains(&slot))
    };
    (0..).map(|number| format!("tenant-{number}")).filter(|tenant| is_there(tenant)).take(count).collect()
}
