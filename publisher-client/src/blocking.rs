use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Event, Registry, Result, Route};
use tokio::runtime::{Builder, Runtime};

use crate::PublisherClient;

/// A publisher from the settings, for callers without an async runtime.
///
/// It may be made, initialized and even used before `fork`. A forked process does not use the parent's connection; it makes
/// its own at its next call. The first send starts one background thread. All methods block, and many threads may call them
/// at once.
///
/// Call `fork` only while no other thread of the process is inside one of these methods: a lock that such a thread holds
/// stays locked in the child.
#[derive(Debug)]
pub struct BlockingPublisher {
    settings: Settings,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// Neither this process nor its ancestors have sent anything.
    Idle,
    Running(Running),
    /// Closed by the process with this id; its children may still send.
    Closed(u32),
}

/// The runtime and client of one process.
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

    /// Prepares to send. With the publisher service or a broker, nothing happens before the first send. Otherwise this process
    /// binds the network address now and must not fork afterwards.
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
    /// It blocks this thread until there is room in the queue, at most for `send_timeout`. Do not call it in a task of
    /// an async runtime: use [`PublisherClient`] there.
    ///
    /// # Errors
    /// As [`PublisherClient::send`].
    pub fn send(&self, event: &Event) -> Result<()> {
        self.with(async |client| client.send(event).await)
    }

    /// Waits until all accepted events have left this process.
    ///
    /// # Errors
    /// As [`PublisherClient::flush`].
    pub fn flush(&self) -> Result<()> {
        self.with(async |client| client.flush().await)
    }

    /// Sends the accepted events within `linger`, then closes. It does nothing in a process that has sent nothing.
    ///
    /// A closed publisher refuses later calls of the same process as `Closed`. A process that was forked from it may
    /// still send.
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
                return Err(Error::new(ErrorKind::Closed, "the publisher is closed"));
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

/// Leaks the parent's runtime. A forked process does not have the runtime's threads, so dropping it would wait for them forever.
fn forget(inherited: Running) {
    std::mem::forget(inherited);
}
