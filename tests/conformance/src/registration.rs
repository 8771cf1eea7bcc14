//! The results of registering topics and addresses.

use pubsub_api::{ErrorKind, MAX_SUBSCRIPTIONS};

use crate::check::{case, ensure};
use crate::receiver::{pattern, topic};
use crate::{Case, Fixture, Outcome};

pub(crate) const CASES: &[Case] = &[
    case!(Network, registering_a_topic_twice_is_false_and_not_an_error),
    case!(Network, registering_an_address_twice_is_false_and_not_an_error, unless: ["broker"]),
    case!(Network, unregistering_something_unknown_is_false),
    case!(Network, one_subscription_above_the_limit_is_invalid),
    case!(Network, a_malformed_endpoint_is_invalid, unless: ["broker"]),
    case!(Network, an_endpoint_of_an_unknown_transport_is_unsupported),
    case!(Multiproc, a_subscriber_that_binds_connects_nowhere),
    case!(Network, a_transport_that_the_driver_does_not_speak_is_refused_by_name),
];

/// Registering a topic twice returns `false` and is not an error.
async fn registering_a_topic_twice_is_false_and_not_an_error(fixture: Fixture) -> Outcome {
    let receiver = fixture.new_subscriber()?;
    for running in [false, true] {
        for (subscription, text) in [(topic("a.b")?, "topic"), (pattern("a.*")?, "pattern")] {
            ensure!(receiver.register_topic(subscription.clone())?, "new {text} must be `true`");
            ensure!(!receiver.register_topic(subscription.clone())?, "the same {text} again must be `false`");
            ensure!(receiver.unregister_topic(&subscription), "a known {text} must be `true`");
        }
        if !running {
            receiver.initialize().await?;
        }
    }
    Ok(())
}

/// Registering an address returns `true` if it is new.
async fn registering_an_address_twice_is_false_and_not_an_error(fixture: Fixture) -> Outcome {
    let sender = fixture.publisher().await?;
    let address = sender.address()?;
    let receiver = fixture.new_subscriber()?;
    for running in [false, true] {
        ensure!(receiver.register_listen_address(&address)?, "a new address must be `true`");
        ensure!(!receiver.register_listen_address(&address)?, "the same address again must be `false`");
        ensure!(receiver.unregister_listen_address(&address), "a known address must be `true`");
        if !running {
            receiver.initialize().await?;
        }
    }
    // The link exists exactly once.
    receiver.register_listen_address(&address)?;
    receiver.register_listen_address(&address)?;
    receiver.register_topic(topic("a")?)?;
    receiver.proved(&sender, "a").await?;
    sender.publish_all("a", 0..3).await?;
    receiver.expect_all("a", 0..3).await
}

/// Unregistering something unknown returns `false` and is not an error.
async fn unregistering_something_unknown_is_false(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    for unknown in [topic("b")?, pattern("a.*")?, pattern("a")?] {
        ensure!(!receiver.unregister_topic(&unknown), "{unknown} is unknown, so it must be `false`");
    }
    let elsewhere = sender.address()?.replace("://127.", "://128.");
    for unknown in [elsewhere.as_str(), "", "nonsense"] {
        ensure!(
            !receiver.unregister_listen_address(unknown),
            "{unknown:?} is unknown, so it must be `false`"
        );
    }
    if !fixture.capabilities().broker {
        ensure!(receiver.unregister_listen_address(&sender.address()?), "a known address must be `true`");
    }
    ensure!(!receiver.unregister_listen_address(&sender.address()?), "then it is unknown");
    Ok(())
}

/// A subscription above `MAX_SUBSCRIPTIONS` is `Invalid`.
async fn one_subscription_above_the_limit_is_invalid(fixture: Fixture) -> Outcome {
    let receiver = fixture.new_subscriber()?;
    for number in 0..MAX_SUBSCRIPTIONS {
        ensure!(
            receiver.register_topic(topic(&format!("t{number}"))?)?,
            "topic {number} is within the limit"
        );
    }
    match receiver.register_topic(topic("one more")?) {
        Err(error) if error.kind() == ErrorKind::Invalid => {}
        other => return Err(format!("one more must be `Invalid`, but was {other:?}").into()),
    }
    ensure!(!receiver.register_topic(topic("t0")?)?, "a known one must be `false`, even at the limit");
    ensure!(receiver.unregister_topic(&topic("t0")?), "a known one must be `true`");
    ensure!(receiver.register_topic(topic("one more")?)?, "after that there is room for another");
    Ok(())
}

/// A malformed endpoint is `Invalid`.
async fn a_malformed_endpoint_is_invalid(fixture: Fixture) -> Outcome {
    let receiver = fixture.new_subscriber()?;
    for nonsense in ["", "nonsense", "127.0.0.1:8866"] {
        match receiver.register_listen_address(nonsense) {
            Err(error) if error.kind() == ErrorKind::Invalid => {}
            other => return Err(format!("{nonsense:?} must be `Invalid`, but was {other:?}").into()),
        }
    }
    Ok(())
}

/// An endpoint with a transport that the driver does not support is `Unsupported`.
async fn an_endpoint_of_an_unknown_transport_is_unsupported(fixture: Fixture) -> Outcome {
    refuses_to_connect(&fixture, "pigeon://127.0.0.1:8866")
}

/// So is any endpoint for a subscriber that binds.
async fn a_subscriber_that_binds_connects_nowhere(fixture: Fixture) -> Outcome {
    let publisher = fixture.open(&[])?.publisher();
    let own = publisher.endpoint().unwrap_or_else(|| "ipc:///run/elsewhere.sock".to_owned());
    refuses_to_connect(&fixture, &own)?;
    ensure!(!fixture.new_subscriber()?.unregister_listen_address(&own), "it must know no address");
    Ok(())
}

fn refuses_to_connect(fixture: &Fixture, endpoint: &str) -> Outcome {
    match fixture.new_subscriber()?.register_listen_address(endpoint) {
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(()),
        other => Err(format!("{endpoint} must be `Unsupported`, but was {other:?}").into()),
    }
}

/// A driver refuses a `publisher_transport` that it does not support, and names it.
async fn a_transport_that_the_driver_does_not_speak_is_refused_by_name(fixture: Fixture) -> Outcome {
    let opened = match fixture.open(&["publisher_transport=pigeon"]) {
        Ok(driver) => driver.publisher().initialize().await,
        Err(error) => Err(error),
    };
    match opened {
        Err(error) if error.kind() == ErrorKind::Settings && error.to_string().contains("pigeon") => Ok(()),
        other => Err(format!("transport \"pigeon\" must be refused by name, but was {other:?}").into()),
    }
}
