//! Subscriptions seen with their peer, and sending to one peer.

use pubsub_api::{Envelope, ErrorKind, PeerId, SubscribersSeen, SubscriptionSeen, Topic};

use crate::check::{case, ensure};
use crate::patience::within;
use crate::receiver::topic;
use crate::sender::event;
use crate::{Case, Fixture, Outcome, Sender};

pub(crate) const CASES: &[Case] = &[
    case!(Network, a_newcomer_is_seen_and_can_be_sent_to_alone, needs: ["sees subscribers"]),
    case!(Network, who_is_gone_is_seen_to_cancel, needs: ["sees subscribers"]),
    case!(Network, a_closed_publisher_sees_nothing_more, needs: ["sees subscribers"]),
];

fn seen_by(sender: &Sender) -> Outcome<&dyn SubscribersSeen> {
    let seen = sender.subscribers_seen();
    seen.ok_or_else(|| "what the capabilities promise must be there, and `subscribers_seen` is `None`".into())
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

/// "Puts an event into the stream of one peer only, after what that was already given."
async fn a_newcomer_is_seen_and_can_be_sent_to_alone(fixture: Fixture) -> Outcome {
    let (sender, one) = fixture.linked(&[topic("a")?]).await?;
    let seen = seen_by(&sender)?;
    let peer = newcomer(seen).await?;
    let other = fixture.joined(&[topic("a")?], &sender).await?;
    let other_peer = newcomer(seen).await?;
    ensure!(peer != other_peer, "two connections must be told apart, and both are {peer}");
    sender.publish("a", 1).await?;
    let Envelope { topic, payload } = Envelope::pack(&event("a", 2)?)?;
    ensure!(seen.send_to(peer, &topic, &payload), "{peer} wants `a`, and was not sent to");
    sender.publish("a", 3).await?;
    one.expect_all("a", 1..4).await?;
    other.expect("a", 1).await?;
    other.expect("a", 3).await?;
    ensure!(!seen.send_to(peer, &Topic::new("b")?, &payload), "{peer} does not want `b`, and was sent to");
    let nobody = PeerId(u64::MAX);
    ensure!(!seen.send_to(nobody, &topic, &payload), "{nobody} is not there, and was sent to");
    Ok(())
}

/// "It wants them no longer, of itself or because it is gone."
async fn who_is_gone_is_seen_to_cancel(fixture: Fixture) -> Outcome {
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
    ensure!(!seen.send_to(gone, &topic, &payload), "{gone} is gone, and was sent to");
    Ok(())
}

/// "`Closed` after the publisher's `close`."
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
    ensure!(error.kind() == ErrorKind::Closed, "a closed publisher must say `Closed`, not {error:?}");
    Ok(())
}
