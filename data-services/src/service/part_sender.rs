use serde_json::Value as Json;
use tokio::sync::{mpsc, oneshot};

use crate::calls::RunId;
use crate::{CallError, CallErrorKind};

/// The way of the parts of one run to the task of its service.
#[derive(Debug, Clone)]
pub(crate) struct PartSender {
    run: RunId,
    parts: mpsc::Sender<NewPart>,
}

/// A part of the result of a run, and where to report that it is sent.
#[derive(Debug)]
pub(crate) struct NewPart {
    pub(crate) run: RunId,
    pub(crate) part: Json,
    pub(crate) reply: oneshot::Sender<Result<(), CallError>>,
}

impl PartSender {
    pub(crate) fn new(run: RunId, parts: mpsc::Sender<NewPart>) -> Self {
        Self { run, parts }
    }

    /// Sends a part; waits until the caller can receive it.
    pub(crate) async fn send(&self, part: Json) -> Result<(), CallError> {
        let ended = || CallError::new(CallErrorKind::Cancelled, "nobody waits for the parts of the call");
        let (reply, replied) = oneshot::channel();
        self.parts.send(NewPart { run: self.run, part, reply }).await.map_err(|_| ended())?;
        replied.await.map_err(|_| ended())?
    }
}
