use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pubsub_api::wire::EventRef;
use pubsub_api::{Batch, Envelope, Incoming, Notice, Pattern, Subscriber, Subscription, Topic};

use crate::check::ensure;
use crate::patience::{brief, within};
use crate::{Outcome, PATIENCE, Sender};

/// The prefix of the keys of probe events; [`Receiver::envelope`] skips them.
const PROBE: &str = "probe-";

/// Interval between probes.
const PROBE_EVERY: Duration = Duration::from_millis(50);

/// A subscriber under test.
#[derive(Debug)]
pub struct Receiver {
    subscriber: Arc<dyn Subscriber>,
    /// Whether its link is to a broker (any node of it) instead of publishers.
    broker: bool,
    /// The notices so far, for failure messages.
    notices: Mutex<Vec<Notice>>,
}

impl Receiver {
    pub(crate) fn new(subscriber: Arc<dyn Subscriber>, broker: bool) -> Self {
        Self { subscriber, broker, notices: Mutex::default() }
    }

    /// The subscriber itself, to share it between tasks.
    #[must_use]
    pub fn share(&self) -> Arc<dyn Subscriber> {
        Arc::clone(&self.subscriber)
    }

    /// Acknowledges a batch to its workers, if the driver supports that.
    pub fn acknowledge(&self, batch: &Batch) {
        let Some(acknowledger) = self.subscriber.acknowledger() else { return };
        for source in batch.sources() {
            acknowledger.acknowledge(source.peer, source.last());
        }
    }

    /// The next item. A driver with acknowledgements acknowledges automatically what it yields one by one.
    ///
    /// # Errors
    /// As [`Subscriber::recv`], and if nothing arrives.
    pub async fn next(&self, what: &str) -> Outcome<Incoming> {
        let incoming = match within(what, self.subscriber.recv()).await {
            Ok(received) => received?,
            Err(failure) => return Err(format!("{failure}; notices so far: {:?}", self.notices()).into()),
        };
        if let Incoming::Notice(notice) = &incoming {
            self.notices.lock().unwrap_or_else(PoisonError::into_inner).push(notice.clone());
        }
        Ok(incoming)
    }

    /// All notices received so far.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The next event that is not a probe; a gap is a failure, other notices are skipped.
    ///
    /// # Errors
    /// As [`next`](Receiver::next).
    pub async fn envelope(&self, what: &str) -> Outcome<Envelope> {
        loop {
            match self.next(what).await? {
                Incoming::Event(envelope) if is_probe(&envelope) => {}
                Incoming::Event(envelope) => return Ok(envelope),
                Incoming::Notice(gap @ Notice::Gap { .. }) => {
                    return Err(format!("events were lost before {what}: {gap:?}").into());
                }
                Incoming::Notice(_) => {}
            }
        }
    }

    /// The next event's topic and key.
    ///
    /// # Errors
    /// As [`next`](Receiver::next), and if it is not an event map.
    pub async fn event(&self, what: &str) -> Outcome<(String, String)> {
        let envelope = self.envelope(what).await?;
        Ok((envelope.topic.to_string(), key(&envelope)?))
    }

    /// Receives the next event, which must have this topic and key.
    ///
    /// # Errors
    /// If another event arrives, or none.
    pub async fn expect(&self, topic: &str, wanted: impl ToString) -> Outcome {
        let wanted = (topic.to_owned(), wanted.to_string());
        let came = self.event(&format!("the event {:?} on {topic:?}", brief(&wanted.1))).await?;
        ensure!(came == wanted, "expected the event {wanted:?}, got {came:?}");
        Ok(())
    }

    /// As [`expect`](Receiver::expect). With a broker, one of the `earlier` keys may come before: a node of a cluster forwards
    /// events to the others asynchronously, so that a node may receive an event after a subscription that began after it was
    /// published.
    ///
    /// # Errors
    /// As [`expect`](Receiver::expect).
    pub async fn expect_after(&self, topic: &str, wanted: impl ToString, earlier: &[&str]) -> Outcome {
        let wanted = (topic.to_owned(), wanted.to_string());
        loop {
            let came = self.event(&format!("the event {:?} on {topic:?}", brief(&wanted.1))).await?;
            if came == wanted {
                return Ok(());
            }
            let is_late = self.broker && came.0 == topic && earlier.contains(&came.1.as_str());
            ensure!(is_late, "expected the event {wanted:?}, got {came:?}");
        }
    }

