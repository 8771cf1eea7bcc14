//! A broker that does what a test demands, and the publisher on it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use delivery::{BrokerOptions, BrokerPublisher, Control};
use pubsub_api::wire::EventRef;
use pubsub_api::{Batch, Envelope, Error, ErrorKind, Event, Publisher, Result, Stamp, Status, Topic};
use tokio::time::{Instant, sleep};

/// What the broker does with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Take,
    Refuse(ErrorKind),
    /// It is published, and the answer is lost.
    TakeAndLoseAnswer,
    Panic,
    /// No answer ever comes.
    Stall,
}

type Judge = Box<dyn FnMut(&Envelope) -> Verdict + Send>;

pub(crate) struct Fake {
    pub(crate) published: Mutex<Vec<(Duration, Envelope)>>,
    /// How many events each batch had.
    pub(crate) batches: Mutex<Vec<usize>>,
    judge: Mutex<Judge>,
    round_trip: Duration,
    start: Instant,
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

impl Fake {
    /// From now on each event, or mark, is judged so.
    pub(crate) fn judge(&self, judge: impl FnMut(&Envelope) -> Verdict + Send + 'static) {
        *self.judge.lock().unwrap() = Box::new(judge);
    }

    /// Events of this key are judged so once, all others are taken.
    pub(crate) fn once(&self, key: &'static str, verdict: Verdict) {
        let mut left = Some(verdict);
        self.judge(move |event| {
            let is_it = !event.topic.is_reserved() && key_of(event) == key;
            if is_it { left.take().unwrap_or(Verdict::Take) } else { Verdict::Take }
        });
    }

    fn publish(&self, envelope: Envelope) {
        self.published.lock().unwrap().push((self.start.elapsed(), envelope));
    }

    /// What was published, in words: `topic number key`, `lost topic number`, `mark topic number`, `bye topic number`.
    pub(crate) fn words(&self) -> Vec<String> {
        self.published.lock().unwrap().iter().map(|(_, envelope)| words(envelope)).collect()
    }

    /// The same of events and records alone, without marks.
    pub(crate) fn numbered(&self) -> Vec<String> {
        let mut words = self.words();
        words.retain(|word| !word.starts_with("mark"));
        words
    }
}

pub(crate) fn key_of(event: &Envelope) -> String {
    let read = EventRef::read(event.topic.as_bytes(), &event.payload).unwrap();
    read.key.unwrap().to_owned()
}

pub(crate) fn stamp(event: &Envelope) -> Stamp {
    EventRef::read(event.topic.as_bytes(), &event.payload).unwrap().stamp.unwrap()
}

fn words(envelope: &Envelope) -> String {
    if envelope.topic.marked().is_none() {
        return format!("{} {} {}", envelope.topic, stamp(envelope).sequence, key_of(envelope));
    }
    match Control::read(&envelope.topic, &envelope.payload).unwrap().unwrap() {
        Control::Mark(mark) => {
            assert_eq!(mark.oldest, mark.stamp.sequence + 1, "nothing can be requested again");
            format!("mark {} {}", mark.topic, mark.stamp.sequence)
        }
        Control::Lost(lost) => {
            assert_eq!((lost.events, lost.cause.as_str()), (1, "in_doubt"));
            format!("lost {} {}", lost.topic, lost.stamp.sequence)
        }
        Control::Bye { topic, stamp, .. } => format!("bye {topic} {}", stamp.sequence),
    }
}

#[async_trait]
impl Publisher for Fake {
    async fn initialize(&self) -> Result<()> {
        Ok(())
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        self.publish(Envelope { topic: topic.clone(), payload });
        Ok(())
    }

    async fn send_batch(&self, batch: &mut Batch) -> Result<()> {
        self.batches.lock().unwrap().push(batch.len());
        // A broker answers after a round trip.
        sleep(self.round_trip).await;
        while let Some(first) = batch.first_envelope() {
            let first = first?;
            let verdict = (self.judge.lock().unwrap())(&first);
            let error = |kind| Error::new(kind, "as this test wants it");
            match verdict {
                Verdict::Take => self.publish(first),
                Verdict::Refuse(kind) => return Err(error(kind)),
                Verdict::TakeAndLoseAnswer => {
                    self.publish(first);
                    return Err(error(ErrorKind::InDoubt));
                }
                Verdict::Panic => std::panic::resume_unwind(Box::new("as this test wants it")),
                Verdict::Stall => std::future::pending().await,
            }
            batch.advance(1);
        }
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
}

pub(crate) const OPTIONS: BrokerOptions =
    BrokerOptions { linger: Duration::from_secs(5), send_timeout: Duration::from_secs(2), max_topics: 100 };

/// How long the broker of these tests takes to answer; time is paused, so it is exact.
pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(10);

/// A publisher over a broker that takes everything.
pub(crate) fn broker(options: BrokerOptions) -> (Arc<BrokerPublisher>, Arc<Fake>) {
    let (driver, fake) = broker_of();
    (Arc::new(BrokerPublisher::new(driver, options)), fake)
}

/// The driver of a broker that takes everything.
pub(crate) fn broker_of() -> (Arc<dyn Publisher>, Arc<Fake>) {
    let fake = Arc::new(Fake {
        published: Mutex::default(),
        batches: Mutex::default(),
        judge: Mutex::new(Box::new(|_| Verdict::Take)),
        round_trip: ROUND_TRIP,
        start: Instant::now(),
    });
    let driver = Arc::clone(&fake) as Arc<dyn Publisher>;
    (driver, fake)
}

pub(crate) fn event(topic: &str, key: &str) -> Envelope {
    let topic = Topic::new(topic.to_owned()).unwrap();
    Envelope::pack(&Event::new("lport", key, "set".into(), "v", topic)).unwrap()
}

pub(crate) fn batch(events: &[(&str, &str)]) -> Batch {
    let mut batch = Batch::new();
    batch.extend(events.iter().map(|(topic, key)| event(topic, key)));
    batch
}

pub(crate) async fn send(publisher: &BrokerPublisher, topic: &str, key: &str) -> Result<()> {
    let Envelope { topic, payload } = event(topic, key);
    publisher.send(&topic, payload).await
}

/// Each event by a caller of its own, all at once, in this order; the kinds of errors.
pub(crate) async fn send_at_once(
    publisher: &Arc<BrokerPublisher>,
    events: &[(&'static str, &'static str)],
) -> Vec<Option<ErrorKind>> {
    let sends: Vec<_> = events
        .iter()
        .map(|(topic, key)| {
            let publisher = Arc::clone(publisher);
            let (topic, key) = (*topic, *key);
            tokio::spawn(async move { send(&publisher, topic, key).await })
        })
        .collect();
    let mut kinds = Vec::new();
    for send in sends {
        kinds.push(send.await.unwrap().err().map(|error| error.kind()));
    }
    kinds
}
