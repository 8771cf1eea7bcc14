use std::io::stdout;

use crate::WriteQueue;
use crate::stderr::queue;

impl WriteQueue {
    /// The queue for this process's stdout. Nothing else may write there meanwhile. Log lines are written to stderr before
    /// the output lines that follow them, if stderr is read.
    #[must_use]
    pub fn stdout() -> Self {
        let report = |lines| {
            tracing::warn!(id = "SK0111", "dropped {lines} lines for stdout: its reader did not read")
        };
        Self::standard(stdout(), report, Some(queue()))
    }
}
