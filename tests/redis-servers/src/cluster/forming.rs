use super::{MASTERS, RedisCluster, SLOTS};
use crate::{Raw, Reply, until};

/// The steps from six servers to a cluster.
impl RedisCluster {
    pub(super) fn share_out(&self) {
        for place in 0..MASTERS {
            let first = |place: usize| usize::from(SLOTS) * place / MASTERS;
            // Redis 6.2 has no ADDSLOTSRANGE.
            let slots = (first(place)..first(place + 1)).map(|slot| slot.to_string());
            let command = ["CLUSTER", "ADDSLOTS"].map(str::to_owned).into_iter().chain(slots);
            self.raw(place).call(&command.collect::<Vec<_>>()).expect_ok();
        }
        for place in 0..self.nodes.len() {
            let epoch = (place + 1).to_string();
            self.raw(place).call(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]).expect_ok();
        }
    }

    pub(super) fn meet(&self) {
        let mut first = self.raw(0);
        for node in &self.nodes[1..] {
            first.call(&["CLUSTER", "MEET", "127.0.0.1", &node.port_for_nodes().to_string()]).expect_ok();
        }
        self.wait_for_all("all nodes know each other", |raw| {
            let info = raw.call(&["CLUSTER", "INFO"]).text();
            info.contains("cluster_known_nodes:6") && info.contains("cluster_slots_ok:16384")
        });
    }

    pub(super) fn follow(&self) {
        for place in MASTERS..2 * MASTERS {
            let master = self.id(place - MASTERS);
            self.raw(place).call(&["CLUSTER", "REPLICATE", &master]).expect_ok();
        }
        for place in MASTERS..2 * MASTERS {
            let mut raw = self.raw(place);
            until("a replica follows its master", || {
                raw.call(&["INFO", "replication"]).text().contains("master_link_status:up").then_some(())
            });
        }
        self.wait_for_all("all nodes know all replicas", |raw| {
            let slots = raw.call(&["CLUSTER", "SLOTS"]).list();
            let is_whole = |range: Reply| range.list().len() == 4;
            slots.len() == MASTERS
                && slots.into_iter().all(is_whole)
                && raw.call(&["CLUSTER", "INFO"]).text().contains("cluster_state:ok")
        });
    }

    fn wait_for_all(&self, what: &str, mut is_so: impl FnMut(&mut Raw) -> bool) {
        for place in 0..self.nodes.len() {
            let mut raw = self.raw(place);
            until(what, || is_so(&mut raw).then_some(()));
        }
    }
}
