use std::collections::BTreeMap;

use pubsub_api::{PublisherEpoch, registered_endpoint};

use super::SavedLink;
use super::link::Link;

/// All endpoints, with the publishers of each.
#[derive(Debug, Default)]
pub(super) struct Links(BTreeMap<String, Link>);

impl Links {
    /// The link of an endpoint, added if it is new.
    pub(super) fn of(&mut self, endpoint: &str) -> &mut Link {
        self.0.entry(endpoint.to_owned()).or_default()
    }

    pub(super) fn get(&self, endpoint: &str) -> Option<&Link> {
        self.0.get(endpoint)
    }

    pub(super) fn get_mut(&mut self, endpoint: &str) -> Option<&mut Link> {
        self.0.get_mut(endpoint)
    }

    /// The links to the addresses of a name.
    pub(super) fn of_name(&self, name: &str) -> Vec<String> {
        let is_of_name = |link: &&String| *link != name && registered_endpoint(link) == name;
        self.0.keys().filter(is_of_name).cloned().collect()
    }

    /// An endpoint is reported as stale.
    pub(super) fn note_stale(&mut self, endpoint: &str) {
        if let Some(link) = self.0.get_mut(endpoint) {
            link.is_stale = true;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Link)> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&String, &mut Link)> {
        self.0.iter_mut()
    }

    /// The first endpoint at which an epoch sends hello.
    pub(super) fn endpoint_of(&self, life: PublisherEpoch) -> Option<&String> {
        self.0.iter().find(|(_, link)| link.hears(life)).map(|(endpoint, _)| endpoint)
    }

    /// Whether an epoch sends hello at any endpoint.
    pub(super) fn hear(&self, life: PublisherEpoch) -> bool {
        self.0.values().any(|link| link.hears(life))
    }

    /// Whether a publisher sends hello at any endpoint, in any epoch.
    pub(super) fn hear_publisher(&self, publisher: u64) -> bool {
        self.0.values().any(|link| link.hears_publisher(publisher))
    }

    /// The endpoints at which a publisher is expected.
    pub(super) fn expecting(&self, publisher: u64) -> impl Iterator<Item = &String> {
        self.0
            .iter()
            .filter(move |(_, link)| link.expected.contains(&publisher))
            .map(|(endpoint, _)| endpoint)
    }

    /// Whether a publisher is expected at an endpoint that the application wants.
    pub(super) fn want(&self, publisher: u64) -> bool {
        self.0.values().any(|link| link.is_registered && link.expected.contains(&publisher))
    }

    /// Notes that positions of these publishers were forgotten.
    pub(super) fn note_forgotten(&mut self, publishers: &[u64]) {
        for link in self.0.values_mut() {
            link.forgotten.extend(publishers.iter().filter(|publisher| link.expected.contains(publisher)));
        }
    }

    /// Forgets endpoints that are not registered, once nothing is known of their publishers.
    pub(super) fn forget_left(&mut self, is_known: impl Fn(u64) -> bool) {
        self.0.retain(|_, link| {
            link.is_registered || link.is_up || link.expected.iter().any(|publisher| is_known(*publisher))
        });
    }

    /// The publishers of each registered endpoint.
    pub(super) fn saved(&self) -> Vec<SavedLink> {
        let wanted = self.0.iter().filter(|(_, link)| link.is_registered || link.is_up);
        wanted
            .flat_map(|(endpoint, link)| {
                let saved = |publisher: &u64| SavedLink { endpoint: endpoint.clone(), publisher: *publisher };
                link.expected.iter().map(saved)
            })
            .collect()
    }
}
