use std::sync::Arc;
use std::sync::atomic::Ordering;

use delivery::{
    Control, Position, PublisherOptions, StampedPublisher, SyncItem, SyncReply, SyncReplyKind, SyncRequest,
};
use pubsub_api::{Batch, Envelope, Event, PeerId, Publisher, Request, Topic};

use crate::fake::{Fake, Inputs, batch, event, stamp, stamped, stamped_as, until};

const ASKER: PeerId = PeerId(1);

fn want(topic: &str, epoch: u64, number: u64) -> SyncItem {
    SyncItem { topic: Topic::new(topic.to_owned()).unwrap(), position: Position { epoch, sequence: number } }
}

async fn ask(inputs: &Inputs, peer: PeerId, id: u64, items: Vec<SyncItem>) {
    let envelope = SyncRequest { id, items }.pack().unwrap();
    inputs.requests.send(Request::new(peer, envelope)).await.unwrap();
}

/// The answers to `count` wants of a peer: each head, with the numbers of what follows it.
async fn answers(fake: &Arc<Fake>, peer: PeerId, count: usize) -> Vec<(SyncReply, Vec<u64>)> {
    until("all answers", || {
        let all = fake.answers.lock().unwrap();
        let mut answers: Vec<(SyncReply, Vec<u64>)> = Vec::new();
        for (_, envelope) in all.iter().filter(|(of, _)| *of == peer) {
            match SyncReply::read(envelope).unwrap() {
                Some(head) => answers.push((head, Vec::new())),
                None => answers.last_mut().unwrap().1.push(stamp(envelope).sequence),
            }
        }
        let is_whole = |(head, parts): &(SyncReply, Vec<u64>)| match head.kind {
            SyncReplyKind::Replay { count } | SyncReplyKind::Snapshot { count, .. } => {
                count == parts.len() as u64
            }
            _ => true,
        };
        (answers.len() == count && answers.iter().all(is_whole)).then_some(answers)
    })
    .await
}

fn epoch(publisher: &StampedPublisher) -> u64 {
    publisher.publisher_epoch().unwrap().epoch
}

#[tokio::test]
async fn a_subscriber_that_is_behind_receives_the_missing_events_and_an_unknown_position_is_reported() {
    let (publisher, fake, inputs) = stamped(None).await;
    publisher.publish(&mut batch(&["a", "b", "a", "a"])).await.unwrap();
    let now = epoch(&publisher);
    let items = [(now, 1), (now, 3), (now, 4), (now - 1, 1)].map(|(epoch, number)| want("a", epoch, number));
    ask(&inputs, ASKER, 7, items.to_vec()).await;
    let got = answers(&fake, ASKER, 4).await;
    let short = |(answer, parts): &(SyncReply, Vec<u64>)| (answer.kind, answer.stamp.sequence, parts.clone());
    let wanted = [
        (SyncReplyKind::Replay { count: 2 }, 3, vec![2, 3]),
        (SyncReplyKind::Replay { count: 0 }, 3, vec![]),
        (SyncReplyKind::Unknown, 3, vec![]),
        (SyncReplyKind::Unknown, 3, vec![]),
    ];
    assert_eq!(got.iter().map(short).collect::<Vec<_>>(), wanted);
    assert!(got.iter().all(|(head, _)| head.id == 7 && head.stamp.epoch == now));
}

