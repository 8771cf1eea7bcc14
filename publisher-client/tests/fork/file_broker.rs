//! A broker driver whose broker is a file: every process appends its events.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::wire::EventRef;
use pubsub_api::{
    Capabilities, Driver, Error, ErrorKind, Incoming, PubSubApi, Publisher, Result, Role, Status, Subscriber,
    Topic,
};

pub(crate) const ALIAS: &str = "file_broker_driver";

inventory::submit! {
    Driver {
        alias: ALIAS,
        roles: &[Role::Network],
        summary: "a file, for this test",
        capabilities: Capabilities { across_processes: true, broker: true, ..Capabilities::NONE },
        settings: &[],
        open: |settings, _| Ok(Arc::new(FileBroker { file: settings.pubsub().state_dir.join("broker") })),
    }
}

#[derive(Debug, Clone)]
struct FileBroker {
    file: PathBuf,
}

impl PubSubApi for FileBroker {
    fn publisher(&self) -> Arc<dyn Publisher> {
        Arc::new(self.clone())
    }

    fn subscriber(&self) -> Arc<dyn Subscriber> {
        Arc::new(self.clone())
    }
}

#[async_trait]
impl Publisher for FileBroker {
    async fn initialize(&self) -> Result<()> {
        Ok(())
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        let event = EventRef::read(topic.as_bytes(), &payload).unwrap();
        let stamp = event.stamp.expect("stamped");
        let (table, action) = (event.table.unwrap_or_default(), event.action);
        let line = format!("{:016x} {} {table} {action}\n", stamp.publisher, stamp.sequence);
        let file = OpenOptions::new().create(true).append(true).open(&self.file);
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .map_err(|error| Error::new(ErrorKind::Unavailable, "cannot append").with_source(error))
    }

    async fn flush(&self) -> Result<()> {
        Ok(())
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }

    fn endpoint(&self) -> Option<String> {
        None
    }

    fn status(&self) -> Status {
        Status::default()
    }
}

#[async_trait]
impl Subscriber for FileBroker {
    async fn initialize(&self) -> Result<()> {
        Ok(())
    }

    async fn recv(&self) -> Result<Incoming> {
        Err(Error::new(ErrorKind::Closed, "this broker has no subscribers"))
    }

    async fn close(&self) {}

    fn endpoint(&self) -> Option<String> {
        None
    }

    fn status(&self) -> Status {
        Status::default()
    }
}

/// The published events: publisher, sequence number, table, action.
pub(crate) fn published(state_dir: &Path) -> Vec<(String, u64, String, String)> {
    let lines = std::fs::read_to_string(state_dir.join("broker")).unwrap();
    let line = |line: &str| {
        let [publisher, number, table, action] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        (publisher.to_owned(), number.parse().unwrap(), table.to_owned(), action.to_owned())
    };
    lines.lines().map(line).collect()
}
