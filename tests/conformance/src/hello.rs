//! The handling of `$hello`.

use pubsub_api::{Incoming, Notice};

use crate::check::{case, ensure};
use crate::receiver::{key, pattern, topic};
use crate::{Case, Fixture, Outcome};

pub(crate) const CASES: &[Case] = &[
    case!(Network, a_link_is_reported_up_and_then_subscribed),
    case!(Network, subscribed_is_reported_once_while_the_link_is_up),
    case!(Network, every_event_after_subscribed_arrives),
    case!(Network, hello_reaches_subscribers_of_its_topic),
];

/// The link is reported up when the connection is made, and subscribed after the first hello.
async fn a_link_is_reported_up_and_then_subscribed(fixture: Fixture) -> Outcome {
    let sender = fixture.publisher().await?;
    let mut publisher = sender.address()?;
    let receiver = fixture.subscriber(&[topic("a")?], &[&publisher]).await?;
    receiver.subscribed(&publisher).await?;
    // With a broker the link is to one of its nodes.
    if let (true, Some(Notice::LinkUp { publisher: node })) =
        (fixture.capabilities().broker, receiver.notices().into_iter().next())
    {
        publisher = node;
    }
    let expected = [
        Notice::LinkUp { publisher: publisher.clone() },
        Notice::Subscribed { publisher, publisher_epoch: None },
    ];
    let notices = receiver.notices();
    ensure!(notices == expected, "expected the notices {expected:?}, got {notices:?}");
    Ok(())
}

/// Only the first `$hello` after a (re)connect causes `Subscribed`.
async fn subscribed_is_reported_once_while_the_link_is_up(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?, pattern("#")?]).await?;
    let notices = receiver.notices();
    for number in 0..20 {
        sender.say_hello().await?;
        sender.publish("a", number).await?;
        receiver.expect("a", number).await?;
    }
    let later = receiver.notices();
    ensure!(later == notices, "further hellos must cause no notice, but after {notices:?} came {later:?}");
    Ok(())
}

/// Every event published after the first `$hello` of a connection arrives.
async fn every_event_after_subscribed_arrives(fixture: Fixture) -> Outcome {
    let names: Vec<String> = (0..200).map(|number| format!("topic-{number}")).collect();
    let wanted = names.iter().map(|name| topic(name)).collect::<Result<Vec<_>, _>>()?;
    let (sender, receiver) = fixture.linked(&wanted).await?;
    // The topics registered last are the most likely to be subscribed too late.
    for name in names.iter().rev() {
        sender.publish(name, 1).await?;
    }
    let mut missing: Vec<_> = names.iter().collect();
    while !missing.is_empty() {
        let (topic, _) = receiver.event(&format!("the events of {missing:?}")).await?;
        missing.retain(|name| **name != topic);
    }
    Ok(())
}

/// A hello is delivered only to subscribers of its topic. `wildcards_never_match_reserved_topics`, and every case that expects
/// other events, test that others do not receive it.
async fn hello_reaches_subscribers_of_its_topic(fixture: Fixture) -> Outcome {
    let (_sender, receiver) = fixture.linked(&[topic("$hello")?]).await?;
    for _ in 0..3 {
        let envelope = receiver.envelope("a hello").await?;
        ensure!(envelope.topic == pubsub_api::HELLO, "expected only hellos, got {envelope:?}");
        ensure!(
            key(&envelope)? == "conformance",
            "the hello must be the publisher's own, but is {envelope:?}"
        );
    }
    let notice = receiver.notices();
    let downs = notice.iter().filter(|notice| matches!(notice, Notice::LinkDown { .. })).count();
    ensure!(downs == 0, "the link must stay up, but {notice:?} was reported");
    let next = receiver.next("another hello").await?;
    ensure!(matches!(next, Incoming::Event(_)), "expected further hellos, got {next:?}");
    Ok(())
}
