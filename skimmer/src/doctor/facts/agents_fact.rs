use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use delivery::AgentReading;
use serde::Deserialize;
use service_kit::{Query, query};
use tokio::time::timeout;

/// The agents of the service of this host.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct AgentsFact {
    pub(crate) agents: Vec<AgentReading>,
    /// The number of subscribers of each host that do not report; `None` if there are too many connections to tell.
    pub(crate) unknown: Option<BTreeMap<String, u64>>,
}

impl AgentsFact {
    /// `None` if the service does not reply.
    pub(crate) async fn read(state_dir: &Path, within: Duration) -> Option<Self> {
        let reply =
            timeout(within, query(state_dir, "publisher-service", &Query::Agents)).await.ok()?.ok()?;
        serde_json::from_value(reply).ok()
    }
}
