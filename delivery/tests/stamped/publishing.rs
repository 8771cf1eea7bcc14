use std::sync::atomic::Ordering;
use std::time::Duration;

use delivery::{Control, Position, publisher_key};
use pubsub_api::{Batch, ErrorKind, Publisher, PublisherEpoch, SEND_ALL, hello};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::fake::{To, batch, event, stamp, stamped, until};

fn numbered(numbers: &[(&str, u64)]) -> Vec<(String, u64)> {
    numbers.iter().map(|(topic, number)| ((*topic).to_owned(), *number)).collect()
}

#[tokio::test]
async fn events_carry_publisher_epoch_and_sequence_and_the_hello_identifies_the_publisher() {
    let (publisher, fake, _inputs) = stamped(None).await;
    let publisher_epoch = publisher.publisher_epoch().unwrap();
    assert_eq!(publisher_epoch.publisher, publisher_key("id"));
    publisher.publish(&mut batch(&["a", "b", "a"])).await.unwrap();
    publisher.send(&SEND_ALL, event("D", "k").payload).await.unwrap();
    assert_eq!(fake.numbers(), numbered(&[("a", 1), ("b", 1), ("a", 2), ("D", 1)]));
    let stamp = {
        let sent = fake.sent.lock().unwrap();
        stamp(&sent.iter().find(|(_, _, sent)| !sent.topic.is_reserved()).unwrap().2)
    };
    assert_eq!(PublisherEpoch { publisher: stamp.publisher, epoch: stamp.epoch }, publisher_epoch);
    let hello = until("a hello", || {
        let sent = fake.sent.lock().unwrap();
        sent.iter().find_map(|(_, _, sent)| {
            hello::publisher_epoch(&sent.payload).filter(|_| sent.topic.is_reserved())
        })
    });
    assert_eq!(hello.await, publisher_epoch);
}

#[tokio::test]
async fn invalid_events_are_refused_and_the_others_are_published() {
    let (publisher, fake, _inputs) = stamped(None).await;
    let mut batch = batch(&["a", "a"]);
    let block = batch.add_block(bytes::Bytes::from_static(b"\xffjunk"));
    assert!(batch.push_span(block, 1..2, 1..5) && batch.push_span(block, 0..1, 1..5));
    batch.push(event("b", "k"));
    let mut copy = batch.clone();
    publisher.publish(&mut batch).await.unwrap();
    assert_eq!(fake.numbers(), numbered(&[("a", 1), ("a", 2), ("b", 1)]));
    assert_eq!(publisher.delivery_status().counter("events_refused", Some("not_a_map")), 2);

    let error = publisher.send_batch(&mut copy).await.unwrap_err();
    assert_eq!((error.kind(), copy.len()), (ErrorKind::Invalid, 3), "it stands first");
    assert_eq!(fake.numbers().len(), 5);
    let error = publisher.send(&SEND_ALL, bytes::Bytes::from_static(b"junk")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_cancelled_publish_is_sent_first_and_once() {
    let (publisher, fake, _inputs) = stamped(None).await;
    fake.is_overloaded.store(true, Ordering::Relaxed);
    let mut first = batch(&["a", "a"]);
    assert!(timeout(Duration::from_millis(50), publisher.publish(&mut first)).await.is_err());
    assert!(first.is_empty() && fake.numbers().is_empty(), "numbered, and not yet taken");
    fake.is_overloaded.store(false, Ordering::Relaxed);
    publisher.publish(&mut batch(&["b", "a"])).await.unwrap();
    assert_eq!(fake.numbers(), numbered(&[("a", 1), ("a", 2), ("b", 1), ("a", 3)]));
    publisher.flush().await.unwrap();
}

#[tokio::test]
async fn the_next_epoch_continues_whether_the_first_was_closed_or_killed() {
    for dies in [false, true] {
        let folder = TempDir::new().unwrap();
        let (publisher, _, _inputs) = stamped(Some(folder.path())).await;
        publisher.publish(&mut batch(&["a", "a", "b"])).await.unwrap();
        let first = publisher.publisher_epoch().unwrap().epoch;
        if !dies {
            publisher.close().await.unwrap();
        }
        drop(publisher);
        // Tasks that were aborted release the folder at their next turn.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let (publisher, fake, _inputs) = stamped(Some(folder.path())).await;
        let status = publisher.delivery_status();
        assert_eq!(status.counter("ring_start", Some("recovered")), 1, "{status:?}");
        publisher.publish(&mut batch(&["a"])).await.unwrap();
        assert_eq!(fake.numbers(), numbered(&[("a", 3)]));
        let mark = until("a mark", || {
            let controls = fake.controls();
            controls.into_iter().find_map(|(.., control)| match control {
                Control::Mark(mark) if mark.topic.as_str() == "a" && mark.stamp.sequence == 3 => Some(mark),
                _ => None,
            })
        });
        let mark = mark.await;
        assert_eq!((mark.oldest, mark.prev), (1, Some(Position { epoch: first, sequence: 2 })));
        assert!(mark.stamp.epoch > first);
    }
}

#[tokio::test]
async fn a_closed_publisher_has_sent_its_final_marks_and_accepts_nothing_more() {
    let (publisher, fake, _inputs) = stamped(None).await;
    publisher.publish(&mut batch(&["a", "b", "a"])).await.unwrap();
    publisher.close().await.unwrap();
    let mut marks: Vec<(String, u64)> = fake
        .controls()
        .into_iter()
        .filter_map(|(_, to, control)| match control {
            Control::Mark(mark) if to == To::All => Some((mark.topic.to_string(), mark.stamp.sequence)),
            _ => None,
        })
        .collect();
    marks.sort();
    assert_eq!(marks, numbered(&[("a", 2), ("b", 1)]));
    let mut more = batch(&["a"]);
    assert_eq!(publisher.publish(&mut more).await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(more.len(), 1);
    publisher.close().await.unwrap();
    publisher.publish(&mut Batch::new()).await.unwrap_err();
}
