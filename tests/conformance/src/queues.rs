//! What happens when a reader is too slow, and how the status shows it.

use pubsub_api::{ErrorKind, Incoming, Notice, QueueReading, Role};

use crate::check::{case, ensure};
use crate::patience::within;
use crate::receiver::{key, topic};
use crate::{Case, Fixture, Outcome, Receiver, Sender};

pub(crate) const CASES: &[Case] = &[
    case!(Multiproc, a_full_queue_without_a_subscriber_is_overloaded_and_loses_nothing_accepted),
    case!(Multiproc, a_full_queue_to_a_subscriber_that_does_not_read_loses_nothing_accepted, needs: ["bounded"]),
    case!(Multiproc, a_waiting_send_continues_when_there_is_room),
    case!(Both, the_status_contains_queues_with_their_bounds),
    case!(Network, a_slow_subscriber_slows_no_other_and_receives_a_gap, needs: ["isolated"]),
];

/// More than any queue holds by default.
const FAR_TOO_MANY: usize = 3_000_000;

/// Sends until a send is refused; returns the number of accepted events.
async fn fill(sender: &Sender) -> Outcome<usize> {
    for number in 0..FAR_TOO_MANY {
        match within("a send that may take send_timeout", sender.publish("a", number)).await? {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Overloaded => return Ok(number),
            Err(error) => return Err(format!("a full queue must be `Overloaded`, but was {error:?}").into()),
        }
    }
    Err(format!("{FAR_TOO_MANY} events fitted into a bounded queue").into())
}

/// A full queue makes `send` wait, at most `send_timeout`; then it is `Overloaded`. `send` returns `Ok` exactly when the
/// event was accepted.
async fn a_full_queue_without_a_subscriber_is_overloaded_and_loses_nothing_accepted(
    fixture: Fixture,
) -> Outcome {
    let sender = fixture.publisher_with(&["send_timeout=50ms"]).await?;
    let accepted = fill(&sender).await?;
    ensure!(accepted > 0, "an empty queue must have room");
    let receiver = fixture.subscriber(&[], &[]).await?;
    goes_on_after(&sender, &receiver, accepted).await
}

/// When the application does not read, the subscriber stops reading; its queue is bounded.
async fn a_full_queue_to_a_subscriber_that_does_not_read_loses_nothing_accepted(fixture: Fixture) -> Outcome {
    let receiver = fixture.subscriber(&[], &[]).await?;
    let sender = fixture.publisher_with(&["send_timeout=200ms"]).await?;
    let accepted = fill(&sender).await?;
    goes_on_after(&sender, &receiver, accepted).await
}

/// Accepted events arrive, refused ones do not, and the next event follows.
async fn goes_on_after(sender: &Sender, receiver: &Receiver, accepted: usize) -> Outcome {
    receiver.expect_all("a", 0..accepted).await?;
    sender.publish("a", "next").await?;
    receiver.expect("a", "next").await
}

/// The wait ends as soon as there is room, not only after the timeout.
async fn a_waiting_send_continues_when_there_is_room(fixture: Fixture) -> Outcome {
    const EVENTS: usize = 40_000;
    // The fixture's `send_timeout` is as long as the time limit of a case.
    let sender = fixture.publisher().await?;
    let late_reader = async {
        tokio::task::yield_now().await;
        let receiver = fixture.subscriber(&[], &[]).await?;
        receiver.expect_all("a", 0..EVENTS).await
    };
    let (sent, received) = tokio::join!(sender.publish_all("a", 0..EVENTS), late_reader);
    received?;
    Ok(sent?)
}

/// Every queue is bounded, has a name and a counter, and documents what happens when it is full.
async fn the_status_contains_queues_with_their_bounds(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    sender.publish_all("a", 0..10).await?;
    receiver.expect_all("a", 0..10).await?;
    let mut statuses = vec![("subscriber", receiver.status())];
    match fixture.role() {
        // Between a worker and its service, events wait on the worker's side.
        Role::Multiproc => statuses.push(("publisher", sender.status())),
        Role::Network => well_formed("publisher", &sender.status().queues)?,
    }
    for (end, status) in &statuses {
        ensure!(!status.queues.is_empty(), "the status of the {end} must have queues: {status:?}");
        well_formed(end, &status.queues)?;
        ensure!(!status.counters.is_empty(), "the status of the {end} must have counters: {status:?}");
        let named = status.counters.iter().all(|counter| !counter.name.is_empty());
        ensure!(named, "every counter must have a name: {status:?}");
    }
    Ok(())
}

fn well_formed(end: &str, queues: &[QueueReading]) -> Outcome {
    for queue in queues {
        let worded = !queue.name.is_empty() && !queue.when_full.is_empty();
        let measured = ["events", "bytes", "connections"].contains(&queue.unit.as_str());
        let in_bounds = queue.bound > 0 && queue.depth <= queue.bound;
        ensure!(
            worded && measured && in_bounds,
            "a queue of the {end} is not described correctly: {queue:?}"
        );
    }
    Ok(())
}

/// A slow subscriber does not slow others down and costs the publisher a bounded amount of memory; missing events are
/// reported before any later event.
async fn a_slow_subscriber_slows_no_other_and_receives_a_gap(fixture: Fixture) -> Outcome {
    const EVENTS: usize = 30_000;
    const WINDOW: usize = 500;
    let sender = fixture.publisher().await?;
    let slow = fixture.joined(&[topic("a")?], &sender).await?;
    let fast = fixture.joined(&[topic("a")?], &sender).await?;
    for start in (0..EVENTS).step_by(WINDOW) {
        sender.publish_all("a", start..start + WINDOW).await?;
        fast.expect_all("a", start..start + WINDOW).await?;
    }
    let mut next = 0;
    while next < EVENTS {
        match slow.next(&format!("event {next}, or a gap before it")).await? {
            Incoming::Event(envelope) => {
                let came = key(&envelope)?;
                ensure!(came == next.to_string(), "expected event {next}, got {came}");
                next += 1;
            }
            Incoming::Notice(Notice::Gap { events, .. }) => next += usize::try_from(events)?,
            Incoming::Notice(_) => {}
        }
    }
    sender.publish("a", "next").await?;
    slow.expect("a", "next").await?;
    fast.expect("a", "next").await
}
