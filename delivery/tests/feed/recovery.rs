//! For how long a subscriber waits for an answer, and what follows when it waits in vain.

use std::time::Duration;

use delivery::SyncReplyKind;
use delivery::subscriber::FeedOptions;

use crate::script::{Script, at};

const SECOND: Duration = Duration::from_secs(1);

/// A subscriber that is many events behind: it has number 1, and the publisher is at 1,000.
fn behind() -> Script {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.pass(2 * SECOND);
    feed.mark(7, 1, 1000, None);
    feed.received();
    assert_eq!(feed.asked(), ["a D 1/1"]);
    feed
}

/// Requests nothing during this time, and reports nothing.
fn is_quiet(feed: &mut Script, time: Duration) {
    feed.pass(time);
    assert_eq!((feed.received(), feed.asked()), (Vec::new(), Vec::new()));
}

fn wait_for_a_request(feed: &mut Script) {
    for _ in 0..1000 {
        feed.pass(SECOND);
        if !feed.asked().is_empty() {
            return;
        }
    }
    panic!("nothing was asked in 1,000 s");
}

#[test]
fn a_reply_that_keeps_arriving_is_never_given_up() {
    let mut feed = behind();
    feed.head("a", 7, SyncReplyKind::Replay { count: 999 }, at(1, 1000));
    for number in 2..=1000 {
        is_quiet(&mut feed, 2 * SECOND);
        feed.part("a", 7, 1, number, "x");
        assert_eq!(
            feed.received().first().map(String::as_str),
            Some("x replay"),
            "the prefix is applied at once"
        );
    }
    assert_eq!(feed.peers(), ["a live"]);
    assert_eq!((feed.counter("resyncs"), feed.counter("sync_requests")), (0, 1));
}

#[test]
fn a_snapshot_that_keeps_arriving_is_never_given_up() {
    let mut feed = behind();
    feed.head("a", 7, SyncReplyKind::Snapshot { count: 200, since: 1 }, at(1, 1000));
    for number in 801..1000 {
        feed.part("a", 7, 1, number, "row");
        is_quiet(&mut feed, 2 * SECOND);
    }
    feed.part("a", 7, 1, 1000, "row");
    assert_eq!(feed.received(), ["snapshot of 200", "live D"]);
}

#[test]
fn a_busy_publisher_receives_requests_for_minutes_and_not_for_ever() {
    let mut feed = behind();
    let mut received = Vec::new();
    for second in 0..1000 {
        feed.head("a", 7, SyncReplyKind::Busy { retry_after: SECOND }, at(1, 1000));
        feed.pass(3 * SECOND);
        feed.mark(7, 1, 1000, None);
        feed.asked();
        received = feed.received();
        if !received.is_empty() {
            assert!(second >= 250, "after {} s", 3 * second);
            break;
        }
    }
    assert_eq!(received, ["gap of 999", "resync D", "live D"]);
}

#[test]
fn replies_without_progress_end_in_a_resync() {
    let mut feed = behind();
    for _ in 0..20 {
        feed.head("a", 7, SyncReplyKind::Replay { count: 0 }, at(1, 1000));
        feed.pass(20 * SECOND);
        if feed.asked().is_empty() {
            break;
        }
    }
    assert_eq!(feed.received(), ["gap of 999", "resync D", "live D"]);
    is_quiet(&mut feed, 2000 * SECOND);
}

#[test]
fn a_topic_that_was_given_up_is_requested_as_a_whole_until_the_publisher_replies() {
    let mut feed = behind();
    feed.pass(35 * SECOND);
    feed.asked();
    assert_eq!(feed.received(), ["gap of 999", "resync D", "live D"]);
    assert_eq!(feed.depth("incomplete_topics"), 1);
    feed.data(7, 1, 1001, "new");
    assert_eq!(feed.received(), ["new"], "the stream goes on");
    let mut again = 0;
    for _ in 0..3000 {
        feed.pass(SECOND);
        feed.mark(7, 1, 1001, None);
        let asked = feed.asked();
        assert!(asked.is_empty() || asked == ["a D 0/0"], "{asked:?}");
        again += asked.len();
    }
    assert!((5..20).contains(&again), "asked {again} times in 50 minutes");
    assert_eq!(feed.received(), [""; 0], "an attempt is no news");
    wait_for_a_request(&mut feed);
    feed.snapshot("a", 7, 1, &[(1, 900, "row"), (1, 1001, "new")], at(1, 1001));
    assert_eq!(feed.received(), ["snapshot of 2"]);
    assert_eq!((feed.depth("incomplete_topics"), feed.positions()), (0, vec![at(1, 1001)]));
    is_quiet(&mut feed, 2000 * SECOND);
}

