//! A service and an agent with endpoints for operators.

use end_to_end::{Folder, Launch, Program, Service, http_get, until};

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
