//! Batches: the same events in the same order as single calls, and each notice in its place.

use std::time::{Duration, Instant};

use bytes::Bytes;
use pubsub_api::wire::{EventRef, MAX_RECEIVED_BYTES};
use pubsub_api::{Batch, Envelope, ErrorKind, Incoming, Notice, Topic};
use tokio::time::timeout;

use crate::check::{case, ensure};
use crate::patience::{PATIENCE, within};
use crate::receiver::topic;
use crate::sender::event;
use crate::{Case, Fixture, Outcome, Receiver, Sender};

pub(crate) const CASES: &[Case] = &[
    case!(Both, a_batch_arrives_in_order_when_read_in_batches_or_one_by_one),
    case!(Both, send_and_send_batch_may_be_mixed),
    case!(Both, a_refused_event_stays_first_in_its_batch_before_the_following_ones),
    case!(Both, an_empty_batch_is_sent_at_once),
    case!(Both, recv_batch_is_bounded_and_appends),
    case!(Both, recv_batch_is_cancel_safe),
    case!(Both, recv_batch_delivers_all_that_arrived_before_it_is_closed),
    case!(Network, recv_batch_returns_notices_in_their_place, unless: ["broker"]),
    case!(Both, a_closed_publisher_refuses_a_batch_and_does_not_change_it),
];

/// Number of events in flight: less than any queue holds.
const WINDOW: usize = 500;

/// Events that are identified by their keys. Every second one shares a block with its neighbour.
fn batch_of(numbers: std::ops::Range<usize>) -> Outcome<Batch> {
    let mut batch = Batch::new();
    for number in numbers {
        let Envelope { topic, payload } = Envelope::pack(&event("a", number)?)?;
        if number % 4 < 2 {
            batch.push(Envelope { topic, payload });
            continue;
        }
        let (name, end) = (topic.as_bytes(), topic.as_bytes().len() + payload.len());
        let block = batch.add_block(Bytes::from([name, &payload].concat()));
        let added = batch.push_span(block, 0..name.len(), name.len()..end);
        ensure!(added, "defect of the case: the span is not within its block");
    }
    Ok(batch)
}

async fn send(sender: &Sender, batch: &mut Batch) -> Outcome {
    sender.send_batch(batch).await?;
    ensure!(batch.is_empty(), "the batch was accepted, but {} events are left in it", batch.len());
    Ok(())
}

/// The keys of a batch's events on topic `a`.
fn keys(batch: &Batch) -> Outcome<Vec<String>> {
    let key = |event: pubsub_api::EncodedEvent<'_>| -> Outcome<String> {
        ensure!(event.topic == b"a", "expected only topic `a`, got {:?}", event.topic);
        Ok(EventRef::read(event.topic, event.payload)?.key.unwrap_or_default().to_owned())
    };
    batch.iter().map(key).collect()
}

/// Receives batches until these events have arrived, in order.
async fn expect_batches(receiver: &Receiver, numbers: std::ops::Range<usize>) -> Outcome {
    let wanted: Vec<String> = numbers.map(|number| number.to_string()).collect();
    let (mut came, mut batch) = (Vec::new(), Batch::new());
    while came.len() < wanted.len() {
        let what = format!("events {wanted:?}, after {} of them", came.len());
        let notice = within(&what, receiver.recv_batch(&mut batch)).await??;
        ensure!(notice.is_some() || !batch.is_empty(), "`recv_batch` must wait for something");
        came.extend(keys(&batch)?);
        receiver.acknowledge(&batch);
        batch.clear();
    }
    ensure!(came == wanted, "events must arrive in the order of their send, got {came:?}");
    Ok(())
}

/// `send_batch` equals `send` of each event, in order.
async fn a_batch_arrives_in_order_when_read_in_batches_or_one_by_one(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    for start in (0..10_000).step_by(2 * WINDOW) {
        let (middle, end) = (start + WINDOW, start + 2 * WINDOW);
        send(&sender, &mut batch_of(start..middle)?).await?;
        receiver.expect_all("a", start..middle).await?;
        send(&sender, &mut batch_of(middle..end)?).await?;
        expect_batches(&receiver, middle..end).await?;
    }
    Ok(())
}

