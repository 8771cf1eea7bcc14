mod connection;
mod listener;
mod sampler;
mod tenure;

use std::sync::Arc;
use std::sync::OnceLock;
use std::thread::JoinHandle;
use std::time::Instant;

use pubsub_api::{Error, ErrorKind, Result};
use tokio::sync::Notify;

use crate::pulse::Pulse;
use crate::respond::Subject;
use crate::status_page::EventHub;
use crate::{OperationsOptions, RunningProgram};
use listener::{BoundListener, serve};

/// The HTTP endpoint of a program. It serves until it is dropped.
#[derive(Debug)]
pub struct OperationsServer {
    endpoint: String,
    subject: Arc<Subject>,
    stopping: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
    beats: tokio::task::JoinHandle<()>,
}

impl OperationsServer {
    /// Binds the address and starts to serve, on a thread of its own. Until [`publish`](Self::publish), `/readyz` and
    /// `/status.json` reply that the program is starting. Must be called in the runtime of the program, whose tasks
    /// `/livez` is about.
    ///
    /// # Errors
    /// As [`OperationsOptions::check`], and [`ErrorKind::Internal`] if no thread can be started.
    pub fn start(options: &OperationsOptions) -> Result<Self> {
        let token = options.token()?;
        let listener = BoundListener::bind(options.address()).map_err(|error| options.of_bind(error))?;
        let endpoint = listener.endpoint();
        let pulse = Pulse::new(Instant::now());
        let subject = Arc::new(Subject {
            token,
            pulse: Arc::clone(&pulse),
            program: OnceLock::new(),
            events: EventHub::new(),
        });
        let stopping = Arc::new(Notify::new());
        let of_thread = (Arc::clone(&subject), Arc::clone(&stopping));
        let run = move || run(listener, of_thread.0, &of_thread.1);
        let thread =
            std::thread::Builder::new().name("operations".to_owned()).spawn(run).map_err(|error| {
                Error::new(ErrorKind::Internal, "cannot start the thread of the operations endpoint")
                    .with_source(error)
            })?;
        tracing::info!(id = "SK1101", "operators find this program at {endpoint}");
        Ok(Self { endpoint, subject, stopping, thread: Some(thread), beats: pulse.start() })
    }

    /// From now on requests are answered with what the program reports. A second call changes nothing.
    pub fn publish(&self, program: RunningProgram) {
        self.subject.program.get_or_init(|| program);
    }

    /// The address: `http://127.0.0.1:9466`, or `unix:` and the path.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

impl Drop for OperationsServer {
    fn drop(&mut self) {
        self.beats.abort();
        self.stopping.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(id = "SK1102", "the thread of the operations endpoint panicked");
        }
    }
}

fn run(listener: BoundListener, subject: Arc<Subject>, stopping: &Notify) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    let served = runtime.map_err(|error| {
        Error::new(ErrorKind::Internal, "cannot start the runtime of the operations endpoint")
            .with_source(error)
    });
    let served = served.and_then(|runtime| runtime.block_on(serve(listener, subject, stopping)));
    if let Err(error) = served {
        tracing::error!(id = "SK1102", "the operations endpoint has ended: {error}");
    }
}

#[cfg(test)]
mod tests;
