//! An application that cannot keep what it receives is not live until it can, and then requests what it has not kept.

use std::collections::HashSet;

use delivery::SyncReplyKind;
use delivery::subscriber::FeedOptions;
use pubsub_api::{SEND_ALL, Topic};

use crate::SECOND;
use crate::script::{Script, at};

/// Live at sequence 2 of the topic.
fn live() -> Script {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.data(7, 1, 2, "2");
    feed.pass(2 * SECOND);
    assert_eq!(feed.received(), ["subscribed a", "live a", "1", "2"]);
    feed
}

fn topics(names: &[&str]) -> HashSet<Topic> {
    names.iter().map(|name| Topic::new((*name).to_owned()).unwrap()).collect()
}

#[test]
fn while_the_application_cannot_keep_what_it_receives_nothing_is_live() {
    let mut feed = live();
    feed.suspend_live("full");
    assert_eq!(feed.received(), ["stale a"]);
    assert_eq!(feed.peers(), ["a suspended"]);
    feed.suspend_live("full");
    feed.data(7, 1, 3, "3");
    feed.mark(7, 1, 3, None);
    feed.down("a");
    feed.hello("a", 7, 1);
    feed.mark(7, 1, 3, None);
    assert_eq!(feed.received(), ["3", "down a", "subscribed a"], "no second stale, and no live");
    assert_eq!(feed.peers(), ["a suspended"]);
}

#[test]
fn topics_that_were_not_kept_are_requested_from_their_beginning_before_live() {
    let mut feed = live();
    feed.suspend_live("full");
    feed.received();
    feed.request_again(Some(&topics(&["D"])));
    feed.pass(SECOND);
    assert_eq!(
        (feed.received(), feed.asked()),
        (vec!["recovering D".to_owned()], vec!["a D 1/0".to_owned()])
    );
    feed.head("a", 7, SyncReplyKind::Unknown, at(1, 2));
    assert_eq!(feed.received(), ["resync D", "live D", "live a"]);
    feed.data(7, 1, 3, "3");
    assert_eq!(feed.received(), ["3"]);
}

#[test]
fn without_a_topic_to_request_the_application_is_live_at_once() {
    let mut feed = live();
    feed.suspend_live("full");
    feed.received();
    feed.request_again(Some(&topics(&[])));
    assert_eq!((feed.received(), feed.asked()), (vec!["live a".to_owned()], Vec::new()));
}

#[test]
fn a_topic_that_no_publisher_can_be_asked_for_is_a_resync() {
    let mut feed = live();
    feed.suspend_live("full");
    feed.received();
    feed.request_again(Some(&topics(&["of-no-publisher"])));
    assert_eq!(feed.received(), ["live a", "resync of-no-publisher"]);
}

#[test]
fn a_link_that_is_down_when_there_is_room_again_requests_when_it_returns() {
    let mut feed = live();
    feed.suspend_live("full");
    feed.down("a");
    feed.request_again(Some(&topics(&[SEND_ALL.as_str()])));
    assert_eq!(
        (feed.received(), feed.asked()),
        (vec!["stale a".to_owned(), "down a".to_owned()], Vec::new())
    );
    feed.hello("a", 7, 1);
    feed.pass(2 * SECOND);
    assert_eq!(feed.asked(), ["a D 1/0"]);
}

#[test]
fn a_broker_whose_application_cannot_keep_what_it_receives_is_not_live() {
    let options =
        FeedOptions { introduction: delivery::subscriber::Introduction::ByBroker, ..FeedOptions::default() };
    let mut feed = Script::new(options);
    feed.subscribed("b");
    assert_eq!(feed.received(), ["subscribed b", "live b"]);
    feed.suspend_live("full");
    feed.down("b");
    feed.subscribed("b");
    assert_eq!(feed.received(), ["stale b", "down b", "subscribed b"]);
    assert_eq!(feed.peers(), ["b suspended"]);
    feed.request_again(Some(&topics(&["D"])));
    assert_eq!(feed.received(), ["resync D", "live b"]);
}
