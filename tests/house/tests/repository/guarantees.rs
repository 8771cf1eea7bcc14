use house::{NamedTest, files, read};

#[test]
fn every_test_that_a_page_names_exists() {
    let named = NamedTest::all(&read("docs/guarantees.md").unwrap().text);
    assert!(named.len() > 50, "the guarantees name only {} tests", named.len());
    let pages = files(&["md"]).unwrap();
    let all = pages
        .iter()
        .flat_map(|page| NamedTest::all(&page.text).into_iter().map(|test| (page.path.as_str(), test)));
    let missing: Vec<String> = all
        .filter(|(_, test)| !read(&test.file).is_ok_and(|file| test.is_in(&file.text)))
        .map(|(page, NamedTest { file, name })| format!("{page}: {file}::{name}"))
        .collect();
    assert!(missing.is_empty(), "tests that were renamed or are gone: {missing:#?}");
}

#[test]
fn every_anchor_of_a_page_is_there_once() {
    for page in files(&["md"]).unwrap() {
        let mut seen = std::collections::BTreeSet::new();
        let anchors = page.text.split("<a id=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let again: Vec<&str> = anchors.filter(|anchor| !seen.insert(*anchor)).collect();
        assert!(again.is_empty(), "anchors of {} that are there twice: {again:?}", page.path);
    }
}
