use house::{ModuleGraph, SourceFile, files, members, read};

/// The circles between the files of one crate today. This list may only become shorter: break a circle, and take it off.
const CIRCLES: &[&str] = &[
    "drivers/memory: replies ⇄ request_link",
    "drivers/redis: pubsub/subscriber/link ⇄ pubsub/subscriber/link_session",
    "service-kit: stderr ⇄ write_queue",
    "tests/conformance: broker_place ⇄ case ⇄ fixture ⇄ patience ⇄ receiver ⇄ sender",
    "tests/conformance: databases/database_place ⇄ databases/shared_cluster",
];

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
    super::assert_exactly(
        &circles,
        CIRCLES,
        "files that name each other in a circle; move what both need into a third",
        "circles that are gone or smaller; take them off CIRCLES",
    );
}
