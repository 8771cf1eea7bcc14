use house::{SourceFile, files, forbidden_words, members, names_with, read, shared_names};

/// Names of two public types each: the ends of `zmtp` and `zeromq`, which are the same sockets in two drivers. Every driver
/// crate has the same file names, and a type has the name of its file.
const SHARED_NAMES: &[&str] = &["PubPublisher", "PullSubscriber", "PushPublisher", "SubSubscriber"];

/// Public types with a word that the glossary forbids. They leave this list when they are renamed, as the glossary proposes.
const FORBIDDEN_TODAY: &[&str] = &[];

/// The sources of the workspace's crates, without those of tests and benches.
fn sources() -> Vec<SourceFile> {
    let members = members(&read("Cargo.toml").unwrap().text);
    let folders: Vec<String> = members
        .iter()
        .filter(|member| !member.starts_with("tests/") && !member.starts_with("benches/"))
        .map(|member| format!("{member}/src/"))
        .collect();
    let is_source = |file: &SourceFile| {
        let is_test = file.path.ends_with("/tests.rs") || file.path.contains("/tests/");
        !is_test && folders.iter().any(|folder| file.path.starts_with(folder))
    };
    files(&["rs"]).unwrap().into_iter().filter(is_source).collect()
}

#[test]
fn no_two_public_types_have_one_name() {
    super::assert_exactly(
        &shared_names(&sources()),
        SHARED_NAMES,
        "two public types of one name; rename one",
        "no longer shared; take them off SHARED_NAMES",
    );
}

#[test]
fn no_public_type_has_a_word_that_the_glossary_forbids() {
    let forbidden = forbidden_words(&read("docs/glossary.md").unwrap().text);
    assert!(forbidden.len() > 10, "the glossary's list was not found: {forbidden:?}");
    super::assert_exactly(
        &names_with(&forbidden, &sources()),
        FORBIDDEN_TODAY,
        "use the glossary's words in the names of public types",
        "renamed; take them off FORBIDDEN_TODAY",
    );
}
