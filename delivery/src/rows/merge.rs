use pubsub_api::{Action, Event, Stamp};

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

/// An event of the stream. It comes after what its own publisher has said about the row, but a row's version never goes back
/// (reliability.md d.2, 10): two workers that change a row at once may publish in another order than they wrote, through one
/// publisher as through two. A delete by the row's own publisher is the last word, and the counting begins anew after it.
pub(super) fn live(row: &Event, event: &Event) -> Merge {
    let is_delete = |event: &Event| event.action == Action::Delete;
    let counts_on = publisher(row) != publisher(event) || !(is_delete(row) || is_delete(event));
    match (row.version, event.version) {
        (Some(has), Some(comes)) if event.stamp.is_some() && counts_on && comes < has => Merge::Superseded,
        _ => Merge::Applied,
    }
}

/// An event from a publisher's ring. On its own stream it comes in order; else the newer one stays.
pub(super) fn replayed(row: &Event, event: &Event) -> Merge {
    match (row.stamp, event.stamp) {
        (Some(has), Some(comes)) if is_one_stream(row, event) => {
            let is_known = has.epoch == comes.epoch && comes.sequence <= has.sequence;
            if is_known { Merge::Known } else { Merge::Applied }
        }
        _ => if_newer(row, event),
    }
}

/// A row of a snapshot. On its own stream it is the truth, unless two publishers claim the id (`is_whole` is false then);
/// else the newer one stays.
pub(super) fn snapshotted(row: &Event, event: &Event, is_whole: bool) -> Merge {
    if event.stamp.is_some() && row.stamp == event.stamp && row.topic == event.topic {
        return Merge::Known;
    }
    if is_whole && is_one_stream(row, event) { Merge::Applied } else { if_newer(row, event) }
}

/// Newer by version, else by the time of the stamp; of two that are as new the first stays. What has no stamp has no time,
/// and makes room.
fn if_newer(row: &Event, event: &Event) -> Merge {
    let time = |event: &Event| event.stamp.map_or(0, |stamp| stamp.time_us);
    let is_newer = match (row.version, event.version) {
        (Some(has), Some(comes)) => comes > has,
        _ => time(event) > time(row),
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
