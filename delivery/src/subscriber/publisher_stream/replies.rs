use pubsub_api::{Envelope, Notice, Topic};

use super::{NOT_ASKED, PublisherStream};
use crate::subscriber::context::Context;
use crate::subscriber::payload::Payload;
use crate::subscriber::sync_response::{Part, SyncResponse};
use crate::subscriber::{Effect, Item, PublisherClock, Tracker};
use crate::{Position, SyncReply, SyncReplyKind};

/// After this number of consecutive replies of another publisher, no request is sent while the link is up.
const MAX_MISDIRECTED: u32 = 3;

/// Requests to the publisher, and their replies.
impl PublisherStream {
    /// Whether a reply to it has begun.
    pub(in crate::subscriber) fn is_receiving_reply(&self) -> bool {
        self.sync_response.is_some()
    }

    /// Handles a part of a reply.
    pub(in crate::subscriber) fn answered(&mut self, envelope: Envelope, context: &mut Context<'_>) {
        match SyncReply::read(&envelope) {
            Err(refused) => {
                context.counters.bad(refused.cause());
                self.sync_response = None;
            }
            Ok(Some(head)) if head.stamp.publisher != self.publisher_epoch.publisher => {
                self.misdirected(&head, context);
            }
            Ok(Some(head)) => {
                let is_ours = head.stamp.publisher == self.publisher_epoch.publisher
                    && head.stamp.epoch == self.publisher_epoch.epoch
                    && self.sync_client.is_reply(head.id, &head.topic, context.now);
                let announced = SyncReply::announced_bytes(&envelope);
                let limit = announced.and_then(|bytes| usize::try_from(bytes).ok());
                let limit = limit.unwrap_or(context.options.snapshot_bytes);
                self.sync_response = is_ours.then(|| SyncResponse::new(&head, limit));
                if is_ours {
                    self.misdirected = 0;
                    self.begin_answer(&head, context);
                }
            }
            Ok(None) => {
                self.sync_client.moves(context.now);
                self.part(envelope, context);
            }
        }
    }

    /// Another publisher has replied: requests and events of this address lead to different ones. Another request may reach the
    /// right one; if it does not, no more are sent.
    fn misdirected(&mut self, head: &SyncReply, context: &mut Context<'_>) {
        if !self.sync_client.is_reply(head.id, &head.topic, context.now) {
            return;
        }
        context.counters.bad("answer_of_another_publisher");
        self.misdirected += 1;
        self.request_failed(context);
        if self.misdirected >= MAX_MISDIRECTED {
            self.requests_refused(context);
        }
    }

    fn begin_answer(&mut self, head: &SyncReply, context: &mut Context<'_>) {
        if matches!(head.kind, SyncReplyKind::Replay { .. } | SyncReplyKind::Snapshot { .. }) {
            let (publisher, time_us) = (head.stamp.publisher, head.stamp.time_us);
            context.items.push_back(Item::Clock(PublisherClock { publisher, time_us }));
        }
        match head.kind {
            SyncReplyKind::Busy { retry_after } => {
                context.counters.busy += 1;
                // It refuses the request, not the topic: the next request has all items of this one.
                let wait = retry_after + context.jitter(retry_after);
                self.sync_client.not_before(context.now + wait);
                self.sync_response = None;
                self.sync_client.answered(&head.topic);
            }
            SyncReplyKind::Waits => self.sync_response = None,
            SyncReplyKind::Unknown => {
                let at = Position { epoch: head.stamp.epoch, sequence: head.stamp.sequence };
                self.is_settled(&head.topic);
                self.end_answer(&head.topic, context, |tracker, effects| tracker.unknown(at, effects));
            }
            SyncReplyKind::Refused => self.refused(&head.topic, context),
            SyncReplyKind::Replay { count } => {
                self.is_settled(&head.topic);
                if count == 0 {
                    self.finish_answer(context);
                }
            }
            SyncReplyKind::Snapshot { count: 0, .. } => self.finish_answer(context),
            SyncReplyKind::Snapshot { .. } => {}
        }
    }

