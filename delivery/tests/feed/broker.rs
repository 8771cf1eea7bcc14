use std::time::Duration;

use delivery::subscriber::{FeedOptions, Introduction};
use pubsub_api::Capabilities;

use crate::script::{Script, at};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn broker() -> Script {
    Script::new(FeedOptions { introduction: Introduction::ByBroker, ..FeedOptions::default() })
}

#[test]
fn a_publisher_seen_from_sequence_1_is_live_without_a_notice() {
    let mut feed = broker();
    feed.subscribed("node");
    assert_eq!(feed.received(), ["subscribed node", "live node"]);
    feed.data(7, 1, 1, "1");
    feed.data(7, 1, 2, "2");
    feed.mark(7, 1, 2, None);
    assert_eq!(feed.received(), ["1", "2"]);
    assert_eq!(feed.positions(), [at(1, 2)]);
    assert_eq!(feed.peers(), ["node live"], "a live one is not listed");
    assert!(!feed.is_busy(), "there is nothing to wait for");
}

#[test]
fn earlier_events_cost_one_resync_and_the_stream_continues_at_once() {
    let mut feed = broker();
    feed.data(7, 1, 5, "5");
    feed.data(7, 1, 6, "6");
    assert_eq!(feed.received(), ["resync D", "5", "6"]);
    feed.mark(8, 1, 3, None);
    feed.mark(8, 1, 3, None);
    feed.data(8, 1, 4, "4");
    assert_eq!(feed.received(), ["resync D", "4"], "a mark shows it as well");
    feed.lost(9, 1, 2, 1);
    feed.data(9, 1, 3, "3");
    assert_eq!(feed.received(), ["resync D", "gap of 1", "resync D", "3"]);
    assert_eq!((feed.counter("resyncs"), feed.counter("gaps"), feed.counter("recoveries")), (4, 1, 0));
    assert_eq!(feed.asked(), [""; 0]);
}

#[test]
fn a_topic_without_events_causes_no_notice() {
    let mut feed = broker();
    feed.mark(7, 1, 0, None);
    feed.data(7, 1, 1, "1");
    assert_eq!(feed.received(), ["1"]);
}

#[test]
fn a_gap_is_reported_with_its_size_before_the_next_event() {
    let mut feed = broker();
    feed.data(7, 1, 1, "1");
    feed.data(7, 1, 4, "4");
    assert_eq!(feed.received(), ["1", "gap of 2", "resync D", "4"]);
    feed.mark(7, 1, 7, None);
    assert_eq!(feed.received(), ["gap of 3", "resync D"], "a lost tail");
    feed.data(7, 1, 8, "8");
    assert_eq!(feed.received(), ["8"]);
    assert_eq!(feed.counter("events_missed"), 5);
    feed.pass(MINUTE);
    assert_eq!((feed.asked().len(), feed.received().len()), (0, 0));
}

#[test]
fn an_event_that_was_sent_twice_or_late_is_delivered_once() {
    let mut feed = broker();
    for number in [1, 1, 2, 1, 2, 4, 3, 4] {
        feed.data(7, 1, number, "x");
    }
    assert_eq!(feed.received(), ["x", "x", "gap of 1", "resync D", "x"]);
    assert_eq!(feed.counter("events_duplicate"), 5, "3 was reported missing, and stays so");
}

#[test]
fn an_event_in_doubt_is_a_gap_only_for_subscribers_that_did_not_receive_it() {
    let mut feed = broker();
    feed.data(7, 1, 1, "1");
    feed.lost(7, 1, 2, 1);
    feed.data(7, 1, 3, "3");
    assert_eq!(feed.received(), ["1", "gap of 1", "resync D", "3"]);
    let mut feed = broker();
    feed.data(7, 1, 1, "1");
    feed.data(7, 1, 2, "2");
    feed.lost(7, 1, 2, 1);
    feed.data(7, 1, 3, "3");
    assert_eq!(feed.received(), ["1", "2", "3"]);
}

#[test]
fn a_later_epoch_replaces_the_one_before_and_an_earlier_one_is_dropped() {
    let mut feed = broker();
    feed.data(7, 1, 1, "1");
    feed.data(7, 1, 2, "2");
    feed.data(7, 5, 1, "new 1");
    feed.data(7, 1, 3, "late");
    feed.mark(7, 1, 9, None);
    feed.data(7, 5, 2, "new 2");
    assert_eq!(feed.received(), ["1", "2", "resync D", "new 1", "new 2"]);
    assert_eq!(feed.counter("events_of_ended_epochs"), 2);
}

