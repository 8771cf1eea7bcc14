use std::fmt;
use std::sync::Arc;

use service_kit::{ReadParts, StatusDocument};

use crate::{NoticeJournal, PeerList, ReadinessCheck};

/// What a program reports once it has started. The functions are called for each request, on the thread of the endpoint.
#[derive(Clone)]
pub struct RunningProgram {
    /// `publisher-service` or `subscriber-agent`.
    pub program: &'static str,
    /// Makes the status document.
    pub status: Arc<dyn Fn() -> StatusDocument + Send + Sync>,
    /// Reads the parts of the status for the metrics, for a scrape every second: it needs no peers of drivers, and must not
    /// hold a lock that the fan-out waits for.
    pub parts: ReadParts,
    /// Makes the checks of readiness, in the order in which an operator reads them.
    pub checks: Arc<dyn Fn() -> Vec<ReadinessCheck> + Send + Sync>,
    /// Lists the peers for the status page, every second while one is open. It must not hold a lock that the fan-out waits for.
    pub peers: Arc<dyn Fn() -> PeerList + Send + Sync>,
    /// What happened lately, beside what the page finds in the metrics.
    pub notices: Arc<NoticeJournal>,
}

impl fmt::Debug for RunningProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningProgram").finish_non_exhaustive()
    }
}
