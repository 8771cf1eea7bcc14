use pubsub_api::Status;

use super::NodeCore;
use crate::bus_adapter::TopicTraffic;
use crate::node::{NodeReport, PeerReport, PublishedReport, ServiceOffer, SubscriptionReport, TopicReport};
use crate::packet::Destination;
use crate::{Instance, NodeId, StreamName, TablePublisher};

/// The maximum number of topics of a report.
const MAX_TOPICS: usize = 256;

/// What the node reports about itself.
impl NodeCore {
    /// Notes the status of the driver, and what has arrived by it, for the next report.
    pub(crate) fn note_driver(&mut self, status: Status, mut traffic: Vec<TopicTraffic>) {
        traffic.sort_unstable_by_key(|topic| std::cmp::Reverse(topic.bytes));
        traffic.truncate(MAX_TOPICS);
        (self.driver_status, self.traffic) = (status, traffic);
    }

    pub(super) fn inspect(&self) -> NodeReport {
        let registry = self.membership.registry();
        let peers = registry.peers();
        NodeReport {
            node: self.me.clone(),
            endpoint: self.endpoint.clone(),
            peers: peers
                .map(|(peer, state)| PeerReport {
                    peer: peer.clone(),
                    state: state.as_str(),
                    endpoint: registry.endpoint_of(peer.instance).map(str::to_owned),
                    is_known: registry.entry_of(peer.instance).is_some(),
                })
                .collect(),
            is_registry_complete: self.membership.is_registry_complete(self.now),
            services: self.services_report(),
            published: self.published_report(),
            subscriptions: self.subscriptions_report(),
            counters: self.counters(),
            topics: self.traffic.iter().map(|topic| self.topic_report(topic)).collect(),
            driver: self.driver_status.clone(),
        }
    }

    fn topic_report(&self, traffic: &TopicTraffic) -> TopicReport {
        let TopicTraffic { to, packets, bytes } = traffic.clone();
        let (topic, stream) = match to {
            Destination::Everyone => ("everyone", None),
            Destination::Instance(_) => ("inbox", None),
            Destination::Followers(stream) => ("table", Some(stream)),
        };
        let (mut publisher, mut table) = (None, None);
        if let Some(StreamName { instance, service, table: of }) = stream {
            publisher = self.node_of(instance).map(|node| TablePublisher { node, service });
            table = Some(of);
        }
        TopicReport { topic, publisher, table, packets, bytes }
    }

    fn services_report(&self) -> Vec<ServiceOffer> {
        let mut services = Vec::new();
        for (peer, entry) in self.membership.registry().entries() {
            for (service, entry) in &entry.services {
                services.push(ServiceOffer {
                    node: peer.node.clone(),
                    service: service.clone(),
                    state: entry.state,
                    addresses: entry.addresses.clone(),
                    tables: entry.tables.iter().map(|(table, key)| (table.clone(), key.clone())).collect(),
                    methods: entry.methods.iter().cloned().collect(),
                    stale: entry.stale.clone(),
                    mirrored_from: entry.mirrored_from.clone(),
                    is_standby: self.membership.registry().is_standby(peer.instance, service),
                });
            }
        }
        services
    }

    fn published_report(&self) -> Vec<PublishedReport> {
        let registry = self.membership.registry();
        let streams = self.services.iter().flat_map(|(service, local)| {
            let instance = self.me.instance;
            let name = move |table| (service.clone(), instance, table);
            local.entry.tables.keys().cloned().map(name)
        });
        let report = streams.filter_map(|(service, instance, table)| {
            let stream = StreamName { instance, service, table };
            let (position, rows) = (self.published.position(&stream)?, self.published.row_count(&stream)?);
            let followers = registry.followers(&stream);
            Some(PublishedReport {
                epoch: position.epoch,
                sequence: position.sequence,
                rows,
                subscribers: followers.iter().filter_map(|instance| self.node_of(*instance)).collect(),
                lags: followers.iter().filter_map(|one| self.lag_of(&stream, position, *one)).collect(),
                service: stream.service,
                table: stream.table,
            })
        });
        report.collect()
    }

    fn subscriptions_report(&self) -> Vec<SubscriptionReport> {
        let report = self.subscriptions.iter().map(|(id, subscription)| {
            let publishers = subscription.publishers.iter().map(|(publisher, followed)| {
                let phase =
                    self.followed.phase(&followed.stream).map_or("waiting", crate::StreamPhase::as_str);
                (publisher.node.clone(), publisher.service.clone(), phase)
            });
            SubscriptionReport {
                id: id.clone(),
                subscriber: subscription.subscriber.clone(),
                address: subscription.address.clone(),
                table: subscription.table.clone(),
                publishers: publishers.collect(),
                waiting: subscription.queue.len(),
                bound: self.options.subscription_updates,
                dropped: subscription.queue.dropped(),
            }
        });
        report.collect()
    }

    pub(super) fn node_of(&self, instance: Instance) -> Option<NodeId> {
        if instance == self.me.instance {
            return Some(self.me.node.clone());
        }
        let mut peers = self.membership.registry().peers();
        peers.find(|(peer, _)| peer.instance == instance).map(|(peer, _)| peer.node.clone())
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        let (made, served) = (self.caller.counters(), self.callee.counters());
        let streams = self.by_stream.keys().filter_map(|stream| self.followed.counters(stream));
        let (mut outdated, mut duplicates, mut invalid) = (0, 0, 0);
        let (mut gaps, mut resyncs) = (0, 0);
        for stream in streams {
            gaps += stream.gaps;
            resyncs += stream.resyncs;
            outdated += stream.outdated;
            duplicates += stream.duplicates;
            invalid += stream.invalid;
        }
        vec![
            ("table_gaps", gaps),
            ("table_resyncs", resyncs),
            ("table_messages_sent", self.table_messages_sent),
            ("table_messages_outdated", outdated),
            ("table_messages_duplicate", duplicates),
            ("table_messages_invalid", invalid),
            ("table_messages_foreign", self.followed.foreign()),
            ("table_requests_refused", self.published.requests_refused()),
            ("membership_messages_ignored", self.ignored),
            ("calls_pending", self.caller.pending() as u64),
            ("calls_started", made.started),
            ("calls_succeeded", made.succeeded),
            ("calls_failed", made.failed),
            ("calls_refused_here", made.refused),
            ("call_requests_repeated", made.repeated),
            ("call_results_late", made.late_results),
            ("calls_running", self.callee.running() as u64),
            ("calls_served", served.finished),
            ("calls_finished_late", served.finished_late),
            ("calls_refused", served.refused),
            ("call_requests_duplicate", served.duplicates),
            ("call_requests_stale", served.stale),
            ("call_results_dropped", served.results_dropped),
        ]
    }
}
