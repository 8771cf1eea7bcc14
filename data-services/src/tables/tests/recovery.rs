//! What followers do when packets, topics and nodes are missing.

use std::time::Duration;

use super::network::Faults;
use super::world::{World, first_column, ms, row, stream};
use crate::tables::{StreamPhase, TableMessage, TableOptions};
use crate::{Instance, KeyColumns};

fn opens(world: &World) -> Vec<Duration> {
    let is_open = |(_, message): &&(Duration, TableMessage)| matches!(message, TableMessage::Open(_));
    world.sent.iter().filter(is_open).map(|(at, _)| *at).collect()
}

#[test]
fn a_stream_whose_topic_arrives_late_is_live_only_when_it_arrives() {
    let mut world = World::new(1, 1);
    world.declare("p", first_column());
    world.publish("p", vec![row(1, 1)]);
    world.follow_late(0, "p", ms(700));
    world.run(ms(500));
    assert_eq!(world.replica(0, "p").rows.len(), 1, "the snapshot is there");
    assert_eq!(world.phase(0, "p"), StreamPhase::Recovering);
    world.publish("p", vec![row(1, 2)]);
    world.run(ms(2_000));
    world.assert_equal(0, "p");
}

#[test]
fn missing_changes_are_repeated_from_the_ring_and_only_to_followers_that_miss_them() {
    let mut world = World::new(2, 2);
    world.declare("p", first_column());
    world.follow(0, "p");
    world.follow(1, "p");
    world.run(ms(300));
    world.is_cut = true;
    world.publish("p", vec![row(1, 1)]);
    world.is_cut = false;
    world.publish("p", vec![row(1, 2)]);
    world.run(ms(300));
    let is_page = |(_, message): &&(Duration, TableMessage)| matches!(message, TableMessage::Page(_));
    assert_eq!(world.sent.iter().filter(is_page).count(), 2, "the two first ones");
    for follower in [0, 1] {
        world.assert_equal(follower, "p");
        let updates = &world.replica(follower, "p").updates;
        assert_eq!(updates.iter().filter(|update| update.is_snapshot).count(), 1);
        assert_eq!(updates.len(), 3);
    }
}

#[test]
fn what_the_ring_does_not_have_comes_as_a_snapshot_and_becomes_a_difference() {
    let options = TableOptions { ring_bytes: 1000, ..TableOptions::default() };
    let mut world = World::with_options(1, 3, options);
    world.declare("p", first_column());
    world.publish("p", vec![row(0, 0), row(1, 1)]);
    world.follow(0, "p");
    world.run(ms(300));
    world.is_cut = true;
    for value in 2..40 {
        world.publish("p", vec![row(0, 0), row(2, value)]);
    }
    world.is_cut = false;
    world.run(ms(2_000));
    world.assert_equal(0, "p");
    let last = world.replica(0, "p").updates.last().unwrap();
    assert!(last.is_snapshot, "{last:?}");
    assert_eq!(
        (&last.added[..], &last.removed[..], last.changed.len()),
        (&[row(2, 39)][..], &[row(1, 1)][..], 0)
    );
}

#[test]
fn requests_are_repeated_for_ever_and_seldom() {
    let mut world = World::new(1, 4);
    world.declare("p", first_column());
    world.publish("p", vec![row(1, 1)]);
    world.is_cut = true;
    world.follow(0, "p");
    world.run(Duration::from_secs(600));
    let opens = opens(&world);
    assert!((120..300).contains(&opens.len()), "{} requests in ten minutes", opens.len());
    let longest = opens.windows(2).map(|two| two[1] - two[0]).max().unwrap();
    assert!(longest <= ms(5_000), "{longest:?}");
    world.is_cut = false;
    world.run(ms(6_000));
    world.assert_equal(0, "p");
}

