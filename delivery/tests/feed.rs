//! What a subscriber is told, case by case: links, lives of publishers, gaps, answers.

#[cfg(test)]
#[path = "feed/broker.rs"]
mod broker;
#[cfg(test)]
#[path = "feed/links.rs"]
mod links;
#[cfg(test)]
#[path = "feed/many_topics.rs"]
mod many_topics;
#[cfg(test)]
#[path = "feed/proxies.rs"]
mod proxies;
#[cfg(test)]
#[path = "feed/recovery.rs"]
mod recovery;
#[cfg(test)]
#[path = "feed/script.rs"]
mod script;

use std::time::Duration;

use delivery::subscriber::{BufferLimit, FeedOptions};
use delivery::{AnswerKind, Position};
#[cfg(test)]
use script::{Script, at};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_stream_that_is_seen_from_number_1_is_live_without_a_word() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    assert_eq!(feed.told(), ["subscribed a", "live a"]);
    feed.data(7, 1, 1, "x");
    feed.data(7, 1, 2, "y");
    assert_eq!(feed.told(), ["x", "y"]);
    assert_eq!(feed.asked(), [""; 0]);
    assert_eq!(feed.positions(), [at(1, 2)]);
}

#[test]
fn what_comes_before_the_hello_of_its_publisher_waits_for_it() {
    let mut feed = Script::new(FeedOptions::default());
    feed.data(7, 1, 1, "x");
    feed.data(8, 1, 1, "other");
    assert_eq!(feed.told(), [""; 0]);
    feed.hello("a", 7, 1);
    assert_eq!(feed.told(), ["subscribed a", "x", "live a"]);
}

#[test]
fn a_gap_is_told_asked_for_and_filled_in_order() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.pass(2 * SECOND);
    feed.told();
    feed.data(7, 1, 4, "4");
    assert_eq!(feed.told(), ["recovering D"]);
    assert_eq!(feed.asked(), ["a D 1/1"]);
    feed.data(7, 1, 5, "5");
    feed.data(7, 1, 5, "5");
    assert_eq!(feed.told(), [""; 0], "nothing overtakes");
    assert_eq!(feed.asked(), [""; 0], "one request at a time");
    feed.replay("a", 7, 1, &[(1, 2, "2"), (1, 3, "3")], at(1, 3));
    assert_eq!(feed.told(), ["2 replay", "3 replay", "4", "5", "live D"]);
    assert_eq!(feed.counter("events_duplicate"), 1);
}

#[test]
fn a_lost_tail_is_learnt_from_the_mark() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.pass(2 * SECOND);
    feed.mark(7, 1, 1, None);
    feed.told();
    feed.mark(7, 1, 2, None);
    assert_eq!(feed.told(), ["recovering D"]);
    assert_eq!(feed.asked(), ["a D 1/1"]);
    feed.replay("a", 7, 1, &[(1, 2, "2")], at(1, 2));
    assert_eq!(feed.told(), ["2 replay", "live D"]);
}

#[test]
fn a_late_joiner_gets_a_snapshot_and_then_what_came_meanwhile() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.pass(2 * SECOND);
    feed.mark(7, 1, 50, None);
    assert_eq!(feed.asked(), ["a D 1/0"]);
    feed.data(7, 1, 51, "51");
    feed.data(7, 1, 52, "52");
    feed.told();
    feed.snapshot("a", 7, 1, &[(1, 9, "old"), (1, 51, "51")], at(1, 51));
    assert_eq!(feed.told(), ["snapshot of 2", "52", "live D"]);
    assert_eq!(feed.positions(), [at(1, 52)]);
}

#[test]
fn a_lost_link_is_stale_once_and_live_once() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.told();
    feed.down("a");
    assert_eq!(feed.told(), ["down a", "stale a"]);
    feed.hello("a", 7, 1);
    assert_eq!(feed.told(), ["subscribed a"]);
    feed.mark(7, 1, 1, None);
    assert_eq!(feed.told(), ["live a"]);
    feed.pass(3 * SECOND);
    assert_eq!(feed.asked(), [""; 0]);
}

#[test]
fn a_restart_that_remembers_costs_no_request() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.down("a");
    feed.told();
    // The mark to a new subscriber comes before the hello, and waits for that.
    feed.mark(7, 2, 1, Some(at(1, 1)));
    feed.data(7, 2, 2, "2");
    feed.hello("a", 7, 2);
    assert_eq!(feed.told(), ["subscribed a", "live a", "2"]);
    feed.pass(3 * SECOND);
    assert_eq!(feed.asked(), [""; 0]);
    assert_eq!(feed.positions(), [at(2, 2)]);
}

