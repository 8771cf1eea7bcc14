use std::time::Duration;

use pubsub_api::{Action, Event, Stamp};

use crate::row::Row;

/// What became of an event at its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// It is the row's latest now, or it is about no row: hand it on.
    Applied,
    /// The row had it already: there is nothing to hand on.
    Known,
    /// The row has a newer one: there is nothing to hand on.
    Superseded,
}

/// An event of the stream: the latest of its row, unless its version is lower.
pub(crate) fn live(row: &Row, event: &Event) -> Merge {
    decided(&row.event, event, true)
}

/// An event from a publisher's ring, published at `at` by the table's clock. On its own stream it comes in order, as it would
/// have come live; else it is compared with a row of another stream.
pub(crate) fn replayed(row: &Row, event: &Event, at: Duration) -> Merge {
    match (row.event.stamp, event.stamp) {
        (Some(has), Some(comes)) if is_one_stream(&row.event, event) => {
            let is_known = has.epoch == comes.epoch && comes.sequence <= has.sequence;
            if is_known { Merge::Known } else { decided(&row.event, event, true) }
        }
        _ => decided(&row.event, event, at > row.at),
    }
}

/// A row of a snapshot, published at `at` by the table's clock. On its own stream it is the truth, unless two publishers claim
/// the id (`is_whole` is false then): a delete that the snapshot no longer names may have restarted the versions.
pub(crate) fn snapshotted(row: &Row, event: &Event, at: Duration, is_whole: bool) -> Merge {
    let has = &row.event;
    if event.stamp.is_some() && has.stamp == event.stamp && has.topic == event.topic {
        return Merge::Known;
    }
    if is_whole && is_one_stream(has, event) {
        return Merge::Applied;
    }
    decided(has, event, at > row.at)
}

/// A row's version never goes back: two workers that change a row at once may publish in another order
/// than they wrote, through one publisher as through two. A delete by the row's own publisher is the last word, and the
/// counting begins anew after it. Where versions do not decide, the later event does.
fn decided(row: &Event, event: &Event, is_later: bool) -> Merge {
    let is_delete = |event: &Event| event.action == Action::Delete;
    let counts_on = publisher(row) != publisher(event) || !(is_delete(row) || is_delete(event));
    let is_newer = match (row.version, event.version) {
        (Some(has), Some(comes)) if event.stamp.is_some() && counts_on && comes != has => comes > has,
        _ => is_later,
    };
    if is_newer { Merge::Applied } else { Merge::Superseded }
}

/// Numbers count per publisher and topic: beyond that they say nothing about which one is newer.
fn is_one_stream(row: &Event, event: &Event) -> bool {
    event.stamp.is_some() && publisher(row) == publisher(event) && row.topic == event.topic
}

fn publisher(event: &Event) -> Option<u64> {
    event.stamp.map(|Stamp { publisher, .. }| publisher)
}
