use std::sync::Arc;
use std::time::Duration;

use delivery::BrokerOptions;
use pubsub_api::wire::EventRef;
use pubsub_api::{ErrorKind, Event, Publisher, PublisherEpoch, Stamp, Topic};
use tokio::time::{Instant, sleep, timeout};

use crate::fake::{OPTIONS, ROUND_TRIP, Verdict, batch, broker, event, send, send_at_once, stamp};

#[tokio::test(start_paused = true)]
async fn a_process_is_a_publisher_from_its_first_send_on_and_numbers_each_topic() {
    let (publisher, fake) = broker(OPTIONS);
    publisher.initialize().await.unwrap();
    assert_eq!((publisher.publisher_epoch(), publisher.published()), (None, 0));
    for (topic, key) in [("a", "1"), ("b", "2"), ("a", "3")] {
        send(&publisher, topic, key).await.unwrap();
    }
    publisher.send_batch(&mut batch(&[("b", "4"), ("a", "5")])).await.unwrap();
    assert_eq!(fake.words(), ["a 1 1", "b 1 2", "a 2 3", "b 2 4", "a 3 5"]);
    let of = publisher.publisher_epoch().unwrap();
    for (_, envelope) in &*fake.published.lock().unwrap() {
        let Stamp { publisher, epoch, .. } = stamp(envelope);
        assert_eq!(PublisherEpoch { publisher, epoch }, of);
        let read = EventRef::read(envelope.topic.as_bytes(), &envelope.payload).unwrap();
        assert_eq!((read.table, read.genuine), (Some("lport"), true));
    }
    assert_eq!(publisher.published(), 5);
    let (other, _) = broker(OPTIONS);
    send(&other, "a", "1").await.unwrap();
    assert_ne!(other.publisher_epoch().unwrap().publisher, of.publisher);
}