#[test]
fn a_restart_that_has_forgotten_is_asked_and_means_resync() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.down("a");
    feed.hello("a", 7, 2);
    feed.told();
    feed.pass(SECOND + SECOND / 10);
    assert_eq!(feed.told(), ["recovering D"], "no mark came: the topic is doubted");
    assert_eq!(feed.asked(), ["a D 1/1"]);
    feed.head("a", 7, AnswerKind::Unknown, at(2, 0));
    assert_eq!(feed.told(), ["resync D", "live D", "live a"]);
    feed.data(7, 2, 1, "new");
    assert_eq!(feed.told(), ["new"]);
}

/// A publisher that has lost its ring, and publishes at once.
#[test]
fn what_is_published_right_after_a_ring_was_lost_follows_the_resync_and_is_not_dropped() {
    let lost = || {
        let mut feed = Script::new(FeedOptions::default());
        feed.hello("a", 7, 1);
        (1..=5).for_each(|number| feed.data(7, 1, number, "old"));
        feed.down("a");
        feed.hello("a", 7, 2);
        feed.told();
        feed
    };
    let mut before = lost();
    before.data(7, 2, 1, "new 1");
    before.data(7, 2, 2, "new 2");
    before.pass(SECOND + SECOND / 10);
    assert_eq!(before.asked(), ["a D 1/5"]);
    before.head("a", 7, AnswerKind::Unknown, at(2, 3));
    assert_eq!(before.told(), ["recovering D", "resync D", "new 1", "new 2", "live D"]);
    before.data(7, 2, 3, "new 3");
    assert_eq!(before.told(), ["new 3"], "it was numbered before the answer, and came after it");
    assert_eq!((before.asked(), before.told()), (vec![], vec!["live a".to_owned()]));

    let mut after = lost();
    after.pass(SECOND + SECOND / 10);
    after.told();
    assert_eq!(after.asked(), ["a D 1/5"]);
    after.head("a", 7, AnswerKind::Unknown, at(2, 3));
    assert_eq!(after.told(), ["resync D", "live D", "live a"]);
    assert_eq!(after.positions(), Vec::new(), "nothing of this life was applied");
    after.data(7, 2, 2, "new 2");
    after.data(7, 2, 2, "new 2");
    after.data(7, 2, 3, "new 3");
    after.data(7, 2, 4, "new 4");
    assert_eq!(after.told(), ["new 2", "new 3", "new 4"]);
    assert_eq!((after.positions(), after.asked()), (vec![at(2, 4)], Vec::<String>::new()));
}

#[test]
fn the_event_that_revives_a_retired_topic_follows_the_resync() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "v1");
    feed.pass(2 * SECOND);
    feed.told();
    // Its publisher has forgotten the topic, and numbers it above all that any had.
    feed.data(7, 1, 101, "v2");
    assert_eq!((feed.told(), feed.asked()), (vec!["recovering D".to_owned()], vec!["a D 1/1".to_owned()]));
    feed.head("a", 7, AnswerKind::Unknown, at(1, 101));
    assert_eq!(feed.told(), ["resync D", "v2", "live D"]);
    feed.data(7, 1, 102, "v3");
    assert_eq!((feed.told(), feed.positions()), (vec!["v3".to_owned()], vec![at(1, 102)]));
}

#[test]
fn what_a_full_buffer_dropped_before_the_resync_is_asked_for_once_more_and_never_for_ever() {
    let buffer = BufferLimit { events: 2, bytes: usize::MAX };
    let mut feed = Script::new(FeedOptions { buffer, ..FeedOptions::default() });
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "old");
    feed.down("a");
    feed.hello("a", 7, 2);
    (1..=4).for_each(|number| feed.data(7, 2, number, "new"));
    feed.pass(SECOND + SECOND / 10);
    feed.told();
    assert_eq!(feed.asked(), ["a D 1/1"]);
    feed.head("a", 7, AnswerKind::Unknown, at(2, 4));
    assert_eq!(feed.told(), ["resync D"]);
    assert_eq!(feed.asked(), ["a D 2/0"], "1 to 3 came, and had no room");
    feed.head("a", 7, AnswerKind::Unknown, at(2, 4));
    assert_eq!(feed.told(), ["resync D", "new", "live D", "live a"]);
}

