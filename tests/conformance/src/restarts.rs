//! Ends that are absent at the start, and ends that return.

use crate::check::{case, ensure};
use crate::receiver::topic;
use crate::{Case, Fixture, Outcome};

pub(crate) const CASES: &[Case] = &[
    case!(Network, a_publisher_that_is_absent_at_the_start_is_normal, unless: ["broker"]),
    case!(Network, a_publisher_that_returns_is_subscribed_again, unless: ["broker"]),
    case!(Network, topics_registered_while_the_publisher_is_absent_are_active_when_it_returns, unless: ["broker"]),
    case!(Network, a_subscriber_that_returns_is_subscribed_again),
    case!(Multiproc, a_publisher_connects_lazily_and_earlier_events_are_delivered),
    case!(Multiproc, a_subscriber_that_returns_receives_events_again),
    case!(Multiproc, publishers_that_connect_and_disconnect_do_not_affect_the_subscriber),
];

/// A publisher that is absent at the start is normal: connecting continues in the background.
async fn a_publisher_that_is_absent_at_the_start_is_normal(fixture: Fixture) -> Outcome {
    let known = fixture.publisher().await?;
    let address = known.address()?;
    known.close().await?;

    let receiver = fixture.subscriber(&[topic("a")?], &[&address]).await?;
    let sender = fixture.publisher_at(&address).await?;
    ensure!(sender.address()? == address, "it must bind the given address: {address}");
    receiver.subscribed(&address).await?;
    sender.publish("a", 1).await?;
    receiver.expect("a", 1).await
}

/// The loss of a link is reported as `LinkDown`, its return as `Subscribed`.
async fn a_publisher_that_returns_is_subscribed_again(fixture: Fixture) -> Outcome {
    let (mut sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    let address = sender.address()?;
    for round in 0..3 {
        sender.publish("a", round).await?;
        receiver.expect("a", round).await?;
        sender.close().await?;
        receiver.link_down(&address).await?;
        sender = fixture.publisher_at(&address).await?;
        receiver.subscribed(&address).await?;
    }
    sender.publish("a", "end").await?;
    receiver.expect("a", "end").await
}

/// Topics belong to the subscriber, not to a link.
async fn topics_registered_while_the_publisher_is_absent_are_active_when_it_returns(
    fixture: Fixture,
) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?, topic("b")?]).await?;
    let address = sender.address()?;
    sender.close().await?;
    receiver.link_down(&address).await?;
    receiver.unregister_topic(&topic("a")?);
    receiver.register_topic(topic("c")?)?;

    let sender = fixture.publisher_at(&address).await?;
    receiver.subscribed(&address).await?;
    for name in ["a", "b", "c"] {
        sender.publish(name, name).await?;
    }
    let mut came = [receiver.event("event b or c").await?.0, receiver.event("event b or c").await?.0];
    came.sort_unstable();
    ensure!(came == ["b", "c"], "expected b and c, got {came:?}");
    Ok(())
}

/// A new subscriber is served like the first.
async fn a_subscriber_that_returns_is_subscribed_again(fixture: Fixture) -> Outcome {
    let sender = fixture.publisher().await?;
    let mut earlier = vec!["while nobody listens"];
    for round in ["first", "second", "third"] {
        let receiver = fixture.joined(&[topic("a")?], &sender).await?;
        sender.publish("a", round).await?;
        receiver.expect_after("a", round, &earlier).await?;
        earlier.push(round);
        receiver.close().await;
        sender.publish("a", "while nobody listens").await?;
    }
    Ok(())
}

/// A multiproc publisher connects at its first `send`, so it can be created before the service runs.
async fn a_publisher_connects_lazily_and_earlier_events_are_delivered(fixture: Fixture) -> Outcome {
    let sender = fixture.publisher().await?;
    sender.publish_all("a", 0..100).await?;
    let receiver = fixture.subscriber(&[], &[]).await?;
    receiver.expect_all("a", 0..100).await?;
    sender.publish_all("a", 100..200).await?;
    receiver.expect_all("a", 100..200).await
}

/// The service restarts, its workers do not.
async fn a_subscriber_that_returns_receives_events_again(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[]).await?;
    sender.publish("a", "before").await?;
    receiver.expect("a", "before").await?;
    receiver.close().await;
    for _ in 0..2 {
        let receiver = fixture.subscriber(&[], &[]).await?;
        receiver.proved(&sender, "a").await?;
        sender.publish_all("a", 0..100).await?;
        receiver.expect_all("a", 0..100).await?;
        receiver.close().await;
    }
    Ok(())
}

/// Workers connect and disconnect, the service stays.
async fn publishers_that_connect_and_disconnect_do_not_affect_the_subscriber(fixture: Fixture) -> Outcome {
    let (stays, receiver) = fixture.linked(&[]).await?;
    for round in 0..5 {
        let sender = fixture.publisher().await?;
        sender.publish("a", round).await?;
        receiver.expect("a", round).await?;
        sender.close().await?;
        stays.publish("b", round).await?;
        receiver.expect("b", round).await?;
    }
    Ok(())
}
