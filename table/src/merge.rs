use std::time::Duration;

use pubsub_api::{Action, Event, Stamp};

use crate::row::Row;

/// The effect of an event on its row.
///
/// Only an applied event is passed to handlers and output, so each of them sees the events of a row in an order in
/// which the row never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// The event is now the row's latest one, or it concerns no row: pass it on.
    Applied,
    /// The row had this event already: there is nothing to pass on.
    Known,
    /// The row has a newer event: there is nothing to pass on.
    Superseded,
    /// The event is newer than the row, and the bound of the table has no room for it: the row is not current.
    Refused,
}

/// Judges an event of the stream: it is the latest of its row, unless its version is lower.
pub(crate) fn live(row: &Row, event: &Event) -> Merge {
    decided(&row.event, event, true)
}

/// Judges an event from a publisher's ring, published at `at` by the table's clock. On its own stream it comes in
/// order, like a live event; otherwise it is compared with a row of another stream.
pub(crate) fn replayed(row: &Row, event: &Event, at: Duration) -> Merge {
    match (row.event.stamp, event.stamp) {
        (Some(has), Some(comes)) if is_one_stream(&row.event, event) => {
            let is_known = has.epoch == comes.epoch && comes.sequence <= has.sequence;
            if is_known { Merge::Known } else { decided(&row.event, event, true) }
        }
        _ => decided(&row.event, event, at > row.at),
    }
}

/// Judges a row of a snapshot, published at `at` by the table's clock. On its own stream it is the truth, unless two
/// publishers use the id (`is_whole` is false then): a delete that the snapshot no longer names may have restarted the
/// versions.
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

/// Decides by version first: a row's version never goes back, because two workers that change a row at the same time
/// may publish in another order than they wrote, through one publisher as through two. A delete by the row's own
/// publisher is final, and versions start again after it. If versions do not decide, the later event does.
fn decided(row: &Event, event: &Event, is_later: bool) -> Merge {
    let is_delete = |event: &Event| event.action == Action::Delete;
    let counts_on = publisher(row) != publisher(event) || !(is_delete(row) || is_delete(event));
    let is_newer = match (row.version, event.version) {
        (Some(has), Some(comes)) if event.stamp.is_some() && counts_on && comes != has => comes > has,
        _ => is_later,
    };
    if is_newer { Merge::Applied } else { Merge::Superseded }
}

/// Sequences count per publisher and topic: between streams they do not show which event is newer.
fn is_one_stream(row: &Event, event: &Event) -> bool {
    event.stamp.is_some() && publisher(row) == publisher(event) && row.topic == event.topic
}

fn publisher(event: &Event) -> Option<u64> {
    event.stamp.map(|Stamp { publisher, .. }| publisher)
}
