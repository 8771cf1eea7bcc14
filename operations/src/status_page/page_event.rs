use pubsub_api::QueueReading;
use serde::Serialize;

use super::history::{Point, Series};
use super::losses::Loss;
use super::notice_journal::JournalEntry;
use super::peer_changes::PeersOfPage;

/// The version of the events of `/events`. It rises when a field is removed or changes its meaning.
pub(super) const EVENTS_VERSION: u32 = 1;

/// The data of an event of `/events`, described by `docs/events.schema.json`. In a `snapshot`, points, peers and notices are all of
/// them; in an `update`, those that are new.
#[derive(Debug, Serialize)]
pub(super) struct PageEvent<'a> {
    pub(super) events_version: u32,
    pub(super) program: &'a str,
    pub(super) version: &'a str,
    pub(super) pid: u32,
    pub(super) uptime_seconds: u64,
    pub(super) now_ms: u64,
    pub(super) checks: &'a [CheckOfPage],
    pub(super) rates: &'a [Series],
    pub(super) latencies: &'a [Series],
    pub(super) points: Vec<Point>,
    pub(super) losses: Vec<Loss>,
    pub(super) queues: &'a [QueueOfPage],
    pub(super) peers: PeersOfPage<'a>,
    pub(super) notices: Vec<JournalEntry>,
}

/// A check of readiness.
#[derive(Debug, Serialize)]
pub(super) struct CheckOfPage {
    pub(super) name: String,
    pub(super) is_met: bool,
    pub(super) reason: String,
}

/// A queue, with the part of the program that has it.
#[derive(Debug, Serialize)]
pub(super) struct QueueOfPage {
    pub(super) part: String,
    #[serde(flatten)]
    pub(super) reading: QueueReading,
}

impl PageEvent<'_> {
    /// The event as the protocol of server-sent events has it: JSON has no line feeds, so the data is one line.
    pub(super) fn encode(&self, name: &str) -> Vec<u8> {
        let mut text = format!("event: {name}\ndata: ").into_bytes();
        if let Err(error) = serde_json::to_writer(&mut text, self) {
            tracing::error!(id = "SK1104", "cannot encode an event of the status page: {error}");
            return b": this event could not be encoded\n\n".to_vec();
        }
        text.extend_from_slice(b"\n\n");
        text
    }
}
