//! An API server's work: objects are created, changed and deleted by the façade, in this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use drivers as _;
use northbound::{Northbound, NorthboundOptions, Object};
use publisher_client::PublisherClient;
use pubsub_api::database::{DbApi, RowName};
use pubsub_api::{ErrorKind, Registry, Result};
use redis_servers::until;
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::calls::{Call, Calls, hanging};
use super::rows::TABLE;
use super::scene::{CONFIRM_WITHIN, Scene, TIMEOUT};

/// What is written.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    /// Calls at a time.
    pub(crate) callers: usize,
    /// The tenants whose rows they are, in turn: each is a slot of a cluster.
    pub(crate) topics: Vec<String>,
    /// How large each object is, and a little more.
    pub(crate) bytes: usize,
    /// How long each caller waits after a call.
    pub(crate) pause: Duration,
    /// `drivers.redis.timeout`, by which a call counts as hanging.
    pub(crate) timeout: Duration,
}

impl Default for Work {
    fn default() -> Self {
        let topics = (0..12).map(|number| format!("tenant-{number}")).collect();
        Self { callers: 4, topics, bytes: 100, pause: Duration::from_millis(5), timeout: TIMEOUT }
    }
}

/// The calls that go on until it is ended.
pub(crate) struct Load {
    runtime: Runtime,
    shared: Arc<Shared>,
    callers: Vec<JoinHandle<Vec<Call>>>,
}

struct Shared {
    northbound: Northbound,
    database: Arc<dyn DbApi>,
    publisher: PublisherClient,
    work: Work,
    held: AtomicBool,
    ending: AtomicBool,
    numbers: AtomicU64,
    done: AtomicUsize,
    failed: AtomicUsize,
}

/// A row that one caller alone writes.
struct Row {
    key: String,
    topic: String,
    is_there: bool,
}

/// The number of rows of each caller at a time.
const ROWS: usize = 15;

impl Load {
    pub(crate) fn start(scene: &Scene, work: Work) -> Self {
        let load = Self::held(scene, work);
        load.go_on();
        load
    }

    /// One that has published one object, so that it is [connected](Self::server), and waits to [go on](Self::go_on).
    pub(crate) fn held(scene: &Scene, work: Work) -> Self {
        let runtime = Runtime::new().unwrap();
        let shared = Arc::new(runtime.block_on(Shared::open(scene, work)));
        let call = |caller| runtime.spawn(Arc::clone(&shared).call(caller));
        let callers = (0..shared.work.callers).map(call).collect();
        let load = Self { runtime, shared, callers };
        load.wait_for(&load.shared.done, 1, "the first object is published");
        load
    }

    pub(crate) fn go_on(&self) {
        self.shared.held.store(false, Ordering::Relaxed);
    }

    /// Where its publisher is connected to.
    pub(crate) fn server(&self) -> String {
        self.shared.publisher.endpoint().expect("it has published")
    }

    /// Waits until this number of further calls are done.
    #[track_caller]
    pub(crate) fn wait_for_done(&self, more: usize) {
        let done = &self.shared.done;
        self.wait_for(done, done.load(Ordering::Relaxed) + more, "the façade does what it is asked");
    }

    /// Waits until this number of further calls have failed.
    #[track_caller]
    pub(crate) fn wait_for_failed(&self, more: usize) {
        let failed = &self.shared.failed;
        self.wait_for(failed, failed.load(Ordering::Relaxed) + more, "calls fail");
    }

    /// Waits until this number of calls have had that result, unless a caller fails.
    #[track_caller]
    fn wait_for(&self, count: &AtomicUsize, wanted: usize, what: &str) {
        until(what, || {
            let ended = self.callers.iter().any(JoinHandle::is_finished);
            assert!(!ended, "a caller has failed while this was waited for: {what}");
            (count.load(Ordering::Relaxed) >= wanted).then_some(())
        });
    }

