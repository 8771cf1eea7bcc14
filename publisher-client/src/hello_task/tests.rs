use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::wire::EventRef;
use pubsub_api::{
    Error, ErrorKind, HELLO, PeerId, Publisher, Result, Status, SubscribersSeen, SubscriptionSeen, Topic,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::HelloTask;

/// To whom a hello was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    ToAll,
    To(PeerId),
}

/// A publisher that sees the subscriptions which the test puts into a channel.
#[derive(Debug)]
struct Fake {
    seen: tokio::sync::Mutex<mpsc::Receiver<SubscriptionSeen>>,
    said: Mutex<Vec<(Duration, Said)>>,
    start: Instant,
}

impl Fake {
    fn note(&self, said: Said, topic: &Topic, payload: &Bytes) {
        let hello = EventRef::read(b"$hello", payload).unwrap();
        assert_eq!((topic, hello.key, hello.action), (&HELLO, Some("id"), "hello"));
        self.said.lock().unwrap().push((self.start.elapsed(), said));
    }
}

#[async_trait]
impl SubscribersSeen for Fake {
    async fn next(&self) -> Result<SubscriptionSeen> {
        let next = self.seen.lock().await.recv().await;
        next.ok_or_else(|| Error::new(ErrorKind::Closed, "the test has ended"))
    }

    fn send_to(&self, peer: PeerId, topic: &Topic, payload: &Bytes) -> bool {
        self.note(Said::To(peer), topic, payload);
        true
    }
}

#[async_trait]
impl Publisher for Fake {
    async fn initialize(&self) -> Result<()> {
        Ok(())
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        self.note(Said::ToAll, topic, &payload);
        Ok(())
    }

    async fn flush(&self) -> Result<()> {
        Ok(())
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }

    fn endpoint(&self) -> Option<String> {
        None
    }

    fn status(&self) -> Status {
        Status::default()
    }

    fn subscribers_seen(&self) -> Option<&dyn SubscribersSeen> {
        Some(self)
    }
}

/// What is said, and in which tenth of a second, when each of these is seen so many milliseconds after the start; until
/// 1.9 s are over. Time stands still while anything is done; timers round up to milliseconds.
async fn said(seen: Vec<(u64, SubscriptionSeen)>) -> Vec<(u64, Said)> {
    tokio::time::pause();
    let (queue, receiver) = mpsc::channel(8);
    let (seen_by, said, start) = (tokio::sync::Mutex::new(receiver), Mutex::default(), Instant::now());
    let fake = Arc::new(Fake { seen: seen_by, said, start });
    let _task = HelloTask::start(Arc::clone(&fake) as Arc<dyn Publisher>, "id").unwrap();
    for (at, seen) in seen {
        sleep(Duration::from_millis(at).saturating_sub(start.elapsed())).await;
        queue.send(seen).await.unwrap();
    }
    drop(queue);
    sleep(Duration::from_millis(1_900).saturating_sub(start.elapsed())).await;
    let said = fake.said.lock().unwrap();
    said.iter().map(|(at, said)| (at.as_secs() * 10 + u64::from(at.subsec_millis() / 100), *said)).collect()
}

fn subscribed(peer: u64, prefix: &'static str) -> SubscriptionSeen {
    SubscriptionSeen::Subscribed { peer: PeerId(peer), prefix: Bytes::from(prefix) }
}

#[tokio::test]
async fn a_newcomer_that_asks_for_hellos_gets_one_at_once_alone() {
    let cancelled = SubscriptionSeen::Cancelled { peer: PeerId(1), prefix: Bytes::from("$hello") };
    let seen = vec![
        (300, subscribed(1, "D")),
        (300, subscribed(1, "$hello")),
        (400, cancelled),
        (500, subscribed(2, "")),
        (600, subscribed(3, "$hello!")),
    ];
    let wanted = [(0, Said::ToAll), (3, Said::To(PeerId(1))), (5, Said::To(PeerId(2))), (10, Said::ToAll)];
    assert_eq!(said(seen).await, wanted);
}

#[tokio::test]
async fn missed_subscriptions_make_one_more_hello_to_all_and_no_flood() {
    let missed = || SubscriptionSeen::Missed { count: 9 };
    let seen = vec![(300, missed()), (310, missed()), (320, missed()), (1_400, missed())];
    let wanted = [(0, Said::ToAll), (3, Said::ToAll), (10, Said::ToAll), (14, Said::ToAll)];
    assert_eq!(said(seen).await, wanted);
}

#[tokio::test]
async fn hellos_go_on_when_nothing_more_is_seen() {
    assert_eq!(said(Vec::new()).await, [(0, Said::ToAll), (10, Said::ToAll)]);
}
