use std::collections::HashSet;
use std::time::Duration;

use pubsub_api::{Notice, Topic};

use super::Feed;
use crate::subscriber::{Introduction, Item};

/// The state of a publisher, or of the link to a broker, that would be live.
pub(super) const SUSPENDED: &str = "suspended";

/// An application that cannot keep what it receives: it is not live, although nothing is missing in the streams.
impl Feed {
    /// The application could not keep something that it received. What was reported as live is stale for this reason, and
    /// nothing is reported as live until [`request_again`](Self::request_again).
    pub fn suspend_live(&mut self, reason: &str) {
        if self.is_suspended {
            return;
        }
        let endpoints: Vec<String> = self.links.iter().map(|(endpoint, _)| endpoint.clone()).collect();
        let live: Vec<String> = endpoints.into_iter().filter(|endpoint| self.is_reported(endpoint)).collect();
        self.is_suspended = true;
        match self.options.introduction {
            Introduction::ByHello => {
                self.streams.iter_mut().for_each(|stream| stream.reported_live = false);
            }
            // The link is reported as live, and no publisher.
            Introduction::ByBroker => {}
        }
        for endpoint in live.iter().chain(self.broker.clone().iter()) {
            self.report_stale(endpoint, reason.to_owned());
        }
    }

    /// The application can keep what it receives again: requests all rows of these topics (`None`: of all topics), and
    /// reports as live what is. A topic that cannot be requested is a `Resync`.
    pub fn request_again(&mut self, topics: Option<&HashSet<Topic>>, now: Duration) {
        self.is_suspended = false;
        let mut requested = HashSet::new();
        for place in 0..self.streams.len() {
            if let (Some(stream), mut context) = self.split(place, now) {
                requested.extend(stream.request_again(topics, &mut context));
                stream.ask(&mut context);
            }
            self.look_at(place);
        }
        match topics {
            None => self.report_unrequested(None),
            Some(topics) => topics
                .difference(&requested)
                .for_each(|topic| self.report_unrequested(Some(topic.as_str().to_owned()))),
        }
        if let Some(publisher) = self.broker.clone() {
            self.items.push_back(Item::Notice(Notice::Live { publisher, topic: None }));
        }
    }

    fn report_unrequested(&mut self, topic: Option<String>) {
        self.counters.resyncs += 1;
        let reason = "rows were refused for want of room, and cannot be requested again".to_owned();
        self.items.push_back(Item::Notice(Notice::Resync { publisher: None, topic, reason }));
    }
}
