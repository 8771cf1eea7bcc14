use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use hdrhistogram::Histogram;
use pubsub_api::{Error, ErrorKind, Result, json};
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
    received: Arc<AtomicUsize>,
    task: JoinHandle<Result<Observation>>,
}

/// What one agent was seen to deliver.
pub(super) struct Observation {
    /// Events that the log has, each counted as often as the log has it.
    pub(super) delivered: usize,
    /// Events more often than the log has them, or not in the log at all.
    pub(super) unexpected: usize,
    /// Events of a key that came before an earlier one of that key.
    pub(super) disordered: usize,
    /// Notices of a lost link.
    pub(super) links_lost: usize,
    pub(super) table: Table,
    /// From the line given to a worker to the line read from the agent, in µs.
    pub(super) latency: Histogram<u64>,
}

impl Observer {
    /// Begins to read. `expected` says for each line at which places of the log it stands.
    pub(super) fn start(
        lines: Lines<BufReader<ChildStdout>>,
        expected: Arc<BTreeMap<String, Vec<usize>>>,
        sent: SentTimes,
    ) -> Self {
        let received = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(read(lines, expected, sent, Arc::clone(&received)));
        Self { received, task }
    }

    /// How many events came so far.
    pub(super) fn received(&self) -> usize {
        self.received.load(Ordering::Relaxed)
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
    received: Arc<AtomicUsize>,
) -> Result<Observation> {
    let latency = Histogram::new_with_bounds(1, LONGEST_LATENCY_US, 3)
        .map_err(|error| Error::new(ErrorKind::Internal, "no histogram").with_source(error))?;
    let mut seen = Observation {
        delivered: 0,
        unexpected: 0,
        disordered: 0,
        links_lost: 0,
        table: Table::default(),
        latency,
    };
    let mut times_seen: HashMap<String, usize> = HashMap::new();
    let mut last_of_key: HashMap<String, usize> = HashMap::new();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.starts_with("{\"notice\"") {
            seen.links_lost += usize::from(line.starts_with("{\"notice\":\"link_down\""));
            continue;
        }
        let event = Arc::new(json::from_line(&line)?);
        let key = format!("{:?} {:?}", event.table, event.key);
        let times = times_seen.entry(line.clone()).or_default();
        match expected.get(&line).and_then(|places| places.get(*times)) {
            Some(&place) => {
                seen.delivered += 1;
                seen.latency.saturating_record(sent.since(place));
                let last = last_of_key.entry(key).or_insert(place);
                seen.disordered += usize::from(place < *last);
                *last = place.max(*last);
            }
            None => seen.unexpected += 1,
        }
        *times += 1;
        seen.table.apply(&event);
        received.fetch_add(1, Ordering::Relaxed);
    }
    Ok(seen)
}
