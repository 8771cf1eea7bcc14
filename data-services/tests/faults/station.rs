use std::sync::{Arc, Mutex};
use std::time::Duration;

use data_services::{Call, CallOptions, KeyColumns, Node, Row, ServiceBuilder, ServiceHandle};
use pubsub_api::{ErrorKind, PubSubApi};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::call_log::Ended;
use crate::record::Record;
use crate::replica::Replica;
use crate::truth::{Rows, VERSION};

/// Two tables that change together, and one that changes alone.
pub(crate) const TABLES: [&str; 3] = ["left", "right", "alone"];

/// The address on which every publishing service listens.
pub(crate) const ADDRESS: &str = "all.tables";

/// What the service of a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It publishes, subscribes to every publisher, calls and is called.
    All,
    /// It publishes.
    Publisher,
    /// It subscribes to every publisher.
    Subscriber,
    /// It calls and is called.
    Calls,
}

/// A node with one service, and the replicas of what that has received.
pub(crate) struct Station {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) node: Node,
    pub(crate) service: ServiceHandle,
    pub(crate) replicas: Vec<Arc<Mutex<Replica>>>,
    driver: Arc<dyn PubSubApi>,
    record: Record,
    readers: Vec<JoinHandle<()>>,
}

impl Station {
    /// Starts the service of a node that has joined.
    pub(crate) async fn start(
        node: Node,
        driver: Arc<dyn PubSubApi>,
        role: Role,
        record: &Record,
        start: u64,
    ) -> Self {
        let name = node.instance().node.to_string();
        let mut builder = with_method(node.service(service_of(&name)), record);
        if matches!(role, Role::All | Role::Publisher) {
            TABLES.iter().for_each(|table| record.lock().truth(&name, table).begin());
            builder = with_tables(builder, &name, record, start);
        }
        let service = builder.start().await.unwrap();
        let mut station = Self {
            name,
            role,
            node,
            service,
            replicas: Vec::new(),
            driver,
            record: record.clone(),
            readers: Vec::new(),
        };
        if matches!(role, Role::All | Role::Subscriber) {
            for table in TABLES {
                station.subscribe(table, Duration::ZERO).await;
            }
        }
        station
    }

    /// Subscribes to a table of every publisher, with a reader that takes a while for each event.
    pub(crate) async fn subscribe(&mut self, table: &'static str, pause: Duration) {
        let mut subscription = self.service.subscribe(ADDRESS, table).await.unwrap();
        let owner = format!("{} {}", self.name, self.node.instance().instance);
        let replica = Arc::new(Mutex::new(Replica::new(&owner, table, self.record.clone())));
        self.replicas.push(Arc::clone(&replica));
        self.readers.push(tokio::spawn(async move {
            while let Some(event) = subscription.next().await {
                replica.lock().unwrap().apply(&event);
                if !pause.is_zero() {
                    // The reader is slow.
                    tokio::time::sleep(pause).await;
                }
            }
        }));
    }

    pub(crate) fn publishes(&self) -> bool {
        matches!(self.role, Role::All | Role::Publisher)
    }

