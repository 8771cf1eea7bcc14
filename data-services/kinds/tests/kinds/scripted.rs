//! A kind of services whose polls a test controls.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use data_services::{KeyColumns, Row, ServiceConfig, ServiceKind, TableId};
use data_services_kinds::{DataSource, PolledTables, PollingOptions, PollingService};
use pubsub_api::{Error, ErrorKind, Result};
use serde_json::Value as Json;
use tokio::sync::Semaphore;

/// The scripts by service.
static SCRIPTS: LazyLock<Mutex<HashMap<String, Arc<Script>>>> = LazyLock::new(Mutex::default);

/// What the polls of one service return.
pub(crate) struct Script {
    /// Each poll takes one permit, unless there are none to take.
    gate: Option<Semaphore>,
    outcome: Mutex<Outcome>,
    pub(crate) begun: AtomicU64,
    pub(crate) ended: AtomicU64,
}

/// How a poll ends.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// With the rows of each table.
    Rows(Vec<(&'static str, Json)>),
    Error(&'static str),
    Panic,
}

impl Script {
    /// The script of a service, which polls freely.
    pub(crate) fn of(service: &str, outcome: Outcome) -> Arc<Self> {
        Self::with(service, outcome, None)
    }

    /// The script of a service whose polls wait for permits.
    pub(crate) fn gated(service: &str, outcome: Outcome) -> Arc<Self> {
        Self::with(service, outcome, Some(Semaphore::new(0)))
    }

    fn with(service: &str, outcome: Outcome, gate: Option<Semaphore>) -> Arc<Self> {
        let outcome = Mutex::new(outcome);
        let script = Arc::new(Self { gate, outcome, begun: AtomicU64::new(0), ended: AtomicU64::new(0) });
        SCRIPTS.lock().unwrap().insert(service.to_owned(), Arc::clone(&script));
        script
    }

    pub(crate) fn set(&self, outcome: Outcome) {
        *self.outcome.lock().unwrap() = outcome;
    }

    /// Lets some polls end.
    pub(crate) fn permit(&self, polls: usize) {
        self.gate.as_ref().unwrap().add_permits(polls);
    }

    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }

    pub(crate) fn ended(&self) -> u64 {
        self.ended.load(Ordering::SeqCst)
    }
}

/// The configuration of a service with a script.
pub(crate) fn config(service: &str, interval_ms: u64, lazy: bool) -> ServiceConfig {
    ServiceConfig::new(service, "scripted").option("interval_ms", interval_ms).option("lazy", lazy)
}

struct ScriptedSource(Arc<Script>);

impl std::fmt::Debug for ScriptedSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ScriptedSource")
    }
}

fn key() -> KeyColumns {
    KeyColumns::Positions(vec![0])
}

#[async_trait]
impl DataSource for ScriptedSource {
    async fn tables(&mut self) -> Result<BTreeMap<TableId, KeyColumns>> {
        match self.0.outcome.lock().unwrap().clone() {
            Outcome::Rows(tables) => {
                tables.into_iter().map(|(table, _)| Ok((TableId::new(table)?, key()))).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    async fn poll(&mut self) -> Result<PolledTables> {
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = &self.0.gate {
            gate.acquire().await.unwrap().forget();
        }
        self.0.ended.fetch_add(1, Ordering::SeqCst);
        let outcome = self.0.outcome.lock().unwrap().clone();
        match outcome {
            Outcome::Rows(tables) => {
                let mut polled = PolledTables::default();
                for (table, rows) in tables {
                    let rows = rows.as_array().unwrap().iter().cloned().map(Row::from_json);
                    polled = polled.with(TableId::new(table)?, key(), rows.collect::<Result<_>>()?);
                }
                Ok(polled)
            }
            Outcome::Error(text) => Err(Error::new(ErrorKind::Unavailable, text)),
            Outcome::Panic => panic!("a poll that panics, as the test asks"),
        }
    }
}

inventory::submit! {
    ServiceKind {
        name: "scripted",
        summary: "polls as a test asks",
        options: &[],
        create: |config| {
            let script = Arc::clone(&SCRIPTS.lock().unwrap()[&config.id]);
            let interval = std::time::Duration::from_millis(config.options["interval_ms"].as_u64().unwrap());
            let lazy = config.options["lazy"].as_bool().unwrap();
            Ok(Box::new(PollingService::new(ScriptedSource(script), PollingOptions { interval, lazy })))
        },
    }
}
