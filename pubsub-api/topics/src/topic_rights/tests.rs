use std::hash::{BuildHasher, RandomState};

use proptest::prelude::{Strategy, prop, prop_oneof, proptest};

use crate::{Pattern, Subscription, Topic, TopicRights};

fn pattern(text: &str) -> Subscription {
    text.parse::<Pattern>().unwrap().into()
}

fn topic(text: &str) -> Topic {
    Topic::new(text.to_owned()).unwrap()
}

fn rights(patterns: &[&str]) -> TopicRights {
    TopicRights::of(patterns.iter().map(|text| pattern(text))).unwrap()
}

#[test]
fn a_topic_is_allowed_if_a_pattern_matches_it_and_a_mark_if_its_topic_is() {
    let rights = rights(&["tenant-*", "a.*", "$mine"]);
    for (name, is_allowed) in [
        ("tenant-1", true),
        ("tenant", false),
        ("a.b", true),
        ("a.b.c", false),
        ("D", false),
        ("$hello", true),
        ("$mine", true),
        ("$other", false),
        ("$mark.tenant-1", true),
        ("$mark.a.b", true),
        ("$mark.a.b.c", false),
        ("$mark.D", false),
        ("$mark", true),
        ("$mark.", true),
        ("$sync", false),
    ] {
        assert_eq!(rights.allows(&topic(name)), is_allowed, "{name}");
    }
    assert!(TopicRights::ALL.allows(&topic("$sync")));
    let all_but_reserved = TopicRights::from("#".parse::<Pattern>().unwrap());
    assert!(all_but_reserved.allows(&topic("a")) && !all_but_reserved.allows(&topic("$sync")));
}

#[test]
fn a_pattern_is_included_if_all_that_it_matches_is_allowed() {
    for (of, included, not) in [
        (
            &["tenant-*"][..],
            &["tenant-*", "tenant-1", "tenant-1*", "tenant-1.b*", "$mark.tenant-*"][..],
            &["#", "tenant", "tenan*", "tenant.#", "*", "$mark.#"][..],
        ),
        (&["a.*"], &["a.b", "a.*", "$mark.a.*"], &["a.#", "a.*.*", "*.b", "a*", "a"]),
        (&["a.#"], &["a.*.c", "a", "a.#", "a.#.#", "a.b*", "$mark.a.#"], &["a*", "#.a", "#"]),
        (&["#"], &["#", "*", "a*", "#.b.#", "$mark.#", "$hello"], &["$#", "$*", "$m*", "$h*"]),
        (&["a", "a.*.#"], &["a.#", "a.*", "a.#.b", "a.b.#.c.#"], &["a*", "*.#"]),
        (&["*", "*.*.#"], &["#", "a*", "#.#"], &["$a.#"]),
        (&["*.b", "*.#.b"], &["a.#.b", "*.*.*.b"], &["#.b", "*.#"]),
        (&["tenant-1*", "tenant-2*"], &["tenant-1*", "tenant-22*"], &["tenant-*"]),
        (&["$mark.#"], &["$mark.#", "$mark.a"], &["#", "a"]),
        (&[], &["$hello", "$mark"], &["a", "$mark.a", "$mark.#"]),
    ] {
        let rights = rights(of);
        for text in included {
            assert!(rights.includes(&pattern(text)), "{of:?} include {text}");
        }
        for text in not {
            assert!(!rights.includes(&pattern(text)), "{of:?} do not include {text}");
        }
    }
}

#[test]
fn a_prefix_is_accepted_if_it_is_an_allowed_topic_or_all_that_begins_with_it_is_allowed() {
    let rights = rights(&["tenant-1", "b.#", "c*"]);
    for (prefix, is_accepted) in [
        (&b"tenant-1"[..], true),
        (b"tenant-", false),
        (b"tenant-10", false),
        (b"b", true),
        (b"b.", true),
        (b"b.c", true),
        (b"bb", false),
        (b"c", true),
        (b"c\xc3", true),
        (b"d\xc3", false),
        (b"", false),
        (b"$hello", true),
        (b"$h", false),
        (b"$mark.tenant-1", true),
        (b"$mark.tenant-", false),
        (b"$mark.c", true),
        (b"$mark.b", true),
        (b"$mark.b.", true),
        (b"$mark.a", false),
    ] {
        assert_eq!(rights.accepts_prefix(prefix), is_accepted, "{}", prefix.escape_ascii());
    }
    let all = TopicRights::from("#".parse::<Pattern>().unwrap());
    assert!(all.accepts_prefix(b"") && all.accepts_prefix(b"$mark.") && !all.accepts_prefix(b"$"));
}

