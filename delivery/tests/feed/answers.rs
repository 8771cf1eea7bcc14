//! Answers that are late, broken, refused or never come, and publishers that cannot be asked.

use std::time::Duration;

use delivery::SyncReplyKind;
use delivery::subscriber::{BufferLimit, FeedOptions};

use crate::script::{Script, at};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn without_requests_a_gap_is_reported_and_the_stream_continues() {
    let mut feed = Script::new(FeedOptions { asks: false, ..FeedOptions::default() });
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.received();
    feed.data(7, 1, 4, "4");
    assert_eq!(feed.received(), ["recovering D", "gap of 2", "resync D", "4", "live D"]);
    feed.mark(7, 1, 5, None);
    assert_eq!(feed.received(), ["recovering D", "gap of 1", "resync D", "live D"]);
}

#[test]
fn a_publisher_that_accepts_no_requests_receives_one_per_link() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.pass(2 * SECOND);
    feed.data(7, 1, 3, "3");
    assert_eq!(feed.received(), ["subscribed a", "live a", "recovering D"]);
    assert_eq!(feed.asked(), ["a D 1/0"]);
    feed.requests_refused("a");
    assert_eq!(feed.received(), ["gap of 2", "resync D", "3", "live D"]);
    feed.data(7, 1, 5, "5");
    assert_eq!(feed.received(), ["recovering D", "gap of 1", "resync D", "5", "live D"]);
    feed.pass(2 * SECOND);
    assert_eq!(feed.asked(), [""; 0]);
    feed.down("a");
    feed.hello("a", 7, 1);
    feed.pass(2 * SECOND);
    assert_eq!(
        feed.asked().first().map(String::as_str),
        Some("a D 1/5"),
        "another link may be to another program"
    );
}

#[test]
fn a_busy_publisher_receives_the_request_again_later() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.pass(2 * SECOND);
    feed.mark(7, 1, 5, None);
    assert_eq!(feed.asked(), ["a D 1/0"]);
    feed.head("a", 7, SyncReplyKind::Busy { retry_after: SECOND }, at(1, 5));
    feed.pass(SECOND / 2);
    assert_eq!(feed.asked(), [""; 0]);
    feed.pass(2 * SECOND);
    assert_eq!(feed.asked(), ["a D 1/0"]);
}

#[test]
fn a_request_without_a_reply_is_repeated_at_growing_intervals_and_then_given_up() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.pass(2 * SECOND);
    feed.received();
    feed.data(7, 1, 3, "3");
    let mut requests = feed.asked().len();
    for _ in 0..29 {
        feed.pass(SECOND);
        requests += feed.asked().len();
    }
    assert!((4..=6).contains(&requests), "after 2, 4, 8, 16 s and a jitter: {requests}");
    feed.pass(2 * SECOND);
    assert_eq!(feed.received(), ["recovering D", "gap of 1", "resync D", "3", "live D"]);
}

#[test]
fn late_and_foreign_replies_change_nothing() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.pass(2 * SECOND);
    feed.data(7, 1, 3, "3");
    feed.received();
    assert_eq!(feed.asked().len(), 1);
    feed.replay("b", 7, 1, &[(1, 2, "of nobody")], at(1, 2));
    feed.replay_to(99, "a", 7, &[(1, 2, "unasked")], at(1, 2));
    feed.replay("a", 7, 0, &[(0, 2, "of an earlier life")], at(0, 2));
    assert_eq!(feed.received(), [""; 0]);
    feed.replay("a", 7, 1, &[(1, 2, "2")], at(1, 2));
    assert_eq!(feed.received(), ["2 replay", "3", "live D"]);
    feed.replay("a", 7, 1, &[(1, 2, "2")], at(1, 2));
    assert_eq!(feed.received(), [""; 0]);
}

#[test]
fn a_reply_that_breaks_off_is_requested_again_and_nothing_is_half_applied() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.pass(2 * SECOND);
    feed.mark(7, 1, 9, None);
    feed.asked();
    feed.received();
    feed.head("a", 7, SyncReplyKind::Snapshot { count: 2, since: 1 }, at(1, 9));
    feed.part("a", 7, 1, 3, "row");
    feed.request_lost("a");
    assert_eq!(feed.received(), [""; 0]);
    feed.pass(2 * SECOND);
    assert_eq!(feed.asked(), ["a D 1/0"]);
    feed.snapshot("a", 7, 1, &[(1, 3, "row")], at(1, 9));
    assert_eq!(feed.received(), ["snapshot of 1", "live D"]);
}

#[test]
fn a_replayed_event_that_cannot_be_read_is_a_loss_and_causes_no_loop() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.pass(2 * SECOND);
    feed.data(7, 1, 3, "3");
    feed.received();
    feed.asked();
    feed.head("a", 7, SyncReplyKind::Replay { count: 1 }, at(1, 2));
    feed.junk_part("a");
    assert_eq!(feed.received(), ["gap of 1", "resync D", "3", "live D"]);
}

#[test]
fn a_loss_record_uses_its_sequence_and_is_reported_in_order() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.lost(7, 1, 2, 3);
    feed.data(7, 1, 3, "3");
    assert_eq!(feed.received(), ["subscribed a", "live a", "1", "gap of 3", "resync D", "3"]);
    assert_eq!(feed.counter("events_missed"), 3);
}

#[test]
fn buffered_events_are_bounded_and_requested_again() {
    let buffer = BufferLimit { events: 3, bytes: usize::MAX };
    let mut feed = Script::new(FeedOptions { buffer, ..FeedOptions::default() });
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.pass(2 * SECOND);
    for number in 3..9 {
        feed.data(7, 1, number, "x");
    }
    feed.received();
    feed.asked();
    assert_eq!(feed.counter("events_to_be_asked_for_again"), 4);
    feed.replay("a", 7, 1, &[(1, 2, "2")], at(1, 2));
    assert_eq!(feed.received(), ["2 replay"]);
    assert_eq!(feed.asked(), ["a D 1/2"], "the publisher still has 3 to 6");
    feed.replay("a", 7, 1, &[(1, 3, "3"), (1, 4, "4"), (1, 5, "5"), (1, 6, "6")], at(1, 6));
    assert_eq!(feed.received(), ["3 replay", "4 replay", "5 replay", "6 replay", "x", "x", "live D"]);
}

#[test]
fn a_topic_without_a_right_is_reported_before_live_and_not_requested_again() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.down("a");
    feed.hello("a", 7, 1);
    feed.received();
    feed.pass(2 * SECOND);
    assert_eq!(feed.received(), ["recovering D"], "its rights were reduced meanwhile: no mark came");
    assert_eq!(feed.asked(), ["a D 1/1"]);
    feed.head("a", 7, SyncReplyKind::Refused, at(1, 1));
    assert_eq!(feed.received(), ["refused D", "live a"]);
    assert!(feed.positions().is_empty());
    feed.pass(60 * SECOND);
    assert_eq!(feed.asked(), [""; 0]);
    feed.mark(7, 1, 3, None);
    assert_eq!(
        feed.received(),
        ["recovering D"],
        "it is granted again: what was published meanwhile is requested"
    );
    assert_eq!(feed.asked(), ["a D 1/0"]);
}