    /// Changes tables, in one transaction: `edit` changes the latest rows of each. The changes are sent as differences, or
    /// as whole tables.
    pub(crate) async fn commit(&self, tables: &[&'static str], how: How, edit: impl Fn(&mut Rows)) {
        let mut transaction = self.service.transaction();
        for table in tables {
            let mut events = self.record.lock();
            let truth = events.truth(&self.name, table);
            let before = truth.latest().unwrap().rows.clone();
            let mut after = before.clone();
            edit(&mut after);
            after.remove(VERSION);
            let after = truth.publish(after);
            transaction = match how {
                How::Whole => transaction.publish(table, after.iter().map(row).collect()),
                How::Difference => {
                    let put = after.iter().filter(|(key, value)| before.get(*key) != Some(*value)).map(row);
                    let deleted = before
                        .iter()
                        .filter(|(key, _)| !after.contains_key(*key))
                        .map(|pair| KeyColumns::Positions(vec![0]).key_of(&row(pair)).unwrap());
                    transaction.change(table, put.collect(), deleted.collect())
                }
            };
        }
        if transaction.commit().await.is_err() {
            let mut events = self.record.lock();
            tables.iter().for_each(|table| events.truth(&self.name, table).withdraw());
        }
    }

    /// Calls the method of another station, which takes a while; the caller may give up before it ends.
    pub(crate) fn call(&self, to: &str, takes: Duration, deadline: Duration, gives_up: Option<Duration>) {
        let call = self.record.lock().calls.start();
        let (service, record, to) = (self.service.clone(), self.record.clone(), service_of(to));
        tokio::spawn(async move {
            let began = Instant::now();
            let takes = u64::try_from(takes.as_millis()).unwrap();
            let calling = service.call_with(&to, "run", (call, takes), CallOptions::within(deadline));
            let patience = gives_up.unwrap_or(deadline * 10);
            let Ok(result) = timeout(patience, calling).await else {
                record.lock().calls.dropped += 1;
                return;
            };
            let outcome = result.map(|json| json.as_u64().unwrap()).map_err(|error| error.kind());
            record.lock().calls.end(call, Ended { outcome, after: began.elapsed(), deadline });
        });
    }

    /// Ends the node as a crash does: nothing more is sent or received.
    pub(crate) async fn crash(self) {
        self.driver.publisher().close().await.unwrap();
        self.driver.subscriber().close().await;
        self.end().await;
    }

    /// Leaves the bus with a goodbye.
    pub(crate) async fn leave(self) {
        self.node.leave().await;
        self.end().await;
    }

    async fn end(self) {
        let reason = timeout(Duration::from_secs(30), self.node.ended()).await;
        let reason = reason.map(|error| error.kind()).ok();
        assert_eq!(reason, Some(ErrorKind::Closed), "how the node {} has ended", self.name);
        for reader in self.readers {
            let ended = timeout(Duration::from_secs(30), reader).await;
            assert!(
                ended.is_ok_and(|joined| joined.is_ok()),
                "a subscription of {} has not ended",
                self.name
            );
        }
        if matches!(self.role, Role::All | Role::Publisher) {
            for table in TABLES {
                self.record.lock().truth(&self.name, table).ended = Some(Instant::now());
            }
        }
    }
}

/// How a change is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// As the whole table.
    Whole,
    /// As the changed rows.
    Difference,
}

pub(crate) fn service_of(node: &str) -> String {
    format!("service.{node}")
}

fn row(pair: (&String, &u64)) -> Row {
    Row::of(&pair).unwrap()
}

fn with_tables(mut builder: ServiceBuilder, name: &str, record: &Record, start: u64) -> ServiceBuilder {
    for table in TABLES {
        builder = builder.table(table, KeyColumns::Positions(vec![0]));
    }
    let note = |is_first: bool| {
        let (name, record) = (name.to_owned(), record.clone());
        move |table: data_services::TableId| {
            let place = (name.clone(), start, table.to_string());
            record.lock().hooks.entry(place).or_default().push(is_first);
            async {}
        }
    };
    builder.address(ADDRESS).on_first_subscriber(note(true)).on_no_subscriber(note(false))
}

/// A method that counts its runs, takes a while, and returns the number of its call.
fn with_method(builder: ServiceBuilder, record: &Record) -> ServiceBuilder {
    let record = record.clone();
    builder.method("run", move |call: Call| {
        let record = record.clone();
        async move {
            let (number, takes): (u64, u64) = call.arguments()?;
            record.lock().calls.ran(number);
            // The method takes a while, in virtual time.
            tokio::time::sleep(Duration::from_millis(takes)).await;
            Ok(number)
        }
    })
}
