use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pubsub_api::PublisherEpoch;
use tokio::sync::watch;

/// The publishers, each in an epoch, that are heard over each link: two addresses of a name may lead to one publisher.
#[derive(Debug)]
pub(crate) struct HeardPublishers {
    heard: Mutex<Vec<(PublisherEpoch, Arc<str>)>>,
    /// Notified when a connection ends.
    freed: watch::Sender<()>,
}

impl Default for HeardPublishers {
    fn default() -> Self {
        Self { heard: Mutex::default(), freed: watch::Sender::new(()) }
    }
}

/// The publishers that one connection hears; dropping it forgets them.
#[derive(Debug)]
pub(crate) struct HeardOverLink<'a> {
    heard_publishers: &'a HeardPublishers,
    /// Of this connection alone: two of one link may end and begin at the same time.
    link: Arc<str>,
}

impl HeardPublishers {
    fn heard(&self) -> MutexGuard<'_, Vec<(PublisherEpoch, Arc<str>)>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For a connection of a link.
    pub(crate) fn hearing(&self, link: &str) -> HeardOverLink<'_> {
        HeardOverLink { heard_publishers: self, link: Arc::from(link) }
    }

    /// Whether a publisher is heard over any link, in whichever epoch.
    pub(crate) fn hear_publisher(&self, publisher: u64) -> bool {
        self.heard().iter().any(|(epoch, _)| epoch.publisher == publisher)
    }

    /// Waits until an epoch is heard nowhere. Cancel-safe.
    pub(crate) async fn unheard(&self, epoch: PublisherEpoch) {
        let mut freed = self.freed.subscribe();
        while self.heard().iter().any(|(heard, _)| *heard == epoch) {
            if freed.changed().await.is_err() {
                return;
            }
        }
    }
}

impl HeardOverLink<'_> {
    /// Notes that an epoch is heard over this link.
    pub(crate) fn hear(&self, epoch: PublisherEpoch) {
        self.heard_publishers.heard().push((epoch, Arc::clone(&self.link)));
    }

    /// The same, unless it is heard over another link: returns that.
    pub(crate) fn hear_unless_heard(&self, epoch: PublisherEpoch) -> Option<String> {
        let mut heard = self.heard_publishers.heard();
        let other = heard.iter().find(|(other, _)| *other == epoch).map(|(_, link)| link.as_ref().to_owned());
        if other.is_none() {
            heard.push((epoch, Arc::clone(&self.link)));
        }
        other
    }
}

impl Drop for HeardOverLink<'_> {
    fn drop(&mut self) {
        self.heard_publishers.heard().retain(|(_, link)| !Arc::ptr_eq(link, &self.link));
        self.heard_publishers.freed.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pubsub_api::PublisherEpoch;

    use super::HeardPublishers;

    #[tokio::test]
    async fn a_life_is_heard_over_one_link_until_that_ends() {
        let (heard_publishers, epoch) =
            (HeardPublishers::default(), PublisherEpoch { publisher: 7, epoch: 1 });
        let (one, two) = (heard_publishers.hearing("one"), heard_publishers.hearing("two"));
        assert_eq!(one.hear_unless_heard(epoch), None);
        assert_eq!(two.hear_unless_heard(epoch), Some("one".to_owned()));
        assert!(heard_publishers.hear_publisher(7) && !heard_publishers.hear_publisher(8));
        let early = tokio::time::timeout(Duration::ZERO, heard_publishers.unheard(epoch)).await;
        assert!(early.is_err(), "it is heard over the first link");
        drop(one);
        heard_publishers.unheard(epoch).await;
        assert_eq!(two.hear_unless_heard(epoch), None);
    }
}
