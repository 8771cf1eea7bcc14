//! What becomes of `$hello`.

use pubsub_api::{Incoming, Notice};

use crate::check::{case, ensure};
use crate::receiver::{key, pattern, topic};
use crate::{Case, Fixture, Outcome};

pub(crate) const CASES: &[Case] = &[
    case!(Network, a_link_is_told_up_and_then_subscribed),
    case!(Network, subscribed_is_told_once_as_long_as_the_link_stands),
    case!(Network, every_event_after_subscribed_arrives),
    case!(Network, hello_reaches_who_asked_for_it_by_name),
];

/// "A connection stands. Subscriptions may still be on their way", and then the first hello.
async fn a_link_is_told_up_and_then_subscribed(fixture: Fixture) -> Outcome {
    let sender = fixture.publisher().await?;
    let mut publisher = sender.address()?;
    let receiver = fixture.subscriber(&[topic("a")?], &[&publisher]).await?;
    receiver.subscribed(&publisher).await?;
    // At a broker the link is to a node of its, the same or another.
    if let (true, Some(Notice::LinkUp { publisher: node })) =
        (fixture.capabilities().broker, receiver.notices().into_iter().next())
    {
        publisher = node;
    }
    let expected = [
        Notice::LinkUp { publisher: publisher.clone() },
        Notice::Subscribed { publisher, incarnation: None },
    ];
    let told = receiver.notices();
    ensure!(told == expected, "{expected:?} must be told, and {told:?} was");
    Ok(())
}

/// "`Subscribed` = the first `$hello` after a (re)connect", not every one.
async fn subscribed_is_told_once_as_long_as_the_link_stands(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?, pattern("#")?]).await?;
    let told = receiver.notices();
    for number in 0..20 {
        sender.say_hello().await?;
        sender.publish("a", number).await?;
        receiver.expect("a", number).await?;
    }
    let later = receiver.notices();
    ensure!(later == told, "further hellos must tell nothing, and after {told:?} came {later:?}");
    Ok(())
}

/// "The first `$hello` since the connection stands: every event published from now on arrives."
async fn every_event_after_subscribed_arrives(fixture: Fixture) -> Outcome {
    let names: Vec<String> = (0..200).map(|number| format!("topic-{number}")).collect();
    let wanted = names.iter().map(|name| topic(name)).collect::<Result<Vec<_>, _>>()?;
    let (sender, receiver) = fixture.linked(&wanted).await?;
    // Those that were registered last are the likeliest to be placed too late.
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

/// "… and is delivered only to who asked for that topic by name." That others do not get it, is proved by
/// `wildcards_never_see_reserved_topics` and by every case that expects other events.
async fn hello_reaches_who_asked_for_it_by_name(fixture: Fixture) -> Outcome {
    let (_sender, receiver) = fixture.linked(&[topic("$hello")?]).await?;
    for _ in 0..3 {
        let envelope = receiver.envelope("a hello").await?;
        ensure!(envelope.topic == pubsub_api::HELLO, "only hellos were asked for, and {envelope:?} came");
        ensure!(
            key(&envelope)? == "conformance",
            "the hello must be the publisher's own, and it is {envelope:?}"
        );
    }
    let notice = receiver.notices();
    let downs = notice.iter().filter(|notice| matches!(notice, Notice::LinkDown { .. })).count();
    ensure!(downs == 0, "the link must stand, and {notice:?} was told");
    let next = receiver.next("one more hello").await?;
    ensure!(matches!(next, Incoming::Message(_)), "hellos go on, and {next:?} came");
    Ok(())
}
