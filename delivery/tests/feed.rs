//! The notices of a subscriber, case by case: links, epochs of publishers, gaps, replies.

#[cfg(test)]
#[path = "feed/answers.rs"]
mod answers;
#[cfg(test)]
#[path = "feed/broker.rs"]
mod broker;
#[cfg(test)]
#[path = "feed/links.rs"]
mod links;
#[cfg(test)]
#[path = "feed/lives.rs"]
mod lives;
#[cfg(test)]
#[path = "feed/many_topics.rs"]
mod many_topics;
#[cfg(test)]
#[path = "feed/names.rs"]
mod names;
#[cfg(test)]
#[path = "feed/proxies.rs"]
mod proxies;
#[cfg(test)]
#[path = "feed/recovery.rs"]
mod recovery;
#[cfg(test)]
#[path = "feed/resyncs.rs"]
mod resyncs;
#[cfg(test)]
#[path = "feed/retirements.rs"]
mod retirements;
#[cfg(test)]
#[path = "feed/script.rs"]
mod script;
#[cfg(test)]
#[path = "feed/sealed.rs"]
mod sealed;
#[cfg(test)]
#[path = "feed/suspended.rs"]
mod suspended;

use std::time::Duration;

use delivery::subscriber::FeedOptions;
use delivery::{Position, SyncReplyKind};
#[cfg(test)]
use script::{Script, at};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_stream_seen_from_sequence_1_is_live_without_a_notice() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    assert_eq!(feed.received(), ["subscribed a", "live a"]);
    feed.data(7, 1, 1, "x");
    feed.data(7, 1, 2, "y");
    assert_eq!(feed.received(), ["x", "y"]);
    assert_eq!(feed.asked(), [""; 0]);
    assert_eq!(feed.positions(), [at(1, 2)]);
}

#[test]
fn events_before_the_hello_of_their_publisher_wait_for_it() {
    let mut feed = Script::new(FeedOptions::default());
    feed.data(7, 1, 1, "x");
    feed.data(8, 1, 1, "other");
    assert_eq!(feed.received(), [""; 0]);
    feed.hello("a", 7, 1);
    assert_eq!(feed.received(), ["subscribed a", "x", "live a"]);
}

#[test]
fn a_gap_is_reported_requested_and_filled_in_order() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.pass(2 * SECOND);
    feed.received();
    feed.data(7, 1, 4, "4");
    assert_eq!(feed.received(), ["recovering D"]);
    assert_eq!(feed.asked(), ["a D 1/1"]);
    feed.data(7, 1, 5, "5");
    feed.data(7, 1, 5, "5");
    assert_eq!(feed.received(), [""; 0], "nothing overtakes");
    assert_eq!(feed.asked(), [""; 0], "one request at a time");
    feed.replay("a", 7, 1, &[(1, 2, "2"), (1, 3, "3")], at(1, 3));
    assert_eq!(feed.received(), ["2 replay", "3 replay", "4", "5", "live D"]);
    assert_eq!(feed.counter("events_duplicate"), 1);
}

#[test]
fn a_lost_last_event_is_detected_by_the_mark() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.pass(2 * SECOND);
    feed.mark(7, 1, 1, None);
    feed.received();
    feed.mark(7, 1, 2, None);
    assert_eq!(feed.received(), ["recovering D"]);
    assert_eq!(feed.asked(), ["a D 1/1"]);
    feed.replay("a", 7, 1, &[(1, 2, "2")], at(1, 2));
    assert_eq!(feed.received(), ["2 replay", "live D"]);
}

#[test]
fn a_late_subscriber_receives_a_snapshot_and_then_the_events_since() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.pass(2 * SECOND);
    feed.mark(7, 1, 50, None);
    assert_eq!(feed.asked(), ["a D 1/0"]);
    feed.data(7, 1, 51, "51");
    feed.data(7, 1, 52, "52");
    feed.received();
    feed.snapshot("a", 7, 1, &[(1, 9, "old"), (1, 51, "51")], at(1, 51));
    assert_eq!(feed.received(), ["snapshot of 2", "52", "live D"]);
    assert_eq!(feed.positions(), [at(1, 52)]);
}

#[test]
fn a_lost_link_is_stale_once_and_live_once() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.received();
    feed.down("a");
    assert_eq!(feed.received(), ["down a", "stale a"]);
    feed.hello("a", 7, 1);
    assert_eq!(feed.received(), ["subscribed a"]);
    feed.mark(7, 1, 1, None);
    assert_eq!(feed.received(), ["live a"]);
    feed.pass(3 * SECOND);
    assert_eq!(feed.asked(), [""; 0]);
}

#[test]
fn a_restart_that_remembers_costs_no_request() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.down("a");
    feed.received();
    // The mark to a new subscriber comes before the hello, and waits for that.
    feed.mark(7, 2, 1, Some(at(1, 1)));
    feed.data(7, 2, 2, "2");
    feed.hello("a", 7, 2);
    assert_eq!(feed.received(), ["subscribed a", "live a", "2"]);
    feed.pass(3 * SECOND);
    assert_eq!(feed.asked(), [""; 0]);
    assert_eq!(feed.positions(), [at(2, 2)]);
}