#[test]
fn a_repair_that_is_older_than_the_stream_is_followed_by_the_events_since() {
    let mut feed = behind();
    feed.pass(35 * SECOND);
    feed.asked();
    feed.received();
    wait_for_a_request(&mut feed);
    feed.head("a", 7, SyncReplyKind::Snapshot { count: 1, since: 1 }, at(1, 1000));
    feed.data(7, 1, 1001, "new");
    feed.part("a", 7, 1, 900, "row");
    assert_eq!(feed.received(), ["new", "snapshot of 1", "recovering D"]);
    feed.pass(SECOND);
    assert_eq!(feed.asked(), ["a D 1/1000"]);
    feed.replay("a", 7, 1, &[(1, 1001, "new")], at(1, 1001));
    assert_eq!(feed.received(), ["new replay", "live D"]);
}

#[test]
fn a_publisher_without_rows_receives_no_further_request_for_them() {
    for kind in [SyncReplyKind::Unknown, SyncReplyKind::Replay { count: 0 }] {
        let mut feed = behind();
        feed.pass(35 * SECOND);
        feed.asked();
        feed.received();
        wait_for_a_request(&mut feed);
        feed.head("a", 7, kind, at(1, 1000));
        is_quiet(&mut feed, 2000 * SECOND);
    }
}

#[test]
fn a_snapshot_of_an_announced_size_is_accepted_and_a_larger_one_is_not() {
    let options = FeedOptions { snapshot_bytes: 200, ..FeedOptions::default() };
    for (announced, wanted) in
        [(Some(100_000), "snapshot of 100"), (Some(1000), "resync D"), (None, "resync D")]
    {
        let mut feed = Script::new(options);
        feed.hello("a", 7, 1);
        feed.pass(2 * SECOND);
        feed.mark(7, 1, 1000, None);
        feed.received();
        feed.asked();
        feed.snapshot_head("a", 7, 100, announced, at(1, 1000));
        (901..=1000).for_each(|number| feed.part("a", 7, 1, number, "row"));
        assert_eq!(feed.received(), [wanted, "live D"], "{announced:?}");
    }
}

#[test]
fn events_that_a_snapshot_leaves_out_are_a_gap_before_it() {
    let mut feed = behind();
    feed.head("a", 7, SyncReplyKind::Snapshot { count: 2, since: 1 }, at(1, 1000));
    feed.left_out("a", 7, at(1, 1000), 3);
    feed.part("a", 7, 1, 900, "row");
    assert_eq!(feed.received(), ["gap of 3", "snapshot of 1", "live D"]);
}

#[test]
fn late_events_make_their_publisher_stale_until_they_are_on_time_again() {
    let mut feed = Script::new(FeedOptions::default());
    let clock = |second: u64| 1_780_000_000_000_000 + second * 1_000_000;
    feed.hello("a", 7, 1);
    for second in 0..20 {
        feed.set_wall_clock(clock(second));
        feed.data(7, 1, second + 1, "x");
        feed.pass(SECOND);
    }
    feed.received();
    // Two seconds for each second of events.
    for second in 20..40 {
        feed.set_wall_clock(clock(second));
        feed.data(7, 1, second + 1, "x");
        feed.pass(2 * SECOND);
    }
    let received: Vec<String> = feed.received().into_iter().filter(|item| item != "x").collect();
    assert_eq!((received, feed.peers()), (vec!["stale a".to_owned()], vec!["a stale".to_owned()]));
    feed.set_wall_clock(clock(58));
    feed.mark(7, 1, 40, None);
    assert_eq!((feed.received(), feed.peers()), (vec!["live a".to_owned()], vec!["a live".to_owned()]));
}

#[test]
fn a_reply_about_a_topic_without_a_request_leaves_nothing_unconfirmed() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.down("a");
    feed.hello("a", 7, 2);
    feed.pass(SECOND + SECOND / 10);
    // It remembers its former life, which it was asked for just before.
    feed.mark(7, 2, 1, Some(at(1, 1)));
    feed.received();
    assert_eq!(feed.asked(), ["a D 1/1"]);
    feed.down("a");
    feed.hello("a", 7, 2);
    feed.mark(7, 2, 1, None);
    assert_eq!(feed.received(), ["down a", "stale a", "subscribed a", "live a"]);
}
