//! Several publishers on one link: a proxy in front of them.

use std::time::Duration;

use delivery::SyncReplyKind;
use delivery::subscriber::FeedOptions;

use crate::script::{Script, at};

const SECOND: Duration = Duration::from_secs(1);

/// Publishers 7 and 8 at one endpoint, each with one event.
fn both() -> Script {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("proxy", 7, 1);
    feed.hello("proxy", 8, 1);
    assert_eq!(feed.received(), ["subscribed proxy", "live proxy", "subscribed proxy"]);
    feed.data(7, 1, 1, "of 7");
    feed.data(8, 1, 1, "of 8");
    assert_eq!(feed.received(), ["of 7", "of 8"]);
    feed
}

#[test]
fn each_publisher_behind_a_link_is_followed() {
    let feed = both();
    assert_eq!(feed.peers(), ["proxy (0000000000000007) live", "proxy (0000000000000008) live"]);
    assert_eq!(feed.links(), [("proxy".to_owned(), 7), ("proxy".to_owned(), 8)]);
    let mut positions = feed.positions();
    positions.sort();
    assert_eq!(positions, [at(1, 1), at(1, 1)]);
}

#[test]
fn events_of_the_second_publisher_wait_for_its_hello() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("proxy", 7, 1);
    feed.data(8, 1, 1, "of 8");
    feed.received();
    feed.hello("proxy", 8, 1);
    assert_eq!(feed.received(), ["subscribed proxy", "of 8"]);
}

#[test]
fn a_gap_behind_a_proxy_is_reported_since_no_request_is_possible() {
    let mut feed = both();
    feed.pass(2 * SECOND);
    feed.data(8, 1, 3, "3");
    assert_eq!(
        (feed.received(), feed.asked()),
        (vec!["recovering D".to_owned()], vec!["proxy D 1/1".to_owned()])
    );
    feed.requests_refused("proxy");
    assert_eq!(feed.received(), ["gap of 1", "resync D", "3", "live D"]);
}

#[test]
fn a_reply_belongs_to_the_publisher_that_it_names() {
    let mut feed = both();
    feed.pass(2 * SECOND);
    feed.data(7, 1, 3, "7/3");
    feed.asked();
    feed.data(8, 1, 3, "8/3");
    feed.asked();
    feed.received();
    feed.replay("proxy", 8, 1, &[(1, 2, "8/2")], at(1, 2));
    feed.replay("proxy", 7, 1, &[(1, 2, "7/2")], at(1, 2));
    assert_eq!(feed.received(), ["8/2 replay", "8/3", "live D", "7/2 replay", "7/3", "live D"]);
}

/// A balancer that leads the connection for events to one service, and the one for requests to another.
#[test]
fn replies_of_another_publisher_soon_lead_to_a_gap() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("balancer", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.pass(2 * SECOND);
    feed.data(7, 1, 3, "3");
    feed.received();
    for _ in 0..3 {
        assert_eq!(feed.asked(), ["balancer D 1/1"]);
        feed.head("balancer", 8, SyncReplyKind::Unknown, at(1, 0));
        feed.pass(SECOND * 6 / 10);
    }
    assert_eq!(feed.received(), ["gap of 1", "resync D", "3", "live D"]);
    assert_eq!(feed.positions(), [at(1, 3)]);
}

#[test]
fn a_publisher_that_falls_silent_is_stale_while_the_other_continues_and_live_when_it_returns() {
    let mut feed = both();
    for _ in 0..3 {
        feed.beat(7, 1);
        feed.beat(8, 1);
    }
    (0..4).for_each(|_| feed.beat(7, 1));
    assert_eq!(feed.received(), [""; 0], "a hello may be late");
    (0..20).for_each(|_| feed.beat(7, 1));
    feed.data(7, 1, 2, "goes on");
    assert_eq!(feed.received(), ["stale proxy", "goes on"]);
    assert_eq!(feed.peers(), ["proxy (0000000000000007) live", "proxy (0000000000000008) stale"]);
    feed.beat(8, 1);
    feed.mark(8, 1, 1, None);
    assert_eq!(feed.received(), ["live proxy"]);
    (0..20).for_each(|_| feed.beat(8, 1));
    assert_eq!(feed.received(), ["stale proxy"]);
    feed.hello("proxy", 7, 2);
    feed.mark(7, 2, 2, Some(at(1, 2)));
    assert_eq!(feed.received(), ["subscribed proxy", "live proxy"], "it came back in another life");
}

#[test]
fn a_lone_publisher_is_judged_by_its_link_alone() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.hello("b", 8, 1);
    feed.received();
    (0..50).for_each(|_| feed.beat(7, 1));
    assert_eq!(feed.received(), [""; 0]);
}

#[test]
fn a_link_that_is_up_again_is_live_when_all_its_publishers_are() {
    let mut feed = both();
    feed.down("proxy");
    assert_eq!(feed.received(), ["down proxy", "stale proxy"]);
    feed.hello("proxy", 8, 1);
    feed.mark(8, 1, 1, None);
    assert_eq!(feed.received(), ["subscribed proxy"], "the other was not heard yet");
    feed.hello("proxy", 7, 1);
    feed.mark(7, 1, 1, None);
    assert_eq!(feed.received(), ["subscribed proxy", "live proxy"]);
}

#[test]
fn a_publisher_that_is_replaced_behind_a_proxy_causes_a_resync() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("proxy", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.down("proxy");
    feed.received();
    feed.hello("proxy", 9, 1);
    assert_eq!(feed.received(), ["subscribed proxy", "resync all", "live proxy"]);
    feed.hello("proxy", 7, 1);
    feed.mark(7, 1, 1, None);
    assert_eq!(feed.received(), ["subscribed proxy"], "it was there all the time, and joins");
    assert_eq!(feed.positions(), [at(1, 1)]);
}

#[test]
fn an_epoch_that_continues_beside_its_apparent_successor_is_a_duplicate_and_loses_nothing() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("proxy", 7, 1);
    feed.data(7, 1, 1, "first");
    feed.hello("proxy", 7, 2);
    feed.received();
    feed.beat(7, 1);
    feed.beat(7, 2);
    assert_eq!(feed.received(), [""; 0], "the proxy may still have held that hello");
    feed.data(7, 1, 2, "of the first");
    feed.beat(7, 1);
    feed.beat(7, 1);
    let received = feed.received();
    assert!(received.contains(&"duplicate proxy".to_owned()), "{received:?}");
    feed.data(7, 1, 3, "and on");
    feed.pass(2 * SECOND);
    assert!(!feed.asked().is_empty(), "of the first life, what came before is asked for");
    feed.head("proxy", 7, SyncReplyKind::Unknown, at(1, 3));
    feed.requests_refused("proxy");
    let received = feed.received();
    let place = |word: &str| received.iter().position(|received| received == word);
    assert!(
        place("resync D") < place("of the first") && place("of the first") < place("and on"),
        "{received:?}"
    );
}
