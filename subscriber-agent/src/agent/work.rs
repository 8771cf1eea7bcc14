use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use delivery::subscriber::{DeliveryMode, Item};
use futures_util::FutureExt;
use pubsub_api::{Error, ErrorKind, Event, Notice, Result};

use super::{Agent, Io};
use crate::noted::{note, note_failure};
use crate::table_updater::{Delivery, NO_KEYRING};
use crate::wall_clock::wall_us;
use crate::{AgentNotice, Change, Output, Report, ResyncRequest};

impl Agent {
    /// Receives until [`stop`](Self::stop) is called or the reader of the output has gone.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the output cannot be written, [`ErrorKind::Internal`] if a handler failed whose policy is
    /// to [stop](crate::OnFailure::Stop) the agent.
    pub async fn run(&self) -> Result<()> {
        let mut io = self.io.lock().await;
        let mut stopping = self.stopping.subscribe();
        let mut stopped = pin!(async move { stopping.wait_for(|stop| *stop).await.is_ok() });
        self.resend_unhandled(&mut io).await?;
        loop {
            self.process_reports(&mut io).await?;
            self.advance_sync(&mut io, Instant::now()).await?;
            self.follow_room(&mut io, Instant::now()).await?;
            self.save_if_due(&mut io).await?;
            self.report_applied(&mut io, Instant::now());
            // Items that are ready are processed without a pause; the output is flushed before a wait.
            let (mut items, turn) = (std::mem::take(&mut io.items), io.turn);
            let received = match self.subscriber.recv_items(&mut items, turn).now_or_never() {
                Some(received) => received,
                None => {
                    io.output.flush().await?;
                    tokio::select! {
                        _ = &mut stopped => return Ok(()),
                        received = self.subscriber.recv_items(&mut items, turn) => received,
                        woken = io.wake() => match woken {
                            Ok(()) => continue,
                            Err(error) => return Err(error),
                        },
                    }
                }
            };
            io.items = items;
            match received {
                Ok(()) => self.process_turn(&mut io).await?,
                Err(error) if error.kind() == ErrorKind::Closed => return io.output.flush().await,
                Err(error) => return Err(error),
            }
            if *self.stopping.borrow() {
                return Ok(());
            }
        }
    }

    /// Processes the received items, until [`stop`](Self::stop) is called.
    async fn process_turn(&self, io: &mut Io) -> Result<()> {
        let began = Instant::now();
        self.updater.set_wall_clock(wall_us(), began);
        while let Some(item) = io.items.pop_front() {
            self.process(io, item, Instant::now()).await?;
            if *self.stopping.borrow() {
                return Ok(());
            }
        }
        io.turn_ended(began.elapsed());
        Ok(())
    }

    /// Processes the items that were received, and those that the closed driver still has.
    pub(super) async fn process_rest(&self) -> Result<()> {
        let mut io = self.io.lock().await;
        loop {
            while let Some(item) = io.items.pop_front() {
                self.process(&mut io, item, Instant::now()).await?;
            }
            match self.subscriber.recv().await {
                Ok(item) => io.items.push_back(item),
                Err(_) => return Ok(()),
            }
        }
    }

    /// Processes reports of handlers and waiting lines between two items.
    async fn process_reports(&self, io: &mut Io) -> Result<()> {
        let now = Instant::now();
        io.losses.report_suppressed(now);
        while let Some(report) = io.reports.try_next() {
            match report {
                Report::Failed(failure) => {
                    io.applied.note_error(&failure.reason, now);
                    note_failure(&self.notices, &failure);
                    io.output.agent_notice(&AgentNotice::HandlerFailed(failure)).await?;
                }
                Report::Gap(gap) => io.output.agent_notice(&AgentNotice::HandlerGap(gap)).await?,
                Report::Resync(request) => io.resyncs.request(request, now),
                Report::Stop(reason) => return Err(Error::new(ErrorKind::Internal, reason)),
            }
        }
        io.write_lines().await?;
        while let Some(request) = io.resyncs.next(now) {
            self.resend_table(&mut io.output, request).await?;
        }
        Ok(())
    }

    async fn process(&self, io: &mut Io, item: Item, now: Instant) -> Result<()> {
        let mut deliveries = std::mem::take(&mut io.deliveries);
        let is_full = self.updater.apply(item, now, &mut deliveries);
        for delivery in deliveries.drain(..) {
            match delivery {
                Delivery::Notice(notice) => {
                    io.losses.notice(&notice, now);
                    note(&self.notices, &notice);
                    io.output.notice(&notice).await?;
                    self.suspend_without_keyring(io, &notice);
                    if let (Notice::Resync { reason, .. }, Some(full_sync)) = (&notice, &mut io.full_sync) {
                        full_sync.request(reason, now);
                    }
                }
                Delivery::Change(change) => {
                    if let Some(full_sync) = &mut io.full_sync
                        && full_sync.on_event(&change.event, now)
                    {
                        self.follow_directory(io, now);
                    }
                    self.deliver(&mut io.output, change).await?;
                }
            }
        }
        io.deliveries = deliveries;
        // Nothing may be reported as live after a row was refused.
        if is_full && io.room_check.is_none() { self.follow_room(io, now).await } else { Ok(()) }
    }

    /// An agent that cannot read the events of a publisher is not live.
    fn suspend_without_keyring(&self, io: &mut Io, notice: &Notice) {
        if let Notice::Refused { cause, reason, .. } = notice
            && cause == NO_KEYRING
        {
            self.subscriber.suspend_live(reason);
            io.items.retain(|item| !matches!(item, Item::Notice(Notice::Live { topic: None, .. })));
        }
    }

    /// Writes the change to the output and dispatches it to the handlers.
    pub(super) async fn deliver(&self, output: &mut Output, change: Change) -> Result<()> {
        output.event(&change).await?;
        if self.dispatcher.would_wait(&change) {
            output.flush().await?;
        }
        self.dispatcher.dispatch(&change).await;
        Ok(())
    }

    /// Dispatches all rows and tombstones of a table to one handler.
    async fn resend_table(&self, output: &mut Output, request: ResyncRequest) -> Result<()> {
        let ResyncRequest { handler, table, reason } = request;
        output.notice(&Notice::Resync { publisher: None, topic: None, reason }).await?;
        output.flush().await?;
        let rows: Vec<Arc<Event>> = self.table().with_tombstones_of(&table).cloned().collect();
        for event in rows {
            self.dispatcher.give(handler, &Change { event, mode: DeliveryMode::Sync }).await;
        }
        Ok(())
    }

    /// Dispatches the current state of the rows that the handlers had not finished when the last run ended.
    async fn resend_unhandled(&self, io: &mut Io) -> Result<()> {
        io.output.flush().await?;
        while let Some((table, key)) = io.unhandled.pop() {
            let event = self.table().latest_event(&table, &key).cloned();
            if let Some(event) = event {
                self.dispatcher.dispatch(&Change { event, mode: DeliveryMode::Sync }).await;
            }
        }
        Ok(())
    }
}
