//! DEALERs that introduce themselves: their messages are numbered, and what was accepted is acknowledged.

use std::time::Duration;

use drivers_zmtp::protocol::{Command, Decoded, EventDecoder, SocketType, put_event};
use pubsub_api::wire::{append_pairs, encode};
use pubsub_api::{Action, Batch, Event, Source, Subscriber, Topic, Value, WorkerPosition};

use super::raw_worker::{RawWorker, event, hello_of_a_push};
use super::service::{PATIENCE, Service, texts, until};

const WORKER: u64 = 0x0123_4567_89ab_cdef;

/// The map of an introduction, packed by the event packer.
fn introduction_map(first: u64, sent_before: u64) -> Vec<u8> {
    let topic = Topic::new("$worker").unwrap();
    let action = Action::Other("worker".to_owned());
    let event = Event::new("$worker", format!("{WORKER:016x}"), action, Value::Nil, topic);
    let pairs =
        [&b"\xa5first\xcf"[..], &first.to_be_bytes(), b"\xabsent_before\xcf", &sent_before.to_be_bytes()];
    let mut map = Vec::new();
    append_pairs(&encode(&event).unwrap(), 2, &pairs.concat(), &mut map).unwrap();
    map
}

fn message(topic: &str, map: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_event(&mut bytes, topic.as_bytes(), map);
    bytes
}

fn introduction(first: u64, sent_before: u64) -> Vec<u8> {
    message("$worker", &introduction_map(first, sent_before))
}

async fn dealer(service: &Service) -> RawWorker {
    RawWorker::greeted_as(&service.socket(), SocketType::Dealer).await
}

async fn batch(service: &Service) -> Batch {
    let (mut batch, subscriber) = (Batch::new(), service.subscriber());
    let received = tokio::time::timeout(PATIENCE, subscriber.recv_batch(&mut batch));
    received.await.expect("a batch in time").unwrap();
    batch
}

/// Batches until numbers up to this one have come; the events' numbers with their payloads, and all sources.
async fn up_to(service: &Service, last: u64) -> (Vec<(u64, String)>, Vec<Source>) {
    let (mut events, mut sources) = (Vec::new(), Vec::<Source>::new());
    while sources.last().is_none_or(|source| source.last() < last) {
        let batch = batch(service).await;
        let origins = batch.iter().map(|event| event.origin.expect("it is numbered").number);
        events.extend(origins.zip(texts(&batch)));
        sources.extend_from_slice(batch.sources());
    }
    (events, sources)
}

fn acknowledge(subscriber: &dyn Subscriber, source: &Source, number: u64) {
    subscriber.acknowledger().expect("it confirms").acknowledge(source.peer, number);
}

/// The numbers of all acknowledgements that a service sent.
fn acknowledged(said: &[u8]) -> Vec<u64> {
    let (mut decoder, mut at, mut numbers) = (EventDecoder::default(), 0, Vec::new());
    loop {
        let (used, decoded) = decoder.next(&said[at..]).unwrap();
        match decoded {
            Decoded::Incomplete => return numbers,
            Decoded::Event { topic, payload } => {
                assert_eq!(&said[at..][topic], b"$ack");
                let number = said[at..][payload].last_chunk().unwrap();
                numbers.push(u64::from_be_bytes(*number));
            }
            Decoded::Command(Command::Ping { .. } | Command::Pong) => {}
            other => panic!("a service does not send that to a worker: {other:?}"),
        }
        at += used;
    }
}

#[tokio::test]
async fn events_are_numbered_by_their_order_whatever_was_dropped_between() {
    let service = Service::start(&[]).await;
    let mut worker = dealer(&service).await;
    worker.say(&introduction(5, 6));
    worker.say(&event("five"));
    worker.say(b"\0\x03one");
    worker.say(&event("seven"));
    worker.say(b"\x01\x02\xff\xfe\0\x05eight");
    let rest = [message("D", &vec![0; 2 * 1024 * 1024]), event("ten")].concat();
    let saying = tokio::task::spawn_blocking(move || {
        worker.say(&rest);
        worker
    });
    let (events, sources) = up_to(&service, 10).await;
    let wanted = [(5, "five"), (7, "seven"), (10, "ten")].map(|(number, text)| (number, text.to_owned()));
    assert_eq!(events, wanted);
    let mut next = 5;
    for source in sources {
        assert_eq!((source.worker, source.first, source.sent_before), (WORKER, next, 6));
        next += source.count;
    }
    assert_eq!(next, 11, "without gaps");
    let causes = ["frame_count", "bad_topic", "too_big"].map(|cause| service.dropped(cause));
    assert_eq!(causes, [1, 1, 1]);
    drop(saying.await.unwrap());
}

