use std::collections::BTreeMap;

use crate::SourceFile;
use crate::code::code;

/// The names that more than one public type of these files has, sorted.
#[must_use]
pub fn shared_names(files: &[SourceFile]) -> Vec<String> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for name in files.iter().flat_map(|file| public_types(&file.text)) {
        *times.entry(name).or_default() += 1;
    }
    times.into_iter().filter(|(_, times)| *times > 1).map(|(name, _)| name).collect()
}

/// The names of public types of these files that have one of these words, sorted, each once.
#[must_use]
pub fn names_with(words_of_list: &[String], files: &[SourceFile]) -> Vec<String> {
    let names = files.iter().flat_map(|file| public_types(&file.text));
    let has_one = |name: &String| words(name).iter().any(|word| words_of_list.contains(word));
    let mut names: Vec<String> = names.filter(has_one).collect();
    names.sort();
    names.dedup();
    names
}

/// The names of the `pub` structs, enums, traits, unions and type aliases of a file, without those of its tests.
fn public_types(text: &str) -> Vec<String> {
    let tokens = code(text);
    let kinds = ["struct", "enum", "trait", "union", "type"];
    let is_type = |three: &&[String]| matches!(three, [visibility, kind, _] if visibility == "pub" && kinds.contains(&kind.as_str()));
    tokens.windows(3).filter(is_type).filter_map(|three| three.last().cloned()).collect()
}

/// The words of a type's name: `SyncReply` has `Sync` and `Reply`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for letter in name.chars() {
        match words.last_mut() {
            Some(word) if !letter.is_uppercase() => word.push(letter),
            _ => words.push(letter.to_string()),
        }
    }
    words
}

/// The words that the glossary wants in no name of a public type: all in backticks that stand alone on their lines below the
/// heading, up to the first line of another kind.
#[must_use]
pub fn forbidden_words(glossary: &str) -> Vec<String> {
    let below = glossary.split_once("\n## Words that no public type name contains\n");
    let lines = below.map_or("", |(_, below)| below).lines().skip_while(|line| line.is_empty());
    lines
        .take_while(|line| line.starts_with('`'))
        .flat_map(|line| line.split_whitespace().map(|word| word.trim_matches('`').to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{forbidden_words, names_with, public_types, shared_names, words};
    use crate::SourceFile;

    fn two_files() -> [SourceFile; 2] {
        let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
        [
            file("one/src/a.rs", "pub struct Agent; pub enum Answer {} struct Own;"),
            file("two/src/a.rs", "pub trait Agent {} pub struct Wants; struct Own;"),
        ]
    }

    #[test]
    fn two_public_types_of_one_name_are_found() {
        assert_eq!(shared_names(&two_files()), ["Agent"]);
    }

    #[test]
    fn names_with_a_forbidden_word_are_found_and_those_that_only_contain_it_are_not() {
        let forbidden = ["Answer".to_owned(), "Want".to_owned()];
        assert_eq!(names_with(&forbidden, &two_files()), ["Answer"]);
    }

    #[test]
    fn only_public_types_are_found() {
        let text = "pub struct A; pub(crate) struct B; enum C {} pub trait D { type E; } /// pub struct F;\n";
        assert_eq!(public_types(text), ["A", "D"]);
    }

    #[test]
    fn names_are_split_into_words() {
        assert_eq!(words("SyncReply"), ["Sync", "Reply"]);
        assert_eq!(words("Want"), ["Want"]);
    }

    #[test]
    fn forbidden_words_are_read_from_the_glossary() {
        let glossary =
            "# G\n\n## Words that no public type name contains\n\n`One` `Two`\n`Three`\n\n`four` is not.\n";
        assert_eq!(forbidden_words(glossary), ["One", "Two", "Three"]);
        assert_eq!(forbidden_words("# G\n"), Vec::<String>::new());
    }
}
