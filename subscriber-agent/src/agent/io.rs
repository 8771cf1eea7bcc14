use std::future::pending;
use std::time::Instant;

use pubsub_api::Result;
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use crate::keeping::Keeping;
use crate::loss_log::LossLog;
use crate::resyncs::Resyncs;
use crate::sync::Syncing;
use crate::{Output, Reports};

/// What only the running task touches.
#[derive(Debug)]
pub(crate) struct Io {
    pub(crate) output: Output,
    pub(crate) reports: Reports,
    pub(crate) lines: mpsc::Receiver<String>,
    /// A line that was taken and not yet written.
    line: Option<String>,
    pub(crate) resyncs: Resyncs,
    pub(crate) losses: LossLog,
    pub(crate) keeping: Option<Keeping>,
    /// The database, if it is used.
    pub(crate) syncing: Option<Syncing>,
    /// The rows that the handlers of the last life were not done with.
    pub(crate) unhandled: Vec<(String, String)>,
}

impl Io {
    pub(crate) fn new(
        output: Output,
        reports: Reports,
        lines: mpsc::Receiver<String>,
        keeping: Option<Keeping>,
        syncing: Option<Syncing>,
    ) -> Self {
        Self {
            output,
            reports,
            lines,
            line: None,
            resyncs: Resyncs::default(),
            losses: LossLog::default(),
            keeping,
            syncing,
            unhandled: Vec::new(),
        }
    }

    /// Writes the lines that wait.
    pub(crate) async fn write_lines(&mut self) -> Result<()> {
        if let Some(line) = self.line.take() {
            self.output.line(line.as_bytes()).await?;
        }
        while let Ok(line) = self.lines.try_recv() {
            self.output.line(line.as_bytes()).await?;
        }
        Ok(())
    }

    /// Waits until there is something to do besides what the subscriber yields.
    ///
    /// # Errors
    /// Those of the output.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost.
    pub(super) async fn wake(&mut self) -> Result<()> {
        let dues = [self.resyncs.due(), self.losses.due(), self.keeping.as_ref().map(Keeping::due)];
        let due = dues.into_iter().flatten().min();
        let synced = async {
            match &mut self.syncing {
                Some(syncing) => syncing.wake().await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = self.reports.changed() => {}
            () = synced => {}
            Some(line) = self.lines.recv() => self.line = Some(line),
            () = sleep_until(due.unwrap_or_else(Instant::now).into()), if due.is_some() => {}
            error = self.output.failed() => return Err(error),
        }
        Ok(())
    }
}
