//! Topics that a publisher retires: a `bye` shows it to those that are there, and the hello to those that were away.

use delivery::SyncReplyKind;
use delivery::subscriber::FeedOptions;

use crate::SECOND;
use crate::script::{Script, at};

/// A subscriber that is live, heard of no topic, and whose link breaks.
fn away(first_number: u64) -> Script {
    let mut feed = Script::new(FeedOptions::default());
    feed.register("a");
    feed.hello("a", 7, 1);
    feed.beat_with(7, 1, first_number);
    assert_eq!(feed.received(), ["subscribed a", "live a"]);
    feed.down("a");
    assert_eq!(feed.received(), ["down a", "stale a"]);
    feed
}

#[test]
fn a_topic_that_was_retired_while_the_link_was_away_is_a_resync_before_live() {
    let mut feed = away(1);
    feed.hello("a", 7, 1);
    assert_eq!(feed.received(), ["subscribed a"]);
    assert_eq!(feed.peers(), ["a proving"], "the hello itself follows");
    feed.beat_with(7, 1, 2);
    assert_eq!(feed.received(), ["resync all", "live a"]);
    feed.beat_with(7, 1, 2);
    assert_eq!(feed.received(), [""; 0], "reported once");
    assert_eq!(feed.counter("resyncs"), 1);
}

#[test]
fn a_link_that_returns_while_no_topic_was_retired_is_live_without_a_resync() {
    let mut feed = away(5);
    feed.hello("a", 7, 1);
    feed.beat_with(7, 1, 5);
    assert_eq!(feed.received(), ["subscribed a", "live a"]);
}

#[test]
fn topics_that_are_retired_while_the_link_stands_cost_nothing() {
    let mut feed = away(1);
    feed.hello("a", 7, 1);
    for first_number in [1, 5, 9] {
        feed.beat_with(7, 1, first_number);
    }
    feed.down("a");
    feed.hello("a", 7, 1);
    feed.beat_with(7, 1, 9);
    assert_eq!(feed.received(), ["subscribed a", "live a", "down a", "stale a", "subscribed a", "live a"]);
}

#[test]
fn another_link_to_the_same_publisher_stands_for_the_one_that_broke() {
    let mut feed = away(1);
    feed.hello("b", 7, 1);
    feed.hello("a", 7, 1);
    feed.beat_with(7, 1, 1);
    feed.down("a");
    feed.beat_with(7, 1, 4);
    feed.hello("a", 7, 1);
    feed.beat_with(7, 1, 5);
    assert!(feed.received().iter().all(|received| !received.starts_with("resync")));
}

#[test]
fn a_publisher_that_makes_no_statement_is_not_waited_for() {
    let mut feed = away(0);
    feed.hello("a", 7, 1);
    assert_eq!(feed.received(), ["subscribed a", "live a"]);
    feed.beat(7, 1);
    feed.beat_with(7, 1, 9);
    assert_eq!(feed.received(), [""; 0], "it was upgraded: nothing is known of before");

    let mut feed = away(9);
    feed.hello("a", 7, 2);
    feed.beat(7, 2);
    feed.pass(2 * SECOND);
    assert_eq!(feed.asked(), [""; 0]);
    assert_eq!(feed.received(), ["subscribed a", "live a"], "an older one again");
}

#[test]
fn a_publisher_that_restarts_with_its_ring_goes_on_counting_what_it_retires() {
    for (first_number, resyncs) in [(5, 0), (6, 1)] {
        let mut feed = away(5);
        feed.hello("a", 7, 2);
        feed.beat_with(7, 2, first_number);
        feed.pass(2 * SECOND);
        assert_eq!(feed.asked(), [""; 0]);
        assert_eq!(feed.received().last().map(String::as_str), Some("live a"));
        assert_eq!(feed.counter("resyncs"), resyncs, "{first_number}");
    }
}

#[test]
fn a_publisher_that_has_lost_its_ring_is_one_resync() {
    let mut feed = away(5);
    feed.forgets_lives = true;
    feed.hello("a", 7, 2);
    feed.beat_with(7, 2, 1);
    feed.pass(2 * SECOND);
    assert_eq!(feed.asked(), [""; 0]);
    assert_eq!(feed.received(), ["subscribed a", "resync all", "live a"]);
}

#[test]
fn an_application_that_restarts_goes_on_from_the_hello_that_it_heard_last() {
    for (first_number, resyncs) in [(5, 0), (6, 1)] {
        let before = away(5);
        let mut feed = Script::new(FeedOptions::default());
        feed.resume_all(&before);
        feed.register("a");
        feed.hello("a", 7, 1);
        assert_eq!(feed.received(), ["subscribed a"]);
        feed.beat_with(7, 1, first_number);
        assert_eq!(feed.received().last().map(String::as_str), Some("live a"));
        assert_eq!(feed.counter("resyncs"), resyncs, "{first_number}");
    }
}

#[test]
fn positions_that_are_saved_before_the_publisher_is_heard_keep_its_hello() {
    let mut between = Script::new(FeedOptions::default());
    between.resume_all(&away(5));
    let mut feed = Script::new(FeedOptions::default());
    feed.resume_all(&between);
    feed.hello("a", 7, 1);
    feed.beat_with(7, 1, 6);
    assert_eq!(feed.received(), ["subscribed a", "resync all", "live a"]);
}

#[test]
fn the_content_of_the_last_hello_is_remembered_as_long_as_positions_are() {
    let mut feed = away(1);
    feed.pass(300 * SECOND);
    feed.hello("a", 7, 1);
    feed.beat_with(7, 1, 2);
    assert_eq!(feed.received(), ["subscribed a", "resync all", "live a"]);
    feed.down("a");
    feed.pass(700 * SECOND);
    feed.hello("a", 7, 1);
    feed.beat_with(7, 1, 2);
    assert_eq!(
        feed.received(),
        ["down a", "stale a", "subscribed a", "resync all", "live a"],
        "it is forgotten"
    );
}

