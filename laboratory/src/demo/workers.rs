use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bench_kit::ChildProcess;
use pubsub_api::Result;
use tokio::io::{AsyncWriteExt, BufReader, Lines};
use tokio::process::ChildStdout;

/// The worker processes. Each reads lines, publishes them, and reports how many are confirmed.
pub(super) struct Workers {
    folder: PathBuf,
    settings: Vec<String>,
    workers: Vec<Worker>,
}

/// One worker and the lines that were sent to it.
struct Worker {
    process: ChildProcess,
    /// The lines since its start, in order.
    given: Vec<String>,
    /// The number of confirmed lines.
    confirmed: Arc<AtomicUsize>,
}

impl Workers {
    pub(super) fn start(folder: &Path, settings: &[String], count: usize) -> Result<Self> {
        let (folder, settings) = (folder.to_owned(), settings.to_vec());
        let mut workers = Self { folder, settings, workers: Vec::new() };
        for number in 0..count {
            let worker = workers.start_one(number)?;
            workers.workers.push(worker);
        }
        Ok(workers)
    }

    fn start_one(&self, number: usize) -> Result<Worker> {
        let mut arguments = ["pub", "--jsonl", "-", "--progress"].map(str::to_owned).to_vec();
        arguments.extend(self.settings.iter().cloned());
        let mut process =
            ChildProcess::start_own(&format!("worker-{}", number + 1), &self.folder, &arguments)?;
        let confirmed = Arc::default();
        if let Some(lines) = process.lines.take() {
            tokio::spawn(read_progress(lines, Arc::clone(&confirmed)));
        }
        Ok(Worker { process, given: Vec::new(), confirmed })
    }

    pub(super) fn len(&self) -> usize {
        self.workers.len()
    }

    /// Sends one line to one worker.
    pub(super) async fn write(&mut self, worker: usize, line: &str) -> Result<()> {
        match self.workers.get_mut(worker) {
            Some(worker) => worker.write(line).await,
            None => Ok(()),
        }
    }

    /// Kills a worker and starts another one, which publishes the unconfirmed lines again, like an API that stores its changes
    /// in a database first. Returns the number of these lines.
    pub(super) async fn replace(&mut self, number: usize) -> Result<usize> {
        let fresh = self.start_one(number)?;
        let Some(worker) = self.workers.get_mut(number) else { return Ok(0) };
        let Worker { process, given, confirmed } = std::mem::replace(worker, fresh);
        process.kill().await?;
        let unconfirmed = given.get(confirmed.load(Ordering::Relaxed)..).unwrap_or_default();
        for line in unconfirmed {
            worker.write(line).await?;
        }
        Ok(unconfirmed.len())
    }

    /// Closes their stdin and waits until they have exited, with all lines confirmed.
    pub(super) async fn end(mut self) -> Result<()> {
        for worker in &mut self.workers {
            worker.process.ended().await?;
        }
        Ok(())
    }
}

impl Worker {
    async fn write(&mut self, line: &str) -> Result<()> {
        let mut text = String::with_capacity(line.len() + 1);
        text.push_str(line);
        text.push('\n');
        self.given.push(line.to_owned());
        let Some(stdin) = self.process.stdin.as_mut() else {
            return Err(self.process.failed("its stdin is closed"));
        };
        let written = stdin.write_all(text.as_bytes()).await;
        written.map_err(|error| self.process.failed(&error.to_string()))
    }
}

async fn read_progress(mut lines: Lines<BufReader<ChildStdout>>, confirmed: Arc<AtomicUsize>) {
    while let Ok(Some(line)) = lines.next_line().await {
        let count = serde_json::from_str::<serde_json::Value>(&line).ok();
        let count = count.as_ref().and_then(|line| line.get("confirmed")?.as_u64());
        if let Some(count) = count.and_then(|count| usize::try_from(count).ok()) {
            confirmed.store(count, Ordering::Relaxed);
        }
    }
}
