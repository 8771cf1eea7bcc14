use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Event, Registry, Result, Route};
use tokio::runtime::{Builder, Runtime};

use crate::PublisherClient;

/// The publisher that the settings describe, for callers without a runtime.
///
/// It may be made and initialized before `fork`, and even used: a process that finds itself forked since leaves the
/// parent's connection alone and makes its own at its next call. One thread works in the background from the first
/// send on. All methods may be called from many threads at once, and block.
///
/// Fork from a moment in which no other thread of the process is inside one of these methods: a lock that such a
/// thread holds stays locked in the child.
#[derive(Debug)]
pub struct BlockingPublisher {
    settings: Settings,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// Nothing was sent, by this process or its ancestors.
    Idle,
    Running(Running),
    /// Closed by the process of this id; its children may go on.
    Closed(u32),
}

/// What belongs to one process.
#[derive(Debug)]
struct Running {
    pid: u32,
    runtime: Arc<Runtime>,
    client: Arc<PublisherClient>,
}

impl Drop for BlockingPublisher {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let of_another_process = |running: &Running| running.pid != std::process::id();
        if let State::Running(running) = std::mem::replace(state, State::Idle)
            && of_another_process(&running)
        {
            forget(running);
        }
    }
}

impl BlockingPublisher {
    /// Checks the settings; starts nothing.
    ///
    /// # Errors
    /// As [`PublisherClient::open`].
    pub fn open(settings: &Settings) -> Result<Self> {
        PublisherClient::open(settings)?;
        Ok(Self { settings: settings.clone(), state: Mutex::new(State::Idle) })
    }

    /// Makes ready to send. On the IPC hop, and on a broker, nothing is left to do before the first send; without them this
    /// process binds the network address now, and must not fork any more.
    ///
    /// # Errors
    /// As [`PublisherClient::initialize`].
    pub fn initialize(&self) -> Result<()> {
        match Registry::collect()?.route(&self.settings)? {
            Route::Broker(_) | Route::Service(_) => Ok(()),
            Route::Bind(_) => self.with(async |client| client.initialize().await),
        }
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
        let pid = std::process::id();
        let previous = {
            let mut state = self.state();
            std::mem::replace(&mut *state, State::Closed(pid))
        };
        match previous {
            State::Running(running) if running.pid == pid => running.runtime.block_on(running.client.close()),
            State::Running(inherited) => {
                forget(inherited);
                Ok(())
            }
            State::Idle | State::Closed(_) => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, work: impl AsyncFnOnce(&PublisherClient) -> Result<T>) -> Result<T> {
        let (runtime, client) = self.of_this_process()?;
        runtime.block_on(work(&client))
    }

    fn of_this_process(&self) -> Result<(Arc<Runtime>, Arc<PublisherClient>)> {
        let mut state = self.state();
        let pid = std::process::id();
        match &*state {
            State::Running(current) if current.pid == pid => {
                return Ok((Arc::clone(&current.runtime), Arc::clone(&current.client)));
            }
            State::Closed(closed) if *closed == pid => {
                return Err(Error::new(ErrorKind::Closed, "the publisher was closed"));
            }
            _ => {}
        }
        if let State::Running(inherited) = std::mem::replace(&mut *state, State::Idle) {
            forget(inherited);
        }
        let running = self.start(pid)?;
        let parts = (Arc::clone(&running.runtime), Arc::clone(&running.client));
        *state = State::Running(running);
        Ok(parts)
    }

    fn start(&self, pid: u32) -> Result<Running> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(|error| {
                Error::new(ErrorKind::Internal, "cannot start the publisher's thread").with_source(error)
            })?;
        let client = PublisherClient::open(&self.settings)?;
        runtime.block_on(client.initialize())?;
        Ok(Running { pid, runtime: Arc::new(runtime), client: Arc::new(client) })
    }
}

/// A forked process has its parent's runtime without its threads: ending it properly would wait for them for ever.
fn forget(inherited: Running) {
    std::mem::forget(inherited);
}
