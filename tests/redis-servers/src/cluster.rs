mod forming;

use std::time::Duration;

use crate::{Authority, Certified, Raw, RedisServer, Reply, ServerProgram, until};

const SLOTS: u16 = 16_384;
const MASTERS: usize = 3;

/// Three masters, each with a third of the slots, and one replica of each.
#[derive(Debug)]
pub struct RedisCluster {
    /// The initial masters, then their replicas in the same order.
    pub nodes: Vec<RedisServer>,
}

/// A slot that is moving from one master to another.
#[derive(Debug)]
pub struct Move<'a> {
    cluster: &'a RedisCluster,
    slot: u16,
    from: usize,
    to: usize,
}

impl RedisCluster {
    /// Starts a cluster with a long node timeout: even on a busy machine, no node counts as dead. When this returns, it serves
    /// all slots, and its replicas are synchronized.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        Self::with_node_timeout(Duration::from_secs(60))
    }

    /// The same with a given program.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    #[track_caller]
    pub fn start_program(program: ServerProgram) -> Self {
        let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "60000"];
        Self::of((0..2 * MASTERS).map(|_| RedisServer::start_program(program, &options)).collect())
    }

    /// The same as [`start`](Self::start), but a node that does not answer for `node_timeout` counts as dead, and its replica
    /// takes over.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    #[track_caller]
    pub fn with_node_timeout(node_timeout: Duration) -> Self {
        let millis = node_timeout.as_millis().to_string();
        let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", &millis];
        Self::of((0..2 * MASTERS).map(|_| RedisServer::start(&options)).collect())
    }

    /// The same as [`start`](Self::start), but the nodes use TLS among themselves and with clients at
    /// [`tls_address`](RedisServer::tls_address); all have the certificate `own`.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    #[track_caller]
    pub fn start_tls(authority: &Authority, own: &Certified) -> Self {
        let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "60000"];
        let options = [&options[..], &["--tls-cluster", "yes", "--tls-replication", "yes"]].concat();
        Self::of((0..2 * MASTERS).map(|_| RedisServer::start_tls(authority, own, &options)).collect())
    }

    #[track_caller]
    fn of(nodes: Vec<RedisServer>) -> Self {
        let cluster = Self { nodes };
        cluster.share_out();
        cluster.meet();
        cluster.follow();
        // The links on which nodes forward events are established only now.
        cluster.settle_the_bus();
        cluster
    }

    /// The addresses for `drivers.redis.hosts`.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::address).collect()
    }

    /// Disconnects clients, and deletes all that they wrote.
    ///
    /// # Panics
    /// If an initial master is not a master any more.
    #[track_caller]
    pub fn empty(&self) {
        for place in 0..MASTERS {
            let mut raw = self.raw(place);
            raw.call(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
            raw.call(&["FLUSHALL"]).expect_ok();
        }
    }

    /// The node that serves a slot, according to the living nodes: its position in [`nodes`](Self::nodes).
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    #[track_caller]
    pub fn master_of(&self, slot: u16) -> usize {
        until("a node serves the slot", || (0..self.nodes.len()).find(|place| self.claims(*place, slot)))
    }

    /// Starts to move a slot: its keys stay where they are, and new ones go to the new master (ASK).
    ///
    /// # Panics
    /// If a node refuses.
    #[track_caller]
    pub fn begin_move(&self, slot: u16, to: usize) -> Move<'_> {
        let from = self.master_of(slot);
        assert_ne!(from, to, "the slot is there already");
        let (from_id, to_id) = (self.id(from), self.id(to));
        let slot_text = slot.to_string();
        self.raw(to).call(&["CLUSTER", "SETSLOT", &slot_text, "IMPORTING", &from_id]).expect_ok();
        self.raw(from).call(&["CLUSTER", "SETSLOT", &slot_text, "MIGRATING", &to_id]).expect_ok();
        Move { cluster: self, slot, from, to }
    }

    /// Moves a slot with its keys.
    ///
    /// # Panics
    /// If a node refuses.
    #[track_caller]
    pub fn move_slot(&self, slot: u16, to: usize) {
        let moving = self.begin_move(slot, to);
        moving.keys();
        moving.finish();
    }

    /// Moves a slot with its keys atomically, as Valkey 9 does: `CLUSTER MIGRATESLOTS`. The old master serves the slot until
    /// the new one has everything; there is no ASK.
    ///
    /// # Panics
    /// If the old master refuses, or aborts the move.
    #[track_caller]
    pub fn migrate_slot(&self, slot: u16, to: usize) {
        let from = self.master_of(slot);
        assert_ne!(from, to, "the slot is there already");
        let (slot_text, to_id) = (slot.to_string(), self.id(to));
        let command = ["CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", &slot_text, &slot_text, "NODE", &to_id];
        self.raw(from).call(&command).expect_ok();
        until("all nodes know that the slot has moved", || {
            let claims = |place: &usize| self.claims(*place, slot);
            ((0..self.nodes.len()).filter(claims).collect::<Vec<_>>() == [to]).then_some(())
        });
    }

    /// A connection to one node.
    ///
    /// # Panics
    /// If it is dead.
    #[must_use]
    #[track_caller]
    pub fn raw(&self, place: usize) -> Raw {
        self.nodes[place].raw()
    }

    fn id(&self, place: usize) -> String {
        self.raw(place).call(&["CLUSTER", "MYID"]).text()
    }

    /// Whether a node claims to serve a slot.
    fn claims(&self, place: usize, slot: u16) -> bool {
        self.own_ranges(place).iter().any(|range| range.contains(&slot))
    }

    fn wait_for_one_epoch(&self) {
        until("the nodes agree on the epoch", || {
            let epoch = |place| {
                let info = self.raw(place).call(&["CLUSTER", "INFO"]).text();
                info.lines().find(|line| line.starts_with("cluster_current_epoch")).map(str::to_owned)
            };
            let first = epoch(0);
            (1..self.nodes.len()).all(|place| epoch(place) == first).then_some(())
        });
    }

    /// The slots that a node claims to serve.
    fn own_ranges(&self, place: usize) -> Vec<std::ops::RangeInclusive<u16>> {
        let nodes =
            Raw::connect(self.nodes[place].port()).and_then(|mut raw| raw.try_call(&["CLUSTER", "NODES"]));
        let nodes = nodes.map(|reply| reply.text()).unwrap_or_default();
        let own = nodes.lines().find(|line| line.contains("myself,master")).unwrap_or_default();
        let ranges = own.split(' ').skip(8).filter(|range| !range.starts_with('['));
        let parse = |range: &str| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            first.parse().unwrap()..=last.parse().unwrap()
        };
        ranges.map(parse).collect()
    }
}

