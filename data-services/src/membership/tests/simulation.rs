mod deliveries;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use super::network::{Network, Place};
use deliveries::Delivery;

use crate::membership::{Membership, MembershipEffect, MembershipMessage, MembershipOptions, TableHead};
use crate::packet::Destination;
use crate::{Instance, NodeEntry, NodeId, NodeInstance, ServiceEntry, ServiceId};

/// How nodes are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wiring {
    /// Everyone receives what is sent to everyone.
    Broker,
    /// A node receives what those send that it is connected to, and the driver reports when a connection has begun.
    Mesh,
    /// The same with a driver that does not report it.
    BlindMesh,
}

/// One instance of a node.
pub(crate) struct Node {
    pub(crate) me: NodeInstance,
    pub(crate) endpoint: Option<String>,
    pub(crate) membership: Membership,
    pub(crate) is_running: bool,
    deadline: Duration,
    /// The endpoints that it is connected to, and when the connection carries packets.
    pub(crate) links: BTreeMap<String, Duration>,
    /// Everything but packets and links, with the time.
    pub(crate) log: Vec<(Duration, MembershipEffect)>,
    pub(crate) heads: Vec<TableHead>,
}

/// Whether a message from one node to another is lost.
pub(crate) type Loses = Box<dyn FnMut(Place, Place, &MembershipMessage) -> bool>;

/// Nodes, a network and a clock.
pub(crate) struct Simulation {
    pub(crate) wiring: Wiring,
    pub(crate) network: Network,
    pub(crate) now: Duration,
    pub(crate) nodes: Vec<Node>,
    queue: BinaryHeap<Reverse<(Duration, u64)>>,
    deliveries: BTreeMap<u64, Delivery>,
    next_delivery: u64,
    /// The number of messages by request channels.
    pub(crate) introductions: u64,
    /// Messages to drop: a test sets it to lose exactly one.
    pub(crate) loses: Loses,
}

impl Simulation {
    pub(crate) fn new(wiring: Wiring, seed: u64) -> Self {
        Self {
            wiring,
            network: Network::new(seed),
            now: Duration::from_secs(1000),
            nodes: Vec::new(),
            queue: BinaryHeap::new(),
            deliveries: BTreeMap::new(),
            next_delivery: 0,
            introductions: 0,
            loses: Box::new(|_, _, _| false),
        }
    }

    /// Nodes `n0`, `n1` … that start together; on a mesh, with the first as their seed.
    pub(crate) fn of(wiring: Wiring, count: usize, seed: u64) -> Self {
        let mut simulation = Self::new(wiring, seed);
        for number in 0..count {
            simulation.start(&format!("n{number}"), &["tcp://h0:1"]);
        }
        simulation
    }

    /// Starts a node with an entry of one service, `service-<place>`, at an endpoint of its own.
    pub(crate) fn start(&mut self, node: &str, seeds: &[&str]) -> Place {
        let endpoint = format!("tcp://h{}:1", self.nodes.len());
        let boot = 1_000_000 + self.nodes.len() as u64;
        self.start_at(node, &endpoint, boot, seeds)
    }

    /// Starts a node with this endpoint and time of start.
    pub(crate) fn start_at(&mut self, node: &str, endpoint: &str, boot: u64, seeds: &[&str]) -> Place {
        let place = self.nodes.len();
        let instance = Instance::of(self.network.rng.u64(1..));
        let me = NodeInstance { node: NodeId::new(node).unwrap(), instance, boot };
        let (endpoint, seeds) = match self.wiring {
            Wiring::Broker => (None, Vec::new()),
            Wiring::Mesh | Wiring::BlindMesh => {
                (Some(endpoint.to_owned()), seeds.iter().map(|seed| (*seed).to_owned()).collect())
            }
        };
        let rng = fastrand::Rng::with_seed(self.network.rng.u64(..));
        let options = MembershipOptions::default();
        let membership = Membership::new(me.clone(), endpoint.clone(), seeds, options, rng);
        self.nodes.push(Node {
            me,
            endpoint,
            membership,
            is_running: true,
            deadline: Duration::MAX,
            links: BTreeMap::new(),
            log: Vec::new(),
            heads: Vec::new(),
        });
        (0..place).for_each(|other| self.report_listener(other, place, self.now));
        self.act(place, |membership, now, effects| {
            membership.set_entry(entry_of(&format!("service-{place}")), effects).unwrap();
            membership.start(now, effects);
        });
        place
    }

    /// Ends a node without a word.
    pub(crate) fn crash(&mut self, place: Place) {
        self.nodes[place].is_running = false;
    }

