//! The events that a subscription to topics receives.

use pubsub_api::{Subscription, wire};

use crate::check::{case, ensure};
use crate::receiver::{pattern, topic};
use crate::sender::event;
use crate::{Case, Fixture, Outcome};

pub(crate) const CASES: &[Case] = &[
    case!(Network, exact_topics_only),
    case!(Network, topics_are_compared_bytewise_and_never_normalised),
    case!(Network, the_longest_topic_is_delivered_and_similar_ones_are_not),
    case!(Network, an_event_arrives_once_however_many_subscriptions_match),
    case!(Network, a_subscriber_without_subscriptions_receives_no_event),
    case!(Network, a_topic_registered_while_running_is_delivered),
    case!(Network, a_topic_is_delivered_from_the_next_send_on, needs: ["confirms subscribe"], unless: ["broker"]),
    case!(Network, an_unregistered_topic_is_not_delivered_until_registered_again),
    case!(Network, queued_events_are_dropped_when_their_topic_is_unregistered),
    case!(Network, an_event_is_delivered_while_one_matching_subscription_is_left),
    case!(Multiproc, a_multiproc_subscriber_receives_every_topic),
];

/// The topic of the event that ends a check.
const MARKER: &str = "conformance-marker";

/// Publishes one event on each topic of `published` to a subscriber for `wanted`; exactly those of `delivered` must
/// arrive, in any order, because the contract does not order different topics.
pub(crate) async fn delivers(
    fixture: &Fixture,
    mut wanted: Vec<Subscription>,
    published: &[&str],
    delivered: &[&str],
) -> Outcome {
    wanted.push(topic(MARKER)?);
    let (sender, receiver) = fixture.linked(&wanted).await?;
    for name in published {
        let sent = event(name, name)?;
        // Only `send` accepts reserved topics.
        sender.send(&sent.topic, wire::encode(&sent)?).await?;
    }
    let mut came = Vec::new();
    for round in ["first", "last"] {
        sender.publish(MARKER, round).await?;
        let mut marked = false;
        while !marked || came.len() < delivered.len() {
            let (topic, key) =
                receiver.event(&format!("{round} marker and {delivered:?}, so far {came:?}")).await?;
            match topic == MARKER {
                true => marked |= key == round,
                false => came.push(topic),
            }
        }
    }
    let mut expected = delivered.to_vec();
    expected.sort_unstable();
    came.sort_unstable();
    ensure!(came == expected, "of {published:?} exactly {expected:?} must arrive, got {came:?}");
    Ok(())
}

/// Topics match exactly, whatever the transport filters.
async fn exact_topics_only(fixture: Fixture) -> Outcome {
    let wanted = vec![topic("D")?, topic("tenant1")?, topic("a.b")?];
    let published = [
        "D", "Demo", "DD", "d", " D", "D ", "tenant1", "tenant10", "tenant", "Tenant1", "a.b", "a.b.c", "a",
        "a.*",
    ];
    delivers(&fixture, wanted, &published, &["D", "tenant1", "a.b"]).await
}

/// Topics match bytewise, without normalisation or case folding: two spellings of one word are two topics.
async fn topics_are_compared_bytewise_and_never_normalised(fixture: Fixture) -> Outcome {
    let wanted = vec![topic("projekt-ü")?, topic("🦀")?, topic("\u{202e}rtl")?];
    let published =
        ["projekt-ü", "projekt-u\u{308}", "PROJEKT-Ü", "projekt-u", "🦀", "🦀🦀", "\u{202e}rtl", "rtl"];
    delivers(&fixture, wanted, &published, &["projekt-ü", "🦀", "\u{202e}rtl"]).await
}

/// A topic has 1 to 255 bytes of UTF-8.
async fn the_longest_topic_is_delivered_and_similar_ones_are_not(fixture: Fixture) -> Outcome {
    let longest = "x".repeat(255);
    let shorter = "x".repeat(254);
    delivers(&fixture, vec![topic(&longest)?], &[&longest, &shorter, "x"], &[&longest]).await
}

