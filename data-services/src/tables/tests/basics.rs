//! What both ends do when nothing fails.

use std::time::Duration;

use super::world::{World, first_column, ms, row, stream};
use crate::tables::{PublishEffect, StreamPhase, TableChange};
use crate::{Difference, KeyColumns};

#[test]
fn a_follower_begins_with_a_snapshot_and_goes_on_with_changes() {
    let mut world = World::new(1, 1);
    world.declare("p", first_column());
    assert_eq!(world.publish("p", vec![row(1, 1), row(2, 2)]), 2);
    world.follow(0, "p");
    world.run(ms(100));
    world.assert_equal(0, "p");
    assert_eq!(world.publish("p", vec![row(1, 1), row(2, 3), row(4, 4)]), 2);
    let put = vec![row(1, 9)];
    let deleted = vec![first_column().key_of(&row(2, 0)).unwrap()];
    world.commit(vec![("p", TableChange::Difference(Difference { put, deleted }))]);
    world.run(ms(10));
    world.assert_equal(0, "p");
    let replica = world.replica(0, "p");
    assert_eq!(replica.updates.len(), 3, "{:?}", replica.updates);
    assert_eq!(replica.updates[1].changed, [(row(2, 2), row(2, 3))]);
    assert_eq!(replica.updates[1].added, [row(4, 4)]);
    assert_eq!(replica.updates[2].removed, [row(2, 3)]);
    assert_eq!(replica.phases.last(), Some(&StreamPhase::Live));
}

#[test]
fn the_first_update_of_an_empty_table_is_empty_and_comes_before_live() {
    let mut world = World::new(1, 2);
    world.declare("p", KeyColumns::Row);
    world.follow(0, "p");
    world.run(ms(300));
    world.assert_equal(0, "p");
    let updates = &world.replica(0, "p").updates;
    assert!(updates.len() == 1 && updates[0].is_empty() && updates[0].is_snapshot, "{updates:?}");
}

#[test]
fn an_unchanged_table_takes_no_sequence_and_sends_nothing() {
    let mut world = World::new(1, 3);
    world.declare("p", KeyColumns::Row);
    world.publish("p", vec![row(1, 1)]);
    world.follow(0, "p");
    world.run(ms(300));
    let (sent, position) = (world.sent.len(), world.publisher.position(&stream("p")));
    assert_eq!(world.publish("p", vec![row(1, 1)]), 0);
    assert_eq!((world.sent.len(), world.publisher.position(&stream("p"))), (sent, position));
}

#[test]
fn a_quiet_stream_stays_live_without_any_request() {
    let mut world = World::new(2, 4);
    world.declare("p", KeyColumns::Row);
    world.publish("p", vec![row(1, 1)]);
    world.follow(0, "p");
    world.follow(1, "p");
    world.run(ms(300));
    let sent = world.sent.len();
    world.run(Duration::from_secs(60));
    world.assert_equal(0, "p");
    world.assert_equal(1, "p");
    assert_eq!(world.sent.len(), sent, "{:?}", world.sent.get(sent..));
}

#[test]
fn a_table_without_followers_sends_nothing_and_reports_its_first_and_last_follower() {
    let mut world = World::new(2, 5);
    world.declare("p", KeyColumns::Row);
    world.publish("p", vec![row(1, 1)]);
    assert!(world.sent.is_empty() && world.publisher.heads().is_empty());
    world.follow(0, "p");
    world.follow(1, "p");
    world.run(ms(300));
    world.unfollow(0, "p");
    world.run(ms(300));
    assert_eq!(world.published, [PublishEffect::FirstFollower(stream("p"))]);
    world.unfollow(1, "p");
    world.run(ms(300));
    assert_eq!(world.published.last(), Some(&PublishEffect::NoFollower(stream("p"))));
    assert_eq!(world.published.len(), 2);
    assert_eq!(world.publisher.position(&stream("p")).unwrap().sequence, 1);
}

#[test]
fn raw_values_arrive_outside_the_sequence() {
    let mut world = World::new(1, 6);
    world.declare("p", KeyColumns::Row);
    world.follow(0, "p");
    world.run(ms(300));
    let mut effects = vec![];
    world.publisher.send_raw(&stream("p"), serde_json::json!([42, {"a": null}]), &mut effects).unwrap();
    world.published(effects);
    world.run(ms(10));
    assert_eq!(world.followers[0].raws, [serde_json::json!([42, {"a": null}])]);
    world.assert_equal(0, "p");
}

#[test]
fn a_follower_receives_what_the_prepush_hook_lets_pass() {
    let mut world = World::new(1, 8);
    world.declare("p", first_column());
    let mut calls = 0;
    let hook = move |difference: Difference| {
        calls += 1;
        (calls != 2).then_some(difference)
    };
    world.publisher.set_prepush(&stream("p"), Box::new(hook)).unwrap();
    world.follow(0, "p");
    assert_eq!(world.publish("p", vec![row(1, 1)]), 1);
    world.run(ms(300));
    assert_eq!(world.publish("p", vec![row(1, 2)]), 0, "it withholds the second difference");
    world.run(ms(300));
    assert!(world.replica(0, "p").rows.contains(&row(1, 1)));
    assert_eq!(world.publish("p", vec![row(1, 2), row(2, 2)]), 2);
    world.run(ms(300));
    world.assert_equal(0, "p");
    assert!(world.publisher.set_prepush(&stream("q"), Box::new(Some)).is_err());
}
