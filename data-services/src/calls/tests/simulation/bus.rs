mod checks;
mod keys;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

pub(super) use keys::Keys;

use super::call_record::CallRecord;
use super::network::{Faults, Flight, Network};
use crate::Instance;
use crate::calls::tests::message_name::name;
use crate::calls::tests::pair::{message_to, node, secs};
use crate::calls::{CallId, CallMessage, CallOptions, Callee, CalleeEffect, Caller, CallerEffect, RunId};
use crate::packet::{Destination, Outgoing};

/// Nodes that call each other, and themselves, for a minute.
const NODES: usize = 4;
const MINUTE: Duration = Duration::from_secs(60);

struct Node {
    caller: Caller,
    callee: Callee,
    calls: BTreeMap<CallId, u64>,
}

/// Something that a test does at a time.
#[derive(Debug, Clone, Copy)]
enum Plan {
    Call {
        from: usize,
        to: usize,
        tag: u64,
    },
    Cancel {
        from: usize,
        id: CallId,
    },
    /// A method ends.
    End {
        node: usize,
        run: RunId,
        tag: u64,
    },
    /// A second has passed.
    Second,
}

/// One line of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Happened {
    pub(super) at: Duration,
    node: usize,
    what: &'static str,
}

/// Nodes on a network, in virtual time.
pub(super) struct Bus {
    seed: u64,
    keys: Keys,
    rng: fastrand::Rng,
    now: Duration,
    nodes: Vec<Node>,
    network: Network,
    plans: BTreeMap<(Duration, u64), Plan>,
    calls: BTreeMap<u64, CallRecord>,
    serial: u64,
    history: Vec<Happened>,
}

impl Plan {
    fn node(self) -> usize {
        match self {
            Self::Call { from: node, .. } | Self::Cancel { from: node, .. } | Self::End { node, .. } => node,
            Self::Second => NODES,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Call { .. } => "calls",
            Self::Cancel { .. } => "cancels",
            Self::End { .. } => "ends",
            Self::Second => "second",
        }
    }
}

fn options() -> CallOptions {
    CallOptions {
        longest_deadline: secs(30),
        running_per_service: 50,
        kept_results: 200,
        ..CallOptions::default()
    }
}

fn instance(place: usize) -> Instance {
    Instance::of(place as u64 + 1)
}

fn place(instance: Instance) -> usize {
    usize::try_from(instance.number()).unwrap() - 1
}

impl Bus {
    pub(super) fn new(seed: u64, faults: Faults) -> Self {
        Self::with(seed, faults, Keys::None)
    }

    /// Of calls that have keys or not.
    pub(super) fn with(seed: u64, faults: Faults, keys: Keys) -> Self {
        let new_node = |place| Node {
            caller: Caller::new(options()),
            callee: Callee::new(instance(place), options()),
            calls: BTreeMap::new(),
        };
        let mut bus = Self {
            seed,
            keys,
            rng: fastrand::Rng::with_seed(seed),
            now: Duration::ZERO,
            nodes: (0..NODES).map(new_node).collect(),
            network: Network::new(faults),
            plans: BTreeMap::new(),
            calls: BTreeMap::new(),
            serial: 0,
            history: Vec::new(),
        };
        let mut to = 0;
        for tag in 0..100 {
            let at = MINUTE.mul_f64(bus.rng.f64());
            let (from, next) = (bus.rng.usize(..NODES), bus.rng.usize(..NODES));
            if keys.first_of(tag) == tag {
                to = next;
            }
            bus.plan(at, Plan::Call { from, to, tag });
        }
        bus.plan(secs(1), Plan::Second);
        bus
    }

    /// What happened, in order.
    pub(super) fn history(&self) -> &[Happened] {
        &self.history
    }

    fn plan(&mut self, at: Duration, plan: Plan) {
        self.serial += 1;
        self.plans.insert((at, self.serial), plan);
    }

    /// Runs until nothing is left to do.
    pub(super) fn run(&mut self) {
        while let Some(next) = self.next() {
            self.now = self.now.max(next);
            while let Some(plan) = self.plans.first_entry().filter(|first| first.key().0 <= self.now) {
                let plan = plan.remove();
                self.act(plan);
            }
            while let Some(flight) = self.network.arrived(self.now) {
                self.deliver(flight);
            }
            for place in 0..NODES {
                self.acknowledge(place);
                self.tick(place);
            }
        }
    }

    fn next(&self) -> Option<Duration> {
        let plans = self.plans.keys().next().map(|(at, _)| *at);
        let of_node = |node: &Node| [node.caller.deadline(), node.callee.deadline()];
        let nodes = self.nodes.iter().flat_map(of_node);
        nodes.chain([plans, self.network.next()]).flatten().min()
    }

    fn act(&mut self, plan: Plan) {
        self.history.push(Happened { at: self.now, node: plan.node(), what: plan.name() });
        match plan {
            Plan::Call { from, to, tag } => self.call(from, to, tag),
            Plan::Cancel { from, id } => {
                let mut effects = Vec::new();
                self.nodes[from].caller.cancel(self.now, id, &mut effects);
                self.of_caller(from, effects);
            }
            Plan::End { node, run, tag } => {
                let result = Ok(json!(tag * 10));
                let mut effects = Vec::new();
                self.nodes[node].callee.finished(run, result, &mut effects);
                self.of_callee(node, effects);
            }
            Plan::Second => self.second(),
        }
    }

