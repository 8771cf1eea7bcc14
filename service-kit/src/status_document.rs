use std::collections::BTreeMap;

use pubsub_api::Status;
use serde::{Deserialize, Serialize};

/// The version of the status document. It rises when a field is removed or changes its meaning; new fields do not raise it.
/// `docs/status.schema.json` describes the document.
pub const STATUS_VERSION: u32 = 1;

/// The status report of a running program: its identity, its addresses, and the status of each of its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusDocument {
    /// The version of this document, [`STATUS_VERSION`]. A program from before it has 0.
    #[serde(default)]
    pub status_version: u32,
    /// `publisher-service`, `subscriber-agent` or `data-services-node`.
    pub program: String,
    /// The version of the program.
    pub version: String,
    /// The process id.
    pub pid: u32,
    /// The time since the start of the program, in seconds.
    pub uptime_seconds: u64,
    /// The addresses on which it listens or to which it connects: `network`, `ipc`.
    pub endpoints: BTreeMap<String, Option<String>>,
    /// The result of the last SIGHUP, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_reload: Option<String>,
    /// Counters, queues and peers by part.
    pub parts: BTreeMap<String, Status>,
}

impl StatusDocument {
    /// The line that programs write on SIGUSR1 and when they exit: `{"notice":"status",…}`.
    ///
    /// ```
    /// use service_kit::{STATUS_VERSION, StatusDocument};
    /// use std::collections::BTreeMap;
    ///
    /// let document = StatusDocument {
    ///     status_version: STATUS_VERSION,
    ///     program: "publisher-service".to_owned(),
    ///     version: "0.1.0".to_owned(),
    ///     pid: 4711,
    ///     uptime_seconds: 60,
    ///     endpoints: BTreeMap::new(),
    ///     last_reload: None,
    ///     parts: BTreeMap::new(),
    /// };
    /// assert!(document.to_notice_line().starts_with(r#"{"notice":"status","status_version":1,"program":"publisher-service""#));
    /// ```
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
