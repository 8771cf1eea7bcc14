/// Names of documents that are not in the repository.
const FOREIGN: &[&str] = &[
    "DESIGN.md",
    "STYLE.md",
    "reliability.md",
    "dragonflow-pubsub",
    "ecosystem.md",
    "data-services-engine",
    "feed_model",
    "plain-words",
    "style-anchors",
    "style_measure",
    "seed 00",
    "Seed 00",
    "/work/",
];

/// Words before a number that cite a section of such a document.
const NUMBERED: &[&str] =
    &["DESIGN", "STYLE", "issue", "Issue", "defect D", "Defect D", "defects D", "Defects D"];

/// The lines that cite a document which is not in the repository, with their numbers.
#[must_use]
pub fn foreign_citations(text: &str) -> Vec<String> {
    let cites = |line: &str| FOREIGN.iter().any(|name| line.contains(name)) || cites_by_number(line);
    let lines = text.lines().enumerate().filter(|(_, line)| cites(line));
    lines.map(|(index, line)| format!("{}: {}", index + 1, line.trim())).collect()
}

fn cites_by_number(line: &str) -> bool {
    NUMBERED.iter().any(|word| {
        line.match_indices(word).any(|(start, _)| {
            let before = line.get(..start).and_then(|before| before.chars().next_back());
            let rest = line.get(start + word.len()..).unwrap_or("");
            let number = if word.ends_with(" D") { rest } else { rest.strip_prefix(' ').unwrap_or("") };
            !before.is_some_and(char::is_alphanumeric)
                && number.starts_with(|digit: char| digit.is_ascii_digit())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::foreign_citations;

    #[test]
    fn citations_of_what_is_not_here_are_found() {
        let text = "fine\n/// As said (DESIGN 5).\n// See reliability.md S20.\n//! (defect D7)\n// of issue 9\n// (seed 004)\n";
        let found: Vec<String> = foreign_citations(text);
        let lines: Vec<&str> =
            found.iter().filter_map(|line| line.split_once(':')).map(|(line, _)| line).collect();
        assert_eq!(lines, ["2", "3", "4", "5", "6"]);
    }

    #[test]
    fn what_only_looks_alike_is_none() {
        let text =
            "const STYLE: &str = \"\";\n// with seed 7\n/// docs/dragonflow.md#d7\n// libzmq issue #2059\n";
        assert_eq!(foreign_citations(text), Vec::<String>::new());
    }
}
