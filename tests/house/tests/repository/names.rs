use std::collections::BTreeMap;

use house::{files, forbidden_words, members, public_types, read, words};

/// Names of two public types each. They leave this list when one of the two is renamed; the glossary proposes names.
const SHARED_NAMES: &[&str] = &[
    "Agent",
    "Arguments",
    "Entry",
    "Origin",
    "PubPublisher",
    "PullSubscriber",
    "PushPublisher",
    "Route",
    "SubSubscriber",
];

/// Public types with a word that the glossary forbids. They leave this list when they are renamed, as the glossary proposes.
const FORBIDDEN_TODAY: &[&str] =
    &["Answer", "AnswerKind", "FullSyncAnswer", "Incarnation", "PeerSays", "ResyncWanted", "Tally", "Want"];

/// The public types of the workspace's crates, without those of tests and benches, and where each is.
fn all_types() -> BTreeMap<String, Vec<String>> {
    let members = members(&read("Cargo.toml").unwrap().text);
    let sources: Vec<String> = members
        .iter()
        .filter(|member| !member.starts_with("tests/") && !member.starts_with("benches/"))
        .map(|member| format!("{member}/src/"))
        .collect();
    let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files(&["rs"]).unwrap() {
        let is_test = file.path.ends_with("/tests.rs") || file.path.contains("/tests/");
        if !is_test && sources.iter().any(|source| file.path.starts_with(source)) {
            for name in public_types(&file.text) {
                types.entry(name).or_default().push(file.path.clone());
            }
        }
    }
    types
}

#[test]
fn no_two_public_types_have_one_name() {
    let shared: Vec<String> =
        all_types().into_iter().filter(|(_, places)| places.len() > 1).map(|(name, _)| name).collect();
    super::assert_exactly(
        &shared,
        SHARED_NAMES,
        "two public types of one name; rename one",
        "no longer shared; take them off SHARED_NAMES",
    );
}

#[test]
fn no_public_type_has_a_word_that_the_glossary_forbids() {
    let forbidden = forbidden_words(&read("docs/glossary.md").unwrap().text);
    assert!(forbidden.len() > 10, "the glossary's list was not found: {forbidden:?}");
    let named: Vec<String> = all_types()
        .into_keys()
        .filter(|name| words(name).iter().any(|word| forbidden.contains(word)))
        .collect();
    super::assert_exactly(
        &named,
        FORBIDDEN_TODAY,
        "use the glossary's words in the names of public types",
        "renamed; take them off FORBIDDEN_TODAY",
    );
}
