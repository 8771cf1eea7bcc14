use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use bench_kit::LatencyHistogram;
use pubsub_api::{Error, ErrorKind, Result};
use service_kit::json;
use subscriber_agent::Table;
use tokio::io::{BufReader, Lines};
use tokio::process::ChildStdout;
use tokio::task::JoinHandle;

/// The times at which the lines were sent to their workers.
#[derive(Clone)]
pub(super) struct SentTimes {
    started: Instant,
    nanos: Arc<Vec<AtomicU64>>,
}

impl SentTimes {
    pub(super) fn new(len: usize) -> Self {
        Self { started: Instant::now(), nanos: Arc::new((0..len).map(|_| AtomicU64::new(0)).collect()) }
    }

    pub(super) fn mark(&self, index: usize) {
        if let Some(time) = self.nanos.get(index) {
            time.store(self.now(), Ordering::Relaxed);
        }
    }

    fn since(&self, index: usize) -> u64 {
        let sent = self.nanos.get(index).map_or(0, |time| time.load(Ordering::Relaxed));
        self.now().saturating_sub(sent)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Reads the output of one agent and collects the data for the summary.
pub(super) struct Observer {
    progress: Arc<Progress>,
    task: JoinHandle<Result<Observation>>,
}

/// The number of events that an agent has delivered so far.
#[derive(Default)]
struct Progress {
    /// All events, including repeats.
    received: AtomicUsize,
    /// Events of the log, each counted at most as often as it is in the log.
    delivered: AtomicUsize,
}

/// The result of observing one agent.
pub(super) struct Observation {
    /// Events of the log, each counted at most as often as it is in the log.
    pub(super) delivered: usize,
    /// Events that are not in the log, or were delivered more often than they are in the log.
    pub(super) unexpected: usize,
    /// Events that were delivered after a later event of their key.
    pub(super) disordered: usize,
    /// Events that came from the service's ring; events from snapshots.
    pub(super) replayed: usize,
    pub(super) snapshotted: usize,
    pub(super) notices: Notices,
    pub(super) table: Table,
    /// The time from sending a line to its worker to reading it from the agent.
    pub(super) latency: LatencyHistogram,
}

impl Observation {
    fn new() -> Result<Self> {
        Ok(Self {
            delivered: 0,
            unexpected: 0,
            disordered: 0,
            replayed: 0,
            snapshotted: 0,
            notices: Notices::default(),
            table: Table::default(),
            latency: LatencyHistogram::new()?,
        })
    }
}

/// The number of notices of each kind.
#[derive(Default)]
pub(super) struct Notices {
    pub(super) links_lost: usize,
    pub(super) gaps: usize,
    pub(super) resyncs: usize,
}

impl Notices {
    fn count(&mut self, line: &str) {
        let is = |name: &str| usize::from(line.starts_with(&format!("{{\"notice\":\"{name}\"")));
        self.links_lost += is("link_down");
        self.gaps += is("gap");
        self.resyncs += is("resync");
    }
}

impl Observer {
    /// Starts to read. `expected` has the indexes in the log for each line.
    pub(super) fn start(
        lines: Lines<BufReader<ChildStdout>>,
        expected: Arc<BTreeMap<String, Vec<usize>>>,
        sent: SentTimes,
    ) -> Self {
        let progress = Arc::<Progress>::default();
        let task = tokio::spawn(read(lines, expected, sent, Arc::clone(&progress)));
        Self { progress, task }
    }

    /// Whether all `events` events were delivered.
    pub(super) fn is_done(&self, events: usize) -> bool {
        self.progress.delivered.load(Ordering::Relaxed) >= events
    }

    /// The number of events so far.
    pub(super) fn received(&self) -> usize {
        self.progress.received.load(Ordering::Relaxed)
    }

    /// Waits until the agent has exited and returns the result.
    pub(super) async fn finish(self) -> Result<Observation> {
        self.task.await.map_err(|error| {
            Error::new(ErrorKind::Internal, "the task that reads an agent's output panicked")
                .with_source(error)
        })?
    }
}

async fn read(
    mut lines: Lines<BufReader<ChildStdout>>,
    expected: Arc<BTreeMap<String, Vec<usize>>>,
    sent: SentTimes,
    progress: Arc<Progress>,
) -> Result<Observation> {
    let seen = Observation::new()?;
    let mut reader =
        Reader { expected, sent, progress, seen, times_seen: HashMap::new(), last_of_key: HashMap::new() };
    while let Ok(Some(line)) = lines.next_line().await {
        if line.starts_with("{\"notice\"") {
            reader.seen.notices.count(&line);
        } else {
            reader.event(&line)?;
        }
    }
    Ok(reader.seen)
}

/// Compares the lines of an agent with the log, one after the other.
struct Reader {
    expected: Arc<BTreeMap<String, Vec<usize>>>,
    sent: SentTimes,
    progress: Arc<Progress>,
    seen: Observation,
    times_seen: HashMap<String, usize>,
    /// The place in the log of the latest event of each key.
    last_of_key: HashMap<String, usize>,
}

impl Reader {
    fn event(&mut self, line: &str) -> Result<()> {
        let event = Arc::new(json::from_line(line)?);
        self.seen.replayed += usize::from(line.contains(r#","origin":"replay""#));
        self.seen.snapshotted += usize::from(line.contains(r#","origin":"snapshot""#));
        // The line as in the log, without `origin`.
        let line = json::to_line(&event)?;
        let places = self.expected.get(&line);
        let times = self.times_seen.entry(line).or_default();
        let place = places.and_then(|places| places.get(*times)).copied();
        *times += 1;
        match place {
            Some(place) => self.delivered(format!("{:?} {:?}", event.table, event.key), place),
            None => self.seen.unexpected += 1,
        }
        self.seen.table.apply(&event);
        self.progress.received.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// The event at this place of the log was delivered.
    fn delivered(&mut self, key: String, place: usize) {
        self.seen.delivered += 1;
        self.progress.delivered.fetch_add(1, Ordering::Relaxed);
        self.seen.latency.record_ns(self.sent.since(place));
        let last = self.last_of_key.entry(key).or_insert(place);
        self.seen.disordered += usize::from(place < *last);
        *last = place.max(*last);
    }
}
