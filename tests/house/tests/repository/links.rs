use std::collections::BTreeMap;

use house::{Page, broken_links, files, foreign_citations};

/// Files with text that people read.
const READ: &[&str] = &["md", "rs", "toml", "py", "sh", "service", "conf", "yml"];

#[test]
fn every_link_and_citation_of_a_page_leads_somewhere() {
    let all =
        files(&["md", "rs", "toml", "py", "sh", "svg", "json", "jsonl", "service", "conf", "txt", "yml"])
            .unwrap();
    let mut existing = BTreeMap::new();
    for file in &all {
        let page = if file.path.ends_with(".md") { Page::of(&file.text) } else { Page::default() };
        existing.insert(file.path.clone(), page);
        let folders = file.path.match_indices('/').filter_map(|(end, _)| file.path.get(..end));
        existing.extend(folders.map(|folder| (folder.to_owned(), Page::default())));
    }
    for name in ["LICENSE", "test", "benches/run", "benches/setup", "fuzz/run", "packaging/build", ".ci/run"]
    {
        assert!(house::read(name).is_ok(), "{name} is no file any more: take it off this list");
        existing.insert(name.to_owned(), Page::default());
    }
    for image in ["docs/images/status-page.png", "docs/images/status-page-dark.png"] {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        assert!(std::path::Path::new(root).join(image).is_file(), "{image} is no file any more");
        existing.insert(image.to_owned(), Page::default());
    }
    let read =
        all.iter().filter(|file| READ.iter().any(|extension| file.path.ends_with(&format!(".{extension}"))));
    let broken: Vec<String> = read
        .filter(|file| !file.path.starts_with("tests/house/src/"))
        .flat_map(|file| {
            let broken = broken_links(&file.path, &file.text, &existing);
            broken.into_iter().map(|target| format!("{}: {target}", file.path))
        })
        .collect();
    assert!(broken.is_empty(), "links that lead nowhere: {broken:#?}");
}

#[test]
fn no_document_is_cited_that_is_not_here() {
    let mut cited = Vec::new();
    for file in files(READ).unwrap() {
        if !file.path.starts_with("tests/house/") {
            let lines = foreign_citations(&file.text).into_iter();
            cited.extend(lines.map(|line| format!("{}:{line}", file.path)));
        }
    }
    assert!(cited.is_empty(), "write the reason, or cite a page of docs/: {cited:#?}");
}
