//! The order in which events arrive, and that none is lost on the way to the application.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pubsub_api::{ErrorKind, Incoming, Publisher, Role};
use tokio::time::timeout;

use crate::check::{case, ensure};
use crate::patience::PATIENCE;
use crate::receiver::{key, topic};
use crate::sender::event;
use crate::{Case, Fixture, Outcome, Receiver, Sender};

pub(crate) const CASES: &[Case] = &[
    case!(Both, events_of_a_topic_arrive_in_the_order_of_their_send),
    case!(Both, events_of_many_topics_arrive_each_in_order),
    case!(Multiproc, several_publishers_to_one_subscriber_are_each_in_order),
    case!(Both, recv_is_cancel_safe),
    case!(Both, a_cancelled_send_has_accepted_its_event_or_not),
];

/// Number of events in flight: less than any queue holds, so that no queue drops events.
const WINDOW: usize = 500;

/// Events of one publisher on one topic arrive in the order of their `send`.
async fn events_of_a_topic_arrive_in_the_order_of_their_send(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    for start in (0..20_000).step_by(WINDOW) {
        sender.publish_all("a", start..start + WINDOW).await?;
        receiver.expect_all("a", start..start + WINDOW).await?;
    }
    Ok(())
}

/// The same for each of several topics.
async fn events_of_many_topics_arrive_each_in_order(fixture: Fixture) -> Outcome {
    let names = ["D", "tenant-1", "tenant-10", "projekt-ü"];
    let wanted = names.iter().map(|name| topic(name)).collect::<Result<Vec<_>, _>>()?;
    let (sender, receiver) = fixture.linked(&wanted).await?;
    let mut next: BTreeMap<String, usize> = BTreeMap::new();
    for start in (0..2_000).step_by(WINDOW / names.len()) {
        let window = start..start + WINDOW / names.len();
        for number in window.clone() {
            for name in names {
                sender.publish(name, number).await?;
            }
        }
        for _ in 0..window.len() * names.len() {
            let (name, came) = receiver.event("an event of every topic").await?;
            let wanted = next.entry(name.clone()).or_default();
            ensure!(came == wanted.to_string(), "expected event {wanted} of {name:?}, got {came}");
            *wanted += 1;
        }
    }
    Ok(())
}

/// The same for each of several publishers.
async fn several_publishers_to_one_subscriber_are_each_in_order(fixture: Fixture) -> Outcome {
    const EVENTS: usize = 2_000;
    let receiver = fixture.subscriber(&[], &[]).await?;
    let mut senders = Vec::new();
    let mut next: BTreeMap<String, usize> = BTreeMap::new();
    for name in ["worker-0", "worker-1", "worker-2", "worker-3"] {
        let sender = fixture.publisher().await?;
        next.insert(name.to_owned(), 0);
        senders.push(tokio::spawn(publish_all(sender.share(), name, EVENTS)));
    }
    while next.values().any(|number| *number < EVENTS) {
        let (name, came) = receiver.event(&format!("the events of every worker, so far {next:?}")).await?;
        let wanted = next.get_mut(&name).ok_or_else(|| format!("no worker sends on {name:?}"))?;
        ensure!(came == wanted.to_string(), "expected event {wanted} of {name:?}, got {came}");
        *wanted += 1;
    }
    for sender in senders {
        sender.await??;
    }
    Ok(())
}

async fn publish_all(publisher: Arc<dyn Publisher>, name: &str, events: usize) -> pubsub_api::Result<()> {
    for number in 0..events {
        publisher.send_event(&event(name, number)?).await?;
    }
    Ok(())
}

/// If the future is dropped, nothing is lost: the next call yields what this one would have yielded.
async fn recv_is_cancel_safe(fixture: Fixture) -> Outcome {
    const EVENTS: usize = 3_000;
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    let sending = async {
        for number in 0..EVENTS {
            sender.publish("a", number).await?;
            if number % 10 == 0 {
                // Spreads the sending, so that many receptions are dropped while they wait.
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
        }
        Ok::<(), crate::Failure>(())
    };
    let (sent, received) = tokio::join!(sending, receive_impatiently(&receiver, EVENTS));
    sent.and(received)
}

/// Drops most of the futures that it creates: some before they are polled a second time, some while they wait.
async fn receive_impatiently(receiver: &Receiver, events: usize) -> Outcome {
    let (mut next, mut turn, mut progressed) = (0, 0_u64, Instant::now());
    while next < events {
        turn += 1;
        let patience = Duration::from_micros(turn % 4 * 400);
        let Ok(incoming) = timeout(patience, receiver.recv()).await else {
            tokio::task::yield_now().await;
            ensure!(progressed.elapsed() < PATIENCE, "timed out after {PATIENCE:?}: event {next}");
            continue;
        };
        if let Incoming::Event(envelope) = incoming? {
            let came = key(&envelope)?;
            ensure!(came == next.to_string(), "expected event {next}, got {came}");
            next += 1;
            progressed = Instant::now();
        }
    }
    Ok(())
}

/// If the future is dropped, the event was either accepted or not; nothing else changes.
async fn a_cancelled_send_has_accepted_its_event_or_not(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    let mut sure = Vec::new();
    for number in 0..500_usize {
        let patience = Duration::from_micros(number as u64 % 2 * 200);
        match timeout(patience, sender.publish("a", number)).await {
            Ok(sent) => {
                sent?;
                sure.push(number.to_string());
            }
            Err(_) => tokio::task::yield_now().await,
        }
    }
    sender.publish("a", "last").await?;
    let came = keys_until_last(&receiver).await?;
    let in_order: Vec<usize> = came.iter().map(|key| key.parse()).collect::<Result<_, _>>()?;
    ensure!(
        in_order.is_sorted_by(|one, next| one < next),
        "each must arrive once and in order, got {came:?}"
    );
    let missing: Vec<_> = sure.iter().filter(|key| !came.contains(key)).collect();
    ensure!(missing.is_empty(), "accepted events must arrive, but {missing:?} did not");
    close_is_ok(&sender, fixture.role()).await
}

async fn keys_until_last(receiver: &Receiver) -> Outcome<Vec<String>> {
    let mut keys = Vec::new();
    loop {
        match receiver.event("the last event").await? {
            (_, key) if key == "last" => return Ok(keys),
            (_, key) => keys.push(key),
        }
    }
}

async fn close_is_ok(sender: &Sender, role: Role) -> Outcome {
    match sender.close().await {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::Unavailable && role == Role::Network => Ok(()),
        Err(error) => Err(format!("close must have nothing left to deliver: {error}").into()),
    }
}
