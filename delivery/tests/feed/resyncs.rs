//! What follows a `Resync`: nothing that came is dropped, nothing is applied twice.

use std::time::Duration;

use delivery::SyncReplyKind;
use delivery::subscriber::{BufferLimit, FeedOptions};

use crate::script::{Script, at};

const SECOND: Duration = Duration::from_secs(1);

/// A publisher that has lost its ring, and publishes at once.
#[test]
fn events_right_after_the_loss_of_a_ring_follow_the_resync_and_are_not_dropped() {
    let lost = || {
        let mut feed = Script::new(FeedOptions::default());
        feed.hello("a", 7, 1);
        (1..=5).for_each(|number| feed.data(7, 1, number, "old"));
        feed.down("a");
        feed.hello("a", 7, 2);
        feed.received();
        feed
    };
    let mut before = lost();
    before.data(7, 2, 1, "new 1");
    before.data(7, 2, 2, "new 2");
    before.pass(SECOND + SECOND / 10);
    assert_eq!(before.asked(), ["a D 1/5"]);
    before.head("a", 7, SyncReplyKind::Unknown, at(2, 3));
    assert_eq!(before.received(), ["recovering D", "resync D", "new 1", "new 2", "live D"]);
    before.data(7, 2, 3, "new 3");
    assert_eq!(before.received(), ["new 3"], "it was numbered before the answer, and came after it");
    assert_eq!((before.asked(), before.received()), (vec![], vec!["live a".to_owned()]));

    let mut after = lost();
    after.pass(SECOND + SECOND / 10);
    after.received();
    assert_eq!(after.asked(), ["a D 1/5"]);
    after.head("a", 7, SyncReplyKind::Unknown, at(2, 3));
    assert_eq!(after.received(), ["resync D", "live D", "live a"]);
    assert_eq!(after.positions(), Vec::new(), "nothing of this life was applied");
    after.data(7, 2, 2, "new 2");
    after.data(7, 2, 2, "new 2");
    after.data(7, 2, 3, "new 3");
    after.data(7, 2, 4, "new 4");
    assert_eq!(after.received(), ["new 2", "new 3", "new 4"]);
    assert_eq!((after.positions(), after.asked()), (vec![at(2, 4)], Vec::<String>::new()));
}

#[test]
fn the_event_that_revives_a_retired_topic_follows_the_resync() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "v1");
    feed.pass(2 * SECOND);
    feed.received();
    // Its publisher has forgotten the topic, and numbers it above all that any had.
    feed.data(7, 1, 101, "v2");
    assert_eq!(
        (feed.received(), feed.asked()),
        (vec!["recovering D".to_owned()], vec!["a D 1/1".to_owned()])
    );
    feed.head("a", 7, SyncReplyKind::Unknown, at(1, 101));
    assert_eq!(feed.received(), ["resync D", "v2", "live D"]);
    feed.data(7, 1, 102, "v3");
    assert_eq!((feed.received(), feed.positions()), (vec!["v3".to_owned()], vec![at(1, 102)]));
}

#[test]
fn events_that_a_full_buffer_dropped_before_the_resync_are_requested_again_but_not_for_ever() {
    let buffer = BufferLimit { events: 2, bytes: usize::MAX };
    let mut feed = Script::new(FeedOptions { buffer, ..FeedOptions::default() });
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "old");
    feed.down("a");
    feed.hello("a", 7, 2);
    (1..=4).for_each(|number| feed.data(7, 2, number, "new"));
    feed.pass(SECOND + SECOND / 10);
    feed.received();
    assert_eq!(feed.asked(), ["a D 1/1"]);
    feed.head("a", 7, SyncReplyKind::Unknown, at(2, 4));
    assert_eq!(feed.received(), ["resync D"]);
    assert_eq!(feed.asked(), ["a D 2/0"], "1 to 3 came, and had no room");
    feed.head("a", 7, SyncReplyKind::Unknown, at(2, 4));
    assert_eq!(feed.received(), ["resync D", "new", "live D", "live a"]);
}

#[test]
fn a_mark_at_the_end_of_what_a_resync_covers_ends_the_wait() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "old");
    feed.down("a");
    feed.hello("a", 7, 2);
    feed.pass(SECOND + SECOND / 10);
    feed.asked();
    feed.received();
    feed.head("a", 7, SyncReplyKind::Unknown, at(2, 3));
    feed.mark(7, 2, 2, None);
    feed.mark(7, 2, 3, None);
    assert_eq!(feed.received(), ["resync D", "live D", "live a"]);
    assert_eq!((feed.positions(), feed.asked()), (vec![at(2, 3)], Vec::<String>::new()));
    feed.mark(7, 2, 4, None);
    assert_eq!(feed.asked(), ["a D 2/3"]);
}

#[test]
fn events_on_their_way_after_a_resync_are_requested_when_the_link_breaks() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "old");
    feed.down("a");
    feed.hello("a", 7, 2);
    feed.pass(SECOND + SECOND / 10);
    feed.asked();
    feed.head("a", 7, SyncReplyKind::Unknown, at(2, 3));
    feed.down("a");
    feed.hello("a", 7, 2);
    feed.mark(7, 2, 3, None);
    feed.pass(SECOND + SECOND / 10);
    assert_eq!(feed.asked(), ["a D 2/0"]);
}

#[test]
fn events_of_a_reply_that_broke_off_are_not_applied_again_when_the_rest_is_given_up() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.pass(2 * SECOND);
    feed.data(7, 1, 3, "3");
    feed.data(7, 1, 6, "6");
    feed.received();
    feed.asked();
    feed.head("a", 7, SyncReplyKind::Replay { count: 4 }, at(1, 5));
    feed.part("a", 7, 1, 2, "2");
    feed.part("a", 7, 1, 3, "3");
    feed.requests_refused("a");
    assert_eq!(feed.received(), ["2 replay", "3 replay", "gap of 2", "resync D", "6", "live D"]);
}

#[test]
fn a_reply_that_the_stream_has_overtaken_changes_nothing() {
    for kind in [SyncReplyKind::Unknown, SyncReplyKind::Snapshot { count: 0, since: 1 }] {
        let mut feed = Script::new(FeedOptions::default());
        feed.hello("a", 7, 1);
        feed.data(7, 1, 1, "1");
        feed.pass(2 * SECOND);
        feed.data(7, 1, 3, "3");
        assert_eq!(feed.asked(), ["a D 1/1"]);
        feed.data(7, 1, 2, "2");
        feed.data(7, 1, 4, "4");
        feed.data(7, 1, 6, "6");
        feed.received();
        feed.head("a", 7, kind, at(1, 3));
        assert_eq!((feed.received(), feed.positions()), (vec![], vec![at(1, 4)]));
        assert_eq!(feed.asked(), ["a D 1/4"]);
    }
}