#[tokio::test]
async fn numbers_of_which_no_event_is_left_are_reported_too() {
    let service = Service::start(&[]).await;
    let mut worker = dealer(&service).await;
    worker.say(&[introduction(1, 0), b"\0\x03one\0\x03two".to_vec()].concat());
    let batch = batch(&service).await;
    assert!(batch.is_empty());
    assert_eq!((batch.sources()[0].first, batch.sources()[0].count), (1, 2));
    acknowledge(service.subscriber().as_ref(), &batch.sources()[0], 2);
    worker.hears_until(|said| acknowledged(said) == [2]).await;
}

#[tokio::test]
async fn an_origin_shows_what_may_be_a_repeat() {
    let service = Service::start(&[]).await;
    let mut worker = dealer(&service).await;
    worker.say(&[introduction(1, 1), event("again"), event("new")].concat());
    let batch = batch(&service).await;
    let origin = |number, sent_before| Some(WorkerPosition { worker: WORKER, number, sent_before });
    let origins: Vec<_> = batch.iter().map(|event| event.origin).collect();
    assert_eq!(origins, [origin(1, true), origin(2, false)]);
}

#[tokio::test]
async fn a_flood_of_which_nothing_is_left_waits_for_room_like_any_other() {
    let service = Service::start(&["drivers.zmtp.recv_queue_events=10"]).await;
    let mut worker = dealer(&service).await;
    worker.say(&introduction(1, 0));
    let flooding = tokio::task::spawn_blocking(move || {
        (0..2_000).for_each(|_| worker.say(&b"\0\0".repeat(100)));
        worker
    });
    let depth = || service.status().queues[0].depth;
    until("the queue is full", || depth() >= 10).await;
    let (_, sources) = up_to(&service, 200_000).await;
    assert_eq!(sources.iter().map(|source| source.count).sum::<u64>(), 200_000);
    drop(flooding.await.unwrap());
}

#[tokio::test]
async fn only_the_highest_acknowledgement_is_sent() {
    let service = Service::start(&[]).await;
    let mut worker = dealer(&service).await;
    let events: Vec<u8> = (0..100).flat_map(|number| event(&number.to_string())).collect();
    worker.say(&[introduction(1, 0), events].concat());
    let (_, sources) = up_to(&service, 100).await;
    // All of them in one turn of this thread, which the connection's task shares.
    for number in (1..=100).chain(50..60) {
        acknowledge(service.subscriber().as_ref(), &sources[0], number);
    }
    let reported = worker.hears_until(|said| !acknowledged(said).is_empty()).await;
    assert_eq!(acknowledged(&reported), [100]);
}

#[tokio::test]
async fn a_worker_that_reads_no_acknowledgements_costs_one_slot_and_hears_the_last_when_it_reads() {
    const ROUNDS: u64 = 50_000;
    let service = Service::start(&["dead_after=60s"]).await;
    let mut worker = dealer(&service).await;
    worker.say(&[introduction(1, 0), event("1")].concat());
    let (_, sources) = up_to(&service, 1).await;
    for number in 1..=ROUNDS {
        acknowledge(service.subscriber().as_ref(), &sources[0], number);
        tokio::task::yield_now().await;
    }
    let reported = worker.hears_until(|said| said.ends_with(&ROUNDS.to_be_bytes())).await;
    let reported = acknowledged(&reported);
    assert!(
        reported.is_sorted() && reported.len() < 20_000,
        "{} fit into the socket's buffer",
        reported.len()
    );
}

