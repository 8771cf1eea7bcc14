use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use std::os::unix::fs::MetadataExt;

use pubsub_api::{
    CauseCounter, Counter, Error, ErrorKind, PeerReading, Posture, QueueReading, Result, Status, Verdict,
};
use rusqlite::Connection;

use crate::call_error::CallError;
use crate::file::Access;
use crate::settings::SqliteSettings;
use crate::worker::{QUEUE_CALLS, Worker};

/// The two threads of an open database, from its first `initialize` to `close`.
#[derive(Debug)]
pub(crate) struct Threads {
    settings: SqliteSettings,
    stage: Mutex<Stage>,
    /// Held during start and end, so that these do not overlap.
    changing: tokio::sync::Mutex<()>,
    reads: Counter,
    writes: Counter,
    errors: CauseCounter,
}

#[derive(Debug, Clone)]
enum Stage {
    New,
    Open { writer: Arc<Worker>, reader: Arc<Worker>, process: u32 },
    Closed,
}

impl Threads {
    pub(crate) fn new(settings: SqliteSettings) -> Self {
        Self {
            settings,
            stage: Mutex::new(Stage::New),
            changing: tokio::sync::Mutex::new(()),
            reads: Counter::with_cause("database_calls", "read"),
            writes: Counter::with_cause("database_calls", "write"),
            errors: CauseCounter::new("database_errors"),
        }
    }

    /// Opens the file, unless it is already open.
    pub(crate) async fn start(&self) -> Result<()> {
        let _changing = self.changing.lock().await;
        let stage = self.stage().clone();
        match stage {
            Stage::New => {}
            Stage::Open { .. } | Stage::Closed => return self.workers().map(drop),
        }
        let started = async {
            // The writer first: it creates the file if there is none.
            let writer = Worker::start(self.settings.clone(), Access::Write).await?;
            let reader = Worker::start(self.settings.clone(), Access::Read).await?;
            Ok((Arc::new(writer), Arc::new(reader)))
        };
        let (writer, reader) = started.await.inspect_err(|error| {
            // Only counted: the caller reports it, and retries at its own pace.
            self.count(error);
        })?;
        tracing::info!(id = "SK0801", path = %self.settings.path.display(), "opened the SQLite database");
        *self.stage() = Stage::Open { writer, reader, process: std::process::id() };
        Ok(())
    }

    /// Executes a call that changes something.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Connection) -> Result<T, CallError> + Send + 'static,
    ) -> Result<T> {
        let (writer, _) = self.workers()?;
        self.writes.add(1);
        self.record(writer.call(call).await)
    }

    /// Executes a call that changes nothing.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Connection) -> Result<T, CallError> + Send + 'static,
    ) -> Result<T> {
        let (_, reader) = self.workers()?;
        self.reads.add(1);
        self.record(reader.call(call).await)
    }

    /// Lets the threads finish their queued calls, and waits until they have ended.
    pub(crate) async fn end(&self) {
        let _changing = self.changing.lock().await;
        let before = std::mem::replace(&mut *self.stage(), Stage::Closed);
        let Stage::Open { writer, reader, process } = before else { return };
        if process != std::process::id() {
            return;
        }
        // The writer last: the last connection removes the log.
        for worker in [reader, writer] {
            let mut ended = worker.ended();
            drop(worker);
            while ended.changed().await.is_ok() {}
        }
    }

    /// Who can read the file; `None` if there is no file yet.
    pub(crate) fn posture(&self) -> Option<Posture> {
        const BY_OTHERS: u32 = 0o007;
        let path = &self.settings.path;
        let mode = std::fs::metadata(path).ok()?.mode() & 0o777;
        let state = format!("the file {} has mode {mode:04o}", path.display());
        Some(match mode & BY_OTHERS {
            0 => Posture::new("database", Verdict::Good, state),
            _ => Posture::new("database", Verdict::Open, state)
                .remedy(format!("other users can read it: chmod o= {}", path.display())),
        })
    }

    pub(crate) fn status(&self) -> Status {
        let mut counters = vec![self.reads.read(), self.writes.read()];
        counters.extend(self.errors.read());
        let stage = self.stage().clone();
        let state = match stage {
            Stage::New => "new",
            Stage::Open { .. } => "open",
            Stage::Closed => "closed",
        };
        let endpoint = self.settings.path.display().to_string();
        let queues = match &stage {
            Stage::Open { writer, reader, .. } => {
                vec![queue("database writes", writer), queue("database reads", reader)]
            }
            Stage::New | Stage::Closed => Vec::new(),
        };
        Status {
            counters,
            queues,
            peers: vec![PeerReading { endpoint, state: state.to_owned() }],
            ..Status::default()
        }
    }

    /// The writer and the reader.
    fn workers(&self) -> Result<(Arc<Worker>, Arc<Worker>)> {
        let path = self.settings.path.display();
        let (kind, text) = match &*self.stage() {
            Stage::Open { writer, reader, process } if *process == std::process::id() => {
                return Ok((Arc::clone(writer), Arc::clone(reader)));
            }
            // After `fork`, neither the threads nor the locks of the file exist
            // (<https://www.sqlite.org/howtocorrupt.html>, 2.6).
            Stage::Open { process, .. } => {
                let text = format!(
                    "process {process} initialized the database {path} before fork: initialize it in the process that \
                     uses it"
                );
                (ErrorKind::Unavailable, text)
            }
            Stage::New => {
                let text = format!("the database {path} is not open yet: call initialize first");
                (ErrorKind::Unavailable, text)
            }
            Stage::Closed => (ErrorKind::Closed, format!("the database {path} was closed")),
        };
        Err(Error::new(kind, text))
    }

    /// Counts a failed call, and logs it: the first one, then at most one a second.
    fn record<T>(&self, done: Result<T>) -> Result<T> {
        done.inspect_err(|error| {
            if let Some(times) = self.count(error) {
                tracing::warn!(id = "SK0815", times, "a call to the SQLite database failed: {error}");
            }
        })
    }

    /// Returns the number of such failures since the last log line, if another line is due. Mistakes of the caller are not
    /// counted: operators cannot fix them.
    fn count(&self, error: &Error) -> Option<u64> {
        let counted = [ErrorKind::Unavailable, ErrorKind::InDoubt, ErrorKind::Internal, ErrorKind::Settings];
        let kind = error.kind();
        if counted.contains(&kind) { self.errors.count(kind.as_str(), Instant::now()) } else { None }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn queue(name: &str, worker: &Worker) -> QueueReading {
    QueueReading::new(name, "calls", (worker.waiting(), QUEUE_CALLS), "calls wait, for busy_timeout in all")
}
