//! Lives of publishers that share an id, or an address.

use std::time::Duration;

use delivery::subscriber::FeedOptions;

use crate::script::{Script, at};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn an_epoch_from_a_clock_that_went_back_is_believed_if_nobody_else_claims_the_id() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 9);
    feed.data(7, 9, 1, "1");
    feed.down("a");
    feed.hello("a", 7, 3);
    feed.mark(7, 3, 1, Some(at(9, 1)));
    feed.received();
    feed.data(7, 3, 2, "2");
    assert_eq!(feed.received(), ["2"]);
}

#[test]
fn two_live_publishers_of_one_id_are_reported_once_and_followed_separately() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.hello("b", 7, 2);
    assert_eq!(feed.received(), ["subscribed a", "live a", "subscribed b", "duplicate a b", "live b"]);
    for number in 1..4 {
        feed.data(7, 1, number, "of a");
        feed.data(7, 2, number, "of b");
    }
    assert_eq!(feed.received(), ["of a", "of b"].repeat(3));
    feed.mark(7, 2, 4, None);
    feed.pass(SECOND);
    assert_eq!(feed.asked(), ["b D 2/3"]);
    feed.down("b");
    feed.hello("b", 7, 5);
    assert_eq!(
        feed.received().last().map(String::as_str),
        Some("duplicate a b"),
        "reported again when it returns"
    );
}

#[test]
fn one_publisher_at_two_addresses_is_followed_once() {
    let mut feed = Script::new(FeedOptions::default());
    feed.hello("a", 7, 1);
    feed.hello("b", 7, 1);
    feed.data(7, 1, 1, "1");
    feed.data(7, 1, 1, "1");
    feed.down("a");
    assert_eq!(feed.received(), ["subscribed a", "live a", "subscribed b", "1", "down a"]);
    feed.mark(7, 1, 2, None);
    feed.pass(SECOND);
    assert_eq!(feed.asked(), ["b D 1/1"], "the remaining one is asked");
}