/// The order is that of the calls, of either kind.
async fn send_and_send_batch_may_be_mixed(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    for start in (0..1_000).step_by(20) {
        sender.publish_all("a", start..start + 3).await?;
        send(&sender, &mut batch_of(start + 3..start + 20)?).await?;
    }
    receiver.expect_all("a", 0..7).await?;
    expect_batches(&receiver, 7..1_000).await
}

/// The refused event is the first one left in the batch, and nothing after it was sent.
async fn a_refused_event_stays_first_in_its_batch_before_the_following_ones(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    let mut batch = batch_of(0..2)?;
    batch.push(Envelope { topic: Topic::new("a")?, payload: Bytes::from(vec![0; MAX_RECEIVED_BYTES + 1]) });
    batch.extend([Envelope::pack(&event("a", 2)?)?, Envelope::pack(&event("a", 3)?)?]);
    let block = batch.add_block(Bytes::from_static(b"\xffnot a topic"));
    ensure!(batch.push_span(block, 0..1, 1..2), "the span is within its block");
    batch.push(Envelope::pack(&event("a", 4)?)?);
    for (left, what) in [(5, "too large"), (2, "on no topic")] {
        match sender.send_batch(&mut batch).await {
            Err(error) if error.kind() == ErrorKind::Invalid => {}
            other => return Err(format!("an event {what} must be `Invalid`, but was {other:?}").into()),
        }
        let is = batch.len();
        ensure!(is == left, "the event {what} and the following ones are {left} events, but {is} are left");
        batch.advance(1);
    }
    send(&sender, &mut batch).await?;
    receiver.expect_all("a", 0..5).await
}

/// An empty batch is accepted at once.
async fn an_empty_batch_is_sent_at_once(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    within("an empty batch", sender.send_batch(&mut Batch::new())).await??;
    sender.publish("a", 1).await?;
    receiver.expect("a", 1).await
}

/// `recv_batch` appends a bounded number of available events; the earlier content of the batch stays.
async fn recv_batch_is_bounded_and_appends(fixture: Fixture) -> Outcome {
    const EVENTS: usize = 24;
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    let large = Bytes::from(vec![b'x'; Batch::MAX_RECEIVED_BYTES / 2]);
    let sending = async {
        for _ in 0..EVENTS {
            sender.send(&Topic::new("a")?, large.clone()).await?;
        }
        Ok::<(), crate::Failure>(())
    };
    let receiving = async {
        let (mut batch, mut came) = (Batch::new(), 0);
        batch.push(Envelope::pack(&event("a", "before")?)?);
        while came < EVENTS {
            let before = (batch.len(), batch.payload_bytes());
            within("large events", receiver.recv_batch(&mut batch)).await??;
            receiver.acknowledge(&batch);
            let (more, bytes) = (batch.len() - before.0, batch.payload_bytes() - before.1);
            let bound = Batch::MAX_RECEIVED_BYTES + MAX_RECEIVED_BYTES;
            ensure!(bytes <= bound, "the limit is {bound} bytes at once, but {bytes} arrived");
            came += more;
        }
        let first = batch.iter().next().map(|event| event.payload.len());
        ensure!(first.is_some_and(|bytes| bytes < 100), "the earlier content of the batch is gone");
        Ok::<(), crate::Failure>(())
    };
    let (sent, received) = tokio::join!(sending, receiving);
    sent?;
    received
}

