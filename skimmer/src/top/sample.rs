use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use delivery::AgentReading;
use serde::Deserialize;
use service_kit::{Query, StatusDocument, query, request_status, status_sockets};
use tokio::task::JoinSet;

/// What the programs of a host reported at one time.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample {
    /// The time since the view began.
    pub(super) at: Duration,
    pub(super) programs: Vec<StatusDocument>,
    /// The agents of the publisher service; `None` if there is no service that agents report to.
    pub(super) agents: Option<SampledAgents>,
}

/// The agents of a service.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct SampledAgents {
    pub(super) agents: Vec<AgentReading>,
    /// The number of subscribers of each host that do not report; `None` if there are too many connections to tell.
    pub(super) unknown: Option<BTreeMap<String, u64>>,
}

impl Sample {
    /// Asks every program with a socket in `state_dir`, all at the same time. One that does not reply is left out.
    pub(super) async fn take(state_dir: &Path, at: Duration) -> Self {
        let mut requests = JoinSet::new();
        for socket in status_sockets(state_dir).unwrap_or_default() {
            requests.spawn(async move { request_status(&socket).await.ok() });
        }
        let agents = query(state_dir, "publisher-service", &Query::Agents).await.ok();
        let mut programs: Vec<StatusDocument> = requests.join_all().await.into_iter().flatten().collect();
        programs.sort_by(|one, other| one.program.cmp(&other.program));
        Self { at, programs, agents: agents.and_then(|reply| serde_json::from_value(reply).ok()) }
    }
}
