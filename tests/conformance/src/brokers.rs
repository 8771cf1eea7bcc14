//! What is different with a broker between publishers and subscribers.

use pubsub_api::{ErrorKind, Notice};

use crate::check::{case, ensure};
use crate::receiver::topic;
use crate::{Case, Fixture, Outcome};

pub(crate) const CASES: &[Case] = &[
    case!(Network, a_broker_driver_refuses_listen_addresses_and_names_its_setting, needs: ["broker"]),
    case!(Network, every_publisher_reaches_every_subscriber_through_the_broker, needs: ["broker"]),
    case!(Network, the_end_of_a_publisher_ends_no_link_to_a_broker, needs: ["broker"]),
    case!(Network, a_topic_is_delivered_from_its_confirmation_on, needs: ["broker", "confirms subscribe"]),
];

/// A listen address is `Unsupported`: all links are to the broker.
async fn a_broker_driver_refuses_listen_addresses_and_names_its_setting(fixture: Fixture) -> Outcome {
    let sender = fixture.publisher().await?;
    let receiver = fixture.new_subscriber()?;
    for address in [sender.address()?.as_str(), "tcp://127.0.0.1:8866", "nonsense"] {
        match receiver.register_listen_address(address) {
            Err(error)
                if error.kind() == ErrorKind::Unsupported && error.to_string().contains("drivers.") => {}
            other => return Err(format!("{address:?} must be `Unsupported`, but was {other:?}").into()),
        }
        ensure!(!receiver.unregister_listen_address(address), "{address:?} cannot be registered");
    }
    Ok(())
}

/// The broker connects every publisher with every subscriber.
async fn every_publisher_reaches_every_subscriber_through_the_broker(fixture: Fixture) -> Outcome {
    let mut receivers = Vec::new();
    for _ in 0..4 {
        receivers.push(fixture.subscriber(&[topic("a")?], &[]).await?);
    }
    for receiver in &receivers {
        receiver.subscribed("the broker").await?;
    }
    for round in 0..8 {
        let sender = fixture.publisher().await?;
        sender.publish("a", round).await?;
        for receiver in &receivers {
            receiver.expect("a", round).await?;
        }
    }
    Ok(())
}

/// The link is to the broker, so it does not depend on publishers.
async fn the_end_of_a_publisher_ends_no_link_to_a_broker(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    sender.publish("a", 1).await?;
    receiver.expect("a", 1).await?;
    sender.close().await?;
    let other = fixture.publisher().await?;
    other.publish("a", 2).await?;
    receiver.expect("a", 2).await?;
    let down = receiver.notices().into_iter().find(|notice| matches!(notice, Notice::LinkDown { .. }));
    ensure!(down.is_none(), "no link was lost, but {down:?} was reported");
    Ok(())
}

/// The broker confirms a subscription, without the `$hello` of a publisher.
async fn a_topic_is_delivered_from_its_confirmation_on(fixture: Fixture) -> Outcome {
    let names: Vec<String> = (0..100).map(|number| format!("topic-{number}")).collect();
    let wanted = names.iter().map(|name| topic(name)).collect::<Result<Vec<_>, _>>()?;
    let mut sender = fixture.publisher().await?;
    sender.fall_silent();
    let receiver = fixture.joined(&wanted, &sender).await?;
    for name in &names {
        sender.publish(name, 1).await?;
        receiver.expect(name, 1).await?;
    }
    Ok(())
}