/// If the future is dropped, nothing is lost: received events are in the batch, and the next call yields the rest.
async fn recv_batch_is_cancel_safe(fixture: Fixture) -> Outcome {
    const EVENTS: usize = 3_000;
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    let sending = async {
        for start in (0..EVENTS).step_by(10) {
            send(&sender, &mut batch_of(start..start + 10)?).await?;
            // Spreads the sending, so that many receptions are dropped while they wait.
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        Ok::<(), crate::Failure>(())
    };
    let receiving = async {
        let (mut batch, mut turn, mut progressed) = (Batch::new(), 0, Instant::now());
        while batch.len() < EVENTS {
            turn += 1;
            let patience = Duration::from_micros(turn % 4 * 400);
            match timeout(patience, receiver.recv_batch(&mut batch)).await {
                Ok(received) => {
                    received?;
                    progressed = Instant::now();
                }
                Err(_) => tokio::task::yield_now().await,
            }
            ensure!(progressed.elapsed() < PATIENCE, "no event after the first {}", batch.len());
        }
        let came = keys(&batch)?;
        let in_order = came.iter().enumerate().all(|(number, key)| *key == number.to_string());
        ensure!(in_order, "every event must arrive once and in order, got {came:?}");
        Ok::<(), crate::Failure>(())
    };
    let (sent, received) = tokio::join!(sending, receiving);
    sent.and(received)
}

/// After `close`, everything that had arrived is yielded, then `Closed`.
async fn recv_batch_delivers_all_that_arrived_before_it_is_closed(fixture: Fixture) -> Outcome {
    let (sender, receiver) = fixture.linked(&[topic("a")?]).await?;
    send(&sender, &mut batch_of(0..10)?).await?;
    receiver.expect("a", 0).await?;
    receiver.close().await;
    let mut batch = Batch::new();
    for _ in 0..20 {
        let before = batch.len();
        match within("the remaining events, and then the end", receiver.recv_batch(&mut batch)).await? {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Closed => {
                let nothing_with_it = batch.len() == before;
                ensure!(nothing_with_it, "events must come before the end, but came with it");
                let came = keys(&batch)?;
                let in_order = came.iter().zip(1..).all(|(key, number)| *key == i32::to_string(&number));
                ensure!(in_order, "received events must come in order, got {came:?}");
                return Ok(());
            }
            Err(error) => {
                return Err(format!("a closed subscriber must return `Closed`, not {error:?}").into());
            }
        }
    }
    Err("a closed subscriber must return `Closed` when all is read, but never did".into())
}

/// A notice ends a batch of events, and is returned. The order is the same as with single calls.
async fn recv_batch_returns_notices_in_their_place(fixture: Fixture) -> Outcome {
    let sender = fixture.publisher().await?;
    let address = sender.address()?;
    let receiver = fixture.subscriber(&[topic("a")?], &[&address]).await?;
    let mut batch = Batch::new();
    let mut notices = Vec::new();
    while !notices.contains(&Notice::Subscribed { publisher: address.clone(), publisher_epoch: None }) {
        notices.extend(within("`Subscribed`", receiver.recv_batch(&mut batch)).await??);
        ensure!(batch.is_empty(), "nothing was published, but {batch:?} arrived");
    }
    ensure!(notices.len() == 2, "expected `LinkUp` and `Subscribed`, got {notices:?}");
    send(&sender, &mut batch_of(0..20)?).await?;
    let first = within("an event", receiver.recv()).await??;
    ensure!(matches!(first, Incoming::Event(_)), "expected an event, got {first:?}");
    sender.close().await?;
    let notice = loop {
        if let Some(notice) = within("`LinkDown`", receiver.recv_batch(&mut batch)).await?? {
            break notice;
        }
    };
    ensure!(matches!(notice, Notice::LinkDown { .. }), "expected `LinkDown`, got {notice:?}");
    let came = keys(&batch)?;
    ensure!(came.len() == 19, "expected 19 events before `LinkDown`, got {came:?}");
    Ok(())
}

/// After `close`, `send_batch` is `Closed`, like `send`.
async fn a_closed_publisher_refuses_a_batch_and_does_not_change_it(fixture: Fixture) -> Outcome {
    let (sender, _receiver) = fixture.linked(&[topic("a")?]).await?;
    sender.close().await?;
    let mut batch = batch_of(0..5)?;
    match sender.send_batch(&mut batch).await {
        Err(error) if error.kind() == ErrorKind::Closed => {}
        other => return Err(format!("after `close` it must be `Closed`, but was {other:?}").into()),
    }
    ensure!(batch.len() == 5, "nothing was accepted, but {} of 5 events are left", batch.len());
    Ok(())
}
