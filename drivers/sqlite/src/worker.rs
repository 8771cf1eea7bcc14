use std::thread;
use std::time::Instant;

use pubsub_api::{Error, ErrorKind, Result};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use crate::failure::Failed;
use crate::file::{Access, File, no_turn};
use crate::settings::SqliteSettings;

/// How many calls wait for a thread; more wait in their callers.
pub(crate) const QUEUE_CALLS: usize = 64;

type Job = Box<dyn FnOnce(&mut File) + Send>;

/// A thread with a connection, and the queue of what it has to do.
///
/// The thread does what is in its queue, and ends when nobody has the worker any more.
#[derive(Debug)]
pub(crate) struct Worker {
    settings: SqliteSettings,
    jobs: mpsc::Sender<Job>,
    ended: watch::Receiver<()>,
}

impl Worker {
    /// Starts the thread; ready when the file is open.
    pub(crate) async fn start(settings: SqliteSettings, access: Access) -> Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>(QUEUE_CALLS);
        let (alive, ended) = watch::channel(());
        let (opened, ready) = oneshot::channel();
        let of_thread = settings.clone();
        let thread = thread::Builder::new().name(format!("sqlite {access:?}").to_lowercase());
        let spawned = thread.spawn(move || {
            let _alive = alive;
            match File::open(of_thread, access) {
                Ok(file) => {
                    if opened.send(Ok(())).is_ok() {
                        serve(file, queue);
                    }
                }
                // Who gave up waiting does not want to know.
                Err(error) => drop(opened.send(Err(error))),
            }
        });
        spawned.map_err(|error| {
            Error::new(ErrorKind::Unavailable, "cannot start a thread for the database").with_source(error)
        })?;
        ready.await.unwrap_or_else(|_| Err(broken()))?;
        Ok(Self { settings, jobs, ended })
    }

    /// Does `call` on the thread, within `busy_timeout` or not at all. If the future is dropped, it may be done all the same.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Connection) -> Result<T, Failed> + Send + 'static,
    ) -> Result<T> {
        let deadline = Instant::now() + self.settings.busy_timeout;
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |file| {
            if !answer.is_closed() {
                // Who gave up waiting meanwhile does not want to know.
                drop(answer.send(file.run(deadline, call)));
            }
        });
        match tokio::time::timeout_at(deadline.into(), self.jobs.send(job)).await {
            Err(_) => return Err(no_turn(&self.settings)),
            Ok(Err(_)) => return Err(broken()),
            Ok(Ok(())) => {}
        }
        answered.await.unwrap_or_else(|_| Err(broken()))
    }

    /// How many calls wait now.
    pub(crate) fn waiting(&self) -> usize {
        self.jobs.max_capacity() - self.jobs.capacity()
    }

    /// What tells that the thread has ended: its sender is gone then.
    pub(crate) fn ended(&self) -> watch::Receiver<()> {
        self.ended.clone()
    }
}

fn serve(mut file: File, mut queue: mpsc::Receiver<Job>) {
    while let Some(job) = queue.blocking_recv() {
        job(&mut file);
    }
}

/// The thread ends before its callers only by a defect.
fn broken() -> Error {
    Error::new(ErrorKind::InDoubt, "the thread of the database ended; whether the call is done is not known")
}
