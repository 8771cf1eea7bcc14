//! What every fault happens to: a service at one address, started again and again, and its subscribers.

use std::fs;
use std::path::PathBuf;

use end_to_end::{Folder, Launch, Program, Service, counter, fixed_port};
use serde_json::Value;

/// A folder whose service has an id of its own and the same port at each start.
pub(crate) struct Scene {
    pub(crate) folder: Folder,
    port: u16,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with_settings("")
    }

    pub(crate) fn with_settings(more: &str) -> Self {
        let folder = Folder::with_settings(&format!("publisher_id = \"service-under-test\"\n{more}"));
        Self { folder, port: fixed_port() }
    }

    /// The command line of the service.
    pub(crate) fn launch(&self) -> Launch {
        self.folder.launch("publisher-service", "service").set("publisher_port", self.port)
    }

    pub(crate) fn service(&self) -> Service {
        Service::ready(self.launch().start())
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// An agent for every topic that writes what the validator needs.
    pub(crate) fn agent_launch(&self, name: &str) -> Launch {
        self.folder.agent_launch(name, &self.address()).args(["--pattern", "#", "--stamps"])
    }

    /// The same, running, and live.
    pub(crate) fn live_agent(&self, name: &str) -> Program {
        let agent = self.agent_launch(name).start();
        agent.wait_for_notice(0, "live");
        agent
    }

    /// A subscriber without a table: it prints whatever comes.
    pub(crate) fn live_printer(&self, name: &str) -> Program {
        let sub = ["sub", "--show-gaps", "--stamps", "--config"];
        let launch = Launch::new("skimmer", name, self.folder.path()).args(sub).args([self.folder.config()]);
        let printer = launch.set("publishers_ips", self.address()).start();
        printer.wait_for_notice(0, "live");
        printer
    }

    /// One counter of the delivery of a service or an agent.
    pub(crate) fn delivery(&self, name: &str, counted: &str) -> u64 {
        counter(&self.folder.status(name), "delivery", counted)
    }

    /// The segments of the service's ring, oldest first.
    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        let is_of = |path: &PathBuf, start: &str| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(start))
        };
        let below = |path: PathBuf| fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        let mut rings = below(self.folder.state_dir("service.state")).filter(|path| is_of(path, "ring-"));
        let ring = rings.next().expect("the service has a ring");
        let mut segments: Vec<PathBuf> = below(ring).filter(|path| is_of(path, "segment-")).collect();
        segments.sort();
        segments
    }
}

/// Whether faults are to be as many as the scenarios say.
pub(crate) fn is_long() -> bool {
    std::env::var_os("LONG").is_some_and(|long| !long.is_empty() && long != "0")
}

/// The notices of these names after a mark.
pub(crate) fn reported(program: &Program, mark: usize, names: &[&str]) -> Vec<Value> {
    let is_one = |line: &Value| end_to_end::notice(line).is_some_and(|name| names.contains(&name));
    program.lines().into_iter().skip(mark).filter(is_one).collect()
}
