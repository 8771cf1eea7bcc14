use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use delivery::subscriber::{Item, Origin};
use futures_util::FutureExt;
use pubsub_api::{Error, ErrorKind, Event, Notice, Result};

use super::{Agent, Io};
use crate::intake::Handed;
use crate::{AgentNotice, Change, Output, Report, ResyncWanted};

impl Agent {
    /// Receives until [`stop`](Self::stop) or until nobody reads the output any more.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the output cannot be written, [`ErrorKind::Internal`] if a handler failed whose failure
    /// is to [stop](crate::OnFailure::Stop) the agent.
    pub async fn run(&self) -> Result<()> {
        let mut io = self.io.lock().await;
        let mut stopping = self.stopping.subscribe();
        let mut stopped = pin!(async move { stopping.wait_for(|stop| *stop).await.is_ok() });
        self.give_unhandled(&mut io).await?;
        loop {
            self.tend(&mut io).await?;
            self.tend_sync(&mut io, Instant::now()).await?;
            self.keep_if_due(&mut io).await?;
            // What is at hand is taken without a pause; the output is flushed before waiting.
            let next = match self.subscriber.recv().now_or_never() {
                Some(next) => next,
                None => {
                    io.output.flush().await?;
                    tokio::select! {
                        _ = &mut stopped => return Ok(()),
                        next = self.subscriber.recv() => next,
                        woken = io.wake() => match woken {
                            Ok(()) => continue,
                            Err(error) => return Err(error),
                        },
                    }
                }
            };
            match next {
                Ok(item) => self.take(&mut io, item).await?,
                Err(error) if error.kind() == ErrorKind::Closed => return io.output.flush().await,
                Err(error) => return Err(error),
            }
            if *self.stopping.borrow() {
                return Ok(());
            }
        }
    }

    /// Takes what the driver still has, now that it is closed.
    pub(super) async fn take_rest(&self) -> Result<()> {
        let mut io = self.io.lock().await;
        while let Ok(item) = self.subscriber.recv().await {
            self.take(&mut io, item).await?;
        }
        Ok(())
    }

    /// What is to be done between two items.
    async fn tend(&self, io: &mut Io) -> Result<()> {
        let now = Instant::now();
        io.losses.tend(now);
        while let Some(report) = io.reports.try_next() {
            match report {
                Report::Failed(failure) => {
                    io.output.agent_notice(&AgentNotice::HandlerFailed(failure)).await?;
                }
                Report::Gap(gap) => io.output.agent_notice(&AgentNotice::HandlerGap(gap)).await?,
                Report::Resync(wanted) => io.resyncs.want(wanted, now),
                Report::Stop(reason) => return Err(Error::new(ErrorKind::Internal, reason)),
            }
        }
        io.write_lines().await?;
        while let Some(wanted) = io.resyncs.next(now) {
            self.give_again(&mut io.output, wanted).await?;
        }
        Ok(())
    }

    async fn take(&self, io: &mut Io, item: Item) -> Result<()> {
        let now = Instant::now();
        for handed in self.intake.take(item, now) {
            match handed {
                Handed::Notice(notice) => {
                    io.losses.notice(&notice, now);
                    io.output.notice(&notice).await?;
                    if let (Notice::Resync { reason, .. }, Some(syncing)) = (&notice, &mut io.syncing) {
                        syncing.want(reason, now);
                    }
                }
                Handed::Change(change) => {
                    if let Some(syncing) = &mut io.syncing
                        && syncing.told(&change.event, now)
                    {
                        self.follow_directory(io, now);
                    }
                    self.hand_on(&mut io.output, change).await?;
                }
            }
        }
        Ok(())
    }

    /// To the output, and to the handlers.
    pub(super) async fn hand_on(&self, output: &mut Output, change: Change) -> Result<()> {
        output.event(&change).await?;
        if self.dispatcher.would_wait(&change) {
            output.flush().await?;
        }
        self.dispatcher.dispatch(&change).await;
        Ok(())
    }

    /// Gives a handler all rows of a table, and the deletes that are remembered.
    async fn give_again(&self, output: &mut Output, wanted: ResyncWanted) -> Result<()> {
        let ResyncWanted { handler, table, reason } = wanted;
        output.notice(&Notice::Resync { publisher: None, topic: None, reason }).await?;
        output.flush().await?;
        let rows: Vec<Arc<Event>> = self.table().with_tombstones_of(&table).cloned().collect();
        for event in rows {
            self.dispatcher.give(handler, &Change { event, origin: Origin::Sync }).await;
        }
        Ok(())
    }

    /// Gives the handlers what they were not done with in the agent's last life, as it is now.
    async fn give_unhandled(&self, io: &mut Io) -> Result<()> {
        io.output.flush().await?;
        while let Some((table, key)) = io.unhandled.pop() {
            let event = self.table().latest_event(&table, &key).cloned();
            if let Some(event) = event {
                self.dispatcher.dispatch(&Change { event, origin: Origin::Sync }).await;
            }
        }
        Ok(())
    }
}
