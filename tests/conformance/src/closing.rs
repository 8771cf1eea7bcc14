//! What `close` does, and what it delivers first.

use std::sync::Arc;

use pubsub_api::{ErrorKind, Incoming, Notice, QueueReading, Role};

use crate::check::{case, ensure};
use crate::patience::{until, within};
use crate::receiver::{key, topic};
use crate::{Case, Fixture, Outcome, PATIENCE, Receiver, Sender};

pub(crate) const CASES: &[Case] = &[
    case!(Both, both_ends_may_be_closed_twice),
    case!(Both, ends_that_were_never_used_close_at_once),
    case!(Both, send_after_close_is_closed),
    case!(Both, recv_after_close_yields_arrived_events_and_then_closed),
    case!(Both, close_ends_a_waiting_recv),
    case!(Both, run_ends_when_the_subscriber_is_closed),
    case!(Both, close_delivers_accepted_events),
    case!(Multiproc, flush_then_close_loses_nothing),
    case!(Multiproc, close_waits_for_a_subscriber_that_connects_within_linger),
    case!(Multiproc, close_reports_the_number_of_undelivered_events),
    case!(Multiproc, flush_reports_that_nothing_is_accepted_and_loses_nothing),
];

/// `close` may be called twice.
async fn both_ends_may_be_closed_twice(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    sender.publish("a", 1).await?;
    receiver.expect("a", 1).await?;
    for _ in 0..2 {
        within("the publisher's close", sender.close()).await??;
    }
    for _ in 0..2 {
        within("the subscriber's close", receiver.close()).await?;
    }
    Ok(())
}

/// The close of an end that was only opened, or only initialized, waits for nothing.
async fn ends_that_were_never_used_close_at_once(fixture: Fixture) -> Outcome {
    for initialize in [false, true] {
        let driver = fixture.open(&[])?;
        let (publisher, subscriber) = (driver.publisher(), driver.subscriber());
        if initialize {
            publisher.initialize().await?;
            subscriber.initialize().await?;
        }
        within("the publisher's close", publisher.close()).await??;
        within("the subscriber's close", subscriber.close()).await?;
    }
    Ok(())
}

/// After `close`, `send` is `Closed`.
async fn send_after_close_is_closed(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    sender.publish("a", 1).await?;
    // The close of a driver that confirms waits until the event is accepted.
    receiver.expect("a", 1).await?;
    sender.close().await?;
    for _ in 0..2 {
        match sender.publish("a", 2).await {
            Err(error) if error.kind() == ErrorKind::Closed => {}
            other => return Err(format!("a send after close must be `Closed`, but was {other:?}").into()),
        }
    }
    Ok(())
}

