use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use data_services::{Instance, Node, NodeOptions};
use fastrand::Rng;
use faulty_driver::{Faults, FaultyNetwork};
use pubsub_api::{PubSubApi, Result};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use crate::record::Record;
use crate::replica::Replica;
use crate::station::{Role, Station};
use crate::validators;

/// How late a packet is, at most, with the faults of these tests.
pub(crate) const LATE_BY: Duration = Duration::from_secs(2);

/// The interval at which the validators look at every replica.
const SAMPLE: Duration = Duration::from_millis(250);

/// The boot time of a node at the beginning, in microseconds since 1970.
const FIRST_BOOT: u64 = 1_700_000_000_000_000;

/// How often a sample yields to the tasks that are ready: events of one moment are handed from task to task.
const YIELDS: usize = 32;

/// How long after the last fault everything is repaired.
const REPAIR: Duration = Duration::from_secs(60);

/// The nodes that every node knows from the start: one of them is reachable, usually.
const SEEDS: [&str; 2] = ["a", "b"];

/// One network with its nodes, and the record of what happens.
pub(crate) struct World {
    pub(crate) network: FaultyNetwork,
    pub(crate) record: Record,
    pub(crate) stations: BTreeMap<String, Station>,
    seed: u64,
    is_broker: bool,
    starts: u64,
    /// Draws the instances of the nodes.
    instances: Mutex<Rng>,
    began: Instant,
    /// The number of times that a node which started was refused.
    pub(crate) refusals: u64,
}

impl World {
    /// A network without a broker. The seed also decides the instances of the nodes.
    pub(crate) fn mesh(seed: u64) -> Self {
        Self::on(FaultyNetwork::mesh(seed), false, seed)
    }

    /// A network with a broker.
    pub(crate) fn broker(seed: u64) -> Self {
        Self::on(FaultyNetwork::broker(seed), true, seed)
    }

    fn on(network: FaultyNetwork, is_broker: bool, seed: u64) -> Self {
        Self {
            network,
            record: Record::default(),
            stations: BTreeMap::new(),
            seed,
            is_broker,
            starts: 0,
            instances: Mutex::new(Rng::with_seed(seed)),
            began: Instant::now(),
            refusals: 0,
        }
    }

    /// Joins a node, at an endpoint of its name unless another is given.
    pub(crate) async fn join(&self, node: &str, host: &str) -> Result<(Node, Arc<dyn PubSubApi>)> {
        self.join_with(host, NodeOptions::new(node)?).await
    }

    async fn join_with(&self, host: &str, mut options: NodeOptions) -> Result<(Node, Arc<dyn PubSubApi>)> {
        if !self.is_broker {
            options.seeds = SEEDS.map(|seed| format!("faulty://{seed}:1")).to_vec();
        }
        let (instance, boot) = self.next_start();
        options.start = Some((instance, options.start.map_or(boot, |(_, given)| given)));
        let driver = self.network.node_at(host, host, 1);
        let node = Node::join(options, Arc::clone(&driver), self.is_broker).await?;
        Ok((node, driver))
    }

    /// An instance, and the virtual time in microseconds: a node that starts again starts later.
    fn next_start(&self) -> (Instance, u64) {
        let mut instances = self.instances.lock().unwrap();
        let boot = u64::try_from(self.began.elapsed().as_micros()).unwrap();
        (Instance::of(instances.u64(1..)), FIRST_BOOT + boot + instances.u64(..100))
    }

    /// Starts a node. It is refused while the others wait for its earlier instance: it tries again.
    pub(crate) async fn start(&mut self, name: &str, role: Role) {
        self.start_with(name, role, |_| {}).await;
    }