/// An event arrives once, however many subscriptions match.
async fn an_event_arrives_once_however_many_subscriptions_match(fixture: Fixture) -> Outcome {
    let wanted =
        vec![topic("a.b")?, pattern("a.*")?, pattern("a.#")?, pattern("a*")?, pattern("#")?, topic("a")?];
    delivers(&fixture, wanted, &["a.b", "a"], &["a.b", "a"]).await
}

/// A subscriber without subscriptions receives nothing.
async fn a_subscriber_without_subscriptions_receives_no_event(fixture: Fixture) -> Outcome {
    delivers(&fixture, Vec::new(), &["D", "tenant-1", "$mark.D"], &[]).await
}

/// Topics can be registered before `initialize` and at any time after.
async fn a_topic_registered_while_running_is_delivered(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("early")?]).await?;
    ensure!(receiver.register_topic(topic("late")?)?, "a new topic must be `true`");
    receiver.proved(&sender, "late").await?;
    sender.publish("late", 1).await?;
    receiver.expect("late", 1).await?;
    sender.publish("early", 1).await?;
    receiver.expect("early", 1).await
}

/// With `confirms_subscribe`, the other side confirms a subscription, without waiting for the next `$hello`.
async fn a_topic_is_delivered_from_the_next_send_on(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[]).await?;
    for number in 0..100 {
        let name = format!("late-{number}");
        receiver.register_topic(topic(&name)?)?;
        sender.publish(&name, number).await?;
        receiver.expect(&name, number).await?;
    }
    Ok(())
}

/// `unregister_topic` returns `true` for a known topic, and the topic can be registered again.
async fn an_unregistered_topic_is_not_delivered_until_registered_again(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?, topic("b")?]).await?;
    for round in 0..3 {
        sender.publish("a", round).await?;
        receiver.expect("a", round).await?;
        ensure!(receiver.unregister_topic(&topic("a")?), "a known topic must be `true`");
        sender.publish("a", "unwanted").await?;
        sender.publish("b", round).await?;
        receiver.expect("b", round).await?;
        ensure!(receiver.register_topic(topic("a")?)?, "an unregistered topic must be new");
        receiver.proved(&sender, "a").await?;
    }
    Ok(())
}

/// Queued events of an unregistered topic are dropped.
async fn queued_events_are_dropped_when_their_topic_is_unregistered(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?, topic("b")?]).await?;
    sender.publish_all("a", 0..100).await?;
    sender.publish("b", 1).await?;
    receiver.expect("a", 0).await?;
    receiver.unregister_topic(&topic("a")?);
    receiver.expect("b", 1).await
}

/// Removing a subscription does not affect the others.
async fn an_event_is_delivered_while_one_matching_subscription_is_left(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a.b")?, pattern("a.*")?, pattern("a.b*")?]).await?;
    for gone in [topic("a.b")?, pattern("a.b*")?] {
        receiver.unregister_topic(&gone);
        sender.publish("a.b", &gone).await?;
        receiver.expect("a.b", &gone).await?;
    }
    Ok(())
}

/// A multiproc subscriber receives every topic; subscriptions change nothing.
async fn a_multiproc_subscriber_receives_every_topic(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[]).await?;
    let names = ["D", "tenant-1", "projekt-ü", "$mark.D"];
    for change in ["none", "registered", "unregistered"] {
        match change {
            "registered" => drop(receiver.register_topic(topic("D")?)?),
            "unregistered" => drop(receiver.unregister_topic(&topic("D")?)),
            _ => {}
        }
        for name in names {
            let sent = event(name, change)?;
            sender.send(&sent.topic, wire::encode(&sent)?).await?;
        }
        for name in names {
            receiver.expect(name, change).await?;
        }
    }
    Ok(())
}