/// After `close`, everything that had arrived is yielded, then `Closed`.
async fn recv_after_close_yields_arrived_events_and_then_closed(fixture: Fixture) -> Outcome {
    let (mut sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    // Without hellos, the queues contain only what is sent after this event.
    sender.fall_silent();
    sender.publish("a", 0).await?;
    receiver.expect("a", 0).await?;
    sender.publish_all("a", 1..51).await?;
    let is_of_events = |queue: &&QueueReading| queue.unit == "events";
    let arrived =
        || receiver.status().queues.iter().filter(is_of_events).map(|queue| queue.depth).sum::<u64>() >= 50;
    until("50 events in the subscriber's queues, according to its status", arrived).await?;
    receiver.close().await;
    receiver.expect_all("a", 1..51).await?;
    for _ in 0..2 {
        is_closed(&receiver).await?;
    }
    Ok(())
}

async fn is_closed(receiver: &Receiver) -> Outcome {
    loop {
        match within("`Closed`", receiver.recv()).await? {
            Err(error) if error.kind() == ErrorKind::Closed => return Ok(()),
            Ok(Incoming::Notice(_)) => {}
            other => return Err(format!("expected `Closed`, got {other:?}").into()),
        }
    }
}

/// The same for a `recv` that is already waiting.
async fn close_ends_a_waiting_recv(fixture: Fixture) -> Outcome {
    let (_sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    let subscriber = receiver.share();
    let waiting = async {
        loop {
            if let Err(error) = subscriber.recv().await {
                return error.kind();
            }
        }
    };
    let closing = async {
        // Most of the time this lets the other side wait first; either order must end.
        tokio::task::yield_now().await;
        receiver.close().await;
    };
    let (kind, ()) = within("the end of both", async { tokio::join!(waiting, closing) }).await?;
    ensure!(kind == ErrorKind::Closed, "the waiting recv must be `Closed`, but was {kind:?}");
    Ok(())
}

/// `run` passes every event and notice to the handler until the subscriber is closed.
async fn run_ends_when_the_subscriber_is_closed(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    let subscriber = receiver.share();
    let (handled, mut events) = tokio::sync::mpsc::channel(100);
    let running = tokio::spawn(async move {
        let handler = |incoming| {
            if let Incoming::Event(envelope) = incoming {
                // No case expects more events than fit.
                let _ = handled.try_send(key(&envelope).unwrap_or_default());
            }
        };
        pubsub_api::run(subscriber.as_ref(), handler).await
    });
    sender.publish_all("a", 0..10).await?;
    for number in 0..10 {
        let came = within("an event", events.recv()).await?;
        ensure!(came == Some(number.to_string()), "event {number} must be handled, got {came:?}");
    }
    receiver.close().await;
    within("the end of `run`", running).await???;
    Ok(())
}

/// `close` delivers accepted events, within `linger`.
async fn close_delivers_accepted_events(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    let events = if fixture.role() == Role::Network { 1_000 } else { 5_000 };
    let sending = async {
        sender.publish_all("a", 0..events).await?;
        sender.close().await
    };
    let (sent, received) = tokio::join!(sending, receiver.expect_all("a", 0..events));
    received?;
    sent?;
    let lost = receiver.notices().into_iter().find(|notice| matches!(notice, Notice::Gap { .. }));
    ensure!(lost.is_none(), "nothing may be lost, but {lost:?} was reported");
    Ok(())
}

/// `flush` waits until all accepted events have left the process.
async fn flush_then_close_loses_nothing(fixture: Fixture) -> Outcome {
    const EVENTS: usize = 5_000;
    let (sender, receiver) = fixture.linked(&[]).await?;
    let sender = Arc::new(sender);
    let sending = {
        let sender = Arc::clone(&sender);
        tokio::spawn(async move { publish_flush_close(&sender, EVENTS).await })
    };
    receiver.expect_all("a", 0..EVENTS).await?;
    sending.await??;
    Ok(())
}

async fn publish_flush_close(sender: &Sender, events: usize) -> pubsub_api::Result<()> {
    sender.publish_all("a", 0..events).await?;
    sender.flush().await?;
    sender.close().await
}

/// `close` delivers accepted events within `linger`, even to a subscriber that connects later.
async fn close_waits_for_a_subscriber_that_connects_within_linger(fixture: Fixture) -> Outcome {
    let sender = fixture.publisher().await?;
    sender.publish_all("a", 0..100).await?;
    let late_reader = async {
        // Most of the time this lets the close begin first; either order must succeed.
        tokio::task::yield_now().await;
        fixture.subscriber(&[], &[]).await?.expect_all("a", 0..100).await
    };
    let (closed, received) = tokio::join!(sender.close(), late_reader);
    received?;
    Ok(closed?)
}

/// `close` is `Unavailable` if accepted events could not be delivered; the text contains their number.
async fn close_reports_the_number_of_undelivered_events(fixture: Fixture) -> Outcome {
    let sender = fixture.publisher_with(&["linger=100ms"]).await?;
    sender.publish_all("a", 0..37).await?;
    match within("the publisher's close", sender.close()).await? {
        Err(error) if error.kind() == ErrorKind::Unavailable && error.to_string().contains("37") => {}
        other => {
            return Err(format!("close must report 37 undelivered events, but returned {other:?}").into());
        }
    }
    within("the second close", sender.close()).await??;
    Ok(())
}

/// `flush` is `Unavailable` if nothing is accepted for `send_timeout`.
async fn flush_reports_that_nothing_is_accepted_and_loses_nothing(fixture: Fixture) -> Outcome {
    let sender = fixture.publisher_with(&["send_timeout=100ms"]).await?;
    sender.publish_all("a", 0..10).await?;
    // Half of the suite's limit: a flush that waits for `linger`, which the fixture sets long, is too late.
    let in_time = tokio::time::timeout(PATIENCE / 2, sender.flush()).await;
    match in_time.map_err(|_| "flush waited far longer than send_timeout, which is 100ms")? {
        Err(error) if error.kind() == ErrorKind::Unavailable => {}
        other => {
            return Err(format!("flush must report that nothing was accepted, but returned {other:?}").into());
        }
    }
    let receiver = fixture.subscriber(&[], &[]).await?;
    receiver.expect_all("a", 0..10).await
}
