//! A service and an agent with endpoints for operators.

use end_to_end::{Folder, Launch, Program, Service, event, http_get, until};
use serde_json::Value;

/// A service with an endpoint on a free port.
pub(super) fn service_launch(folder: &Folder) -> Launch {
    folder.launch("publisher-service", "service").set("service.operations_bind", "127.0.0.1:0")
}

/// An agent of a service, with an endpoint on a free port.
pub(super) fn agent_launch(folder: &Folder, publishers: &str) -> Launch {
    let agent = folder.agent_launch("agent", publishers).args(["--pattern", "#"]);
    agent.set("agent.operations_bind", "127.0.0.1:0")
}

/// Both programs, and their endpoints.
pub(super) struct Scene {
    pub(super) folder: Folder,
    pub(super) service: Service,
    pub(super) agent: Program,
    pub(super) at_service: String,
    pub(super) at_agent: String,
}

impl Scene {
    /// Both are ready.
    pub(super) fn new() -> Self {
        let folder = Folder::new();
        let service = Service::ready(service_launch(&folder).start());
        let agent = agent_launch(&folder, service.address()).start();
        let (at_service, at_agent) = (folder.operations("service"), folder.operations("agent"));
        wait_until_ready(&at_agent);
        Self { folder, service, agent, at_service, at_agent }
    }
}

/// Waits until `/readyz` replies 200.
pub(super) fn wait_until_ready(endpoint: &str) {
    until("the program is ready", || (http_get(endpoint, "/readyz", &[]).status == 200).then_some(()));
}

/// Both programs with everything that has metrics: a database, a handler, a worker.
pub(super) struct WithTraffic {
    pub(super) folder: Folder,
    pub(super) at_service: String,
    pub(super) at_agent: String,
    _programs: (Service, Program),
    worker: Program,
    published: usize,
}

impl WithTraffic {
    /// Both are ready, and the worker has not published yet.
    pub(super) fn new() -> Self {
        let folder = Folder::with_settings("use_nb_db = \"yes\"\nnb_db_class = \"sqlite_nb_db_driver\"");
        let database = folder.path().join("northbound.db");
        let with_database = |launch: Launch| launch.set("drivers.sqlite.path", database.display());
        let service = Service::ready(with_database(service_launch(&folder)).start());
        let agent = with_database(agent_launch(&folder, service.address()))
            .args(["--exec-table", "handled=cat > /dev/null"])
            .start();
        let (at_service, at_agent) = (folder.operations("service"), folder.operations("agent"));
        wait_until_ready(&at_agent);
        let worker = folder.worker("worker");
        Self { folder, at_service, at_agent, _programs: (service, agent), worker, published: 0 }
    }

    /// Publishes an event.
    pub(super) fn publish(&mut self, event: &Value) {
        self.worker.write_line(&event.to_string());
    }

    /// Publishes a new row of the table `lport` on the topic `D`.
    pub(super) fn publish_one(&mut self) {
        self.published += 1;
        self.publish(&event("lport", &format!("port-{}", self.published), "create", "{}", "D"));
    }
}
