//! Where a link leads to: to another publisher than before, or to one that was forgotten.

use std::time::Duration;

use delivery::SyncReplyKind;
use delivery::subscriber::FeedOptions;

use crate::script::{Script, at};

const SECOND: Duration = Duration::from_secs(1);

fn feed() -> Script {
    Script::new(FeedOptions::default())
}

#[test]
fn a_link_that_leads_to_another_publisher_causes_a_resync_before_it_is_live() {
    let mut feed = feed();
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "of 7");
    feed.down("a");
    feed.received();
    feed.data(8, 1, 1, "of 8");
    feed.hello("a", 8, 1);
    assert_eq!(feed.received(), ["subscribed a", "resync all", "of 8", "live a"]);
    assert_eq!(feed.peers(), ["a live"], "the former one is not missed any more");
    feed.down("a");
    feed.hello("a", 8, 2);
    feed.pass(SECOND + SECOND / 10);
    feed.asked();
    assert!(!feed.received().contains(&"resync all".to_owned()), "another life is no other publisher");
}

#[test]
fn also_where_nothing_was_published_yet() {
    let mut feed = feed();
    feed.hello("a", 7, 1);
    feed.down("a");
    feed.received();
    feed.hello("a", 8, 1);
    assert_eq!(feed.received(), ["subscribed a", "resync all", "live a"]);
}

#[test]
fn a_former_publisher_continues_when_the_link_leads_to_it_again() {
    let mut feed = feed();
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.down("a");
    feed.hello("a", 8, 1);
    feed.down("a");
    feed.received();
    feed.hello("a", 7, 1);
    feed.mark(7, 1, 3, None);
    feed.pass(SECOND);
    assert_eq!(feed.received(), ["subscribed a", "resync all", "recovering D"]);
    assert_eq!(feed.asked(), ["a D 1/1"]);
    feed.replay("a", 7, 1, &[(1, 2, "2"), (1, 3, "3")], at(1, 3));
    assert_eq!(feed.received(), ["2 replay", "3 replay", "live D", "live a"]);
}

#[test]
fn a_publisher_that_moved_to_another_link_is_missed_nowhere() {
    let mut feed = feed();
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.hello("b", 8, 1);
    feed.down("a");
    feed.down("b");
    feed.received();
    feed.hello("b", 7, 1);
    assert_eq!(feed.received(), ["subscribed b", "resync all"], "8 is nowhere");
    feed.mark(7, 1, 1, None);
    feed.hello("a", 8, 1);
    assert_eq!(feed.received(), ["live b", "subscribed a", "live a"], "7 is at b");
}

#[test]
fn saved_links_that_lead_to_another_publisher_cause_a_resync() {
    let mut before = feed();
    before.register("a");
    before.hello("a", 7, 1);
    before.data(7, 1, 5, "5");
    assert_eq!(before.links(), [("a".to_owned(), 7)]);
    for (publisher, received) in
        [(7, vec!["subscribed a"]), (8, vec!["subscribed a", "resync all", "live a"])]
    {
        let mut feed = feed();
        feed.resume(7, at(1, 5));
        feed.resume_link("a", 7);
        feed.register("a");
        feed.hello("a", publisher, 1);
        assert_eq!(feed.received(), received);
        feed.pass(60 * SECOND);
        assert!(!feed.received().contains(&"resync all".to_owned()), "once is enough");
    }
}

#[test]
fn saved_positions_of_publishers_without_a_link_are_reported_after_half_a_minute() {
    let resync = |registered: &str| {
        let mut feed = feed();
        feed.resume(7, at(1, 5));
        feed.resume_link("a", 7);
        feed.register(registered);
        feed.pass(31 * SECOND);
        feed.received()
    };
    assert_eq!(resync("b"), ["resync all"]);
    assert_eq!(resync("a"), [""; 0], "it may still come: its link is not live");
}

#[test]
fn a_publisher_that_returns_after_its_positions_were_forgotten_causes_a_resync() {
    let mut feed = feed();
    feed.register("a");
    feed.hello("a", 7, 1);
    feed.data(7, 1, 5, "5");
    feed.received();
    feed.asked();
    feed.down("a");
    feed.pass(15 * 60 * SECOND);
    assert_eq!((feed.positions(), feed.received().len()), (vec![], 2));
    // It has lost its ring meanwhile, and with it the topic: no mark comes.
    feed.hello("a", 7, 2);
    assert_eq!(feed.received(), ["subscribed a", "resync all", "live a"]);
    feed.pass(2 * SECOND);
    assert_eq!(feed.received(), [""; 0]);
}

