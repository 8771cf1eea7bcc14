use std::collections::BTreeSet;

use delivery::subscriber::TrackedSubscriber;
use pubsub_api::settings::{Settings, endpoint};
use pubsub_api::{
    Error, ErrorKind, MAX_TOPICS, Pattern, Result, SEND_ALL, Subscription, Subscriptions, Topic,
};
use subscriber_agent_settings::AgentSettings;
use table::saved::SavedState;

/// What was asked of the driver, so that a reload asks for the difference only.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    endpoints: Vec<String>,
    subscriptions: Vec<Subscription>,
}

impl Asked {
    /// What the settings ask for, and `extra`. `D` is always asked for; a driver that does not connect to publishers is asked for
    /// no addresses.
    pub(crate) fn of(settings: &Settings, connects: bool, extra: &[Subscription]) -> Result<Self> {
        let pubsub = settings.pubsub();
        let to_endpoint =
            |entry: &String| endpoint(&pubsub.publisher_transport, entry, pubsub.publisher_port);
        let addresses = pubsub.publishers_ips.iter().filter(|_| connects);
        let endpoints = addresses.map(to_endpoint).collect::<Result<Vec<_>>>()?;
        let mut asked = Self { endpoints, subscriptions: vec![SEND_ALL.into()] };
        let agent = AgentSettings::read(settings)?;
        for topic in &agent.topics {
            let topic = Topic::new(topic.clone()).map_err(|error| refused("agent.topics", topic, error))?;
            asked.add(&[topic.into()]);
        }
        for pattern in &agent.patterns {
            let parsed: Pattern =
                pattern.parse().map_err(|error| refused("agent.patterns", pattern, error))?;
            asked.add(&[parsed.into()]);
        }
        asked.add(extra);
        let (count, limit) = (asked.subscriptions.len(), MAX_TOPICS);
        if count > limit {
            let text = format!(
                "agent.topics and agent.patterns: at most {limit} together with D, these are {count}"
            );
            return Err(Error::new(ErrorKind::Settings, text));
        }
        Ok(asked)
    }

    /// Asks for more; what is there already is not asked for twice.
    pub(crate) fn add(&mut self, more: &[Subscription]) {
        for subscription in more {
            if !self.subscriptions.contains(subscription) {
                self.subscriptions.push(subscription.clone());
            }
        }
    }

    /// The publishers that the settings name.
    pub(crate) fn endpoints(&self) -> BTreeSet<String> {
        self.endpoints.iter().cloned().collect()
    }

    /// All that is subscribed to.
    pub(crate) fn wanted(&self) -> Subscriptions {
        let mut wanted = Subscriptions::default();
        for subscription in &self.subscriptions {
            wanted.insert(subscription.clone());
        }
        wanted
    }

    /// The same in words.
    pub(crate) fn descriptions(&self) -> Vec<String> {
        self.subscriptions.iter().map(SavedState::describe).collect()
    }

    /// Gives up what `before` asked for and this does not, then asks the driver for the rest; if the driver refuses,
    /// all is as before.
    pub(crate) fn apply(&self, before: &Self, subscriber: &TrackedSubscriber) -> Result<()> {
        before.give_up_but(self, subscriber);
        let asked = self.ask(subscriber);
        if asked.is_err() {
            self.give_up_but(before, subscriber);
            before.ask(subscriber)?;
        }
        asked
    }

    fn ask(&self, subscriber: &TrackedSubscriber) -> Result<()> {
        for endpoint in &self.endpoints {
            subscriber.register_listen_address(endpoint)?;
        }
        for subscription in &self.subscriptions {
            subscriber.register_topic(subscription.clone())?;
        }
        Ok(())
    }

    fn give_up_but(&self, kept: &Self, subscriber: &TrackedSubscriber) {
        for gone in self.endpoints.iter().filter(|endpoint| !kept.endpoints.contains(endpoint)) {
            subscriber.unregister_listen_address(gone);
        }
        for gone in self.subscriptions.iter().filter(|topic| !kept.subscriptions.contains(topic)) {
            subscriber.unregister_topic(gone);
        }
    }
}

fn refused(setting: &str, text: &str, error: Error) -> Error {
    Error::new(ErrorKind::Settings, format!("{setting}: {text:?}")).with_source(error)
}