    /// Receives events with the keys of `numbers`, in order.
    ///
    /// # Errors
    /// As [`expect`](Receiver::expect).
    pub async fn expect_all(&self, topic: &str, numbers: std::ops::Range<usize>) -> Outcome {
        for number in numbers {
            self.expect(topic, number).await?;
        }
        Ok(())
    }

    /// Waits for `Subscribed` of this publisher (with a broker, of any node), and skips everything before.
    ///
    /// # Errors
    /// If it is not reported.
    pub async fn subscribed(&self, endpoint: &str) -> Outcome {
        let is_it = |notice: &Notice| matches!(notice, Notice::Subscribed { publisher, .. } if self.broker || publisher == endpoint);
        self.notice(&format!("`Subscribed` of {endpoint}"), is_it).await
    }

    /// Waits for `LinkDown` of this publisher, and skips everything before.
    ///
    /// # Errors
    /// If it is not reported.
    pub async fn link_down(&self, endpoint: &str) -> Outcome {
        let is_it =
            |notice: &Notice| matches!(notice, Notice::LinkDown { publisher, .. } if publisher == endpoint);
        self.notice(&format!("`LinkDown` of {endpoint}"), is_it).await
    }

    async fn notice(&self, what: &str, is_it: impl Fn(&Notice) -> bool) -> Outcome {
        // One deadline for the whole wait: events may arrive continuously.
        let found = async {
            loop {
                match self.next(what).await {
                    Ok(Incoming::Notice(notice)) if is_it(&notice) => return Ok(()),
                    Ok(_) => {}
                    Err(failure) => return Err(failure),
                }
            }
        };
        within(what, found).await?
    }

    /// Sends probes on `topic` until one arrives: then a subscription made while running is active.
    ///
    /// # Errors
    /// If none arrives, or another event does.
    pub async fn proved(&self, sender: &Sender, topic: &str) -> Outcome {
        let start = tokio::time::Instant::now();
        for number in 0_u32.. {
            if start.elapsed() >= PATIENCE {
                let (from, to) = (sender.status(), self.subscriber.status());
                let sentence =
                    format!("none of {number} events on {topic:?} arrived, from {from:?} to {to:?}");
                return Err(sentence.into());
            }
            sender.publish(topic, format!("{PROBE}{number}")).await?;
            while let Ok(incoming) = tokio::time::timeout(PROBE_EVERY, self.subscriber.recv()).await {
                match incoming? {
                    Incoming::Event(probe) if is_probe(&probe) && probe.topic.as_str() == topic => {
                        return Ok(());
                    }
                    Incoming::Event(envelope) if !is_probe(&envelope) => {
                        return Err(format!("expected no event, got {envelope:?}").into());
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

impl Deref for Receiver {
    type Target = dyn Subscriber;

    fn deref(&self) -> &Self::Target {
        self.subscriber.as_ref()
    }
}

/// The key that identifies an event.
pub(crate) fn key(envelope: &Envelope) -> Outcome<String> {
    let event = EventRef::read(envelope.topic.as_bytes(), &envelope.payload)?;
    Ok(event.key.unwrap_or_default().to_owned())
}

fn is_probe(envelope: &Envelope) -> bool {
    key(envelope).is_ok_and(|key| key.starts_with(PROBE))
}

/// The subscription to one topic.
pub(crate) fn topic(name: &str) -> pubsub_api::Result<Subscription> {
    Ok(Topic::new(name.to_owned())?.into())
}

/// The subscription to a pattern.
pub(crate) fn pattern(text: &str) -> pubsub_api::Result<Subscription> {
    Ok(text.parse::<Pattern>()?.into())
}
