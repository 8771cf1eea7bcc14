use bytes::Bytes;
use proptest::prelude::{any, prop, proptest};
use pubsub_api::{Pattern, Topic, TopicRights};

use super::{Change, Filters, GroupId};

fn change(added: &[&'static str], removed: &[&'static str]) -> Change {
    let all = |prefixes: &[&'static str]| prefixes.iter().map(|prefix| Bytes::from(*prefix)).collect();
    Change { added: all(added), removed: all(removed) }
}

#[test]
fn connections_with_equal_filters_are_one_group_in_whatever_order_they_came() {
    let mut filters = Filters::default();
    let (one, other) = (filters.join(&TopicRights::ALL), filters.join(&TopicRights::ALL));
    assert_eq!(one, other);
    let one = filters.change(one, &change(&["D"], &[]));
    let other = filters.change(other, &change(&["$hello", "D"], &[]));
    assert_ne!(one, other);
    let one = filters.change(one, &change(&["$hello"], &[]));
    assert_eq!(one, other);
    assert_eq!(*filters.audience(b"D"), [one]);
    assert_eq!(*filters.audience(b"Demo"), [one], "ZeroMQ filters by prefix");
    assert!(filters.audience(b"other").is_empty());
    filters.leave(one);
    assert_eq!(*filters.audience(b"D"), [other]);
    filters.leave(other);
    assert!(filters.audience(b"D").is_empty());
}

#[test]
fn a_topic_that_two_filters_of_a_connection_cover_names_it_once() {
    let mut filters = Filters::default();
    let group = filters.join(&TopicRights::ALL);
    let group = filters.change(group, &change(&["", "t", "tenant"], &[]));
    assert_eq!(*filters.audience(b"tenant-1"), [group]);
}

/// Rights by number: all, one pattern, or another.
fn rights(number: usize) -> TopicRights {
    match number % 3 {
        0 => TopicRights::ALL,
        1 => "a*".parse::<Pattern>().unwrap().into(),
        _ => "b".parse::<Pattern>().unwrap().into(),
    }
}

#[test]
fn a_prefix_that_is_a_granted_topic_is_no_right_to_the_topics_that_it_begins() {
    let mut filters = Filters::default();
    let all = filters.join(&TopicRights::ALL);
    let one = filters.join(&"tenant-1".parse::<Pattern>().unwrap().into());
    assert_ne!(all, one, "equal filters, other rights");
    let (all, one) =
        (filters.change(all, &change(&["tenant-1"], &[])), filters.change(one, &change(&["tenant-1"], &[])));
    assert_ne!(all, one);
    let mut both = [all, one];
    both.sort_unstable();
    assert_eq!(*filters.audience(b"tenant-1"), both);
    assert_eq!(*filters.audience(b"tenant-10"), [all]);
    assert_eq!(*filters.audience(b"tenant-1\xff"), [all], "what is no topic is in no rights");
}

proptest! {
    /// Against a list of every connection's filters.
    #[test]
    fn an_audience_is_every_peer_with_a_prefix_of_the_topic_and_the_right_to_it(
        steps in prop::collection::vec((0..6_usize, "[ab]{0,3}", any::<bool>()), 0..60),
        topic in "[ab]{1,4}",
    ) {
        let mut filters = Filters::default();
        let mut connections: Vec<(GroupId, Vec<String>)> =
            (0..6).map(|number| (filters.join(&rights(number)), Vec::new())).collect();
        for (which, prefix, add) in steps {
            let (group, own) = &mut connections[which];
            let bytes = vec![Bytes::from(prefix.clone())];
            let step = match (add, own.iter().position(|other| *other == prefix)) {
                (true, None) => {
                    own.push(prefix);
                    Change { added: bytes, removed: Vec::new() }
                }
                (false, Some(place)) => {
                    own.remove(place);
                    Change { added: Vec::new(), removed: bytes }
                }
                _ => continue,
            };
            *group = filters.change(*group, &step);
        }
        let audience = filters.audience(topic.as_bytes());
        let name = Topic::new(topic.clone()).unwrap();
        for (number, (group, own)) in connections.iter().enumerate() {
            let wants = own.iter().any(|prefix| topic.starts_with(prefix.as_str()));
            assert_eq!(audience.contains(group), wants && rights(number).allows(&name));
        }
        for (group, _) in connections {
            filters.leave(group);
        }
        assert!(filters.by_key.is_empty() && filters.by_prefix.is_empty() && filters.lengths.is_empty());
    }
}
