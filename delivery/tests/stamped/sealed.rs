//! A publisher that seals: what it sends, keeps and repeats has no value, and repeating needs no key.

use std::path::Path;
use std::sync::Arc;

use delivery::{Position, PublisherOptions, SyncItem, SyncReply, SyncReplyKind, SyncRequest};
use pubsub_api::wire::EventRef;
use pubsub_api::{Action, Batch, Envelope, ErrorKind, Event, PeerId, Publisher, Request, SEND_ALL, Value};
use sealing::{AcceptedEvents, EventOpener, Keyring, SealedParts, SealingOptions, keyring_lines};

use crate::fake::{Fake, Inputs, sealed_as, until};

const MODES: [SealedParts; 2] = [SealedParts::Value, SealedParts::Row];

fn options(state_dir: &Path) -> PublisherOptions {
    let state_dir = Some(state_dir.to_owned());
    PublisherOptions { state_dir, ring_bytes: 1 << 20, snapshot_bytes: 64 << 20, max_topics: 10 }
}

fn row(key: u64, value: impl Into<Value>) -> Envelope {
    let value = value.into();
    let action = if value == Value::Nil { Action::Delete } else { Action::Set };
    Envelope::pack(&Event::new("secret-table", format!("secret-key-{key}"), action, value, SEND_ALL)).unwrap()
}

/// Everything in the files of a folder.
async fn files(folder: &Path) -> Vec<u8> {
    // A file that the publisher renames meanwhile makes another reading.
    until("a reading of all files", || read_files(folder).ok()).await
}

fn read_files(folder: &Path) -> std::io::Result<Vec<u8>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        all.extend(if path.is_dir() { read_files(&path)? } else { std::fs::read(path)? });
    }
    Ok(all)
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

/// The reply to a subscriber at this position: its kind, and what follows.
async fn reply(fake: &Arc<Fake>, inputs: &Inputs, peer: u64, at: Position) -> (SyncReplyKind, Vec<Envelope>) {
    let items = vec![SyncItem { topic: SEND_ALL, position: at }];
    let envelope = SyncRequest { id: 1, items }.pack().unwrap();
    inputs.requests.send(Request::new(PeerId(peer), envelope)).await.unwrap();
    until("the reply", || {
        let all = fake.answers.lock().unwrap();
        let all: Vec<Envelope> =
            all.iter().filter(|(of, _)| of.0 == peer).map(|(_, envelope)| envelope.clone()).collect();
        let (head, parts) = all.split_first()?;
        let kind = SyncReply::read(head).unwrap()?.kind;
        let (SyncReplyKind::Snapshot { count, .. } | SyncReplyKind::Replay { count }) = kind else {
            return Some((kind, Vec::new()));
        };
        (parts.len() as u64 == count).then(|| (kind, parts.to_vec()))
    })
    .await
}

/// What a subscriber reads of sealed events: keys and values.
fn opened(file: &Path, envelopes: &[Envelope]) -> Vec<String> {
    let mut opener = EventOpener::new(Keyring::open(file).unwrap(), AcceptedEvents::Sealed);
    let read = |envelope: &Envelope| {
        let sealed = EventRef::read(b"D", &envelope.payload).unwrap();
        assert_eq!((sealed.value, sealed.stamp.is_some()), (&b"\xc0"[..], true));
        let opened = opener.open(b"D", &envelope.payload, sealed.sealed).unwrap().unwrap();
        let event = EventRef::read(b"D", &opened).unwrap().to_event();
        assert_eq!((event.table.as_deref(), event.stamp), (Some("secret-table"), sealed.stamp));
        let value = match event.value {
            Value::Text(value) => value,
            other => format!("{other:?}"),
        };
        format!("{} {}", event.key.unwrap().rsplit('-').next().unwrap(), value.split(' ').next().unwrap())
    };
    envelopes.iter().map(read).collect()
}

