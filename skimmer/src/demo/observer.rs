use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use hdrhistogram::Histogram;
use pubsub_api::{Error, ErrorKind, Result};
use service_kit::json;
use subscriber_agent::Table;
use tokio::io::{BufReader, Lines};
use tokio::process::ChildStdout;
use tokio::task::JoinHandle;

/// When each line was given to its worker.
#[derive(Clone)]
pub(super) struct SentTimes {
    started: Instant,
    micros: Arc<Vec<AtomicU64>>,
}

impl SentTimes {
    pub(super) fn new(len: usize) -> Self {
        Self { started: Instant::now(), micros: Arc::new((0..len).map(|_| AtomicU64::new(0)).collect()) }
    }

    pub(super) fn mark(&self, index: usize) {
        if let Some(time) = self.micros.get(index) {
            time.store(self.now(), Ordering::Relaxed);
        }
    }

    fn since(&self, index: usize) -> u64 {
        let sent = self.micros.get(index).map_or(0, |time| time.load(Ordering::Relaxed));
        self.now().saturating_sub(sent)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// Reads what one agent writes, and keeps what the summary needs.
pub(super) struct Observer {
    progress: Arc<Progress>,
    task: JoinHandle<Result<Observation>>,
}

/// How far an agent is.
#[derive(Default)]
struct Progress {
    /// Events, however often they came.
    received: AtomicUsize,
    /// Events that the log has, each counted as often as the log has it.
    delivered: AtomicUsize,
}

/// What one agent was seen to deliver.
pub(super) struct Observation {
    /// Events that the log has, each counted as often as the log has it.
    pub(super) delivered: usize,
    /// Events more often than the log has them, or not in the log at all.
    pub(super) unexpected: usize,
    /// Events of a key that came before an earlier one of that key.
    pub(super) disordered: usize,
    /// How many of all came from the service's ring, or were found out from a snapshot.
    pub(super) replayed: usize,
    pub(super) snapshotted: usize,
    pub(super) notices: Notices,
    pub(super) table: Table,
    /// From the line given to a worker to the line read from the agent, in µs.
    pub(super) latency: Histogram<u64>,
}

/// Notices by what they tell.
#[derive(Default)]
pub(super) struct Notices {
    pub(super) links_lost: usize,
    pub(super) gaps: usize,
    pub(super) resyncs: usize,
}

impl Notices {
    fn hear(&mut self, line: &str) {
        let is = |name: &str| usize::from(line.starts_with(&format!("{{\"notice\":\"{name}\"")));
        self.links_lost += is("link_down");
        self.gaps += is("gap");
        self.resyncs += is("resync");
    }
}

impl Observer {
    /// Begins to read. `expected` says for each line at which places of the log it stands.
    pub(super) fn start(
        lines: Lines<BufReader<ChildStdout>>,
        expected: Arc<BTreeMap<String, Vec<usize>>>,
        sent: SentTimes,
    ) -> Self {
        let progress = Arc::<Progress>::default();
        let task = tokio::spawn(read(lines, expected, sent, Arc::clone(&progress)));
        Self { progress, task }
    }

    /// Whether all of so many events came.
    pub(super) fn is_done(&self, events: usize) -> bool {
        self.progress.delivered.load(Ordering::Relaxed) >= events
    }

    /// How many events came so far.
    pub(super) fn received(&self) -> usize {
        self.progress.received.load(Ordering::Relaxed)
    }

    /// What was seen, once the agent has ended.
    pub(super) async fn finish(self) -> Result<Observation> {
        self.task
            .await
            .map_err(|error| Error::new(ErrorKind::Internal, "reading an agent failed").with_source(error))?
    }
}

/// What takes longer is recorded as this: a minute.
const LONGEST_LATENCY_US: u64 = 60_000_000;

async fn read(
    mut lines: Lines<BufReader<ChildStdout>>,
    expected: Arc<BTreeMap<String, Vec<usize>>>,
    sent: SentTimes,
    progress: Arc<Progress>,
) -> Result<Observation> {
    let latency = Histogram::new_with_bounds(1, LONGEST_LATENCY_US, 3)
        .map_err(|error| Error::new(ErrorKind::Internal, "no histogram").with_source(error))?;
    let mut seen = Observation {
        delivered: 0,
        unexpected: 0,
        disordered: 0,
        replayed: 0,
        snapshotted: 0,
        notices: Notices::default(),
        table: Table::default(),
        latency,
    };
    let mut times_seen: HashMap<String, usize> = HashMap::new();
    let mut last_of_key: HashMap<String, usize> = HashMap::new();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.starts_with("{\"notice\"") {
            seen.notices.hear(&line);
            continue;
        }
        let event = Arc::new(json::from_line(&line)?);
        seen.replayed += usize::from(line.contains(r#","origin":"replay""#));
        seen.snapshotted += usize::from(line.contains(r#","origin":"snapshot""#));
        // The log's line, without the word how it came.
        let line = json::to_line(&event)?;
        let key = format!("{:?} {:?}", event.table, event.key);
        let times = times_seen.entry(line.clone()).or_default();
        match expected.get(&line).and_then(|places| places.get(*times)) {
            Some(&place) => {
                seen.delivered += 1;
                progress.delivered.fetch_add(1, Ordering::Relaxed);
                seen.latency.saturating_record(sent.since(place));
                let last = last_of_key.entry(key).or_insert(place);
                seen.disordered += usize::from(place < *last);
                *last = place.max(*last);
            }
            None => seen.unexpected += 1,
        }
        *times += 1;
        seen.table.apply(&event);
        progress.received.fetch_add(1, Ordering::Relaxed);
    }
    Ok(seen)
}