#[tokio::test]
async fn a_new_subscriber_receives_the_latest_event_of_each_row() {
    let (publisher, fake, inputs) = stamped(None).await;
    let mut batch = Batch::new();
    batch.extend(["one", "two", "one", "three"].map(|key| event("rows", key)));
    batch.push(event("calls", "one"));
    // A row of another action.
    let poke = Event::new("t", "k", "poke".into(), "v", Topic::new("calls").unwrap());
    batch.push(Envelope::pack(&poke).unwrap());
    publisher.publish(&mut batch).await.unwrap();
    let items = ["rows", "calls", "never"].map(|topic| want(topic, 0, 0));
    ask(&inputs, ASKER, 1, items.to_vec()).await;
    let got = answers(&fake, ASKER, 3).await;
    let since = epoch(&publisher);
    assert_eq!(got[0].0.kind, SyncReplyKind::Snapshot { count: 3, since });
    assert_eq!((got[0].0.stamp.sequence, &got[0].1[..]), (4, &[2, 3, 4][..]));
    assert_eq!((got[1].0.kind, &got[1].1[..]), (SyncReplyKind::Snapshot { count: 2, since }, &[1, 2][..]));
    assert_eq!((got[2].0.kind, got[2].0.stamp.sequence), (SyncReplyKind::Replay { count: 0 }, 0));
    let status = publisher.delivery_status();
    assert_eq!(status.counter("sync_answers", Some("snapshot")), 2);
}

