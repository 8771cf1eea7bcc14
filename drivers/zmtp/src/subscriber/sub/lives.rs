use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pubsub_api::Incarnation;
use tokio::sync::watch;

/// Which lives of publishers are heard over which links: two addresses of a name may lead to one publisher.
#[derive(Debug)]
pub(crate) struct Lives {
    heard: Mutex<Vec<(Incarnation, Arc<str>)>>,
    /// A link hears nothing any more.
    freed: watch::Sender<()>,
}

impl Default for Lives {
    fn default() -> Self {
        Self { heard: Mutex::default(), freed: watch::Sender::new(()) }
    }
}

/// What one connection hears: forgotten when it is dropped.
#[derive(Debug)]
pub(crate) struct Hearing<'a> {
    lives: &'a Lives,
    /// Of this connection alone: two of one link may end and begin at the same time.
    link: Arc<str>,
}

impl Lives {
    fn heard(&self) -> MutexGuard<'_, Vec<(Incarnation, Arc<str>)>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For a connection of a link.
    pub(crate) fn hearing(&self, link: &str) -> Hearing<'_> {
        Hearing { lives: self, link: Arc::from(link) }
    }

    /// Whether a publisher is heard over any link, in whichever life.
    pub(crate) fn hear_publisher(&self, publisher: u64) -> bool {
        self.heard().iter().any(|(life, _)| life.publisher == publisher)
    }

    /// Waits until a life is heard nowhere. Cancel-safe.
    pub(crate) async fn unheard(&self, life: Incarnation) {
        let mut freed = self.freed.subscribe();
        while self.heard().iter().any(|(heard, _)| *heard == life) {
            if freed.changed().await.is_err() {
                return;
            }
        }
    }
}

impl Hearing<'_> {
    /// Notes that a life is heard over this link.
    pub(crate) fn hear(&self, life: Incarnation) {
        self.lives.heard().push((life, Arc::clone(&self.link)));
    }

    /// The same, unless it is heard over another link: returns that.
    pub(crate) fn hear_unless_heard(&self, life: Incarnation) -> Option<String> {
        let mut heard = self.lives.heard();
        let other = heard.iter().find(|(other, _)| *other == life).map(|(_, link)| link.as_ref().to_owned());
        if other.is_none() {
            heard.push((life, Arc::clone(&self.link)));
        }
        other
    }
}

impl Drop for Hearing<'_> {
    fn drop(&mut self) {
        self.lives.heard().retain(|(_, link)| !Arc::ptr_eq(link, &self.link));
        self.lives.freed.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pubsub_api::Incarnation;

    use super::Lives;

    #[tokio::test]
    async fn a_life_is_heard_over_one_link_until_that_ends() {
        let (lives, life) = (Lives::default(), Incarnation { publisher: 7, epoch: 1 });
        let (one, two) = (lives.hearing("one"), lives.hearing("two"));
        assert_eq!(one.hear_unless_heard(life), None);
        assert_eq!(two.hear_unless_heard(life), Some("one".to_owned()));
        assert!(lives.hear_publisher(7) && !lives.hear_publisher(8));
        let early = tokio::time::timeout(Duration::ZERO, lives.unheard(life)).await;
        assert!(early.is_err(), "it is heard over the first link");
        drop(one);
        lives.unheard(life).await;
        assert_eq!(two.hear_unless_heard(life), None);
    }
}