#[test]
fn a_restart_that_has_forgotten_receives_a_request_and_causes_a_resync() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.down("a");
    feed.hello("a", 7, 2);
    feed.received();
    feed.pass(SECOND + SECOND / 10);
    assert_eq!(feed.received(), ["recovering D"], "no mark came: the topic is doubted");
    assert_eq!(feed.asked(), ["a D 1/1"]);
    feed.head("a", 7, SyncReplyKind::Unknown, at(2, 0));
    assert_eq!(feed.received(), ["resync D", "live D", "live a"]);
    feed.data(7, 2, 1, "new");
    assert_eq!(feed.received(), ["new"]);
}

#[test]
fn an_application_that_saved_its_position_resumes_there() {
    for (last, asks) in [(5, vec![]), (8, vec!["a D 1/5"])] {
        let mut feed = Script::new(FeedOptions::default());
        feed.resume(7, at(1, 5));
        assert_eq!(feed.positions(), [at(1, 5)], "also before the publisher is there");
        feed.hello("a", 7, 1);
        feed.mark(7, 1, last, None);
        feed.pass(SECOND);
        assert_eq!(feed.asked(), asks);
    }
    let mut feed = Script::new(FeedOptions::default());
    feed.resume(7, Position { epoch: 1, sequence: 5 });
    feed.hello("a", 7, 1);
    feed.received();
    feed.data(7, 1, 6, "6");
    assert_eq!(feed.received(), ["6", "live a"], "the next one proves that nothing is missing");
}

#[test]
fn an_event_numbered_0_is_refused_and_nothing_follows_the_highest_number() {
    let mut feed = Script::new(FeedOptions { asks: false, ..FeedOptions::default() });
    feed.hello("a", 7, 1);
    feed.data(7, 1, u64::MAX, "last");
    feed.data(7, 1, 0, "none");
    feed.data(7, 1, u64::MAX, "again");
    let received = feed.received();
    assert!(
        received.iter().any(|received| received == "last")
            && !received.iter().any(|received| received == "none"),
        "{received:?}"
    );
    assert_eq!((feed.counter("events_dropped"), feed.counter("events_duplicate")), (1, 1));
    feed.hello("a", 7, 2);
    feed.data(7, 2, 0, "none");
    feed.data(7, 2, 1, "first");
    assert!(feed.received().contains(&"first".to_owned()));
    assert_eq!(feed.counter("events_dropped"), 2);
}

#[test]
fn events_of_a_publisher_without_sequences_are_delivered_as_they_arrive() {
    let mut feed = Script::new(FeedOptions::default());
    feed.unstamped("x");
    assert_eq!(feed.received(), ["x unverified"]);
    assert_eq!(feed.counter("events_unverified"), 1);
}

#[test]
fn topics_that_were_silent_for_long_are_forgotten() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    for _ in 0..12 {
        feed.pass(60 * SECOND);
    }
    assert_eq!(feed.positions(), []);
}

/// docs/guarantees.md#f48.
#[test]
fn a_publishers_wall_clock_may_jump_as_it_likes() {
    const HOUR_US: u64 = 3_600_000_000;
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    for (number, wall_us) in (1..).zip([5 * HOUR_US, 6 * HOUR_US, 4 * HOUR_US, 0, u64::MAX, 5 * HOUR_US]) {
        feed.set_wall_clock(wall_us);
        feed.data(7, 1, number, "x");
        feed.mark(7, 1, number, None);
        feed.pass(SECOND);
    }
    assert_eq!(feed.received(), ["subscribed a", "live a", "x", "x", "x", "x", "x", "x"]);
    assert_eq!((feed.asked().len(), feed.positions()), (0, vec![at(1, 6)]));
}

/// docs/guarantees.md#f48: what was missed is asked for; after ten minutes the position is forgotten, and all of it is.
#[test]
fn a_suspended_subscriber_requests_what_it_missed() {
    for (seconds, asked) in [(590, "a D 1/1"), (700, "a D 1/0")] {
        let mut feed = Script::new(FeedOptions::default());
        feed.hello("a", 7, 1);
        feed.data(7, 1, 1, "1");
        feed.pass(2 * SECOND);
        feed.received();
        feed.jump(seconds * SECOND);
        assert_eq!(feed.received(), [""; 0], "silence alone is no loss");
        feed.data(7, 1, 4, "4");
        assert_eq!(feed.received(), ["recovering D"]);
        assert_eq!(feed.asked(), [asked], "after {seconds} s");
        feed.replay("a", 7, 1, &[(1, 2, "2"), (1, 3, "3")], at(1, 3));
        let replayed = ["2 replay", "3 replay", "4", "live D"];
        assert_eq!(
            feed.received(),
            if seconds < 600 { &replayed[..] } else { &[] },
            "a replay from the beginning was due"
        );
    }
}
