use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use pubsub_api::wire::WireError;
use pubsub_api::{
    Acknowledger, Batch, Envelope, Error, Incoming, Notice, Posture, Result, Source, Status, Subscriber,
};
use tokio::sync::watch;
use tokio::time::timeout;

use super::credentials::Allowed;
use super::intake::{Acceptor, BlockQueue, Ends, Intake, SharedClaim};
use crate::{WorkerRight, ZmtpSettings};

/// The service's end of the IPC hop: PULL to a PUSH, ROUTER to a DEALER, bound to `publisher_multiproc_socket`.
///
/// A DEALER that introduces itself numbers its events, and keeps them until they are acknowledged: by the
/// [`Acknowledger`] for what `recv_batch` brings, which names its [sources](Batch::sources), also when all events of one were
/// dropped. `recv` acknowledges by itself what it hands out, since a caller that takes single events has no batch with sources.
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

/// A batch with this number of bytes is complete.
const ENOUGH_BYTES: usize = 64 * 1024;

/// So is one with this number of blocks, however small they are.
const ENOUGH_BLOCKS: usize = 256;

/// The longest time that `close` waits for the tasks to send the last acknowledgements; they only write what a socket accepts.
const LAST_WORDS: Duration = Duration::from_secs(1);

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

    /// Waits until there is something to give: events, or numbers that dropped events have used up.
    async fn fill(&self, taken: &mut Batch) -> Result<()> {
        if taken.is_empty() && taken.sources().is_empty() {
            *taken = self.queue.next().await.ok_or_else(|| Error::closed("subscriber"))?;
        }
        Ok(())
    }

    /// Takes the first event out, if there is one, and acknowledges it, and with the last one all numbers of its block, which
    /// are of one connection.
    fn take_first(&self, taken: &mut Batch) -> Option<Result<Envelope>> {
        let first = taken.first_envelope();
        let next = taken.iter().nth(1).and_then(|event| event.origin);
        let acknowledged =
            |source: &Source| (source.peer, next.map_or(source.last(), |next| next.number - 1));
        let acknowledged = taken.sources().first().map(acknowledged);
        taken.advance(1);
        if let Some((peer, number)) = acknowledged {
            self.intake.acknowledger().acknowledge(peer, number);
        }
        first
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
            State::Closed => return Err(Error::closed("subscriber")),
        };
        let (acceptor, claim) = Acceptor::bind(&self.intake)?;
        tokio::spawn(acceptor.run(ends));
        *state = State::Open(claim);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        listen::check_unix(&self.settings.socket)
    }

    fn posture(&self) -> Vec<Posture> {
        vec![
            Allowed::new(&self.settings.ipc_allow).posture(),
            WorkerRight::posture(&self.settings.worker_rights),
        ]
    }

    async fn recv(&self) -> Result<Incoming> {
        let mut taken = self.taken.lock().await;
        loop {
            self.fill(&mut taken).await?;
            match self.take_first(&mut taken) {
                Some(Ok(envelope)) => return Ok(Incoming::Event(envelope)),
                Some(Err(_)) => self.intake.refuse(WireError::BadTopic),
                None => {}
            }
        }
    }

    async fn recv_batch(&self, batch: &mut Batch) -> Result<Option<Notice>> {
        let mut taken = self.taken.lock().await;
        self.fill(&mut taken).await?;
        let (mut bytes, mut blocks) = (0, 0);
        // Small blocks came while the application was busy: together they cost the next hop little more than one.
        loop {
            bytes += taken.payload_bytes();
            blocks += 1;
            batch.append(&mut taken);
            if bytes >= ENOUGH_BYTES || blocks >= ENOUGH_BLOCKS {
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
        // What was acknowledged until now, workers are to hear: they would send it again to the next service.
        let _ = timeout(LAST_WORDS, self.stopping.closed()).await;
    }

    fn acknowledger(&self) -> Option<&dyn Acknowledger> {
        Some(self.intake.acknowledger())
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
