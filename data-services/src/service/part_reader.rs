use std::fmt;
use std::pin::Pin;

use serde_json::Value as Json;
use tokio::sync::{Mutex, mpsc};

use super::argument_item::ArgumentItem;
use crate::{CallError, CallErrorKind};

/// The parts of the arguments of one run, as its method reads them.
pub(crate) struct PartReader {
    report: Box<ReportRead>,
    state: Mutex<Reading>,
}

/// Reports to the node that a number of parts were read; returns whether the node is there.
pub(crate) type ReportRead = dyn Fn(u64) -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync;

impl fmt::Debug for PartReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartReader").field("state", &self.state).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Reading {
    items: mpsc::Receiver<ArgumentItem>,
    /// The number of parts that were read, and not yet reported.
    unreported: u64,
    is_ended: bool,
}

/// The number of parts that are read before that is reported, if more of them wait.
const REPORTED_TOGETHER: u64 = 8;

impl PartReader {
    pub(crate) fn new(report: Box<ReportRead>, items: mpsc::Receiver<ArgumentItem>) -> Self {
        Self { report, state: Mutex::new(Reading { items, unreported: 0, is_ended: false }) }
    }

    /// Returns the next part; waits for it. `None` after the last one.
    pub(crate) async fn next(&self) -> Result<Option<Json>, CallError> {
        let mut state = self.state.lock().await;
        if state.is_ended {
            return Ok(None);
        }
        let is_due =
            state.unreported >= REPORTED_TOGETHER || (state.unreported > 0 && state.items.is_empty());
        if is_due && (self.report)(state.unreported).await {
            state.unreported = 0;
        }
        match state.items.recv().await {
            Some(ArgumentItem::Part(part)) => {
                state.unreported += 1;
                Ok(Some(part))
            }
            Some(ArgumentItem::End) => {
                state.is_ended = true;
                Ok(None)
            }
            None => Err(CallError::new(CallErrorKind::Cancelled, "nobody sends the rest of the arguments")),
        }
    }
}