#[tokio::test(start_paused = true)]
async fn many_callers_share_one_round_trip() {
    let (publisher, fake) = broker(OPTIONS);
    let start = Instant::now();
    let callers: Vec<_> = (0..100)
        .map(|caller| {
            let publisher = Arc::clone(&publisher);
            tokio::spawn(async move {
                for number in 0..3 {
                    send(&publisher, &format!("t{caller}"), &number.to_string()).await.unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert!(start.elapsed() <= 5 * ROUND_TRIP, "300 events took {:?}", start.elapsed());
    assert!(fake.batches.lock().unwrap().len() <= 5, "{:?}", fake.batches);
    let words = fake.words();
    for caller in 0..100 {
        let own: Vec<&String> =
            words.iter().filter(|word| word.starts_with(&format!("t{caller} "))).collect();
        assert_eq!(
            own,
            [0, 1, 2].map(|key| format!("t{caller} {} {key}", key + 1)).iter().collect::<Vec<_>>()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_event_returns_its_sequence_and_no_other_event_fails() {
    for kind in [ErrorKind::Invalid, ErrorKind::Unsupported, ErrorKind::Internal] {
        let (publisher, fake) = broker(OPTIONS);
        fake.once("bad", Verdict::Refuse(kind));
        let results = send_at_once(&publisher, &[("a", "1"), ("a", "bad"), ("b", "3"), ("a", "4")]).await;
        assert_eq!(results, [None, Some(kind), None, None]);
        assert_eq!(fake.words(), ["a 1 1", "b 1 3", "a 2 4"]);
        sleep(Duration::from_secs(9)).await;
        assert!(!fake.words().iter().any(|word| word.starts_with("lost")), "{:?}", fake.words());
    }
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_accepts_nothing_fails_the_whole_batch_and_its_sequences_are_used_again() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Overloaded] {
        let (publisher, fake) = broker(OPTIONS);
        send(&publisher, "a", "1").await.unwrap();
        let mut calls = 0;
        fake.judge(move |_| {
            calls += 1;
            assert!(calls <= 2, "not one round trip for each event");
            Verdict::Refuse(kind)
        });
        let results = send_at_once(&publisher, &[("a", "2"), ("a", "3"), ("b", "4"), ("c", "5")]).await;
        assert_eq!(results, [Some(kind); 4]);
        fake.judge(|_| Verdict::Take);
        send(&publisher, "a", "6").await.unwrap();
        assert_eq!(fake.numbered(), ["a 1 1", "a 2 6"]);
    }
}

#[tokio::test(start_paused = true)]
async fn invalid_or_stamped_events_are_refused_and_reserved_topics_pass() {
    let (publisher, fake) = broker(OPTIONS);
    let topic = Topic::new("a").unwrap();
    let stamp = Some(Stamp { publisher: 1, epoch: 2, sequence: 3, time_us: 4 });
    let stamped = Event { stamp, ..Event::new("t", "k", "set".into(), "v", topic.clone()) };
    let error = publisher.send_event(&stamped).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    for payload in [&b"\xffjunk"[..], &event("b", "of another topic").payload[..], b""] {
        let error = publisher.send(&topic, bytes::Bytes::copy_from_slice(payload)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
    assert_eq!(publisher.delivery_status().counter("events_refused", Some("stamped")), 1);

    let mut mixed = batch(&[("a", "1"), ("$mark.a", "passes"), ("a", "2")]);
    let block = mixed.add_block(bytes::Bytes::from_static(b"ajunk"));
    assert!(mixed.push_span(block, 0..1, 1..5));
    mixed.push(event("a", "4"));
    let error = publisher.send_batch(&mut mixed).await.unwrap_err();
    assert_eq!((error.kind(), mixed.len()), (ErrorKind::Invalid, 2), "it stands first");
    let topics: Vec<String> =
        fake.published.lock().unwrap().iter().map(|(_, event)| event.topic.to_string()).collect();
    assert_eq!(topics, ["a", "$mark.a", "a"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_stops_at_a_refused_event_and_continues_after_it() {
    let (publisher, fake) = broker(OPTIONS);
    fake.once("bad", Verdict::Refuse(ErrorKind::Unavailable));
    let mut events = batch(&[("a", "1"), ("a", "bad"), ("b", "3"), ("a", "4")]);
    let error = publisher.send_batch(&mut events).await.unwrap_err();
    assert_eq!((error.kind(), events.len()), (ErrorKind::Unavailable, 3));
    publisher.send_batch(&mut events).await.unwrap();
    assert!(events.is_empty());
    assert_eq!(fake.words(), ["a 1 1", "a 2 bad", "b 1 3", "a 3 4"]);
}

#[tokio::test(start_paused = true)]
async fn a_send_without_room_fails_as_overloaded_after_the_timeout_and_is_counted() {
    let (publisher, fake) = broker(BrokerOptions { linger: Duration::from_millis(100), ..OPTIONS });
    fake.judge(|_| Verdict::Stall);
    let sends: Vec<_> = (0..10_000)
        .map(|_| {
            let publisher = Arc::clone(&publisher);
            tokio::spawn(async move { send(&publisher, "a", "k").await.map_err(|error| error.kind()) })
        })
        .collect();
    sleep(ROUND_TRIP).await;
    let start = Instant::now();
    let error = send(&publisher, "a", "k").await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed().as_secs()), (ErrorKind::Overloaded, 2), "{error}");
    let status = publisher.status();
    assert_eq!(status.counter("events_refused", Some("overloaded")), 1);
    let outbox = status.queues.iter().find(|queue| queue.name == "outbox").unwrap();
    assert_eq!((outbox.depth, outbox.bound), (10_000, 10_000));

    let error = publisher.close().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    for send in sends {
        let kind = timeout(Duration::from_secs(1), send).await.unwrap().unwrap().unwrap_err();
        assert!(matches!(kind, ErrorKind::Closed | ErrorKind::InDoubt), "nobody waits for ever: {kind:?}");
    }
    assert_eq!(send(&publisher, "a", "k").await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test(start_paused = true)]
async fn sixteen_mebibytes_wait_and_no_more() {
    let (publisher, fake) = broker(OPTIONS);
    fake.judge(|_| Verdict::Stall);
    let topic = Topic::new("a").unwrap();
    let large = Event::new("t", "k", "set".into(), "x".repeat(1_000_000), topic);
    let sends = (0..17).map(|_| {
        let (publisher, large) = (Arc::clone(&publisher), large.clone());
        tokio::spawn(async move { publisher.send_event(&large).await })
    });
    let mut sends: Vec<_> = sends.collect();
    let last = timeout(Duration::from_secs(3), sends.pop().unwrap()).await.unwrap().unwrap();
    assert_eq!(last.unwrap_err().kind(), ErrorKind::Overloaded);
    assert!(sends.iter().all(|send| !send.is_finished()));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_is_cancelled_before_its_turn_publishes_nothing() {
    let (publisher, fake) = broker(OPTIONS);
    let first = tokio::spawn({
        let publisher = Arc::clone(&publisher);
        async move { send(&publisher, "a", "1").await }
    });
    sleep(ROUND_TRIP / 2).await;
    assert!(timeout(ROUND_TRIP / 4, send(&publisher, "a", "given up")).await.is_err());
    first.await.unwrap().unwrap();
    send(&publisher, "a", "2").await.unwrap();
    publisher.flush().await.unwrap();
    assert_eq!(fake.words(), ["a 1 1", "a 2 2"]);
}
