//! A name with several addresses: a link to each.

use delivery::subscriber::FeedOptions;

use crate::script::Script;

const NAME: &str = "tcp://name:1";
const ONE: &str = "tcp://name:1/192.0.2.1";
const TWO: &str = "tcp://name:1/192.0.2.2";
const THREE: &str = "tcp://name:1/192.0.2.3";

/// Publishers 7 and 8 at the addresses of a name.
fn both() -> Script {
    let mut feed = Script::new(FeedOptions::default());
    feed.register(NAME);
    for (endpoint, publisher) in [(ONE, 7), (TWO, 8)] {
        feed.address_added(endpoint);
        feed.hello(endpoint, publisher, 1);
        feed.data(publisher, 1, 1, "1");
    }
    feed.received();
    feed
}

#[test]
fn each_address_is_stale_and_live_for_itself() {
    let mut feed = both();
    assert_eq!(feed.links(), [(ONE.to_owned(), 7), (TWO.to_owned(), 8)]);
    feed.down(ONE);
    assert_eq!(feed.received(), [format!("down {ONE}"), format!("stale {ONE}")]);
    feed.data(8, 1, 2, "2");
    assert_eq!(feed.received(), ["2"]);
    assert_eq!(feed.peers(), [format!("{ONE} stale"), format!("{TWO} live")]);
    feed.hello(ONE, 7, 1);
    feed.mark(7, 1, 1, None);
    assert_eq!(feed.received(), [format!("subscribed {ONE}"), format!("live {ONE}")]);
}

#[test]
fn a_removed_address_causes_a_resync_if_its_publisher_is_heard_nowhere_else() {
    let mut feed = both();
    feed.down(ONE);
    feed.address_removed(ONE);
    let received =
        [format!("down {ONE}"), format!("stale {ONE}"), format!("removed {ONE}"), "resync all".to_owned()];
    assert_eq!(feed.received(), received);
    assert_eq!(feed.peers(), [format!("{TWO} live")], "it is not missed any more");
    assert_eq!(feed.links(), [(TWO.to_owned(), 8)]);
    feed.hello(ONE, 8, 1);
    feed.down(ONE);
    feed.received();
    feed.address_removed(ONE);
    assert_eq!(feed.received(), [format!("removed {ONE}")], "8 is heard at the other address");
}

#[test]
fn a_publisher_that_returns_at_another_address_continues_and_its_stale_topics_are_live() {
    let mut feed = both();
    feed.down(ONE);
    feed.received();
    feed.address_added(THREE);
    feed.hello(THREE, 7, 1);
    feed.mark(7, 1, 1, None);
    let received = [format!("subscribed {THREE}"), format!("live {THREE}"), format!("live {ONE}")];
    assert_eq!(feed.received(), [&[format!("added {THREE}")], &received[..]].concat());
    feed.data(7, 1, 2, "2");
    assert_eq!(feed.received(), ["2"]);
}

#[test]
fn a_name_that_was_never_reached_is_live_when_one_of_its_addresses_is() {
    let mut feed = Script::new(FeedOptions::default());
    feed.register(NAME);
    feed.address_added(ONE);
    feed.unreached(NAME);
    feed.received();
    feed.hello(ONE, 7, 1);
    assert_eq!(feed.received(), [format!("subscribed {ONE}"), format!("live {ONE}"), format!("live {NAME}")]);
    feed.down(ONE);
    feed.hello(ONE, 7, 1);
    feed.mark(7, 1, 1, None);
    assert!(!feed.received().contains(&format!("live {NAME}")), "that is reported once");
}

#[test]
fn a_name_that_is_unregistered_is_left_with_all_its_addresses() {
    let mut feed = both();
    feed.unregister(NAME);
    assert_eq!(feed.received(), [format!("stale {ONE}"), format!("stale {TWO}")]);
    assert!(feed.links().is_empty());
    feed.address_added(ONE);
    assert!(feed.links().is_empty(), "what was on its way changes nothing");
}
