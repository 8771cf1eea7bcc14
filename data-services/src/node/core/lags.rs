use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use delivery::Position;

use super::NodeCore;
use crate::node::SubscriberLag;
use crate::packet::{Destination, Message, Outgoing};
use crate::tables::TableMessage;
use crate::{Instance, NodeInstance, StreamName};

/// A node reports at most once in this time which position of a stream it has applied.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// How often a position is reported: once more than needed, since a report may be lost.
const REPORTS: u8 = 2;

/// How far other nodes are with the tables of this one, and what this node has reported about those that it follows.
#[derive(Debug, Default)]
pub(super) struct Lags {
    /// By table of this node and follower: the position that it has applied, and when it reported that.
    applied: BTreeMap<StreamName, BTreeMap<Instance, (Position, Duration)>>,
    /// What this node has reported of each stream, and how often.
    reported: BTreeMap<StreamName, (Position, u8)>,
    /// When the next report is due; none if nothing has changed.
    due: Option<Duration>,
}

impl Lags {
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.due
    }

    /// The rows of a followed stream may have another position: that is reported soon.
    pub(super) fn note_change(&mut self, now: Duration) {
        self.due.get_or_insert(now + REPORT_INTERVAL);
    }

    /// Forgets those that do not follow a table of this node any more.
    pub(super) fn keep(&mut self, stream: &StreamName, followers: &BTreeSet<Instance>) {
        if let Some(applied) = self.applied.get_mut(stream) {
            applied.retain(|instance, _| followers.contains(instance));
        }
    }

    /// Forgets the tables that this node does not publish any more.
    pub(super) fn keep_tables(&mut self, is_published: impl Fn(&StreamName) -> bool) {
        self.applied.retain(|stream, _| is_published(stream));
    }
}

/// The lag of subscribers.
impl NodeCore {
    /// Reports to the publishers of the followed streams which positions have been applied, if that is due.
    pub(super) fn report_applied(&mut self) {
        if self.lags.due.is_none_or(|due| due > self.now) {
            return;
        }
        self.lags.due = None;
        let me = self.me.instance;
        let followed = &self.by_stream;
        self.lags.reported.retain(|stream, _| followed.contains_key(stream));
        let mut reports = Vec::new();
        for stream in self.by_stream.keys().filter(|stream| stream.instance != me) {
            let Some(position) = self.followed.position(stream).filter(|at| *at != Position::NONE) else {
                continue;
            };
            let (reported, times) = self.lags.reported.entry(stream.clone()).or_default();
            if *reported != position {
                (*reported, *times) = (position, 0);
            }
            if *times < REPORTS {
                *times += 1;
                reports.push(TableMessage::Applied { stream: stream.clone(), position });
            }
            if *times < REPORTS {
                self.lags.due = Some(self.now + REPORT_INTERVAL);
            }
        }
        for report in reports {
            let to = Destination::Instance(report.stream().instance);
            self.send(Outgoing { to, message: Message::Table(report) });
        }
    }

    /// Notes what a follower has applied of a table of this node. A late report changes nothing.
    pub(super) fn note_applied(&mut self, source: &NodeInstance, stream: StreamName, position: Position) {
        let entry = self.membership.registry().entry_of(source.instance);
        let is_follower = entry.is_some_and(|entry| entry.subscriptions.contains(&stream));
        if !is_follower || self.published.position(&stream).is_none_or(|last| position > last) {
            return;
        }
        let applied = self.lags.applied.entry(stream).or_default();
        let (at, since) = applied.entry(source.instance).or_insert((position, self.now));
        if position >= *at {
            (*at, *since) = (position, self.now);
        }
    }

    /// Returns how far a follower is with a table of this node, whose last change is at `last`.
    pub(super) fn lag_of(
        &self,
        stream: &StreamName,
        last: Position,
        follower: Instance,
    ) -> Option<SubscriberLag> {
        let reported = self.lags.applied.get(stream).and_then(|all| all.get(&follower)).copied();
        let applied = match follower == self.me.instance {
            true => self.followed.position(stream).map(|at| (at, self.now)),
            false => reported,
        };
        let of_epoch = applied.filter(|(at, _)| at.epoch == last.epoch);
        Some(SubscriberLag {
            node: self.node_of(follower)?,
            applied: of_epoch.map(|(at, _)| at.sequence),
            behind: of_epoch.map(|(at, _)| last.sequence.saturating_sub(at.sequence)),
            reported_ms_ago: of_epoch.map(|(_, since)| {
                u64::try_from(self.now.saturating_sub(since).as_millis()).unwrap_or(u64::MAX)
            }),
        })
    }
}