#[test]
fn a_lost_link_is_stale_once_whatever_the_number_of_publishers_and_each_is_confirmed_alone() {
    let mut feed = broker();
    feed.subscribed("node");
    for publisher in 1..=200 {
        feed.data(publisher, 1, 1, "x");
    }
    feed.received();
    feed.down("node");
    feed.down("node");
    assert_eq!(feed.received(), ["down node", "stale node", "down node"]);
    assert_eq!(feed.peers().len(), 100, "as many as are listed");
    assert_eq!(feed.peers()[0], "0000000000000001 stale");
    assert_eq!(feed.depth("publishers"), 200);
    feed.subscribed("node");
    feed.resync_of_all();
    assert_eq!(feed.received(), ["subscribed node", "live node", "resync all"]);
    feed.data(1, 1, 2, "next");
    feed.mark(2, 1, 1, None);
    feed.data(3, 1, 4, "later");
    feed.mark(4, 1, 2, None);
    assert_eq!(feed.received(), ["next", "gap of 2", "resync D", "later", "gap of 1", "resync D"]);
    assert_eq!(feed.peers()[..2], ["node live", "0000000000000005 stale"], "1 to 4 are proved");
}

#[test]
fn a_link_that_was_never_up_or_is_unknown_makes_nothing_stale() {
    let mut feed = broker();
    feed.down("one");
    feed.subscribed("two");
    feed.subscribed("two");
    feed.down("one");
    assert_eq!(feed.received(), ["down one", "subscribed two", "live two", "subscribed two", "down one"]);
}

#[test]
fn a_publisher_is_forgotten_at_its_bye_or_else_after_ten_minutes() {
    let mut feed = broker();
    feed.data(7, 1, 1, "7");
    feed.data(8, 1, 1, "8");
    feed.data(9, 1, 1, "9");
    feed.received();
    feed.bye(7, 1, 1);
    feed.bye(9, 1, 3);
    assert_eq!(feed.received(), ["gap of 2", "resync D"], "a bye has the last number");
    assert_eq!(feed.positions(), [at(1, 1)]);
    feed.pass(2 * MINUTE);
    assert_eq!(feed.depth("publishers"), 1);
    feed.pass(7 * MINUTE);
    assert_eq!(feed.depth("publishers"), 1, "it may still be idle");
    feed.pass(2 * MINUTE);
    assert_eq!((feed.depth("publishers"), feed.positions()), (0, vec![]));
    assert_eq!(feed.received(), [""; 0]);
}

#[test]
fn a_saved_position_is_resumed_and_forgotten_when_its_publisher_stays_silent() {
    let mut feed = broker();
    feed.resume(7, at(1, 5));
    feed.resume(8, at(1, 5));
    feed.resume(9, at(1, 5));
    feed.data(7, 1, 6, "6");
    feed.data(8, 1, 8, "8");
    assert_eq!(feed.received(), ["6", "gap of 2", "resync D", "8"]);
    for _ in 0..11 {
        feed.pass(MINUTE);
        feed.mark(7, 1, 6, None);
    }
    assert_eq!(feed.positions(), [at(1, 6)]);
}

#[test]
fn ten_thousand_publishers_are_followed_and_events_beyond_the_bound_are_unverified() {
    const MANY: u64 = 10_000;
    let options = FeedOptions {
        introduction: Introduction::ByBroker,
        max_publishers: 10_000,
        ..FeedOptions::default()
    };
    let mut feed = Script::new(options);
    for number in 1..=3 {
        for publisher in 1..=MANY {
            feed.data(publisher, 1, number, "x");
        }
    }
    feed.data(MANY + 1, 1, 1, "beyond");
    feed.mark(MANY + 1, 1, 1, None);
    let received = feed.received();
    assert_eq!(received.len(), 30_001);
    assert_eq!(received.last().unwrap(), "beyond unverified");
    assert_eq!(feed.counter("events_untracked"), 1);
    assert_eq!((feed.positions().len(), feed.depth("publishers")), (10_000, MANY));
    feed.pass(SECOND);
    feed.jump(11 * MINUTE);
    assert_eq!((feed.positions().len(), feed.depth("publishers")), (0, 0));
}

#[test]
fn a_brokers_capabilities_make_a_feed_that_expects_no_hello_and_sends_no_request() {
    let capabilities = Capabilities { broker: true, replay: true, ..Capabilities::NONE };
    let mut feed = Script::new(FeedOptions::of(&capabilities, 0));
    feed.data(7, 1, 2, "2");
    assert_eq!(feed.received(), ["resync D", "2"]);
    assert_eq!(feed.asked(), [""; 0]);
}

/// As of an ACL without a rule for one of the channels: what is granted arrives, and the whole is not live.
#[test]
fn a_link_on_which_the_broker_refuses_a_subscription_is_not_live_until_all_are_granted() {
    let mut feed = broker();
    feed.refused("node");
    feed.data(7, 1, 1, "1");
    assert_eq!(feed.received(), ["stale node", "1"], "never live, and what is granted arrives");
    feed.subscribed("node");
    assert_eq!(feed.received(), ["subscribed node", "live node"]);
    feed.refused("node");
    feed.data(7, 1, 2, "2");
    assert_eq!(feed.received(), ["stale node", "2"]);
    feed.down("node");
    assert_eq!(feed.received(), ["down node"], "it is stale already");
    feed.subscribed("node");
    feed.data(7, 1, 4, "4");
    assert_eq!(feed.received(), ["subscribed node", "live node", "gap of 1", "resync D", "4"]);
}
