use std::sync::{Arc, Mutex, PoisonError};

use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Event, Result};
use tokio::runtime::{Builder, Runtime};

use crate::PublisherClient;

/// The publisher that the settings describe, for callers without a runtime.
///
/// It may be made and initialized before `fork`, and even used: a process that finds itself forked since leaves the
/// parent's connection alone and makes its own at its next call. One thread works in the background from the first
/// send on. All methods may be called from many threads at once, and block.
#[derive(Debug)]
pub struct BlockingPublisher {
    settings: Settings,
    running: Mutex<Option<Running>>,
}

/// What belongs to one process.
#[derive(Debug)]
struct Running {
    pid: u32,
    runtime: Arc<Runtime>,
    client: Arc<PublisherClient>,
}

impl BlockingPublisher {
    /// Checks the settings; starts nothing.
    ///
    /// # Errors
    /// As [`PublisherClient::open`].
    pub fn open(settings: &Settings) -> Result<Self> {
        PublisherClient::open(settings)?;
        Ok(Self { settings: settings.clone(), running: Mutex::new(None) })
    }

    /// Makes ready to send. On the IPC hop nothing is left to do before the first send; without it this process
    /// binds the network address now, and must not fork any more.
    ///
    /// # Errors
    /// As [`PublisherClient::initialize`].
    pub fn initialize(&self) -> Result<()> {
        if self.settings.pubsub().pub_sub_use_multiproc {
            return Ok(());
        }
        self.with(async |client| client.initialize().await)
    }

    /// Publishes one event; `Ok` means accepted.
    ///
    /// # Errors
    /// As [`PublisherClient::send`].
    pub fn send(&self, event: &Event) -> Result<()> {
        self.with(async |client| client.send(event).await)
    }

    /// Waits until everything accepted has left this process.
    ///
    /// # Errors
    /// As [`PublisherClient::flush`].
    pub fn flush(&self) -> Result<()> {
        self.with(async |client| client.flush().await)
    }

    /// Hands over what was accepted, within `linger`, and ends; a process that has sent nothing has nothing to do.
    ///
    /// # Errors
    /// As [`PublisherClient::close`].
    pub fn close(&self) -> Result<()> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        match running {
            Some(running) if running.pid == std::process::id() => {
                running.runtime.block_on(running.client.close())
            }
            Some(inherited) => {
                forget(inherited);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn with<T>(&self, work: impl AsyncFnOnce(&PublisherClient) -> Result<T>) -> Result<T> {
        let (runtime, client) = self.of_this_process()?;
        runtime.block_on(work(&client))
    }

    fn of_this_process(&self) -> Result<(Arc<Runtime>, Arc<PublisherClient>)> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let pid = std::process::id();
        if let Some(current) = running.as_ref().filter(|current| current.pid == pid) {
            return Ok((Arc::clone(&current.runtime), Arc::clone(&current.client)));
        }
        if let Some(inherited) = running.take() {
            forget(inherited);
        }
        let runtime =
            Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(|error| {
                Error::new(ErrorKind::Internal, "cannot start the publisher's thread").with_source(error)
            })?;
        let client = PublisherClient::open(&self.settings)?;
        runtime.block_on(client.initialize())?;
        let current = Running { pid, runtime: Arc::new(runtime), client: Arc::new(client) };
        let parts = (Arc::clone(&current.runtime), Arc::clone(&current.client));
        *running = Some(current);
        Ok(parts)
    }
}

/// A forked process has its parent's runtime without its threads: ending it properly would wait for them for ever.
fn forget(inherited: Running) {
    std::mem::forget(inherited);
}
