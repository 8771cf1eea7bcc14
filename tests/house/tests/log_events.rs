//! Every log line at INFO and above has an id, and `docs/log-events.md` explains each id that the code has, and no other.

#![expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What is no part of the programs that operators run.
const OTHERS: [&str; 8] =
    ["target", "tests", "benches", "bench-kit", "fuzz", "laboratory", "examples", "findings"];

const MACROS: [&str; 3] = ["info!(", "warn!(", "error!("];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && !OTHERS.contains(&name.as_str()) {
                sources(&path, found);
            }
        } else if name.ends_with(".rs") && name != "tests.rs" {
            found.push(path);
        }
    }
}

/// The place of each log line of a file, and its id.
fn log_lines(path: &Path) -> Vec<(usize, Option<String>)> {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let mut lines = Vec::new();
    for name in MACROS {
        for (at, _) in code.match_indices(name) {
            let line = code[..at].rsplit('\n').next().unwrap();
            let is_another = line.ends_with(|before: char| before.is_alphanumeric() || before == '_');
            if is_another || line.trim_start().starts_with("//") {
                continue;
            }
            let rest = code[at + name.len()..].trim_start();
            let id = rest.strip_prefix("id = \"").and_then(|rest| rest.split_once('"'));
            lines.push((code[..at].matches('\n').count() + 1, id.map(|(id, _)| id.to_owned())));
        }
    }
    lines
}

#[test]
fn every_log_line_has_an_id_that_the_page_explains_and_the_page_no_other() {
    let mut files = Vec::new();
    sources(&root(), &mut files);
    let (mut used, mut without) = (BTreeSet::new(), Vec::new());
    for file in &files {
        for (line, id) in log_lines(file) {
            match id {
                Some(id) => drop(used.insert(id)),
                None => without.push(format!("{}:{line}", file.display())),
            }
        }
    }
    assert!(used.len() > 100, "the code was not read: {used:?}");
    assert!(
        without.is_empty(),
        "these lines have no id; begin them with `id = \"SK….\", ` of docs/log-events.md: {without:#?}"
    );
    let page = fs::read_to_string(root().join("docs/log-events.md")).unwrap();
    let headings = page.lines().filter_map(|line| line.strip_prefix("### "));
    let explained: Vec<String> =
        headings.map(|heading| heading.split(':').next().unwrap().to_owned()).collect();
    let unique: BTreeSet<String> = explained.iter().cloned().collect();
    assert_eq!(explained.len(), unique.len(), "an id is explained twice");
    assert_eq!(used, unique, "left: in the code; right: on the page");
}