    /// Does something with one node, and carries out its effects.
    pub(crate) fn act<T>(
        &mut self,
        place: Place,
        act: impl FnOnce(&mut Membership, Duration, &mut Vec<MembershipEffect>) -> T,
    ) -> T {
        let mut effects = Vec::new();
        let result = act(&mut self.nodes[place].membership, self.now, &mut effects);
        for effect in effects {
            self.carry_out(place, effect);
        }
        self.nodes[place].deadline = self.nodes[place].membership.deadline();
        result
    }

    fn carry_out(&mut self, place: Place, effect: MembershipEffect) {
        match effect {
            MembershipEffect::Send(outgoing) => {
                let receivers = (0..self.nodes.len()).filter(|to| *to != place);
                let receivers: Vec<Place> = match outgoing.to {
                    Destination::Everyone => receivers.filter(|to| self.is_linked(place, *to)).collect(),
                    Destination::Instance(instance) => receivers
                        .filter(|to| self.nodes[*to].me.instance == instance && self.is_linked(place, *to))
                        .collect(),
                    Destination::Followers(_) => panic!("membership has no followers"),
                };
                self.send(place, &receivers, outgoing.message);
            }
            MembershipEffect::Introduce { endpoint, message } => {
                self.introductions += 1;
                let receivers: Vec<Place> = self.host_of(&endpoint).into_iter().collect();
                self.send(place, &receivers, message);
            }
            MembershipEffect::Connect(endpoint) => {
                // A subscription is active some time after it was made.
                let active = self.now + self.network.link_delay();
                let old = self.nodes[place].links.insert(endpoint.clone(), active);
                assert_eq!(old, None, "node {place} connects twice to {endpoint}");
                if let Some(there) = self.host_of(&endpoint) {
                    self.report_listener(place, there, active);
                }
            }
            MembershipEffect::Disconnect(endpoint) => {
                let old = self.nodes[place].links.remove(&endpoint);
                assert!(
                    old.is_some(),
                    "node {place} disconnects from {endpoint}, to which it has no connection"
                );
            }
            other => self.nodes[place].log.push((self.now, other)),
        }
    }

    /// Lets this time pass.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    /// Lets time pass until something holds, which is looked at every 10 ms; fails after this time.
    pub(crate) fn run_until(
        &mut self,
        time: Duration,
        what: &str,
        holds: impl Fn(&Self) -> bool,
    ) -> Duration {
        let (start, end) = (self.now, self.now + time);
        while !holds(self) {
            assert!(self.now < end, "after {time:?}: {what}\n{}", self.table());
            self.run(Duration::from_millis(10));
        }
        self.now - start
    }

    /// Does the next thing that happens before `end`.
    fn step(&mut self, end: Duration) -> bool {
        let running = self.nodes.iter().enumerate().filter(|(_, node)| node.is_running);
        let tick = running.map(|(place, node)| (node.deadline, place)).min();
        let arrival = self.queue.peek().map(|Reverse((at, number))| (*at, *number));
        let tick_at = tick.map_or(Duration::MAX, |(at, _)| at);
        let arrival_at = arrival.map_or(Duration::MAX, |(at, _)| at);
        if tick_at.min(arrival_at) > end {
            return false;
        }
        self.now = self.now.max(tick_at.min(arrival_at));
        if let Some((_, number)) = arrival.filter(|_| arrival_at <= tick_at) {
            self.queue.pop();
            let delivery = self.deliveries.remove(&number).unwrap();
            if self.nodes[delivery.to].is_running {
                self.deliver(delivery);
            }
        } else if let Some((_, place)) = tick {
            let heads = self.nodes[place].heads.clone();
            self.act(place, |membership, now, effects| membership.tick(now, || heads, effects));
            assert!(self.nodes[place].deadline > self.now, "node {place} is due again at once");
        }
        true
    }

    /// Lets the nodes of each part find each other.
    pub(crate) fn settle_parts(&mut self, parts: &[&[Place]]) {
        self.run_until(Duration::from_secs(30), "a part is not complete", |simulation| {
            parts.iter().all(|part| simulation.is_complete(part))
        });
    }

    /// Lets all running nodes find each other.
    pub(crate) fn settle(&mut self) -> Duration {
        let running: Vec<Place> =
            (0..self.nodes.len()).filter(|place| self.nodes[*place].is_running).collect();
        self.run_until(Duration::from_secs(30), "not all nodes are up at each other", |simulation| {
            simulation.is_complete(&running)
        })
    }
}

/// Returns an entry with one service.
pub(crate) fn entry_of(service: &str) -> NodeEntry {
    let service = (ServiceId::new(service).unwrap(), ServiceEntry::default());
    NodeEntry { services: [service].into(), ..NodeEntry::default() }
}