    /// This subscriber has no right to a topic any more: it is not followed, and its position is forgotten. The next `Live` states
    /// nothing about it.
    fn refused(&mut self, topic: &Topic, context: &mut Context<'_>) {
        self.retire(topic);
        let (publisher, subscription) = (self.endpoint.clone(), topic.to_string());
        let reason = "the publisher refuses requests about it: this subscriber has no right to it".to_owned();
        context.items.push_back(Item::Notice(Notice::SubscriptionRefused {
            publisher,
            subscription,
            reason,
        }));
    }

    /// The reply is about a topic that was to be repaired, and is not a snapshot: the publisher has none.
    fn is_settled(&mut self, topic: &Topic) {
        if !self.behind.contains(topic) {
            self.is_repaired(topic);
        }
    }

    fn part(&mut self, envelope: Envelope, context: &mut Context<'_>) {
        if self.sync_response.is_none() {
            return;
        }
        let Some(envelope) = self.open(envelope, context) else { return self.finish_if_whole(context) };
        let Some(answering) = &mut self.sync_response else { return };
        match answering.take(envelope) {
            Part::Kept => {
                let topic = answering.topic.clone();
                self.came_further(&topic, context);
            }
            Part::Next { topic, stamp, payload } => {
                self.follow(topic.clone(), context, |tracker, effects| {
                    let at = tracker.position();
                    // An unreadable event has the next sequence: the publisher confirms that.
                    let (epoch, number) = stamp.map_or((at.epoch, at.sequence.saturating_add(1)), |stamp| {
                        (stamp.epoch, stamp.sequence)
                    });
                    tracker.replayed(epoch, number, payload, effects);
                    0
                });
                self.came_further(&topic, context);
            }
            Part::TooLarge { topic, at } => {
                context.counters.bad("snapshot_too_large");
                self.is_settled(&topic);
                self.end_answer(&topic, context, |tracker, effects| tracker.unknown(at, effects));
            }
        }
        self.finish_if_whole(context);
    }

    fn finish_if_whole(&mut self, context: &mut Context<'_>) {
        if self.sync_response.as_ref().is_some_and(SyncResponse::is_whole) {
            self.finish_answer(context);
        }
    }

    fn finish_answer(&mut self, context: &mut Context<'_>) {
        let Some(response) = self.sync_response.take() else { return };
        if !self.is_of_use(&response, context) {
            return;
        }
        let SyncResponse { topic, at, rows, epochs, .. } = response;
        self.epochs = epochs;
        if rows.is_some() {
            self.is_repaired(&topic);
        }
        self.end_answer(&topic, context, |tracker, effects| match rows {
            Some(rows) => tracker.replaced(at, rows, effects),
            None => tracker.replay_ended(at, effects),
        });
        self.report_lacking_rows(&topic, context);
    }

    /// The reply about a topic is complete.
    fn end_answer(
        &mut self,
        topic: &Topic,
        context: &mut Context<'_>,
        act: impl FnOnce(&mut Tracker<Payload>, &mut Vec<Effect<Payload>>),
    ) {
        self.sync_response = None;
        self.sync_client.answered(topic);
        let position = |stream: &Self| stream.topics.get(topic).map(|tracked| tracked.tracker.position());
        let before = position(self);
        self.follow(topic.clone(), context, |tracker, effects| {
            act(tracker, effects);
            0
        });
        if position(self) != before {
            self.came_further(topic, context);
        }
        if self.behind.contains(topic) {
            self.was_futile(topic, context);
        }
    }

    /// The connection for requests is gone.
    pub(in crate::subscriber) fn request_lost(&mut self, context: &mut Context<'_>) {
        self.request_failed(context);
    }

    /// The publisher accepts no requests. Topics that are behind, or fall behind while this link is up, are given up at once:
    /// the stream continues after a gap notice.
    pub(in crate::subscriber) fn requests_refused(&mut self, context: &mut Context<'_>) {
        self.forget_request(context.now);
        self.takes_no_requests = true;
        let behind: Vec<Topic> = self.behind.iter().cloned().collect();
        for topic in behind {
            self.give_up(topic, NOT_ASKED, context);
        }
    }

    /// Whether missing events can be requested.
    pub(in crate::subscriber) fn accepts_requests(&self, context: &Context<'_>) -> bool {
        context.options.asks && !self.takes_no_requests
    }
}