#[test]
fn a_publisher_that_sends_another_hello_through_a_proxy_receives_the_same_request() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.hello("a", 8, 1);
    feed.beat_with(7, 1, 1);
    feed.beat_with(8, 1, 1);
    for _ in 0..6 {
        feed.beat_with(8, 1, 1);
    }
    assert_eq!(feed.received().last().map(String::as_str), Some("stale a"));
    feed.beat_with(7, 1, 2);
    assert_eq!(feed.received(), ["resync all", "live a"]);
}

/// A subscriber that is live at sequence 1 of the topic.
fn live() -> Script {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.beat_with(7, 1, 1);
    feed.data(7, 1, 1, "1");
    assert_eq!(feed.received(), ["subscribed a", "live a", "1"]);
    feed.pass(2 * SECOND);
    feed
}

#[test]
fn a_topic_of_which_nothing_is_missing_when_it_is_retired_is_forgotten_without_a_word() {
    let mut feed = live();
    feed.bye(7, 1, 1);
    assert_eq!((feed.received(), feed.asked()), (Vec::new(), Vec::new()));
    assert_eq!(feed.positions(), [at(1, 1)], "of the hello");
}

#[test]
fn a_topic_whose_last_event_was_lost_before_it_is_retired_is_a_resync_and_then_forgotten() {
    for (mut feed, position) in [(live(), "a D 1/1"), (away(1), "a D 1/0")] {
        if position == "a D 1/0" {
            feed.hello("a", 7, 1);
            feed.beat_with(7, 1, 1);
            feed.received();
        }
        feed.bye(7, 1, 2);
        feed.pass(SECOND);
        assert_eq!(
            (feed.received(), feed.asked()),
            (vec!["recovering D".to_owned()], vec![position.to_owned()])
        );
        feed.head("a", 7, SyncReplyKind::Unknown, at(1, 3));
        assert_eq!(feed.received(), ["resync D", "live D"]);
        assert_eq!(feed.positions(), [at(1, 1)], "of the hello");
        assert_eq!(feed.peers(), ["a live"]);
    }
}

#[test]
fn a_topic_that_returns_before_its_loss_is_settled_is_followed_on() {
    let mut feed = live();
    feed.bye(7, 1, 2);
    feed.data(7, 1, 5, "5");
    assert_eq!(feed.asked(), ["a D 1/1"]);
    feed.head("a", 7, SyncReplyKind::Unknown, at(1, 5));
    feed.data(7, 1, 6, "6");
    assert_eq!(feed.received(), ["recovering D", "resync D", "5", "live D", "6"]);
}

#[test]
fn a_gap_that_may_hide_a_bye_makes_the_next_hello_count() {
    for (first_number, received) in [(1, &["gap of 9"][..]), (2, &["gap of 9", "resync all"])] {
        let mut feed = live();
        feed.gap(9);
        feed.beat_with(7, 1, first_number);
        assert_eq!(feed.received(), received);
        assert_eq!(feed.peers(), ["a live"]);
    }
}

#[test]
fn a_topic_whose_last_event_was_lost_as_was_its_bye_is_a_resync_by_the_bye_that_is_repeated() {
    for (mut feed, position) in [(live(), "a D 1/1"), (away(1), "a D 1/0")] {
        if position == "a D 1/0" {
            feed.hello("a", 7, 1);
            feed.beat_with(7, 1, 1);
            feed.received();
        }
        feed.beat_with(7, 1, 3);
        feed.bye_again(7, 1, 2, 3);
        feed.pass(SECOND);
        assert_eq!(
            (feed.received(), feed.asked()),
            (vec!["recovering D".to_owned()], vec![position.to_owned()])
        );
        feed.head("a", 7, SyncReplyKind::Unknown, at(1, 3));
        assert_eq!(feed.received(), ["resync D", "live D"]);
        feed.bye_again(7, 1, 2, 3);
        feed.pass(SECOND);
        assert_eq!((feed.received(), feed.asked()), (Vec::new(), Vec::new()), "it is reported once");
    }
}

#[test]
fn a_bye_that_is_repeated_is_no_news_to_those_that_heard_it_or_came_later() {
    let mut heard = live();
    heard.bye(7, 1, 1);
    heard.beat_with(7, 1, 2);
    let mut newcomer = live();
    newcomer.bye_again(7, 1, 9, 1);
    let mut returned = away(1);
    returned.hello("a", 7, 1);
    returned.beat_with(7, 1, 2);
    assert_eq!(returned.received(), ["subscribed a", "resync all", "live a"]);
    let mut before_hello = Script::new(FeedOptions::default());
    before_hello.hello("a", 7, 1);
    before_hello.bye_again(7, 1, 1, 2);
    before_hello.beat_with(7, 1, 2);
    assert_eq!(before_hello.received(), ["subscribed a", "live a"]);
    for mut feed in [heard, newcomer, returned, before_hello] {
        feed.bye_again(7, 1, 1, 2);
        feed.pass(SECOND);
        assert_eq!((feed.received(), feed.asked()), (Vec::new(), Vec::new()));
    }
}

#[test]
fn an_application_that_restarts_takes_no_bye_of_before_for_news() {
    let mut feed = Script::new(FeedOptions::default());
    feed.resume_all(&away(3));
    feed.hello("a", 7, 1);
    feed.beat_with(7, 1, 3);
    feed.bye_again(7, 1, 2, 3);
    feed.pass(SECOND);
    assert_eq!(
        (feed.received(), feed.asked()),
        (vec!["subscribed a".to_owned(), "live a".to_owned()], Vec::new())
    );
}