#[test]
fn a_suspension_after_which_all_was_forgotten_causes_a_resync_when_the_link_is_up_again() {
    let mut feed = feed();
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.pass(2 * SECOND);
    feed.jump(900 * SECOND);
    feed.down("a");
    feed.received();
    feed.hello("a", 7, 2);
    assert_eq!(feed.received(), ["subscribed a", "resync all", "live a"]);
}

#[test]
fn an_epoch_that_begins_while_the_link_is_up_confirms_each_topic_again() {
    let mut feed = feed();
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.received();
    feed.hello("a", 7, 2);
    feed.pass(SECOND + SECOND / 10);
    assert_eq!(feed.received(), ["subscribed a", "stale a", "recovering D"]);
    feed.asked();
    feed.head("a", 7, SyncReplyKind::Unknown, at(2, 0));
    assert_eq!(feed.received(), ["resync D", "live D", "live a"]);
}

/// A publisher whose ring is lost while its link is broken, with events on topics that nobody has heard of.
#[test]
fn an_epoch_that_does_not_remember_the_one_before_causes_a_resync_of_all_before_it_is_live() {
    for (forgets_lives, received) in [(true, vec!["resync all", "live a"]), (false, vec!["live a"])] {
        let mut feed = Script::new(FeedOptions::default());
        feed.forgets_lives = forgets_lives;
        feed.hello("a", 7, 1);
        feed.down("a");
        feed.hello("a", 7, 2);
        assert_eq!(feed.received().last().map(String::as_str), Some("subscribed a"), "it is not live yet");
        feed.pass(SECOND + SECOND / 10);
        assert_eq!(feed.asked(), [""; 0]);
        assert_eq!(feed.received(), received);
        assert_eq!(feed.positions(), vec![]);
    }
}

#[test]
fn one_resync_covers_all_topics_of_an_epoch_that_is_not_remembered() {
    let mut feed = Script::new(FeedOptions::default());
    feed.forgets_lives = true;
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.down("a");
    feed.hello("a", 7, 2);
    feed.received();
    feed.pass(SECOND + SECOND / 10);
    assert_eq!(feed.asked(), ["a D 1/1"]);
    feed.head("a", 7, SyncReplyKind::Unknown, at(2, 1));
    assert_eq!(feed.received(), ["recovering D", "resync all", "live D", "live a"]);
    feed.data(7, 2, 1, "new");
    assert_eq!(feed.received(), ["new"]);
}

#[test]
fn without_requests_another_epoch_causes_a_resync_unless_a_mark_shows_that_it_remembers() {
    let restarted = || {
        let mut feed = Script::new(FeedOptions { asks: false, ..FeedOptions::default() });
        feed.hello("a", 7, 1);
        feed.data(7, 1, 1, "1");
        feed.down("a");
        feed.hello("a", 7, 2);
        feed.received();
        feed
    };
    let mut feed = restarted();
    feed.mark(7, 2, 1, Some(at(1, 1)));
    assert_eq!(feed.received(), ["live a"]);
    let mut feed = restarted();
    feed.pass(12 * SECOND);
    assert_eq!(feed.received(), [""; 0], "its marks may still come");
    feed.pass(5 * SECOND);
    assert_eq!(feed.received(), ["resync all", "recovering D", "live D", "live a"]);
}

#[test]
fn events_that_wait_for_a_hello_that_never_arrives_are_delivered_as_unverified() {
    let mut feed = feed();
    feed.data(7, 1, 4, "4");
    feed.pass(29 * SECOND);
    assert_eq!(feed.received(), [""; 0]);
    feed.pass(10 * SECOND);
    assert_eq!(feed.received(), ["resync D", "4 unverified"]);
}

#[test]
fn a_publisher_with_too_many_topics_is_reported_and_not_live_until_there_is_room() {
    let mut feed = Script::new(FeedOptions { max_topics: 2, ..FeedOptions::default() });
    feed.hello("a", 7, 1);
    for topic in ["t1", "t2", "t3", "t3"] {
        feed.data_on(topic, 7, 1, 1);
    }
    feed.mark_on("t3", 7, 1, 1);
    assert_eq!(
        feed.received(),
        ["subscribed a", "live a", "t1", "t2", "t3 unverified", "stale a", "resync all", "t3 unverified"]
    );
    assert_eq!((feed.peers(), feed.counter("events_untracked")), (vec!["a overfull".to_owned()], 3));
    for _ in 0..70 {
        feed.pass(10 * SECOND);
        feed.mark_on("t1", 7, 1, 1);
        feed.mark_on("t3", 7, 1, 1);
    }
    // The topic t2 is forgotten, and its place serves t3: nothing comes any more of a topic that is not followed.
    let received = feed.received();
    assert_eq!(received.last().map(String::as_str), Some("live a"), "{received:?}");
    assert_eq!(received.iter().filter(|received| *received == "resync all").count(), 1, "{received:?}");
    assert_eq!(feed.peers(), ["a live"]);
}