    fn call(&mut self, from: usize, to: usize, tag: u64) {
        let limit = secs(30).mul_f64(self.rng.f64());
        let work = secs(if self.rng.bool() { 1 } else { 20 }).mul_f64(self.rng.f64());
        let is_cancelled = self.rng.u8(..) < 20;
        let mut effects = Vec::new();
        let (target, caller) = (node(to as u64 + 1), &mut self.nodes[from].caller);
        let (invocation, argument) = (self.keys.invocation(tag), json!(self.keys.first_of(tag)));
        let id = caller.call(self.now, &target, invocation, &argument, limit, &mut effects).unwrap();
        self.nodes[from].calls.insert(id, tag);
        let mut call = CallRecord::new(self.now, limit, work, is_cancelled);
        // It has run already if another call with its key was first.
        call.runs = self.calls.get(&tag).map_or(0, |early| early.runs);
        self.calls.insert(tag, call);
        self.of_caller(from, effects);
        if is_cancelled {
            let at = self.now + secs(5).mul_f64(self.rng.f64());
            self.plan(at, Plan::Cancel { from, id });
        }
    }

    /// Once a second, for a minute: faults of links and nodes.
    fn second(&mut self) {
        self.network.cut(self.now, NODES, &mut self.rng);
        if self.network.loses_a_peer(&mut self.rng) {
            let (from, lost) = (self.rng.usize(..NODES), instance(self.rng.usize(..NODES)));
            let (mut of_caller, mut of_callee) = (Vec::new(), Vec::new());
            self.nodes[from].caller.peer_lost(self.now, lost, &mut of_caller);
            self.nodes[from].callee.peer_lost(lost, &mut of_callee);
            self.of_caller(from, of_caller);
            self.of_callee(from, of_callee);
        }
        if self.now < MINUTE {
            self.plan(self.now + secs(1), Plan::Second);
        }
    }

    fn deliver(&mut self, Flight { from, to, message }: Flight) {
        self.history.push(Happened { at: self.now, node: to, what: name(&message) });
        let source = node(from as u64 + 1);
        let (mut of_caller, mut of_callee) = (Vec::new(), Vec::new());
        self.nodes[to].callee.received(self.now, &source, message.clone(), &mut of_callee);
        self.nodes[to].caller.received(self.now, &source, message, &mut of_caller);
        self.of_callee(to, of_callee);
        self.of_caller(to, of_caller);
    }

    fn acknowledge(&mut self, place: usize) {
        let mut effects = Vec::new();
        self.nodes[place].callee.acknowledge(&mut effects);
        self.of_callee(place, effects);
    }

    fn tick(&mut self, place: usize) {
        let (mut of_caller, mut of_callee) = (Vec::new(), Vec::new());
        self.nodes[place].caller.tick(self.now, &mut of_caller);
        self.nodes[place].callee.tick(self.now, &mut of_callee);
        self.of_caller(place, of_caller);
        self.of_callee(place, of_callee);
    }

    fn send(&mut self, from: usize, outgoing: Outgoing) {
        let Destination::Instance(to) = outgoing.to else { panic!("not to one node: {outgoing:?}") };
        let message: CallMessage = message_to(to, outgoing);
        let flight = Flight { from, to: place(to), message };
        self.network.send(self.now, &mut self.rng, &flight);
    }

    fn of_caller(&mut self, from: usize, effects: Vec<CallerEffect>) {
        for effect in effects {
            match effect {
                CallerEffect::Send(outgoing) => self.send(from, outgoing),
                CallerEffect::Part { .. } | CallerEffect::Credit(_) => {
                    panic!("a part of a call without parts")
                }
                CallerEffect::Finished { id, result } => {
                    let tag = self.nodes[from].calls[&id];
                    self.calls.get_mut(&tag).unwrap().ends.push((self.now, result));
                }
            }
        }
    }

    fn of_callee(&mut self, at: usize, effects: Vec<CalleeEffect>) {
        for effect in effects {
            match effect {
                CalleeEffect::Send(outgoing) => self.send(at, outgoing),
                CalleeEffect::Run { run, arguments, .. } => {
                    let tag = arguments.as_u64().unwrap();
                    // Another call with its key may be first.
                    let early = || CallRecord::new(self.now, secs(1), secs(1), true);
                    let call = self.calls.entry(tag).or_insert_with(early);
                    call.runs += 1;
                    let end = self.now + call.work;
                    self.plan(end, Plan::End { node: at, run, tag });
                }
                // The methods of this test end when they end.
                CalleeEffect::Cancel(_) | CalleeEffect::Credit(_) => {}
                CalleeEffect::Argument { .. } | CalleeEffect::ArgumentsEnd(_) => panic!("no call has parts"),
            }
        }
    }
}
