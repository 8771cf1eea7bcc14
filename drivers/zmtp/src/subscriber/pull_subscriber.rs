use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use pubsub_api::wire::WireError;
use pubsub_api::{Batch, Incoming, Notice, Result, Status, Subscriber};
use tokio::sync::watch;

use super::intake::{Acceptor, BlockQueue, Ends, Intake, SharedClaim};
use crate::ZmtpSettings;
use crate::wire::closed;

/// The service's end of the IPC hop: PULL, bound to `publisher_multiproc_socket`. It serves PUSH, and DEALER as if it were
/// one.
#[derive(Debug)]
pub struct PullSubscriber {
    settings: ZmtpSettings,
    intake: Arc<Intake>,
    state: Mutex<State>,
    stopping: watch::Sender<bool>,
    queue: BlockQueue,
    /// What was taken out of the queue and not yet given to the application.
    taken: tokio::sync::Mutex<Batch>,
}

#[derive(Debug)]
enum State {
    New(Ends),
    Open(SharedClaim),
    Closed,
}

/// A batch of so many bytes is worth its costs; nothing is added to it.
const ENOUGH_BYTES: usize = 64 * 1024;

impl PullSubscriber {
    pub(crate) fn new(settings: ZmtpSettings) -> Self {
        let (stopping, stopped) = watch::channel(false);
        let intake = Arc::new(Intake::new(settings.clone()));
        let (ends, queue) = intake.queue(stopped);
        Self {
            settings,
            intake,
            state: Mutex::new(State::New(ends)),
            stopping,
            queue,
            taken: tokio::sync::Mutex::default(),
        }
    }

    /// Waits until there is an event to give.
    async fn fill(&self, taken: &mut Batch) -> Result<()> {
        while taken.is_empty() {
            *taken = self.queue.next().await.ok_or_else(|| closed("subscriber"))?;
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Subscriber for PullSubscriber {
    async fn initialize(&self) -> Result<()> {
        let mut state = self.state();
        let ends = match &*state {
            State::New(ends) => ends.clone(),
            State::Open(_) => return Ok(()),
            State::Closed => return Err(closed("subscriber")),
        };
        let (acceptor, claim) = Acceptor::bind(&self.intake)?;
        tokio::spawn(acceptor.run(ends));
        *state = State::Open(claim);
        Ok(())
    }

    async fn recv(&self) -> Result<Incoming> {
        let mut taken = self.taken.lock().await;
        loop {
            self.fill(&mut taken).await?;
            let first = taken.first_envelope();
            taken.advance(1);
            match first {
                Some(Ok(envelope)) => return Ok(Incoming::Message(envelope)),
                Some(Err(_)) => self.intake.refuse(WireError::BadTopic),
                None => {}
            }
        }
    }

    async fn recv_batch(&self, batch: &mut Batch) -> Result<Option<Notice>> {
        let mut taken = self.taken.lock().await;
        self.fill(&mut taken).await?;
        let mut bytes = 0;
        // Small blocks came while the application was busy: together they cost the next hop little more than one.
        loop {
            bytes += taken.payload_bytes();
            batch.append(&mut taken);
            if bytes >= ENOUGH_BYTES {
                return Ok(None);
            }
            match self.queue.try_next() {
                Some(next) => *taken = next,
                None => return Ok(None),
            }
        }
    }

    async fn close(&self) {
        self.stopping.send_replace(true);
        if let State::Open(claim) = std::mem::replace(&mut *self.state(), State::Closed) {
            claim.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }

    fn endpoint(&self) -> Option<String> {
        Some(format!("ipc://{}", self.settings.socket.display()))
    }

    fn status(&self) -> Status {
        let mut status = self.intake.status();
        status.queues = self.queue.readings();
        status
    }
}