#[tokio::test]
async fn what_is_sent_kept_and_repeated_is_sealed_and_repeating_needs_no_key() {
    for parts in MODES {
        let (folder, keys) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = keys.path().join("keyring");
        keyring_lines::create(&file, "k1").unwrap();
        let sealing = Some(SealingOptions { keyring_file: file.clone(), parts });
        let (publisher, fake, inputs) = sealed_as(options(folder.path()), sealing).await;
        let mut batch = Batch::new();
        batch.extend([
            row(1, "one-secret"),
            row(2, "two-secret"),
            row(1, "three-secret"),
            row(2, Value::Nil),
        ]);
        publisher.publish(&mut batch).await.unwrap();
        let sent: Vec<Envelope> =
            fake.sent.lock().unwrap().iter().map(|(_, _, event)| event.clone()).collect();
        let sent: Vec<Envelope> = sent.into_iter().filter(|event| !event.topic.is_reserved()).collect();
        let (epoch, all) = (
            publisher.publisher_epoch().unwrap().epoch,
            ["1 one-secret", "2 two-secret", "1 three-secret", "2 Nil"],
        );
        assert_eq!(opened(&file, &sent), all, "{parts:?}");
        let is_visible =
            |bytes: &[u8]| ["-secret", "secret-table", "secret-key"].map(|text| has(bytes, text));
        let names = parts == SealedParts::Value;
        assert_eq!(is_visible(&files(folder.path()).await), [false, names, names], "{parts:?}");
        let snapshot = ["1 three-secret", "2 Nil"];
        let (kind, rows) = reply(&fake, &inputs, 1, Position { epoch: 0, sequence: 0 }).await;
        assert!(matches!(kind, SyncReplyKind::Snapshot { count: 2, .. }), "{kind:?}");
        assert_eq!(opened(&file, &rows), snapshot, "{parts:?}");
        publisher.close().await.unwrap();
        // It starts again and has no keyring.
        let (publisher, fake, inputs) = sealed_as(options(folder.path()), None).await;
        let (kind, replayed) = reply(&fake, &inputs, 1, Position { epoch, sequence: 2 }).await;
        assert_eq!((kind, &replayed[..]), (SyncReplyKind::Replay { count: 2 }, &sent[2..]));
        let (_, rows) = reply(&fake, &inputs, 2, Position { epoch: 0, sequence: 0 }).await;
        assert_eq!(opened(&file, &rows), snapshot);
        publisher.close().await.unwrap();
    }
}

#[tokio::test]
async fn sealed_rows_outlive_the_ring_and_a_start_without_keyring() {
    for parts in MODES {
        let (folder, keys) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = keys.path().join("keyring");
        keyring_lines::create(&file, "k1").unwrap();
        let sealing = Some(SealingOptions { keyring_file: file.clone(), parts });
        let (publisher, _fake, _inputs) = sealed_as(options(folder.path()), sealing).await;
        let value = |round: u64| format!("{round}-secret {}", "v".repeat(900));
        for part in 0..40 {
            let mut batch = Batch::new();
            batch.extend((0..50).map(|key| row(part * 50 + key, value(part))));
            publisher.publish(&mut batch).await.unwrap();
        }
        publisher.close().await.unwrap();
        drop(publisher);
        let (publisher, fake, inputs) = sealed_as(options(folder.path()), None).await;
        let (kind, rows) = reply(&fake, &inputs, 1, Position { epoch: 0, sequence: 0 }).await;
        assert!(matches!(kind, SyncReplyKind::Snapshot { count: 2000, .. }), "{kind:?} of {parts:?}");
        let opened = opened(&file, &rows);
        assert_eq!((opened[0].as_str(), opened[1999].as_str()), ("0 0-secret", "1999 39-secret"));
        assert!(!has(&files(folder.path()).await, "-secret"));
        publisher.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_publisher_without_a_valid_keyring_does_not_start_and_an_event_that_cannot_be_sealed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyring");
    let sealing = SealingOptions { keyring_file: file.clone(), parts: SealedParts::Row };
    let (fake, _inputs) = Fake::new();
    let driver = Arc::clone(&fake) as Arc<dyn Publisher>;
    let publisher =
        delivery::StampedPublisher::new(driver, "id".to_owned(), options(&folder.path().join("s")));
    let publisher = publisher.with_sealing(Some(sealing.clone()));
    assert_eq!(publisher.check().unwrap_err().kind(), ErrorKind::Settings);
    assert_eq!(publisher.initialize().await.unwrap_err().kind(), ErrorKind::Settings);
    keyring_lines::create(&file, "k1").unwrap();
    publisher.check().unwrap();
    publisher.initialize().await.unwrap();
    let junk = Envelope { topic: SEND_ALL, payload: b"\x81\xa5value\xc0"[..].into() };
    assert_eq!(publisher.send(&junk.topic, junk.payload).await.unwrap_err().kind(), ErrorKind::Invalid);
    publisher.send_event(&Event::new("t", "k", Action::Set, "v", SEND_ALL)).await.unwrap();
    assert_eq!(fake.numbers(), [("D".to_owned(), 1)]);
    publisher.close().await.unwrap();
}
