//! Publishers and subscribers that connect and disconnect while others stay.

use pubsub_api::{Incoming, Notice};

use crate::check::{case, ensure};
use crate::receiver::{key, topic};
use crate::{Case, Fixture, Outcome};

pub(crate) const CASES: &[Case] = &[
    case!(Network, one_subscriber_receives_from_several_publishers, unless: ["broker"]),
    case!(Network, several_subscribers_each_get_every_event),
    case!(Network, the_end_of_a_subscriber_does_not_affect_the_others),
    case!(Network, an_address_registered_while_running_is_connected, unless: ["broker"]),
    case!(Network, an_unregistered_address_is_disconnected_permanently, unless: ["broker"]),
    case!(Network, an_unregistered_address_can_be_registered_again, unless: ["broker"]),
    case!(Network, the_loss_of_one_link_does_not_affect_the_others, unless: ["broker"]),
    case!(Network, topics_and_addresses_can_be_registered_from_any_task),
];

/// A subscriber connects to several publishers.
async fn one_subscriber_receives_from_several_publishers(fixture: Fixture) -> Outcome {
    let receiver = fixture.subscriber(&[topic("a")?], &[]).await?;
    let mut senders = Vec::new();
    for _ in 0..3 {
        let sender = fixture.publisher().await?;
        receiver.register_listen_address(&sender.address()?)?;
        receiver.subscribed(&sender.address()?).await?;
        senders.push(sender);
    }
    for round in 0..3 {
        for (number, sender) in senders.iter().enumerate() {
            let key = format!("{round} of {number}");
            sender.publish("a", &key).await?;
            receiver.expect("a", &key).await?;
        }
    }
    Ok(())
}

/// A publisher serves several subscribers.
async fn several_subscribers_each_get_every_event(fixture: Fixture) -> Outcome {
    let sender = fixture.publisher().await?;
    let mut receivers = Vec::new();
    for _ in 0..5 {
        receivers.push(fixture.joined(&[topic("a")?], &sender).await?);
    }
    sender.publish_all("a", 0..100).await?;
    for receiver in &receivers {
        receiver.expect_all("a", 0..100).await?;
    }
    Ok(())
}

/// Closing one subscriber ends only its own links.
async fn the_end_of_a_subscriber_does_not_affect_the_others(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    for round in 0..5 {
        let other = fixture.joined(&[topic("a")?], &sender).await?;
        match round % 2 {
            0 => other.close().await,
            _ => drop(other),
        }
        sender.publish("a", round).await?;
        receiver.expect("a", round).await?;
    }
    Ok(())
}

/// Addresses can be registered before `initialize` and at any time after.
async fn an_address_registered_while_running_is_connected(fixture: Fixture) -> Outcome {
    let (first, receiver) = fixture.linked(&[topic("a")?]).await?;
    let second = fixture.publisher().await?;
    ensure!(receiver.register_listen_address(&second.address()?)?, "a new address must be `true`");
    receiver.subscribed(&second.address()?).await?;
    for (number, sender) in [&first, &second].into_iter().enumerate() {
        sender.publish("a", number).await?;
        receiver.expect("a", number).await?;
    }
    Ok(())
}

/// An unregistered address is left: later events of its publisher do not arrive.
async fn an_unregistered_address_is_disconnected_permanently(fixture: Fixture) -> Outcome {
    let (left, receiver) = fixture.linked(&[topic("a")?]).await?;
    let kept = fixture.publisher().await?;
    receiver.register_listen_address(&kept.address()?)?;
    receiver.subscribed(&kept.address()?).await?;
    ensure!(receiver.unregister_listen_address(&left.address()?), "a known address must be `true`");
    left.publish_all("a", 0..100).await?;
    // The other publisher's events, its hellos and its end take longer than events on a link that still exists.
    for number in 0..20 {
        kept.publish("a", format!("kept-{number}")).await?;
        receiver.expect("a", format!("kept-{number}")).await?;
        kept.say_hello().await?;
    }
    kept.close().await?;
    loop {
        match receiver.next("`LinkDown` of the kept publisher").await? {
            Incoming::Notice(Notice::LinkDown { publisher, .. }) if publisher == kept.address()? => {
                return Ok(());
            }
            Incoming::Notice(_) => {}
            Incoming::Event(envelope) => {
                return Err(format!("expected no event, got {:?}", key(&envelope)?).into());
            }
        }
    }
}

/// An unregistered address may be registered again.
async fn an_unregistered_address_can_be_registered_again(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    let address = sender.address()?;
    for round in 0..3 {
        ensure!(receiver.unregister_listen_address(&address), "a known address must be `true`");
        ensure!(receiver.register_listen_address(&address)?, "an unregistered address must be new");
        receiver.subscribed(&address).await?;
        sender.publish("a", round).await?;
        receiver.expect("a", round).await?;
    }
    Ok(())
}

/// Links are independent: the end of one publisher is reported with its name, and the other's events continue.
async fn the_loss_of_one_link_does_not_affect_the_others(fixture: Fixture) -> Outcome {
    let (gone, receiver) = fixture.linked(&[topic("a")?]).await?;
    let kept = fixture.publisher().await?;
    receiver.register_listen_address(&kept.address()?)?;
    receiver.subscribed(&kept.address()?).await?;
    gone.close().await?;
    receiver.link_down(&gone.address()?).await?;
    kept.publish_all("a", 0..100).await?;
    receiver.expect_all("a", 0..100).await?;
    let (kept, notices) = (kept.address()?, receiver.notices());
    let wrong = notices
        .iter()
        .find(|notice| matches!(notice, Notice::LinkDown { publisher, .. } if *publisher == kept));
    ensure!(wrong.is_none(), "only one link was lost, but {wrong:?} was reported");
    Ok(())
}

/// Registration works from any task.
async fn topics_and_addresses_can_be_registered_from_any_task(fixture: Fixture) -> Outcome {
    let sender = fixture.publisher().await?;
    let address = sender.address()?;
    let receiver = fixture.subscriber(&[], &[]).await?;
    let mut tasks = Vec::new();
    let broker = fixture.capabilities().broker;
    for number in 0..8 {
        let (subscriber, address) = (receiver.share(), address.clone());
        tasks.push(tokio::spawn(async move {
            let new = !broker && subscriber.register_listen_address(&address)?;
            subscriber.register_topic(topic(&format!("task-{number}"))?)?;
            Ok::<bool, pubsub_api::Error>(new)
        }));
    }
    let mut new = 0;
    for task in tasks {
        new += usize::from(task.await??);
    }
    ensure!(
        broker || new == 1,
        "one of eight calls was the first to register {address}, but {new} returned true"
    );
    for number in 0..8 {
        receiver.proved(&sender, &format!("task-{number}")).await?;
    }
    Ok(())
}
