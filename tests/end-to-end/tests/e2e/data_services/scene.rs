use std::path::PathBuf;

use end_to_end::{Folder, Launch, Program, until};
use redis_servers::RedisServer;
use serde_json::Value;

/// One bus with nodes as processes. A node that is killed is missed after two seconds.
pub(super) struct Scene {
    pub(super) folder: Folder,
    sets: Vec<String>,
    /// The address of the first node, on drivers without a broker.
    seed: Option<String>,
}

/// A node that is ready.
pub(super) struct Node {
    pub(super) program: Program,
    /// The line with which it announced itself.
    pub(super) ready: Value,
}

/// The service of most tests: two tables that callers push.
pub(super) const STORE: &str = "[[service]]\nid = \"store\"\nkind = \"pushed\"\naddresses = [\"shop.all\"]\noptions = { tables = { t = [\"id\"], u = [] } }\n";

impl Scene {
    pub(super) fn zmtp() -> Self {
        Self::new(Vec::new())
    }

    pub(super) fn redis(server: &RedisServer) -> Self {
        let hosts = format!("drivers.redis.hosts={}", server.address());
        Self::new(vec!["pub_sub_driver=redis_db_pubsub_driver".to_owned(), hosts])
    }

    fn new(mut sets: Vec<String>) -> Self {
        let times = ["heartbeat=200ms", "suspect_after=1s", "down_after=2s", "port=0"];
        sets.extend(times.iter().map(|set| format!("data_services.{set}")));
        Self { folder: Folder::new(), sets, seed: None }
    }

    /// Adds settings for every node and command that is launched from now on.
    pub(super) fn add_sets(&mut self, sets: Vec<String>) {
        self.sets.extend(sets);
    }

    /// Somebody who knows the address of the first node and the name of the bus, and nothing else.
    pub(super) fn stranger(&self) -> Self {
        Self { seed: self.seed.clone(), ..Self::zmtp() }
    }

    fn with_sets(&self, launch: Launch) -> Launch {
        let seed = self.seed.iter().map(|seed| format!("data_services.seeds={seed}"));
        let sets = self.sets.iter().cloned().chain(seed);
        sets.fold(launch, |launch, set| launch.args(["--set".to_owned(), set]))
    }

    /// The host and port of the first node.
    pub(super) fn seed(&self) -> &str {
        self.seed.as_deref().expect("a node on a driver without a broker")
    }

    /// Writes the services file of a node.
    pub(super) fn write_services(&self, name: &str, services: &str) -> PathBuf {
        self.folder.write(&format!("{name}-services.toml"), services)
    }

    /// The command line of a node with services.
    pub(super) fn launch(&self, name: &str, services: &str) -> Launch {
        self.launch_as(&["dse", "run"], name, services)
    }

    /// A command with the settings of a node with services.
    pub(super) fn launch_as(&self, command: &[&str], name: &str, services: &str) -> Launch {
        let file = self.write_services(name, services);
        let launch = Launch::new("skimmer", name, self.folder.path());
        let launch = launch.args(command).args(["--config".into(), self.folder.config().into_os_string()]);
        let launch = self.with_sets(launch).set("data_services.services_file", file.display());
        let state_dir = self.folder.state_dir(&format!("{name}.state"));
        launch.set("data_services.node_id", name).set("state_dir", state_dir.display())
    }

    /// A node that is ready.
    #[track_caller]
    pub(super) fn node(&mut self, name: &str, services: &str) -> Node {
        self.ready(self.launch(name, services))
    }

    /// Starts a command line of a node, and waits until it is ready.
    #[track_caller]
    pub(super) fn ready(&mut self, launch: Launch) -> Node {
        let program = launch.start();
        let ready = program.wait_for("the ready line", |line| line["ready"] == true);
        if let Some(endpoint) = ready["network"].as_str() {
            let address = endpoint.split_once("://").map_or(endpoint, |(_, address)| address);
            self.seed.get_or_insert(address.to_owned());
        }
        Node { program, ready }
    }

    /// `skimmer dse …` on this bus.
    pub(super) fn command(&self, command: &[&str]) -> Launch {
        let launch = Launch::new("skimmer", "skimmer", self.folder.path()).args(["dse"]).args(command);
        self.with_sets(launch.args(["--config".into(), self.folder.config().into_os_string()]))
    }

    /// The same as a process that runs on, called `name`.
    pub(super) fn start(&self, name: &str, command: &[&str]) -> Program {
        let launch = Launch::new("skimmer", name, self.folder.path()).args(["dse"]).args(command);
        self.with_sets(launch.args(["--config".into(), self.folder.config().into_os_string()])).start()
    }

    /// The JSON that a command prints.
    #[track_caller]
    pub(super) fn json(&self, command: &[&str]) -> Value {
        self.command(command).run().expect(0).json()
    }

    /// Pushes rows to the table `t` of the service `store`.
    #[track_caller]
    pub(super) fn push(&self, rows: &Value) {
        let arguments = serde_json::json!({"table": "t", "rows": rows}).to_string();
        let _ = self.command(&["call", "store", "push", &arguments]).run().expect(0);
    }

    /// Waits until the node launched as `name` sees a peer in a state, by its status socket.
    #[track_caller]
    pub(super) fn wait_for_peer(&self, name: &str, peer: &str, state: &str) {
        until(&format!("{name} sees {peer} as {state}"), || {
            let status = self.folder.status(name);
            let peers = status["parts"]["node"]["peers"].as_array()?.clone();
            peers.iter().any(|one| one["endpoint"] == peer && one["state"] == state).then_some(())
        });
    }
}
