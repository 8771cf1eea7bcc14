/// A test that a page names as `` `path/of/file.rs::name_of_the_test` ``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedTest {
    /// The file, below the repository's folder.
    pub file: String,
    /// The function.
    pub name: String,
}

impl NamedTest {
    /// All that a page names, in its order.
    #[must_use]
    pub fn all(page: &str) -> Vec<Self> {
        let spans = page.split('`').skip(1).step_by(2);
        let named = spans.filter_map(|span| span.split_once(".rs::"));
        named.map(|(file, name)| Self { file: format!("{file}.rs"), name: name.to_owned() }).collect()
    }

    /// Whether the text of the file has that function.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let begins = format!("fn {}(", self.name);
        text.lines().any(|line| {
            let line = line.trim_start();
            let line = line.strip_prefix("pub(crate) ").unwrap_or(line);
            line.strip_prefix("async ").unwrap_or(line).starts_with(&begins)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::NamedTest;

    #[test]
    fn tests_are_read_from_a_page_and_looked_for_in_their_files() {
        let page = "| F01 | x | `tests/a.rs::one_holds`, `b.rs::two` and `c.rs` | `cargo test` |";
        let tests = NamedTest::all(page);
        let named: Vec<&str> = tests.iter().map(|test| test.file.as_str()).collect();
        assert_eq!(named, ["tests/a.rs", "b.rs"]);
        let is_there = |text: &str| tests.first().is_some_and(|test| test.is_in(text));
        assert!(is_there("#[tokio::test]\n    async fn one_holds() {}"));
        assert!(!is_there("fn one_holds_not() {}\n// fn one_holds() was here"));
    }
}