    /// Starts a node as [`start`](Self::start) does, with options that `set` changes.
    pub(crate) async fn start_with(&mut self, name: &str, role: Role, set: impl Fn(&mut NodeOptions)) {
        let began = Instant::now();
        let mut options = NodeOptions::new(name).unwrap();
        set(&mut options);
        let (node, driver) = loop {
            match self.join_with(name, options.clone()).await {
                Ok(joined) => break joined,
                Err(error) => {
                    self.refusals += 1;
                    assert!(began.elapsed() < REPAIR, "{self:?}: {name} cannot join: {error}");
                    // The pause before another attempt.
                    self.run(Duration::from_secs(1)).await;
                }
            }
        };
        self.starts += 1;
        let station = Station::start(node, driver, role, &self.record, self.starts).await;
        assert!(self.stations.insert(name.to_owned(), station).is_none(), "{name} runs already");
    }

    pub(crate) async fn crash(&mut self, name: &str) {
        self.stations.remove(name).unwrap().crash().await;
    }

    pub(crate) async fn leave(&mut self, name: &str) {
        self.stations.remove(name).unwrap().leave().await;
    }

    pub(crate) fn station(&self, name: &str) -> &Station {
        &self.stations[name]
    }

    pub(crate) fn station_mut(&mut self, name: &str) -> &mut Station {
        self.stations.get_mut(name).unwrap()
    }

    /// Lets time pass, and looks at every replica.
    pub(crate) async fn run(&self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            // Virtual time passes in such steps.
            sleep(SAMPLE.min(end - Instant::now())).await;
            // The readers apply what was delivered at this moment.
            for _ in 0..YIELDS {
                yield_now().await;
            }
            self.sample();
        }
    }

    fn sample(&self) {
        let mut found = Vec::new();
        for station in self.stations.values() {
            let replicas: Vec<Replica> =
                station.replicas.iter().map(|one| one.lock().unwrap().clone()).collect();
            let mut events = self.record.lock();
            for replica in &replicas {
                found.extend(validators::fresh_or_stale(replica, &mut events));
            }
            if let [left, right, ..] = replicas.as_slice() {
                found.extend(validators::transactions_are_whole(left, right));
            }
        }
        self.record.lock().violations.extend(found);
        self.check();
    }

    /// Fails if a validator has found something.
    pub(crate) fn check(&self) {
        let events = self.record.lock();
        assert!(events.violations.is_empty(), "{self:?}: {:#?}", events.violations);
    }

    /// Ends all faults, and waits until everything is repaired.
    pub(crate) async fn repair(&self) {
        self.network.set_faults(Faults::NONE);
        self.network.heal();
        let began = Instant::now();
        loop {
            self.run(SAMPLE).await;
            let missing = self.missing().await;
            if missing.is_empty() {
                break;
            }
            assert!(began.elapsed() < REPAIR, "{self:?}: {REPAIR:?} after the last fault: {missing:#?}");
        }
        let mut events = self.record.lock();
        let mut found = validators::calls_end_once(&events);
        found.extend(validators::hooks_alternate(&events));
        events.violations.extend(found);
        drop(events);
        self.check();
    }

    /// What is not yet as it should be at rest.
    async fn missing(&self) -> Vec<String> {
        let mut found = Vec::new();
        let running = self.stations.values();
        let publishers: Vec<&str> =
            running.filter(|one| one.publishes()).map(|one| one.name.as_str()).collect();
        for station in self.stations.values() {
            for replica in &station.replicas {
                let replica = replica.lock().unwrap();
                found.extend(validators::convergent(&replica, &mut self.record.lock(), &publishers));
            }
            let report = station.node.report().await;
            match report {
                Ok(report) => found.extend(validators::bounded(&report)),
                Err(error) => found.push(format!("{}: {error}", station.name)),
            }
        }
        let open = self.record.lock().calls.open();
        if open > 0 {
            found.push(format!("{open} calls have not ended"));
        }
        found
    }
}

/// What reproduces a failure.
impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let network = if self.is_broker { "broker" } else { "mesh" };
        write!(f, "seed {} on a {network}", self.seed)
    }
}
