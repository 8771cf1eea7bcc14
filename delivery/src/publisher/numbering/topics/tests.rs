use super::{Found, Topics};

fn use_topic(topics: &mut Topics, name: &str, tick: u64) -> u64 {
    let (Found::Known(id) | Found::New(id)) = topics.find_or_add(name.as_bytes(), tick).unwrap() else {
        panic!("no room for {name}")
    };
    topics.get_mut(id).unwrap().sequence.give(7)
}

#[test]
fn the_longest_idle_topic_is_retired_and_returns_above_all_given_sequences() {
    let mut topics = Topics::new(2);
    assert_eq!((0..5).map(|tick| use_topic(&mut topics, "a", tick)).last(), Some(5));
    assert_eq!(use_topic(&mut topics, "b", 5), 1);
    assert_eq!(use_topic(&mut topics, "a", 6), 6);
    assert_eq!(use_topic(&mut topics, "c", 7), 2, "the topic that is retired for it had number 1");
    assert!(topics.named(b"b").is_none() && topics.len() == 2 && topics.retired() == 1);
    assert_eq!(use_topic(&mut topics, "b", 8), 7, "the topic that is retired for it had number 6");
    assert!(topics.named(b"a").is_none());
    assert_eq!(use_topic(&mut topics, "c", 9), 3);
    assert_eq!(use_topic(&mut topics, "a", 10), 8, "it had number 6 itself");
    let retired = topics.take_retired();
    let retired: Vec<_> = retired.iter().map(|it| (it.topic.as_str(), it.last, it.floor)).collect();
    assert_eq!(retired, [("b", 1, 1), ("a", 6, 6), ("b", 7, 7)]);
    assert!(topics.take_retired().is_empty());
}

#[test]
fn the_floor_is_higher_after_each_topic_that_is_retired() {
    let mut topics = Topics::new(1);
    let floors = (0..6).map(|tick| {
        use_topic(&mut topics, &format!("t{tick}"), tick);
        topics.floor()
    });
    let floors: Vec<u64> = floors.collect();
    assert_eq!(topics.retired(), 5);
    assert!(floors.is_sorted_by(|one, next| one < next), "{floors:?}");
}

#[test]
fn topics_that_are_in_use_are_not_retired() {
    let mut topics = Topics::new(2);
    use_topic(&mut topics, "a", 1);
    use_topic(&mut topics, "b", 1);
    assert_eq!(topics.find_or_add(b"c", 1).unwrap(), Found::NoRoom);
    assert!(matches!(topics.find_or_add(b"c", 2).unwrap(), Found::New(_)));
    assert!(topics.find_or_add(b"", 3).is_err());
}

#[test]
fn the_topics_that_a_prefix_covers_come_in_order() {
    let mut topics = Topics::new(9);
    for name in ["b", "ab", "a", "abc", "ac"] {
        use_topic(&mut topics, name, 1);
    }
    let covered = |prefix: &str, from: &str| -> Vec<String> {
        let ids = topics.covered(prefix.as_bytes(), from.as_bytes());
        ids.map(|id| topics.get(id).unwrap().topic.to_string()).collect()
    };
    assert_eq!(covered("", ""), ["a", "ab", "abc", "ac", "b"]);
    assert_eq!(covered("ab", ""), ["ab", "abc"]);
    assert_eq!(covered("a", "abc"), ["abc", "ac"]);
    assert!(covered("c", "").is_empty() && covered("a", "b").is_empty());
}
