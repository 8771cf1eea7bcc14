use std::collections::BTreeSet;

use delivery::subscriber::TrackedSubscriber;
use pubsub_api::settings::{Settings, endpoint};
use pubsub_api::{
    Error, ErrorKind, MAX_TOPICS, Pattern, Result, SEND_ALL, Subscription, Subscriptions, Topic,
};
use subscriber_agent_settings::AgentSettings;
use table::saved::SavedState;

/// The addresses and subscriptions that the driver should have. A reload applies only the difference.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct DesiredState {
    endpoints: Vec<String>,
    subscriptions: Vec<Subscription>,
}

impl DesiredState {
    /// The state from the settings and `extra`. It always contains `D`, and no addresses if the driver does not connect to
    /// publishers.
    pub(crate) fn of(settings: &Settings, connects: bool, extra: &[Subscription]) -> Result<Self> {
        let pubsub = settings.pubsub();
        let to_endpoint =
            |entry: &String| endpoint(&pubsub.publisher_transport, entry, pubsub.publisher_port);
        let addresses = pubsub.publishers_ips.iter().filter(|_| connects);
        let endpoints = addresses.map(to_endpoint).collect::<Result<Vec<_>>>()?;
        let mut desired = Self { endpoints, subscriptions: vec![SEND_ALL.into()] };
        let agent = AgentSettings::read(settings)?;
        for topic in &agent.topics {
            let topic = Topic::new(topic.clone()).map_err(|error| refused("agent.topics", topic, error))?;
            desired.add(&[topic.into()]);
        }
        for pattern in &agent.patterns {
            let parsed: Pattern =
                pattern.parse().map_err(|error| refused("agent.patterns", pattern, error))?;
            desired.add(&[parsed.into()]);
        }
        desired.add(extra);
        let (count, limit) = (desired.subscriptions.len(), MAX_TOPICS);
        if count > limit {
            let text = format!(
                "agent.topics and agent.patterns: {count} subscriptions including D; the limit is {limit}"
            );
            return Err(Error::new(ErrorKind::Settings, text));
        }
        Ok(desired)
    }

    /// Adds the subscriptions that are not there yet.
    pub(crate) fn add(&mut self, more: &[Subscription]) {
        for subscription in more {
            if !self.subscriptions.contains(subscription) {
                self.subscriptions.push(subscription.clone());
            }
        }
    }

    /// The publisher addresses from the settings.
    pub(crate) fn endpoints(&self) -> BTreeSet<String> {
        self.endpoints.iter().cloned().collect()
    }

    /// All subscriptions.
    pub(crate) fn wanted(&self) -> Subscriptions {
        let mut wanted = Subscriptions::default();
        for subscription in &self.subscriptions {
            wanted.insert(subscription.clone());
        }
        wanted
    }

    /// The subscriptions as text, for the saved state.
    pub(crate) fn descriptions(&self) -> Vec<String> {
        self.subscriptions.iter().map(SavedState::describe).collect()
    }

    /// Removes from the driver the parts of `before` that are not in `self`, then registers `self`. If the driver refuses,
    /// restores `before`.
    pub(crate) fn apply(&self, before: &Self, subscriber: &TrackedSubscriber) -> Result<()> {
        before.unregister_all_but(self, subscriber);
        let registered = self.register(subscriber);
        if registered.is_err() {
            self.unregister_all_but(before, subscriber);
            before.register(subscriber)?;
        }
        registered
    }

    fn register(&self, subscriber: &TrackedSubscriber) -> Result<()> {
        for endpoint in &self.endpoints {
            subscriber.register_listen_address(endpoint)?;
        }
        for subscription in &self.subscriptions {
            subscriber.register_topic(subscription.clone())?;
        }
        Ok(())
    }

    fn unregister_all_but(&self, kept: &Self, subscriber: &TrackedSubscriber) {
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