#[test]
fn the_mark_that_reaches_what_a_resync_stands_for_ends_the_wait() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "old");
    feed.down("a");
    feed.hello("a", 7, 2);
    feed.pass(SECOND + SECOND / 10);
    feed.asked();
    feed.told();
    feed.head("a", 7, AnswerKind::Unknown, at(2, 3));
    feed.mark(7, 2, 2, None);
    feed.mark(7, 2, 3, None);
    assert_eq!(feed.told(), ["resync D", "live D", "live a"]);
    assert_eq!((feed.positions(), feed.asked()), (vec![at(2, 3)], Vec::<String>::new()));
    feed.mark(7, 2, 4, None);
    assert_eq!(feed.asked(), ["a D 2/3"]);
}

#[test]
fn what_was_on_its_way_after_a_resync_is_asked_for_when_its_link_breaks() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "old");
    feed.down("a");
    feed.hello("a", 7, 2);
    feed.pass(SECOND + SECOND / 10);
    feed.asked();
    feed.head("a", 7, AnswerKind::Unknown, at(2, 3));
    feed.down("a");
    feed.hello("a", 7, 2);
    feed.mark(7, 2, 3, None);
    feed.pass(SECOND + SECOND / 10);
    assert_eq!(feed.asked(), ["a D 2/0"]);
}

#[test]
fn what_came_in_an_answer_that_broke_off_is_not_applied_again_when_the_rest_is_given_up() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.pass(2 * SECOND);
    feed.data(7, 1, 3, "3");
    feed.data(7, 1, 6, "6");
    feed.told();
    feed.asked();
    feed.head("a", 7, AnswerKind::Replay { count: 4 }, at(1, 5));
    feed.part("a", 7, 1, 2, "2");
    feed.part("a", 7, 1, 3, "3");
    feed.requests_refused("a");
    assert_eq!(feed.told(), ["2 replay", "3 replay", "gap of 2", "resync D", "6", "live D"]);
}

#[test]
fn an_answer_that_the_stream_has_overtaken_sets_nothing_back() {
    for kind in [AnswerKind::Unknown, AnswerKind::Snapshot { count: 0, since: 1 }] {
        let mut feed = Script::new(FeedOptions::default());
        feed.hello("a", 7, 1);
        feed.data(7, 1, 1, "1");
        feed.pass(2 * SECOND);
        feed.data(7, 1, 3, "3");
        assert_eq!(feed.asked(), ["a D 1/1"]);
        feed.data(7, 1, 2, "2");
        feed.data(7, 1, 4, "4");
        feed.data(7, 1, 6, "6");
        feed.told();
        feed.head("a", 7, kind, at(1, 3));
        assert_eq!((feed.told(), feed.positions()), (vec![], vec![at(1, 4)]));
        assert_eq!(feed.asked(), ["a D 1/4"]);
    }
}

#[test]
fn an_epoch_from_a_clock_that_went_back_is_believed_if_nobody_else_claims_the_id() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 9);
    feed.data(7, 9, 1, "1");
    feed.down("a");
    feed.hello("a", 7, 3);
    feed.mark(7, 3, 1, Some(at(9, 1)));
    feed.told();
    feed.data(7, 3, 2, "2");
    assert_eq!(feed.told(), ["2"]);
}

#[test]
fn two_live_publishers_of_one_id_are_told_once_and_followed_apart() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.hello("b", 7, 2);
    assert_eq!(feed.told(), ["subscribed a", "live a", "subscribed b", "duplicate a b", "live b"]);
    for number in 1..4 {
        feed.data(7, 1, number, "of a");
        feed.data(7, 2, number, "of b");
    }
    assert_eq!(feed.told(), ["of a", "of b"].repeat(3));
    feed.mark(7, 2, 4, None);
    feed.pass(SECOND);
    assert_eq!(feed.asked(), ["b D 2/3"]);
    feed.down("b");
    feed.hello("b", 7, 5);
    assert_eq!(
        feed.told().last().map(String::as_str),
        Some("duplicate a b"),
        "told again when it comes back"
    );
}

#[test]
fn one_publisher_behind_two_addresses_is_one() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.hello("b", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.data(7, 1, 1, "1");
    feed.down("a");
    assert_eq!(feed.told(), ["subscribed a", "live a", "subscribed b", "1", "down a"]);
    feed.mark(7, 1, 2, None);
    feed.pass(SECOND);
    assert_eq!(feed.asked(), ["b D 1/1"], "who is left is asked");
}