    /// Ends it, and returns the results of the calls.
    #[track_caller]
    pub(crate) fn end(self) -> Calls {
        let Self { runtime, shared, callers } = self;
        shared.ending.store(true, Ordering::Relaxed);
        let mut calls = Vec::new();
        for caller in callers {
            calls.extend(runtime.block_on(caller).unwrap());
        }
        runtime.block_on(shared.publisher.close()).unwrap();
        runtime.block_on(shared.database.close()).unwrap();
        Calls(calls)
    }
}

impl Shared {
    async fn open(scene: &Scene, work: Work) -> Self {
        let registry = Registry::collect().unwrap();
        let settings = scene.settings(&registry);
        let publisher = PublisherClient::open(&settings).unwrap();
        publisher.initialize().await.unwrap();
        let database = registry.used_database(&settings).unwrap().expect("it is used");
        database.initialize().await.unwrap();
        let options = NorthboundOptions { confirm_within: CONFIRM_WITHIN, ..NorthboundOptions::default() };
        let northbound = Northbound::new(Arc::clone(&database), publisher.publisher(), options);
        let (held, ending, numbers) = (AtomicBool::new(true), AtomicBool::default(), AtomicU64::default());
        let (done, failed) = (AtomicUsize::default(), AtomicUsize::default());
        Self { northbound, database, publisher, work, held, ending, numbers, done, failed }
    }

    async fn call(self: Arc<Self>, caller: usize) -> Vec<Call> {
        let mut calls = Vec::new();
        let mut rows: Vec<_> = (0..ROWS).map(|place| self.row(caller, place)).collect();
        for turn in 0.. {
            let is_first = caller == 0 && turn == 0;
            while self.held.load(Ordering::Relaxed) && !is_first {
                // The pace of the load.
                sleep(self.work.pause).await;
            }
            if self.ending.load(Ordering::Relaxed) {
                break;
            }
            let place = turn % ROWS;
            // Thirteen has no factor in common with the rows: each is deleted in its turn.
            let call = self.change(&mut rows[place], turn % 13 == 12).await;
            if matches!(call.result, Err((ErrorKind::InDoubt, _))) {
                // What is on its way may still arrive: it is not known any more what this row holds.
                rows[place] = self.row(caller, place);
            }
            calls.push(call);
            // The pace of the load.
            sleep(self.work.pause).await;
        }
        calls
    }

    fn row(&self, caller: usize, place: usize) -> Row {
        let topic = &self.work.topics[(caller * ROWS + place) % self.work.topics.len()];
        Row { key: format!("port-{}", self.number()), topic: topic.clone(), is_there: false }
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    async fn change(&self, row: &mut Row, deletes: bool) -> Call {
        let (number, began) = (self.number(), Instant::now());
        let wanted = Some(number).filter(|_| !(deletes && row.is_there));
        let changing = timeout(hanging(self.work.timeout), self.write(row, wanted));
        let result = changing.await.unwrap_or_else(|_| panic!("a call about {} hangs", row.key));
        match &result {
            Ok(()) => {
                row.is_there = wanted.is_some();
                self.done.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => drop(self.failed.fetch_add(1, Ordering::Relaxed)),
        }
        let result = result.map_err(|error| (error.kind(), error.to_string()));
        Call { key: row.key.clone(), wanted, result, took: began.elapsed() }
    }

    async fn write(&self, row: &Row, wanted: Option<u64>) -> Result<()> {
        let name = RowName::new(TABLE, &row.key).on(row.topic.as_str());
        let Some(number) = wanted else { return self.northbound.delete(name, None).await.map(drop) };
        let filler = "v".repeat(self.work.bytes);
        if row.is_there {
            let changes = Map::from_iter([("n".to_owned(), json!(number))]);
            return self.northbound.update(name, &changes, None).await.map(drop);
        }
        let fields = json!({"id": row.key, "topic": row.topic, "n": number, "filler": filler});
        let Value::Object(fields) = fields else { panic!("it is an object") };
        self.northbound.create(Object::new(TABLE, fields)?).await.map(drop)
    }
}