#[tokio::test]
async fn a_subscriber_behind_the_ring_receives_a_snapshot_and_long_replays_are_complete() {
    let (publisher, fake, inputs) = stamped(None).await;
    let row = |key: u64| {
        let topic = Topic::new("rows").unwrap();
        Envelope::pack(&Event::new("t", key.to_string(), "set".into(), "v".repeat(900), topic)).unwrap()
    };
    for round in 0..40 {
        let mut batch = Batch::new();
        batch.extend((0..100).map(|key| row((round * 100 + key) % 150)));
        publisher.publish(&mut batch).await.unwrap();
        // The follower may take a fifth of a processor; here it is to see all.
        ask(&inputs, PeerId(round + 100), 1, vec![want("rows", 0, 0)]).await;
        answers(&fake, PeerId(round + 100), 1).await;
    }
    let now = epoch(&publisher);
    ask(&inputs, ASKER, 1, vec![want("rows", now, 10), want("rows", now, 3400)]).await;
    let got = answers(&fake, ASKER, 2).await;
    assert_eq!(got[0].0.kind, SyncReplyKind::Snapshot { count: 150, since: now });
    assert_eq!(got[0].1.iter().min(), Some(&3851));
    // A snapshot of 150 rows is cheaper than 600 events.
    assert_eq!(got[1].0.kind, SyncReplyKind::Snapshot { count: 150, since: now });
    ask(&inputs, PeerId(2), 1, vec![want("rows", now, 3900)]).await;
    let got = answers(&fake, PeerId(2), 1).await;
    assert_eq!(got[0].1, (3901..=4000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_replay_spans_segments_and_epochs() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut epochs = Vec::new();
    let mut topics = vec!["a"; 500];
    topics.extend(["b"; 500]);
    for _ in 0..3 {
        let (publisher, ..) = stamped(Some(folder.path())).await;
        epochs.push(epoch(&publisher));
        publisher.publish(&mut batch(&topics)).await.unwrap();
        publisher.close().await.unwrap();
    }
    let (publisher, fake, inputs) = stamped(Some(folder.path())).await;
    let items = vec![want("a", epochs[0], 100), want("a", epochs[1], 500), want("a", epochs[1], 499)];
    ask(&inputs, ASKER, 1, items).await;
    let mut unfit = batch(&["a"]);
    publisher.publish(&mut unfit).await.unwrap();
    let got = answers(&fake, ASKER, 3).await;
    for ((head, parts), from) in got.iter().zip([101, 501]) {
        match head.kind {
            SyncReplyKind::Replay { .. } => {
                assert_eq!(*parts, (from..=head.stamp.sequence).collect::<Vec<_>>());
            }
            SyncReplyKind::Snapshot { count: 1, since } => assert_eq!(since, epochs[0]),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(got[2].0.kind, SyncReplyKind::Unknown, "that epoch began after it");
}

#[tokio::test]
async fn a_peer_with_too_many_requests_or_a_full_queue_delays_no_other() {
    let (publisher, fake, inputs) = stamped(None).await;
    // Each requests another topic: a repeated request for one topic gets one reply.
    let topics: Vec<String> = (0..40).map(|id| format!("topic-{id}")).collect();
    publisher.publish(&mut batch(&topics.iter().map(String::as_str).collect::<Vec<_>>())).await.unwrap();
    publisher.publish(&mut batch(&["a", "a"])).await.unwrap();
    let now = epoch(&publisher);
    fake.stalled.store(9, Ordering::Relaxed);
    for id in 0..20 {
        ask(&inputs, PeerId(9), id, vec![want("a", now, 1)]).await;
    }
    for id in 0..40 {
        ask(&inputs, ASKER, id, vec![want(&topics[id as usize], now, 1)]).await;
    }
    let got = answers(&fake, ASKER, 40).await;
    let busy = got.iter().filter(|(head, _)| matches!(head.kind, SyncReplyKind::Busy { .. })).count();
    assert!((1..=8).contains(&busy), "{busy} of 40 are too many by 8, less what the time brought");
    let junk = Envelope { topic: Topic::new("$sync").unwrap(), payload: bytes::Bytes::from_static(b"junk") };
    inputs.requests.send(Request::new(ASKER, junk)).await.unwrap();
    ask(&inputs, PeerId(2), 1, vec![want("a", now, 0)]).await;
    answers(&fake, PeerId(2), 1).await;
    assert_eq!(publisher.delivery_status().counter("sync_requests_bad", Some("not_a_map")), 1);
}

#[tokio::test]
async fn an_event_of_no_row_costs_no_snapshot_and_a_subscriber_that_missed_it_learns_of_it() {
    let (publisher, fake, inputs) = stamped(None).await;
    let mut batch = Batch::new();
    batch.push(event("rows", "one"));
    let sync = Event {
        table: None,
        key: None,
        ..Event::new("", "", "sync".into(), None, Topic::new("rows").unwrap())
    };
    batch.push(Envelope::pack(&sync).unwrap());
    batch.extend((0..40_000).map(|_| event("rows", "two")));
    publisher.publish(&mut batch).await.unwrap();
    let now = epoch(&publisher);
    ask(&inputs, ASKER, 1, vec![want("rows", 0, 0), want("rows", now, 1), want("rows", now, 2)]).await;
    let got = until("the answers", || {
        let all = fake.answers.lock().unwrap();
        let envelopes: Vec<Envelope> = all.iter().map(|(_, envelope)| envelope.clone()).collect();
        (envelopes.len() == 3 + 2 + 3 + 2).then_some(envelopes)
    })
    .await;
    let kinds: Vec<SyncReplyKind> =
        got.iter().filter_map(|it| SyncReply::read(it).unwrap()).map(|it| it.kind).collect();
    let snapshot = |count| SyncReplyKind::Snapshot { count, since: now };
    assert_eq!(kinds, [snapshot(2), snapshot(3), snapshot(2)]);
    let lost = got.iter().filter_map(|it| Control::read(&it.topic, &it.payload).ok().flatten());
    let events: Vec<u64> =
        lost.map(|it| if let Control::Lost(lost) = it { lost.events } else { 0 }).collect();
    assert_eq!(events, [1], "only a subscriber that had number 1 was promised number 2");
}

#[tokio::test]
async fn a_burst_of_many_rows_costs_a_topic_no_snapshot() {
    const ROWS: u64 = 60_000;
    let options =
        PublisherOptions { state_dir: None, ring_bytes: 1 << 20, snapshot_bytes: 64 << 20, max_topics: 10 };
    let (publisher, fake, inputs) = stamped_as(options).await;
    for part in 0..ROWS / 1000 {
        let mut batch = Batch::new();
        batch.extend((0..1000).map(|row| event("rows", &(part * 1000 + row).to_string())));
        publisher.publish(&mut batch).await.unwrap();
    }
    ask(&inputs, ASKER, 1, vec![want("rows", 0, 0)]).await;
    let got = answers(&fake, ASKER, 1).await;
    assert_eq!(got[0].0.kind, SyncReplyKind::Snapshot { count: ROWS, since: epoch(&publisher) });
    assert_eq!(publisher.delivery_status().counter("topics_without_snapshot", Some("incomplete")), 0);
}
