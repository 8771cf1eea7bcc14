use std::thread;
use std::time::Instant;

use pubsub_api::{Error, ErrorKind, Result};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use crate::call_error::CallError;
use crate::file::{Access, File, queue_timeout};
use crate::settings::SqliteSettings;

/// Limit of calls that wait for a thread; further ones wait in their callers.
pub(crate) const QUEUE_CALLS: usize = 64;

type Job = Box<dyn FnOnce(&mut File) + Send>;

/// A thread with a connection, and its queue of calls.
///
/// The thread executes the calls in its queue, and ends when the last handle to the worker is dropped.
#[derive(Debug)]
pub(crate) struct Worker {
    settings: SqliteSettings,
    jobs: mpsc::Sender<Job>,
    ended: watch::Receiver<()>,
}

impl Worker {
    /// Starts the thread; completes when the file is open.
    pub(crate) async fn start(settings: SqliteSettings, access: Access) -> Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>(QUEUE_CALLS);
        let (alive, ended) = watch::channel(());
        let (opened, ready) = oneshot::channel();
        let of_thread = settings.clone();
        let thread = thread::Builder::new().name(format!("sqlite {access:?}").to_lowercase());
        let spawned = thread.spawn(move || {
            let _alive = alive;
            open_and_serve(of_thread, access, opened, queue);
        });
        spawned.map_err(|error| {
            Error::new(ErrorKind::Unavailable, "cannot start a thread for the database").with_source(error)
        })?;
        ready.await.unwrap_or_else(|_| Err(thread_ended()))?;
        Ok(Self { settings, jobs, ended })
    }

    /// Executes `call` on the thread; gives up if it cannot begin within `busy_timeout`. If the future is dropped, the call
    /// may be executed nevertheless.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Connection) -> Result<T, CallError> + Send + 'static,
    ) -> Result<T> {
        let deadline = Instant::now() + self.settings.busy_timeout;
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |file| {
            if !answer.is_closed() {
                // The caller may have stopped waiting; ignore.
                drop(answer.send(file.run(deadline, call)));
            }
        });
        match tokio::time::timeout_at(deadline.into(), self.jobs.send(job)).await {
            Err(_) => return Err(queue_timeout(&self.settings)),
            Ok(Err(_)) => return Err(thread_ended()),
            Ok(Ok(())) => {}
        }
        answered.await.unwrap_or_else(|_| Err(thread_ended()))
    }

    /// The number of calls that wait now.
    pub(crate) fn waiting(&self) -> usize {
        self.jobs.max_capacity() - self.jobs.capacity()
    }

    /// A receiver that is closed when the thread has ended.
    pub(crate) fn ended(&self) -> watch::Receiver<()> {
        self.ended.clone()
    }
}

/// The thread: reports whether the file is open, and then serves calls.
fn open_and_serve(
    settings: SqliteSettings,
    access: Access,
    opened: oneshot::Sender<Result<()>>,
    queue: mpsc::Receiver<Job>,
) {
    match File::open(settings, access) {
        Ok(file) => {
            if opened.send(Ok(())).is_ok() {
                serve(file, queue);
            }
        }
        // The caller has stopped waiting; ignore.
        Err(error) => drop(opened.send(Err(error))),
    }
}

fn serve(mut file: File, mut queue: mpsc::Receiver<Job>) {
    while let Some(job) = queue.blocking_recv() {
        job(&mut file);
    }
}

/// The error for a thread that ended before its callers, which only a defect can cause.
fn thread_ended() -> Error {
    Error::new(ErrorKind::InDoubt, "the database thread ended; it is not known whether the call took effect")
}