#[test]
fn a_topic_with_wildcards_in_its_name_is_no_pattern() {
    let rights = TopicRights::of([Subscription::from(topic("a.*"))]).unwrap();
    assert!(rights.allows(&topic("a.*")) && !rights.allows(&topic("a.b")));
    assert!(!rights.includes(&pattern("a.*")));
}

#[test]
fn equal_lists_are_equal_rights_in_any_order() {
    let hasher = RandomState::new();
    let (one, other) = (rights(&["a", "b*", "a"]), rights(&["b*", "a"]));
    assert_eq!((&one, hasher.hash_one(&one)), (&other, hasher.hash_one(&other)));
    assert_ne!(one, rights(&["a"]));
    assert_ne!(rights(&[]), TopicRights::ALL);
    let many = (0..=TopicRights::MAX_MEMBERS).map(|number| pattern(&format!("t{number}")));
    assert!(TopicRights::of(many).is_err());
}

#[test]
fn a_comparison_that_would_take_long_is_refused_in_time() {
    let members: Vec<String> =
        (0..100).map(|number| format!("#.{}.#.{}.#", number % 7, number % 11)).collect();
    let rights = rights(&members.iter().map(String::as_str).collect::<Vec<_>>());
    let started = std::time::Instant::now();
    for _ in 0..20 {
        assert!(
            !rights.includes(&pattern("#.1.#.2.#.3.#.4.#.5.#.6.#.x.#")) || started.elapsed().as_secs() < 10
        );
    }
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

/// All topics of up to this length over a small alphabet, in which `z` stands for all other letters.
fn topics(longest: usize) -> Vec<Topic> {
    let mut names = vec![String::new()];
    let mut last = names.clone();
    for _ in 0..longest {
        last = last
            .iter()
            .flat_map(|name| ['a', 'b', 'z', '.', '$'].map(|letter| format!("{name}{letter}")))
            .collect();
        names.extend(last.iter().cloned());
    }
    let marks = names.iter().filter(|name| name.len() <= longest).map(|name| format!("$mark.{name}"));
    let all = marks.collect::<Vec<_>>().into_iter().chain(names);
    all.filter_map(|name| Topic::new(name).ok()).collect()
}

fn patterns() -> impl Strategy<Value = String> {
    let word = prop::sample::select(&["a", "b", "*", "#", "", "$"][..]);
    let words = prop::collection::vec(word, 1..4).prop_map(|words| words.join("."));
    let prefix = "[ab$][ab.]{0,2}\\*";
    let marks = prop_oneof![words.clone(), prefix].prop_map(|pattern| format!("$mark.{pattern}"));
    let any = prop_oneof![4 => words, 2 => prefix, 1 => marks];
    any.prop_filter("a pattern", |text| text.parse::<Pattern>().is_ok())
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 300, ..Default::default() })]

    /// Never wrongly yes, and, for patterns whose smallest difference is short, never wrongly no.
    #[test]
    fn inclusion_agrees_with_the_enumeration_of_topics(
        of in prop::collection::vec(patterns(), 0..4),
        wanted in patterns(),
    ) {
        let rights = rights(&of.iter().map(String::as_str).collect::<Vec<_>>());
        let wanted = pattern(&wanted);
        let outside = topics(6).into_iter().find(|topic| wanted.wants(topic) && !rights.allows(topic));
        let includes = rights.includes(&wanted);
        assert_eq!(includes, outside.is_none(), "{wanted} in {of:?}: {outside:?}");
    }

    #[test]
    fn an_accepted_prefix_is_a_topic_or_begins_only_allowed_ones(
        of in prop::collection::vec(patterns(), 0..4),
        prefix in "[ab$]?[ab.]{0,3}",
    ) {
        let rights = rights(&of.iter().map(String::as_str).collect::<Vec<_>>());
        if !rights.accepts_prefix(prefix.as_bytes()) {
            return Ok(());
        }
        let is_a_topic = Topic::new(prefix.clone()).is_ok_and(|topic| rights.allows(&topic));
        let begins = |topic: &Topic| topic.as_str().starts_with(&prefix) && (!prefix.is_empty() || !topic.is_reserved());
        let outside = topics(5).into_iter().find(|topic| begins(topic) && !rights.allows(topic));
        assert!(is_a_topic || outside.is_none(), "{prefix} in {of:?}: {outside:?}");
    }
}
