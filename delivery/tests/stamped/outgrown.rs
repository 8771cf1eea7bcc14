//! A topic has more rows than the ring, and the publisher starts again.

use std::sync::Arc;

use delivery::{
    Position, PublisherOptions, StampedPublisher, SyncItem, SyncReply, SyncReplyKind, SyncRequest,
};
use pubsub_api::{Batch, Envelope, Event, PeerId, Publisher, Request, Topic};

use crate::fake::{Fake, Inputs, stamped_as, until};

const ROWS: u64 = 2500;

fn row(key: u64, round: u64) -> Envelope {
    let value = format!("{round} {}", "v".repeat(900));
    let topic = Topic::new("rows").unwrap();
    Envelope::pack(&Event::new("t", key.to_string(), "set".into(), value, topic)).unwrap()
}

async fn start(folder: &tempfile::TempDir) -> (StampedPublisher, Arc<Fake>, Inputs) {
    let state_dir = Some(folder.path().to_owned());
    stamped_as(PublisherOptions { state_dir, ring_bytes: 1 << 20, snapshot_bytes: 64 << 20, max_topics: 10 })
        .await
}

/// The kind of the reply to a new subscriber, and the number of events after it.
async fn reply(fake: &Fake, inputs: &Inputs) -> (SyncReplyKind, usize) {
    let position = Position { epoch: 0, sequence: 0 };
    let items = vec![SyncItem { topic: Topic::new("rows").unwrap(), position }];
    let envelope = SyncRequest { id: 1, items }.pack().unwrap();
    inputs.requests.send(Request::new(PeerId(1), envelope)).await.unwrap();
    until("the reply", || {
        let all = fake.answers.lock().unwrap();
        let kind = SyncReply::read(&all.first()?.1).unwrap()?.kind;
        let count = if let SyncReplyKind::Snapshot { count, .. } = kind { count } else { 0 };
        (all.len() as u64 == 1 + count).then(|| (kind, all.len() - 1))
    })
    .await
}

#[tokio::test]
async fn a_topic_that_outgrew_the_ring_has_a_snapshot_after_each_start() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut since = None;
    for round in 0..4 {
        let (publisher, fake, inputs) = start(&folder).await;
        let epoch = publisher.publisher_epoch().unwrap().epoch;
        let since = *since.get_or_insert(epoch);
        if round > 0 {
            let wanted = SyncReplyKind::Snapshot { count: ROWS, since };
            assert_eq!(reply(&fake, &inputs).await, (wanted, ROWS as usize), "round {round}");
        }
        for part in 0..ROWS / 50 {
            let mut batch = Batch::new();
            batch.extend((0..50).map(|key| row(part * 50 + key, round)));
            publisher.publish(&mut batch).await.unwrap();
        }
        publisher.close().await.unwrap();
    }
}
