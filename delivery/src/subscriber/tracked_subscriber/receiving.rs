//! How messages of the driver become items.

use std::collections::VecDeque;
use std::future::pending;
use std::time::Duration;

use pubsub_api::{Batch, Notice, Reply, Requester, Result};
use tokio::time::sleep_until;

use super::TrackedSubscriber;
use crate::subscriber::Item;
use crate::wall_clock::wall_us;

/// What was received of the driver.
#[derive(Debug, Default)]
pub(super) struct Received {
    /// For the application, from earlier messages.
    pub(super) items: VecDeque<Item>,
    batch: Batch,
    /// The notice after the batch.
    notice: Option<Notice>,
    /// When the feed's timers are due, even if there is always something to receive.
    tick_at: Duration,
}

/// Why the reader woke.
enum Woken {
    Received(Option<Notice>),
    Replied(Reply),
    Tick,
}

impl TrackedSubscriber {
    /// Waits for the next event, snapshot or notice.
    ///
    /// # Errors
    /// As [`Subscriber::recv`](pubsub_api::Subscriber::recv).
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost: the next call yields the same item.
    pub async fn recv(&self) -> Result<Item> {
        let received = &mut *self.received.lock().await;
        loop {
            if let Some(item) = received.items.pop_front() {
                return Ok(item);
            }
            self.fill(received, 1).await?;
        }
    }

    /// Waits for the next items, and moves those of at most `messages` messages to the end of `items`. A message has one item as a rule;
    /// the last one of a reply has all that waited for it. This costs less for each item than [`recv`](Self::recv).
    ///
    /// # Errors
    /// As [`Subscriber::recv`](pubsub_api::Subscriber::recv).
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost: the next call yields the same items.
    pub async fn recv_items(&self, items: &mut VecDeque<Item>, messages: usize) -> Result<()> {
        let received = &mut *self.received.lock().await;
        if received.items.is_empty() {
            self.fill(received, messages).await?;
        }
        items.append(&mut received.items);
        Ok(())
    }

    /// Waits until there are items, of at most `messages` messages.
    async fn fill(&self, received: &mut Received, messages: usize) -> Result<()> {
        let requester = self.subscriber.requester();
        loop {
            let has_more = self.work(received, messages, requester);
            if !received.items.is_empty() {
                return Ok(());
            }
            if has_more {
                continue;
            }
            let tick_at = self.started + received.tick_at;
            let woken = tokio::select! {
                notice = self.subscriber.recv_batch(&mut received.batch) => Woken::Received(notice?),
                reply = replies(requester) => Woken::Replied(reply?),
                () = sleep_until(tick_at.into()) => Woken::Tick,
            };
            match woken {
                Woken::Received(notice) => received.notice = notice,
                Woken::Replied(reply) => self.feed().reply(reply, self.now()),
                Woken::Tick => {}
            }
        }
    }

    /// Passes at most `messages` received messages to the feed, takes its items, and sends its requests. Returns whether received
    /// messages are left.
    fn work(&self, received: &mut Received, messages: usize, requester: Option<&dyn Requester>) -> bool {
        let (now, mut feed) = (self.now(), self.feed());
        feed.set_wall_clock(wall_us());
        if received.tick_at <= now {
            feed.tick(now);
            received.tick_at = feed.next_tick(now);
        }
        for _ in 0..messages.max(1) {
            match received.batch.first_envelope() {
                Some(Ok(envelope)) => {
                    received.batch.advance(1);
                    feed.message(envelope, now);
                }
                // The driver has checked the topics of its events.
                Some(Err(_)) => received.batch.advance(1),
                None => match received.notice.take() {
                    Some(notice) => feed.notice(notice, now),
                    None => break,
                },
            }
        }
        self.latency.take(feed.latencies());
        received.items.extend(feed.take_items().filter(|item| self.is_wanted(item)));
        received.tick_at = received.tick_at.min(feed.next_tick(now));
        if let Some(requester) = requester {
            for (endpoint, request) in feed.requests() {
                // A request that finds no room is sent again after its deadline.
                requester.request(&endpoint, request);
            }
        }
        !received.batch.is_empty() || received.notice.is_some()
    }
}

async fn replies(requester: Option<&dyn Requester>) -> Result<Reply> {
    match requester {
        Some(requester) => requester.next().await,
        None => pending().await,
    }
}
