use std::collections::BTreeMap;

use pubsub_api::Status;
use serde::{Deserialize, Serialize};

/// What a running program says of itself: who it is, where it listens, and the status of each of its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusDocument {
    /// `publisher-service` or `subscriber-agent`.
    pub program: String,
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// How long it has been running, in seconds.
    pub uptime_seconds: u64,
    /// Where it listens or connects: `network`, `ipc`.
    pub endpoints: BTreeMap<String, Option<String>>,
    /// How the last SIGHUP ended, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_reload: Option<String>,
    /// Counters, queues and peers by part.
    pub parts: BTreeMap<String, Status>,
}

impl StatusDocument {
    /// The line that programs write on SIGUSR1 and at their end: `{"notice":"status",…}`.
    #[must_use]
    pub fn to_notice_line(&self) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            notice: &'static str,
            #[serde(flatten)]
            document: &'a StatusDocument,
        }
        serde_json::to_string(&Line { notice: "status", document: self }).unwrap_or_default()
    }
}
