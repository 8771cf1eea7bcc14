//! What opening, initializing and binding do, and what they do not touch.

use pubsub_api::{ErrorKind, Role};

use crate::check::{case, ensure};
use crate::fixture::port_setting;
use crate::receiver::topic;
use crate::{Case, Fixture, Outcome};

pub(crate) const CASES: &[Case] = &[
    case!(Both, opening_a_driver_touches_nothing),
    case!(Both, initializing_twice_changes_nothing),
    case!(Network, a_network_publisher_returns_the_address_that_it_bound, unless: ["broker"]),
    case!(Multiproc, a_multiproc_subscriber_returns_the_address_that_it_bound),
    case!(Network, a_second_publisher_at_one_address_is_refused_and_the_first_continues, unless: ["broker"]),
    case!(Multiproc, a_second_subscriber_at_one_address_is_refused_and_the_first_continues),
    case!(Network, closing_a_publisher_releases_its_address, unless: ["broker"]),
    case!(Multiproc, closing_a_subscriber_releases_its_address),
];

/// Creating a publisher or subscriber opens and starts nothing; `initialize` does that.
async fn opening_a_driver_touches_nothing(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    let files = || fixture.folder().read_dir().map(Iterator::count);
    let before = files()?;
    let sets = match fixture.role() {
        Role::Network if !fixture.capabilities().broker => vec![port_setting(&sender.address()?)?],
        Role::Network | Role::Multiproc => Vec::new(),
    };
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    for _ in 0..3 {
        // At addresses that are in use: that does not matter before `initialize`.
        let driver = fixture.open(&sets)?;
        let (publisher, subscriber) = (driver.publisher(), driver.subscriber());
        if fixture.role() == Role::Network {
            let endpoint = publisher.endpoint();
            ensure!(
                endpoint.is_none(),
                "a publisher that is not bound must have no endpoint, but has {endpoint:?}"
            );
        }
        drop((publisher, subscriber));
    }
    ensure!(files()? == before, "no file may appear or vanish in {:?}", fixture.folder());
    sender.publish("a", 1).await?;
    receiver.expect("a", 1).await
}

/// A second `initialize` changes nothing.
async fn initializing_twice_changes_nothing(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    let endpoints = (sender.endpoint(), receiver.endpoint());
    for round in 0..3 {
        sender.initialize().await?;
        receiver.initialize().await?;
        let now = (sender.endpoint(), receiver.endpoint());
        ensure!(now == endpoints, "endpoints must stay {endpoints:?}, but are {now:?}");
        sender.publish("a", round).await?;
        receiver.expect("a", round).await?;
    }
    Ok(())
}

/// `endpoint` is where the publisher is bound, with the chosen port; the other end is not bound.
async fn a_network_publisher_returns_the_address_that_it_bound(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[]).await?;
    let address = sender.address()?;
    let port = address.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
    ensure!(port.is_some_and(|port| port > 0), "the endpoint must contain the chosen port, but is {address}");
    ensure!(address.contains("://127."), "the endpoint must contain the bound host, but is {address}");
    let other = receiver.endpoint();
    ensure!(other.is_none(), "a subscriber that connects must have no endpoint, but has {other:?}");
    Ok(())
}

/// The same for the other hop: both ends return the socket.
async fn a_multiproc_subscriber_returns_the_address_that_it_bound(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[]).await?;
    let bound = receiver.endpoint().ok_or("a bound subscriber must have an endpoint")?;
    ensure!(bound.ends_with("/publisher.sock"), "the endpoint must contain the socket, but is {bound}");
    let connects_to = sender.address()?;
    ensure!(connects_to == bound, "the publisher's endpoint must be {bound} too, but is {connects_to}");
    Ok(())
}

/// `initialize` is `Unavailable` if the address is in use.
async fn a_second_publisher_at_one_address_is_refused_and_the_first_continues(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    let second = fixture.open(&[&port_setting(&sender.address()?)?])?.publisher();
    is_taken(second.initialize().await)?;
    sender.publish("a", 1).await?;
    receiver.expect("a", 1).await?;
    is_taken(second.initialize().await)?;
    drop(second);
    sender.publish("a", 2).await?;
    receiver.expect("a", 2).await?;
    let notices = receiver.notices().len();
    ensure!(notices == 2, "the link must not change, but the notices are {:?}", receiver.notices());
    Ok(())
}

/// The same for the other hop.
async fn a_second_subscriber_at_one_address_is_refused_and_the_first_continues(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[]).await?;
    let second = fixture.new_subscriber()?;
    is_taken(second.initialize().await)?;
    sender.publish("a", 1).await?;
    receiver.expect("a", 1).await?;
    second.close().await;
    drop(second);
    let late = fixture.publisher().await?;
    late.publish("a", 2).await?;
    receiver.expect("a", 2).await
}

fn is_taken(initialized: pubsub_api::Result<()>) -> Outcome {
    match initialized {
        Err(error) if error.kind() == ErrorKind::Unavailable => Ok(()),
        other => Err(format!("the address is in use, so it must be `Unavailable`, but was {other:?}").into()),
    }
}

/// `close` releases the address.
async fn closing_a_publisher_releases_its_address(fixture: Fixture) -> Outcome {
    let mut sender = fixture.publisher().await?;
    let address = sender.address()?;
    for _ in 0..3 {
        sender.close().await?;
        sender = fixture.publisher_at(&address).await?;
    }
    Ok(())
}

/// `close` ends the links and releases the address.
async fn closing_a_subscriber_releases_its_address(fixture: Fixture) -> Outcome {
    for _ in 0..3 {
        let receiver = fixture.subscriber(&[], &[]).await?;
        receiver.close().await;
    }
    Ok(())
}
