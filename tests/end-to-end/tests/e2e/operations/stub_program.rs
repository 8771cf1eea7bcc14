//! An endpoint of this test's own process, whose program has as many agents as a test needs: a thousand real ones would keep two
//! cores busy, and what the page does is the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use operations::{
    NoticeJournal, OperationsOptions, OperationsServer, PeerCondition, PeerList, PeerRow, ReadinessCheck,
    RunningProgram,
};
use tokio::runtime::Runtime;

/// The endpoint. It serves until it is dropped.
pub(super) struct StubProgram {
    server: OperationsServer,
    _runtime: Runtime,
    pub(super) notices: Arc<NoticeJournal>,
    agents: Arc<Agents>,
}

struct Agents {
    number: usize,
    /// How many of them differ at each reading.
    moving: AtomicUsize,
    readings: AtomicU64,
}

impl StubProgram {
    /// A service with so many agents, of which `moving` differ at each reading.
    #[expect(clippy::expect_used, reason = "a test ends where an expectation fails")]
    pub(super) fn start(number: usize, moving: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let options =
            OperationsOptions::of("service", "127.0.0.1:0", None).expect("an address").expect("it is set");
        let server = {
            let _inside = runtime.enter();
            OperationsServer::start(&options).expect("it starts")
        };
        let agents =
            Arc::new(Agents { number, moving: AtomicUsize::new(moving), readings: AtomicU64::new(0) });
        let (notices, listed) = (Arc::<NoticeJournal>::default(), Arc::clone(&agents));
        server.publish(RunningProgram {
            program: "publisher-service",
            status: Arc::new(|| unreachable!("the page does not need it")),
            parts: Arc::new(Default::default),
            checks: Arc::new(|| vec![ReadinessCheck::met("ring", "it is open")]),
            peers: Arc::new(move || listed.list()),
            notices: Arc::clone(&notices),
        });
        Self { server, _runtime: runtime, notices, agents }
    }

    pub(super) fn endpoint(&self) -> &str {
        self.server.endpoint()
    }

    /// From now on so many agents differ at each reading.
    pub(super) fn move_agents(&self, moving: usize) {
        self.agents.moving.store(moving, Ordering::Relaxed);
    }

    /// The number of readings so far.
    pub(super) fn readings(&self) -> u64 {
        self.agents.readings.load(Ordering::Relaxed)
    }
}

impl Agents {
    fn list(&self) -> PeerList {
        let reading = self.readings.fetch_add(1, Ordering::Relaxed) + 1;
        let moving = self.moving.load(Ordering::Relaxed);
        let rows = (0..self.number).map(|number| {
            let lag = if number < moving { reading } else { 0 };
            PeerRow {
                id: format!("compute-{number} 1"),
                name: format!("compute-{number}"),
                address: format!("10.0.{}.{}:4000", number / 250, number % 250),
                version: "0.1.0".to_owned(),
                state: "live".to_owned(),
                condition: if lag > 0 { PeerCondition::Slow } else { PeerCondition::Fine },
                lag_events: lag,
                lag_seconds: lag,
                quiet_seconds: 0,
                last_error: None,
            }
        });
        PeerList { kind: "agents", note: "", rows: rows.collect() }
    }
}