#[test]
fn where_nobody_can_be_asked_a_gap_is_told_and_the_stream_goes_on() {
    let mut feed = Script::new(FeedOptions { asks: false, ..FeedOptions::default() });
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.told();
    feed.data(7, 1, 4, "4");
    assert_eq!(feed.told(), ["recovering D", "gap of 2", "resync D", "4", "live D"]);
    feed.mark(7, 1, 5, None);
    assert_eq!(feed.told(), ["recovering D", "gap of 1", "resync D", "live D"]);
}

#[test]
fn a_publisher_that_takes_no_requests_is_asked_once_a_link() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.pass(2 * SECOND);
    feed.data(7, 1, 3, "3");
    assert_eq!(feed.told(), ["subscribed a", "live a", "recovering D"]);
    assert_eq!(feed.asked(), ["a D 1/0"]);
    feed.requests_refused("a");
    assert_eq!(feed.told(), ["gap of 2", "resync D", "3", "live D"]);
    feed.data(7, 1, 5, "5");
    assert_eq!(feed.told(), ["recovering D", "gap of 1", "resync D", "5", "live D"]);
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
fn who_is_busy_is_asked_again_later() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.pass(2 * SECOND);
    feed.mark(7, 1, 5, None);
    assert_eq!(feed.asked(), ["a D 1/0"]);
    feed.head("a", 7, AnswerKind::Busy { retry_after: SECOND }, at(1, 5));
    feed.pass(SECOND / 2);
    assert_eq!(feed.asked(), [""; 0]);
    feed.pass(2 * SECOND);
    assert_eq!(feed.asked(), ["a D 1/0"]);
}

#[test]
fn a_request_that_nobody_answers_is_repeated_ever_later_and_then_given_up() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.pass(2 * SECOND);
    feed.told();
    feed.data(7, 1, 3, "3");
    let mut requests = feed.asked().len();
    for _ in 0..29 {
        feed.pass(SECOND);
        requests += feed.asked().len();
    }
    assert!((4..=6).contains(&requests), "after 2, 4, 8, 16 s and a jitter: {requests}");
    feed.pass(2 * SECOND);
    assert_eq!(feed.told(), ["recovering D", "gap of 1", "resync D", "3", "live D"]);
}

#[test]
fn late_answers_and_those_of_others_change_nothing() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.pass(2 * SECOND);
    feed.data(7, 1, 3, "3");
    feed.told();
    assert_eq!(feed.asked().len(), 1);
    feed.replay("b", 7, 1, &[(1, 2, "of nobody")], at(1, 2));
    feed.replay_to(99, "a", 7, &[(1, 2, "unasked")], at(1, 2));
    feed.replay("a", 7, 0, &[(0, 2, "of an earlier life")], at(0, 2));
    assert_eq!(feed.told(), [""; 0]);
    feed.replay("a", 7, 1, &[(1, 2, "2")], at(1, 2));
    assert_eq!(feed.told(), ["2 replay", "3", "live D"]);
    feed.replay("a", 7, 1, &[(1, 2, "2")], at(1, 2));
    assert_eq!(feed.told(), [""; 0]);
}

#[test]
fn an_answer_that_breaks_off_is_asked_for_again_and_nothing_is_half_applied() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.pass(2 * SECOND);
    feed.mark(7, 1, 9, None);
    feed.asked();
    feed.told();
    feed.head("a", 7, AnswerKind::Snapshot { count: 2, since: 1 }, at(1, 9));
    feed.part("a", 7, 1, 3, "row");
    feed.request_lost("a");
    assert_eq!(feed.told(), [""; 0]);
    feed.pass(2 * SECOND);
    assert_eq!(feed.asked(), ["a D 1/0"]);
    feed.snapshot("a", 7, 1, &[(1, 3, "row")], at(1, 9));
    assert_eq!(feed.told(), ["snapshot of 1", "live D"]);
}

#[test]
fn a_replayed_event_that_cannot_be_read_is_a_loss_and_no_loop() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.pass(2 * SECOND);
    feed.data(7, 1, 3, "3");
    feed.told();
    feed.asked();
    feed.head("a", 7, AnswerKind::Replay { count: 1 }, at(1, 2));
    feed.junk_part("a");
    assert_eq!(feed.told(), ["gap of 1", "resync D", "3", "live D"]);
}

