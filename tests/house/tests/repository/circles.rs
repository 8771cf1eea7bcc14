use house::{ModuleGraph, SourceFile, files, members, read};

#[test]
fn the_files_of_a_crate_name_each_other_in_no_circle() {
    let all = files(&["rs"]).unwrap();
    let mut circles = Vec::new();
    for member in members(&read("Cargo.toml").unwrap().text) {
        let below = format!("{member}/src/");
        let source = |file: &SourceFile| {
            let path = file.path.strip_prefix(&below)?.to_owned();
            Some(SourceFile { path, text: file.text.clone() })
        };
        let sources: Vec<SourceFile> = all.iter().filter_map(source).collect();
        // The examples are programs of one file each, outside a folder `src`.
        assert_eq!(sources.is_empty(), member == "examples", "sources of {member}");
        circles.extend(
            ModuleGraph::of(&sources).circles().into_iter().map(|circle| format!("{member}: {circle}")),
        );
    }
    assert!(
        circles.is_empty(),
        "files that name each other in a circle; move what both need into a third: {circles:#?}"
    );
}
