use bytes::Bytes;
use pubsub_api::{Batch, Envelope, ErrorKind, Topic, wire};

use super::{Gone, MAX_BYTES, Offered, Outbox};
use crate::protocol::put_event;

fn batch(count: usize, payload: &Bytes) -> Batch {
    let topic = Topic::new("D").unwrap();
    let mut batch = Batch::new();
    batch.extend((0..count).map(|_| Envelope { topic: topic.clone(), payload: payload.clone() }));
    batch
}

/// Writes all that is in it, and releases it.
fn write_all(outbox: &Outbox) -> Vec<u8> {
    let mut written = Vec::new();
    while let Some(mut chunk) = outbox.take() {
        written.extend_from_slice(chunk.rest());
        chunk.advance(chunk.rest().len());
        outbox.release(chunk.release(u64::MAX), std::iter::once(chunk));
    }
    written
}

#[test]
fn events_hold_their_places_until_the_link_lets_them_go() {
    let outbox = Outbox::new(2);
    assert_eq!(
        [0, 1, 2].map(|_| outbox.offer(b"D", b"x")),
        [Offered::Accepted, Offered::Accepted, Offered::Full]
    );
    let chunk = outbox.take().unwrap();
    assert_eq!(outbox.offer(b"D", b"x"), Offered::Full, "what is with the link is not gone");
    assert_eq!(outbox.progress(), (2, 0));
    outbox.release(Gone { events: 1, bytes: 6 }, std::iter::empty());
    assert_eq!(outbox.progress(), (2, 1));
    assert_eq!(outbox.offer(b"D", b"x"), Offered::Accepted);
    drop(chunk);
    outbox.close();
    assert_eq!(outbox.offer(b"D", b"x"), Offered::Closed);
    assert_eq!(outbox.drop_rest(), 2);
    assert!(outbox.is_finished());
}

#[test]
fn large_events_fill_it_by_their_bytes() {
    let outbox = Outbox::new(1_000_000);
    let payload = vec![0; 1024 * 1024];
    let accepted = (0..100).take_while(|_| outbox.offer(b"D", &payload) == Offered::Accepted).count();
    assert_eq!(accepted, MAX_BYTES / payload.len() - 1, "frames need their bytes too");
    assert!(outbox.read()[1].depth <= MAX_BYTES as u64);
    write_all(&outbox);
    assert_eq!(outbox.read()[1].depth, 0);
}

#[test]
fn a_batch_goes_in_as_far_as_there_is_room_in_order() {
    let outbox = Outbox::new(1000);
    let mut batch = batch(2500, &Bytes::from_static(b"payload"));
    let mut wanted = Vec::new();
    (0..2500).for_each(|_| put_event(&mut wanted, b"D", b"payload"));
    let mut written = Vec::new();
    for left in [1500, 500, 0] {
        assert_eq!(outbox.offer_batch(&mut batch).unwrap(), Offered::Accepted);
        assert_eq!(batch.len(), left);
        if left > 0 {
            assert_eq!(outbox.offer_batch(&mut batch).unwrap(), Offered::Full);
        }
        written.extend(write_all(&outbox));
    }
    assert_eq!(written, wanted);
}

#[test]
fn a_batch_of_large_events_gives_up_the_lock_between() {
    let outbox = Outbox::new(1000);
    let mut batch = batch(10, &Bytes::from(vec![0; 100_000]));
    assert_eq!(outbox.offer_batch(&mut batch).unwrap(), Offered::Accepted);
    assert_eq!(batch.len(), 7);
}

#[test]
fn a_wrong_event_is_refused_when_it_is_the_first() {
    let outbox = Outbox::new(1000);
    let too_large = Bytes::from(vec![0; wire::MAX_RECEIVED_BYTES + 1]);
    assert!(wire::check_size(&too_large).is_err());
    let mut batch = batch(2, &Bytes::from_static(b"payload"));
    batch.push(Envelope { topic: Topic::new("D").unwrap(), payload: too_large });
    let block = batch.add_block(Bytes::from_static(b"D"));
    assert!(batch.push_span(block, 0..0, 0..1));
    assert_eq!(outbox.offer_batch(&mut batch).unwrap(), Offered::Accepted);
    for left in [2, 1] {
        assert_eq!(batch.len(), left);
        assert_eq!(outbox.offer_batch(&mut batch).unwrap_err().kind(), ErrorKind::Invalid);
        batch.advance(1);
    }
    assert_eq!(outbox.progress(), (2, 0));
}

#[tokio::test]
async fn callers_that_wait_for_room_are_called_one_after_the_other() {
    let outbox = std::sync::Arc::new(Outbox::new(4));
    while outbox.offer(b"D", b"x") == Offered::Accepted {}
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let outbox = std::sync::Arc::clone(&outbox);
            tokio::spawn(async move {
                let offer =
                    |outbox: &Outbox| Some(outbox.offer(b"D", b"x")).filter(|it| *it != Offered::Full);
                outbox.when_room(offer).await
            })
        })
        .collect();
    tokio::task::yield_now().await;
    write_all(&outbox);
    for waiter in waiting {
        assert_eq!(waiter.await.unwrap(), Offered::Accepted);
    }
    assert_eq!(outbox.progress(), (8, 4));
}
