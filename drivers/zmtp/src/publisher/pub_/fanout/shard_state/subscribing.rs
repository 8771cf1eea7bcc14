//! Subscriptions and cancellations of a peer: each is judged by its rights.

use std::borrow::Cow;
use std::time::Instant;

use bytes::Bytes;
use pubsub_api::{HELLO, MARK_PREFIX, MAX_SUBSCRIPTIONS, Subscription, SubscriptionSeen};

use crate::announced::read_announced;
use crate::protocol::put_event;
use crate::publisher::pub_::fanout::close_reason::CloseReason;
use crate::publisher::pub_::fanout::connection::Connection;
use crate::publisher::pub_::fanout::core::Core;
use crate::publisher::pub_::fanout::filters::Change;
use crate::refused::refused_event;

/// The changes of subscriptions in one read.
#[derive(Default)]
pub(super) struct Said {
    pub(super) change: Change,
    pub(super) seen: Vec<SubscriptionSeen>,
}

/// The most refused subscriptions of one connection: twice what an agent can have at a time. A peer that asks for ever for what it has
/// no right to is closed.
const MAX_REFUSED: usize = 2 * MAX_SUBSCRIPTIONS;

/// What a refused agent is told.
const NO_RIGHT: &str = "the key of this agent has no right to it (topic= in authorized_agents_file)";

/// Subscribes a peer to what it may receive. What it may not is refused, counted, logged and reported to a peer of ours.
pub(super) fn subscribe(
    connection: &mut Connection,
    body: &[u8],
    said: &mut Said,
    core: &Core,
) -> Result<(), CloseReason> {
    let announced = announced(connection, body);
    let is_allowed = match &announced {
        Some(subscription) => connection.rights().includes(subscription),
        None => connection.rights().accepts_prefix(body),
    };
    if !is_allowed {
        return refuse(connection, body, announced.as_ref(), core);
    }
    let (own, change) = (&mut connection.subscriptions, &mut said.change);
    let (added, prefix) = match &announced {
        Some(subscription) => {
            let prefix = subscription.literal_prefix();
            (own.add_announced(body, prefix, change), Bytes::copy_from_slice(prefix))
        }
        None => (own.add(body, change), Bytes::copy_from_slice(body)),
    };
    added.map_err(|_| CloseReason::Refused("too_many_subscriptions"))?;
    let (peer, rights) = (connection.audience.peer, connection.rights().clone());
    said.seen.push(SubscriptionSeen::Subscribed { peer, prefix, rights });
    Ok(())
}

/// Takes a subscription back.
pub(super) fn cancel(connection: &mut Connection, body: &[u8], said: &mut Said) {
    let announced = announced(connection, body);
    let (own, change) = (&mut connection.subscriptions, &mut said.change);
    let prefix = match &announced {
        Some(subscription) => {
            let prefix = subscription.literal_prefix();
            own.remove_announced(body, prefix, change);
            Bytes::copy_from_slice(prefix)
        }
        None => {
            own.remove(body, change);
            Bytes::copy_from_slice(body)
        }
    };
    said.seen.push(SubscriptionSeen::Cancelled { peer: connection.audience.peer, prefix });
}

/// The whole subscription that a peer announces: only one whose rights are limited was asked for it.
fn announced(connection: &Connection, body: &[u8]) -> Option<Subscription> {
    if connection.rights().is_all() { None } else { read_announced(body) }
}

fn refuse(
    connection: &mut Connection,
    body: &[u8],
    announced: Option<&Subscription>,
    core: &Core,
) -> Result<(), CloseReason> {
    let now = Instant::now();
    let text = match announced {
        Some(subscription) => Cow::Owned(subscription.to_string()),
        None => String::from_utf8_lossy(body),
    };
    let key = connection.agent.as_ref().map(|agent| &agent.known.key);
    let reason = format!("its key has no right to the subscription {text:?}");
    core.counters.subscriptions_refused.refuse("topic_right", &connection.host_name(), &reason, now);
    // That of a topic follows the one of its marks.
    if !text.as_bytes().starts_with(MARK_PREFIX)
        && let Some(others) = core.refusal_log.note(key, body, now)
    {
        let name = connection.name();
        tracing::warn!(id = "SK0406", others, "refused a subscription of {name}: {reason}");
    }
    if announced.is_some() {
        put_event(connection.outbox.bytes(), HELLO.as_bytes(), &refused_event(&text, NO_RIGHT));
    }
    let Some(agent) = connection.agent.as_deref_mut() else { return Ok(()) };
    agent.refused += 1;
    if agent.refused > MAX_REFUSED {
        Err(CloseReason::Refused("too_many_refused_subscriptions"))
    } else {
        Ok(())
    }
}