impl Move<'_> {
    /// Moves the current keys, one by one.
    ///
    /// # Panics
    /// If a node refuses.
    #[track_caller]
    pub fn keys(&self) {
        let mut from = self.cluster.raw(self.from);
        let port = self.cluster.nodes[self.to].port_for_nodes().to_string();
        loop {
            let keys = from.call(&["CLUSTER", "GETKEYSINSLOT", &self.slot.to_string(), "10"]).list();
            if keys.is_empty() {
                return;
            }
            for key in keys {
                let Reply::Bytes(key) = key else { panic!("{key:?} is no key") };
                let command: [&[u8]; 6] = [b"MIGRATE", b"127.0.0.1", port.as_bytes(), &key, b"0", b"5000"];
                let answer = from.call(&command).text();
                assert!(["OK", "NOKEY"].contains(&answer.as_str()), "MIGRATE: {answer}");
            }
        }
    }

    /// Assigns the slot to its new master; all masters know it when this returns.
    ///
    /// Nodes must agree on the epoch before and on the slot after it: a new master that gives itself an epoch below that of
    /// the old one loses the slot again, with its keys, to a claim that the old one sent before it gave up the slot.
    ///
    /// # Panics
    /// If a node refuses.
    #[track_caller]
    pub fn finish(self) {
        self.cluster.wait_for_one_epoch();
        let to = self.cluster.id(self.to);
        // The new master first, as the specification requires: otherwise the old one would redirect to itself.
        let others = (0..MASTERS).filter(|place| *place != self.to && *place != self.from);
        for place in [self.to, self.from].into_iter().chain(others) {
            self.cluster
                .raw(place)
                .call(&["CLUSTER", "SETSLOT", &self.slot.to_string(), "NODE", &to])
                .expect_ok();
        }
        self.cluster.wait_for_one_epoch();
        until("the slot is its new master's alone", || {
            let claims = |place: &usize| self.cluster.claims(*place, self.slot);
            ((0..self.cluster.nodes.len()).filter(claims).collect::<Vec<_>>() == [self.to]).then_some(())
        });
    }
}
