//! What closing does, and what it hands over first.

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
    case!(Both, recv_after_close_yields_what_had_arrived_and_then_closed),
    case!(Both, close_ends_a_recv_that_waits),
    case!(Both, run_ends_when_the_subscriber_is_closed),
    case!(Both, close_hands_over_what_was_accepted),
    case!(Multiproc, flush_then_close_loses_nothing),
    case!(Multiproc, close_waits_for_a_subscriber_that_comes_within_linger),
    case!(Multiproc, close_tells_how_much_nobody_took),
    case!(Multiproc, flush_tells_that_nobody_takes_it_and_loses_nothing),
];

/// "It may be called twice."
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

/// Closing what was only opened, or only initialized, has nothing to wait for.
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

/// "After `close`, `send` is `Closed`."
async fn send_after_close_is_closed(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    sender.publish("a", 1).await?;
    // A driver that confirms waits with its `close` for somebody to take the event.
    receiver.expect("a", 1).await?;
    sender.close().await?;
    for _ in 0..2 {
        match sender.publish("a", 2).await {
            Err(error) if error.kind() == ErrorKind::Closed => {}
            other => return Err(format!("a send after close must be `Closed`, and it was {other:?}").into()),
        }
    }
    Ok(())
}

/// "`Closed` after `close`, when all that had arrived before it is read."
async fn recv_after_close_yields_what_had_arrived_and_then_closed(fixture: Fixture) -> Outcome {
    let (mut sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    // Without hellos, what is in the queues after this event is what is sent after it.
    sender.fall_silent();
    sender.publish("a", 0).await?;
    receiver.expect("a", 0).await?;
    sender.publish_all("a", 1..51).await?;
    let is_of_events = |queue: &&QueueReading| queue.unit == "events";
    let arrived =
        || receiver.status().queues.iter().filter(is_of_events).map(|queue| queue.depth).sum::<u64>() >= 50;
    until("50 events in the subscriber's queues, as its status tells", arrived).await?;
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
            other => return Err(format!("`Closed` must come, and {other:?} came").into()),
        }
    }
}

/// The same for who waits already.
async fn close_ends_a_recv_that_waits(fixture: Fixture) -> Outcome {
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
        // Lets the other side wait first, most of the time; either order must end.
        tokio::task::yield_now().await;
        receiver.close().await;
    };
    let (kind, ()) = within("the end of both", async { tokio::join!(waiting, closing) }).await?;
    ensure!(kind == ErrorKind::Closed, "the recv that waited must be `Closed`, and it was {kind:?}");
    Ok(())
}

/// "Gives every event and notice to `handler` until the subscriber is closed."
async fn run_ends_when_the_subscriber_is_closed(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    let subscriber = receiver.share();
    let (tell, mut told) = tokio::sync::mpsc::channel(100);
    let running = tokio::spawn(async move {
        let handler = |incoming| {
            if let Incoming::Message(envelope) = incoming {
                // The cases expect no more events than fit.
                let _ = tell.try_send(key(&envelope).unwrap_or_default());
            }
        };
        pubsub_api::run(subscriber.as_ref(), handler).await
    });
    sender.publish_all("a", 0..10).await?;
    for number in 0..10 {
        let came = within("an event", told.recv()).await?;
        ensure!(came == Some(number.to_string()), "event {number} must be handled, and {came:?} was");
    }
    receiver.close().await;
    within("the end of `run`", running).await???;
    Ok(())
}

/// "`close` hands over what was accepted, within `linger`."
async fn close_hands_over_what_was_accepted(fixture: Fixture) -> Outcome {
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
    ensure!(lost.is_none(), "nothing may be lost, and {lost:?} was told");
    Ok(())
}

/// "Waits until everything accepted so far has left this process."
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

/// "Hands over what was accepted, within `linger`", also to who is not there yet.
async fn close_waits_for_a_subscriber_that_comes_within_linger(fixture: Fixture) -> Outcome {
    let sender = fixture.publisher().await?;
    sender.publish_all("a", 0..100).await?;
    let late_reader = async {
        // Lets the close begin first, most of the time; either order must end well.
        tokio::task::yield_now().await;
        fixture.subscriber(&[], &[]).await?.expect_all("a", 0..100).await
    };
    let (closed, received) = tokio::join!(sender.close(), late_reader);
    received?;
    Ok(closed?)
}

/// "`Unavailable` if something accepted could not be handed over; the text says how much."
async fn close_tells_how_much_nobody_took(fixture: Fixture) -> Outcome {
    let sender = fixture.publisher_with(&["linger=100ms"]).await?;
    sender.publish_all("a", 0..37).await?;
    match within("the publisher's close", sender.close()).await? {
        Err(error) if error.kind() == ErrorKind::Unavailable && error.to_string().contains("37") => {}
        other => {
            return Err(
                format!("37 events went nowhere, which close must tell, and it told {other:?}").into()
            );
        }
    }
    within("the second close", sender.close()).await??;
    Ok(())
}

/// "`Unavailable` if for `send_timeout` nobody takes anything."
async fn flush_tells_that_nobody_takes_it_and_loses_nothing(fixture: Fixture) -> Outcome {
    let sender = fixture.publisher_with(&["send_timeout=100ms"]).await?;
    sender.publish_all("a", 0..10).await?;
    // Half the suite's patience: a flush that waits for `linger`, which the fixture sets long, is too late.
    let in_time = tokio::time::timeout(PATIENCE / 2, sender.flush()).await;
    match in_time.map_err(|_| "flush waited far longer than send_timeout, which is 100ms")? {
        Err(error) if error.kind() == ErrorKind::Unavailable => {}
        other => return Err(format!("nobody takes it, which flush must tell, and it told {other:?}").into()),
    }
    let receiver = fixture.subscriber(&[], &[]).await?;
    receiver.expect_all("a", 0..10).await
}