#[test]
fn a_record_of_a_loss_takes_its_number_and_is_told_at_its_place() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.lost(7, 1, 2, 3);
    feed.data(7, 1, 3, "3");
    assert_eq!(feed.told(), ["subscribed a", "live a", "1", "gap of 3", "resync D", "3"]);
    assert_eq!(feed.counter("events_missed"), 3);
}

#[test]
fn what_waits_is_bounded_and_asked_for_again() {
    let buffer = BufferLimit { events: 3, bytes: usize::MAX };
    let mut feed = Script::new(FeedOptions { buffer, ..FeedOptions::default() });
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.pass(2 * SECOND);
    for number in 3..9 {
        feed.data(7, 1, number, "x");
    }
    feed.told();
    feed.asked();
    assert_eq!(feed.counter("events_to_be_asked_for_again"), 4);
    feed.replay("a", 7, 1, &[(1, 2, "2")], at(1, 2));
    assert_eq!(feed.told(), ["2 replay"]);
    assert_eq!(feed.asked(), ["a D 1/2"], "3 to 6 are to be had from the publisher");
    feed.replay("a", 7, 1, &[(1, 3, "3"), (1, 4, "4"), (1, 5, "5"), (1, 6, "6")], at(1, 6));
    assert_eq!(feed.told(), ["3 replay", "4 replay", "5 replay", "6 replay", "x", "x", "live D"]);
}

#[test]
fn an_application_that_saved_its_position_goes_on_there() {
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
    feed.resume(7, Position { epoch: 1, number: 5 });
    feed.hello("a", 7, 1);
    feed.told();
    feed.data(7, 1, 6, "6");
    assert_eq!(feed.told(), ["6", "live a"], "the next one proves that nothing is missing");
}

#[test]
fn an_event_numbered_0_is_refused_and_nothing_follows_the_highest_number() {
    let mut feed = Script::new(FeedOptions { asks: false, ..FeedOptions::default() });
    feed.hello("a", 7, 1);
    feed.data(7, 1, u64::MAX, "last");
    feed.data(7, 1, 0, "none");
    feed.data(7, 1, u64::MAX, "again");
    let told = feed.told();
    assert!(told.iter().any(|told| told == "last") && !told.iter().any(|told| told == "none"), "{told:?}");
    assert_eq!((feed.counter("events_dropped"), feed.counter("events_duplicate")), (1, 1));
    feed.hello("a", 7, 2);
    feed.data(7, 2, 0, "none");
    feed.data(7, 2, 1, "first");
    assert!(feed.told().contains(&"first".to_owned()));
    assert_eq!(feed.counter("events_dropped"), 2);
}

#[test]
fn a_publisher_that_numbers_nothing_is_given_as_it_comes() {
    let mut feed = Script::new(FeedOptions::default());
    feed.unstamped("x");
    assert_eq!(feed.told(), ["x unverified"]);
    assert_eq!(feed.counter("events_unverified"), 1);
}

#[test]
fn topics_of_which_nothing_is_heard_for_long_are_forgotten() {
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
    assert_eq!(feed.told(), ["subscribed a", "live a", "x", "x", "x", "x", "x", "x"]);
    assert_eq!((feed.asked().len(), feed.positions()), (0, vec![at(1, 6)]));
}

/// docs/guarantees.md#f48: what was missed is asked for; after ten minutes the position is forgotten, and all of it is.
#[test]
fn who_was_suspended_asks_for_what_it_missed() {
    for (seconds, asked) in [(590, "a D 1/1"), (700, "a D 1/0")] {
        let mut feed = Script::new(FeedOptions::default());
        feed.hello("a", 7, 1);
        feed.data(7, 1, 1, "1");
        feed.pass(2 * SECOND);
        feed.told();
        feed.jump(seconds * SECOND);
        assert_eq!(feed.told(), [""; 0], "silence alone is no loss");
        feed.data(7, 1, 4, "4");
        assert_eq!(feed.told(), ["recovering D"]);
        assert_eq!(feed.asked(), [asked], "after {seconds} s");
        feed.replay("a", 7, 1, &[(1, 2, "2"), (1, 3, "3")], at(1, 3));
        let replayed = ["2 replay", "3 replay", "4", "live D"];
        assert_eq!(
            feed.told(),
            if seconds < 600 { &replayed[..] } else { &[] },
            "a replay from the beginning was due"
        );
    }
}
