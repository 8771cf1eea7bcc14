//! Faults of links.

use faulty_driver::{Faults, FaultyNetwork};

use crate::node::{Heard, Node, endpoint, millis, pair};

#[tokio::test(start_paused = true)]
async fn a_partition_is_silent_in_both_directions_until_it_heals() {
    let network = FaultyNetwork::mesh(1);
    let (one, two) = pair(&network).await;
    let three = Node::start(&*network.node("three"), &["one", "two"]).await;
    network.partition(&["one"], &["two"]);
    one.say(1).await;
    two.say(2).await;
    assert_eq!((one.hear().await, two.hear().await), (Vec::new(), Vec::new()));
    assert_eq!(three.numbers().await, [1, 2], "it is on both sides");
    assert_eq!(network.count("cut"), 2);
    network.heal();
    one.say(3).await;
    two.say(4).await;
    assert_eq!((one.numbers().await, two.numbers().await), (vec![4], vec![3]));
}

#[tokio::test(start_paused = true)]
async fn a_cut_concerns_one_direction() {
    let network = FaultyNetwork::mesh(1);
    let (one, two) = pair(&network).await;
    network.cut("one", "two");
    one.say(1).await;
    two.say(2).await;
    assert_eq!((one.numbers().await, two.numbers().await), (vec![2], vec![]));
    network.mend("one", "two");
    one.say(3).await;
    assert_eq!(two.numbers().await, [3]);
}

#[tokio::test(start_paused = true)]
async fn faults_of_one_direction_do_not_concern_others() {
    let network = FaultyNetwork::mesh(1);
    let (one, two) = pair(&network).await;
    network.set_link("one", "two", Faults { loss: 1.0, ..Faults::NONE });
    one.say(1).await;
    two.say(2).await;
    assert_eq!((one.numbers().await, two.numbers().await), (vec![2], vec![]));
    network.set_faults(Faults::NONE);
    one.say(3).await;
    assert_eq!(two.numbers().await, [3], "the faults of all directions replace those of one");
}

#[tokio::test(start_paused = true)]
async fn a_broken_link_is_reported_and_so_is_its_return() {
    let network = FaultyNetwork::mesh(1);
    let (one, two) = pair(&network).await;
    network.break_link("one", "two");
    network.break_link("one", "two");
    one.say(1).await;
    assert_eq!(two.hear().await, [Heard::Down(endpoint("one"))]);
    network.restore_link("one", "two");
    one.say(2).await;
    let back = [Heard::Up(endpoint("one")), Heard::Subscribed(endpoint("one")), Heard::Number(2)];
    assert_eq!(two.hear().await, back);
    assert_eq!(one.hear().await, [], "the other direction is whole");
}

/// The delay is that of the events before the end.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_publisher_is_reported_after_its_events() {
    let network = FaultyNetwork::mesh(1);
    let (one, two) = pair(&network).await;
    network.set_faults(Faults { delay: millis(50, 50), ..Faults::NONE });
    one.say(1).await;
    one.publisher.close().await.unwrap();
    assert_eq!(two.hear().await, [Heard::Number(1), Heard::Down(endpoint("one"))]);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_does_not_read_receives_a_gap() {
    let network = FaultyNetwork::mesh(1);
    let (one, two) = pair(&network).await;
    for number in 0..10_005 {
        one.say(number).await;
    }
    let heard = two.hear().await;
    assert_eq!(heard.len(), 10_001);
    assert_eq!(heard.last(), Some(&Heard::Gap(5)));
}
