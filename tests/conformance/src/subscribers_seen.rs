//! Subscriptions that a publisher sees with their peer, and sending to one peer.

use pubsub_api::{Envelope, ErrorKind, PeerId, SubscribersSeen, SubscriptionSeen, Topic};

use crate::check::{case, ensure};
use crate::patience::within;
use crate::receiver::topic;
use crate::sender::event;
use crate::{Case, Fixture, Outcome, Sender};

pub(crate) const CASES: &[Case] = &[
    case!(Network, a_new_subscriber_is_seen_and_can_be_sent_to_individually, needs: ["sees subscribers"]),
    case!(Network, a_disconnected_subscriber_is_reported_as_cancelled, needs: ["sees subscribers"]),
    case!(Network, a_closed_publisher_sees_nothing_more, needs: ["sees subscribers"]),
];

fn seen_by(sender: &Sender) -> Outcome<&dyn SubscribersSeen> {
    let seen = sender.subscribers_seen();
    seen.ok_or_else(|| "the capabilities promise `subscribers_seen`, but it is `None`".into())
}

/// Waits for a peer that is new to topic `a`.
async fn newcomer(seen: &dyn SubscribersSeen) -> Outcome<PeerId> {
    let topic = Topic::new("a")?;
    let found = async {
        loop {
            if let Some(peer) = seen.next().await?.newcomer_to(&topic) {
                return Ok(peer);
            }
        }
    };
    within("a newcomer to `a`", found).await?
}

/// `send_to` puts an event into the stream of one peer only, after its earlier events.
async fn a_new_subscriber_is_seen_and_can_be_sent_to_individually(fixture: Fixture) -> Outcome {
    let (sender, one) = fixture.linked(&[topic("a")?]).await?;
    let seen = seen_by(&sender)?;
    let peer = newcomer(seen).await?;
    let other = fixture.joined(&[topic("a")?], &sender).await?;
    let other_peer = newcomer(seen).await?;
    ensure!(peer != other_peer, "two connections must have different ids, but both are {peer}");
    sender.publish("a", 1).await?;
    let Envelope { topic, payload } = Envelope::pack(&event("a", 2)?)?;
    ensure!(seen.send_to(peer, &topic, &payload), "{peer} is subscribed to `a`, but send_to refused it");
    sender.publish("a", 3).await?;
    one.expect_all("a", 1..4).await?;
    other.expect("a", 1).await?;
    other.expect("a", 3).await?;
    ensure!(
        !seen.send_to(peer, &Topic::new("b")?, &payload),
        "{peer} is not subscribed to `b`, but was sent to"
    );
    let nobody = PeerId(u64::MAX);
    ensure!(!seen.send_to(nobody, &topic, &payload), "{nobody} does not exist, but was sent to");
    Ok(())
}

/// A peer's subscriptions are reported as cancelled when it cancels them or disconnects.
async fn a_disconnected_subscriber_is_reported_as_cancelled(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    let seen = seen_by(&sender)?;
    let gone = newcomer(seen).await?;
    receiver.close().await;
    let cancelled = async {
        loop {
            match seen.next().await {
                Ok(SubscriptionSeen::Cancelled { peer, prefix }) if peer == gone && prefix == "a" => {
                    return Ok(());
                }
                Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
    };
    within("the cancellation of `a`", cancelled).await??;
    let Envelope { topic, payload } = Envelope::pack(&event("a", 1)?)?;
    ensure!(!seen.send_to(gone, &topic, &payload), "{gone} has disconnected, but was sent to");
    Ok(())
}

/// After the publisher's `close`, calls are `Closed`.
async fn a_closed_publisher_sees_nothing_more(fixture: Fixture) -> Outcome {
    let (sender, _receiver) = fixture.linked(&[topic("a")?]).await?;
    sender.close().await?;
    let seen = seen_by(&sender)?;
    let ended = async {
        loop {
            if let Err(error) = seen.next().await {
                return error;
            }
        }
    };
    let error = within("the end", ended).await?;
    ensure!(error.kind() == ErrorKind::Closed, "a closed publisher must return `Closed`, not {error:?}");
    Ok(())
}
