//! The bills of materials.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use packages::{prepared, root, run};

/// The crates in the tree of a program, as `name version`, without those that run at build time only.
fn tree(program: &str) -> BTreeSet<String> {
    let arguments =
        ["tree", "--locked", "--package", program, "--edges=normal", "--prefix=none", "--format={p}"];
    let lines = run("cargo", arguments);
    let name_and_version =
        |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ").replace(" v", " ");
    lines.lines().filter(|line| !line.contains("(proc-macro)")).map(name_and_version).collect()
}

#[test]
fn a_bill_names_every_crate_that_is_linked_into_its_program_and_the_licence_of_each() {
    let _ = prepared("packaging-tools");
    let folder = tempfile::tempdir().expect("a folder");
    run(root().join("packaging/bills"), [folder.path()]);
    for program in ["skimmer", "publisher-service", "subscriber-agent"] {
        let text = fs::read_to_string(folder.path().join(format!("{program}.cdx.json"))).expect("a bill");
        let bill: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(bill["bomFormat"], "CycloneDX");
        assert_eq!(bill["metadata"]["component"]["name"], program);
        let components = bill["components"].as_array().expect("components");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let named: BTreeSet<String> = components
            .iter()
            .map(|component| format!("{} {}", text(&component["name"]), text(&component["version"])))
            .collect();
        for linked in tree(program) {
            let is_itself = linked.starts_with(&format!("{program} "));
            assert!(is_itself || named.contains(&linked), "{program}: {linked} is not in its bill");
        }
        for component in components {
            assert!(component["licenses"].is_array(), "{program}: {component}");
        }
        assert!(
            !text_has_a_folder(&bill.to_string()),
            "{program}: a bill is the same wherever it is written"
        );
    }
}

fn text_has_a_folder(text: &str) -> bool {
    [std::env::temp_dir().display().to_string(), root().display().to_string()]
        .iter()
        .any(|one| text.contains(one))
}