#[test]
fn a_silent_publisher_is_asked_after_three_seconds_and_stale_after_five() {
    let mut world = World::new(1, 5);
    world.declare("p", first_column());
    world.follow(0, "p");
    world.run(ms(400));
    let before = opens(&world).len();
    world.has_heartbeats = false;
    world.run(Duration::from_secs(60));
    assert_eq!(world.phase(0, "p"), StreamPhase::Live, "the answers confirm it");
    let asked = opens(&world).len() - before;
    assert!((15..=20).contains(&asked), "{asked} requests in a minute");
    world.is_cut = true;
    world.run(ms(2_900));
    assert_eq!(world.phase(0, "p"), StreamPhase::Live);
    world.run(ms(2_200));
    assert_eq!(world.phase(0, "p"), StreamPhase::Stale);
    world.is_cut = false;
    world.run(ms(5_000));
    world.assert_equal(0, "p");
}

#[test]
fn while_its_node_is_down_a_stream_is_stale_and_nothing_is_requested() {
    let mut world = World::new(1, 6);
    world.declare("p", first_column());
    world.publish("p", vec![row(1, 1)]);
    world.follow(0, "p");
    world.run(ms(400));
    world.is_cut = true;
    let mut effects = vec![];
    world.followers[0].tables.publisher_state(world.now, Instance::of(1), false, &mut effects);
    world.followed(0, effects);
    assert_eq!(world.phase(0, "p"), StreamPhase::Stale);
    let before = opens(&world).len();
    world.publish("p", vec![row(1, 2)]);
    world.run(Duration::from_secs(60));
    assert_eq!(opens(&world).len(), before);
    world.is_cut = false;
    let mut effects = vec![];
    world.followers[0].tables.publisher_state(world.now, Instance::of(1), true, &mut effects);
    world.followed(0, effects);
    assert_eq!(world.phase(0, "p"), StreamPhase::Stale, "nothing confirms it yet");
    world.run(ms(200));
    world.assert_equal(0, "p");
}

#[test]
fn after_lost_links_a_stream_is_live_only_when_the_topic_arrives_again() {
    let mut world = World::new(1, 7);
    world.declare("p", first_column());
    world.follow(0, "p");
    world.run(ms(400));
    world.drops = Box::new(|message| matches!(message, TableMessage::Mark(_)));
    let mut effects = vec![];
    world.followers[0].tables.links_reset(world.now, &mut effects);
    world.followed(0, effects);
    world.run(ms(1_500));
    assert_eq!(world.phase(0, "p"), StreamPhase::Recovering);
    world.drops = Box::new(|_| false);
    world.run(ms(3_000));
    world.assert_equal(0, "p");
}

#[test]
fn many_followers_that_open_at_once_cause_a_few_marks() {
    let mut world = World::new(50, 8);
    world.declare("p", KeyColumns::Row);
    world.publish("p", vec![row(1, 1)]);
    for follower in 0..50 {
        world.follow(follower, "p");
    }
    world.run(ms(1_000));
    for follower in 0..50 {
        world.assert_equal(follower, "p");
    }
    let is_mark = |(_, message): &&(Duration, TableMessage)| matches!(message, TableMessage::Mark(_));
    let marks = world.sent.iter().filter(is_mark).count();
    assert!((1..=5).contains(&marks), "{marks} marks");
}

#[test]
fn a_follower_counts_from_its_request_on_and_no_longer_than_its_lease_without_an_entry() {
    let mut world = World::new(1, 9);
    world.declare("p", KeyColumns::Row);
    world.faults = Faults { loss: 0, duplication: 100, delay: ms(1) };
    world.follow(0, "p");
    world.run(ms(50));
    let mut effects = vec![];
    // The registry has not heard of it yet.
    world.publisher.followers(&stream("p"), &Default::default(), &mut effects);
    let open =
        crate::tables::message::Open { stream: stream("p"), have: delivery::Position::NONE, token: Some(1) };
    let open = TableMessage::Open(open);
    world.publisher.received(world.now, &super::world::node(9), &open, &mut effects);
    assert_eq!(world.publisher.heads().len(), 1);
    world.publisher.tick(world.now + Duration::from_secs(9), &mut effects);
    assert_eq!(world.publisher.heads().len(), 1);
    world.publisher.tick(world.now + Duration::from_secs(10), &mut effects);
    assert_eq!(world.publisher.heads().len(), 0);
    assert!(matches!(effects.last(), Some(crate::tables::PublishEffect::NoFollower(_))), "{effects:?}");
}