#[tokio::test]
async fn one_by_one_an_event_is_acknowledged_when_it_is_handed_out() {
    let service = Service::start(&[]).await;
    let mut worker = dealer(&service).await;
    let dropped = b"\0\x03one".to_vec();
    worker.say(&[introduction(1, 0), event("1"), dropped.clone(), event("3"), dropped].concat());
    let subscriber = service.subscriber();
    for number in [2, 4] {
        tokio::time::timeout(PATIENCE, subscriber.recv()).await.expect("in time").unwrap();
        let reported = move |said: &[u8]| acknowledged(said).last() == Some(&number);
        worker = worker.goes_on_until(reported).await;
    }
}

#[tokio::test]
async fn acknowledgements_before_close_are_sent() {
    for _ in 0..20 {
        let service = Service::start(&[]).await;
        let mut worker = dealer(&service).await;
        worker.say(&[introduction(1, 0), event("1")].concat());
        let (_, sources) = up_to(&service, 1).await;
        acknowledge(service.subscriber().as_ref(), &sources[0], 1);
        service.subscriber().close().await;
        assert_eq!(acknowledged(&worker.until_closed().await), [1]);
    }
}

#[tokio::test]
async fn close_waits_for_nobody_whose_block_waits_for_room() {
    // Another program may delay one attempt, but not all of them.
    for _ in 0..5 {
        let service = Service::start(&["drivers.zmtp.recv_queue_events=1"]).await;
        let mut worker = dealer(&service).await;
        worker.say(&introduction(1, 0));
        for number in 1..=3 {
            worker.say(&event(&number.to_string()));
            // Each event arrives by itself on an idle machine; on a busy one the test only shows less.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let begun = std::time::Instant::now();
        service.subscriber().close().await;
        assert_eq!(service.batch().await[0], "1", "what had arrived is still there");
        if begun.elapsed() < Duration::from_millis(900) {
            return;
        }
    }
    panic!("close waits for the block");
}

#[tokio::test]
async fn a_worker_whose_numbers_cannot_be_trusted_is_closed_and_what_came_before_counts() {
    let cases: [(&str, Vec<u8>, u64); 4] = [
        ("bad_introduction", message("$worker", &introduction_map(0, 0)), 0),
        ("bad_introduction", message("$worker", b"\x80"), 0),
        ("out_of_turn", [introduction(1, 0), event("1"), introduction(2, 1)].concat(), 1),
        ("out_of_turn", [introduction(1, 0), event("1"), message("$ack", b"\x80")].concat(), 1),
    ];
    for (cause, bytes, events) in cases {
        let service = Service::start(&[]).await;
        let mut worker = dealer(&service).await;
        worker.say(&[bytes, event("not counted")].concat());
        worker.until_closed().await;
        until(&format!("{cause} is counted"), || service.refused(cause) == 1).await;
        assert_eq!(service.status().counter("events_received", None), events);
    }
}

#[tokio::test]
async fn control_messages_of_a_worker_without_numbers_are_dropped_and_its_events_count() {
    let service = Service::start(&[]).await;
    let mut push = RawWorker::silent(&service.socket());
    push.say(&[hello_of_a_push(), introduction(1, 0), event("push"), message("$ack", b"\x80")].concat());
    assert_eq!(service.take(1).await, ["push"]);
    let mut plain = dealer(&service).await;
    plain.say(&[event("plain"), introduction(1, 0), event("dealer")].concat());
    let batch = batch(&service).await;
    assert_eq!(texts(&batch), ["plain", "dealer"]);
    assert!(batch.sources().is_empty() && batch.iter().all(|event| event.origin.is_none()));
    assert_eq!(service.dropped("out_of_turn"), 3);
}

#[tokio::test]
async fn a_worker_that_dies_within_an_event_has_its_whole_events_numbered_and_no_other() {
    let third = event("three");
    for cut in 1..third.len() {
        let service = Service::start(&[]).await;
        let mut worker = dealer(&service).await;
        worker.say(&[introduction(1, 0), event("one"), event("two"), third[..cut].to_vec()].concat());
        drop(worker);
        let (events, sources) = up_to(&service, 2).await;
        assert_eq!((events.len(), sources.last().map(Source::last)), (2, Some(2)), "cut at {cut}");
        until("it is counted", || service.dropped("cut_off") == 1).await;
    }
}
