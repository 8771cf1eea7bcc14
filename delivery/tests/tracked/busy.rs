use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use pubsub_api::{
    Action, Envelope, Event, Incoming, Notice, PublisherEpoch, Reply, Requester, Result, SEND_ALL, Stamp,
    Status, Subscriber, hello,
};

/// A driver's end on which events come without end, and requests are not answered.
#[derive(Debug, Default)]
pub(crate) struct Busy {
    given: AtomicU64,
    requests: AtomicU64,
}

impl Busy {
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Subscriber for Busy {
    async fn initialize(&self) -> Result<()> {
        Ok(())
    }

    async fn recv(&self) -> Result<Incoming> {
        let (publisher, publisher_epoch) =
            ("tcp://busy".to_owned(), Some(PublisherEpoch { publisher: 1, epoch: 1 }));
        // Before the number is taken, so that a dropped future loses none.
        tokio::task::yield_now().await;
        let number = match self.given.fetch_add(1, Ordering::Relaxed) {
            0 => return Ok(Incoming::Notice(Notice::Subscribed { publisher, publisher_epoch })),
            1 => return Envelope::pack(&hello::event("busy", publisher_epoch)).map(Incoming::Event),
            number => number - 1,
        };
        let stamp = Some(Stamp { publisher: 1, epoch: 1, sequence: number, time_us: 0 });
        let event = Event { stamp, ..Event::new("t", "k", Action::Set, "v", SEND_ALL) };
        Envelope::pack(&event).map(Incoming::Event)
    }

    fn requester(&self) -> Option<&dyn Requester> {
        Some(self)
    }

    async fn close(&self) {}

    fn endpoint(&self) -> Option<String> {
        None
    }

    fn status(&self) -> Status {
        Status::default()
    }
}

#[async_trait]
impl Requester for Busy {
    fn request(&self, _: &str, _: Envelope) -> bool {
        self.requests.fetch_add(1, Ordering::Relaxed);
        true
    }

    async fn next(&self) -> Result<Reply> {
        pending().await
    }
}
