//! `docs/limits.md` names constants of the code with their values: both are the same.

#![expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The values by crate and name of the constant, sorted.
type Limits = BTreeMap<(String, String), Vec<String>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The rows of the tables: crate, constant, value.
fn documented() -> Limits {
    let text = fs::read_to_string(root().join("docs/limits.md")).unwrap();
    let mut limits = Limits::new();
    for line in text.lines() {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let [name_of_crate, constant, value, _] = cells.as_slice()
            && constant.starts_with('`')
        {
            let plain = |cell: &str| cell.trim_matches('`').to_owned();
            let key = ((*name_of_crate).to_owned(), plain(constant));
            limits.entry(key).or_default().push(plain(value));
        }
    }
    limits.values_mut().for_each(|values| values.sort());
    limits
}

/// The values of the constants of a crate that have this name, in whichever file.
fn declared(folder: &Path, constant: &str, values: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            declared(&path, constant, values);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let values_here = text.lines().filter_map(|line| {
                let (_, after) = line.split_once(&format!("const {constant}: "))?;
                let (_, value) = after.split_once(" = ")?;
                Some(value.trim_end_matches(';').to_owned())
            });
            values.extend(values_here);
        }
    }
}

#[test]
fn every_limit_of_the_table_has_the_value_of_the_code() {
    let documented = documented();
    assert!(documented.len() > 20, "the table was not read: {documented:?}");
    for ((name_of_crate, constant), values) in documented {
        let mut of_code = Vec::new();
        declared(&root().join(&name_of_crate).join("src"), &constant, &mut of_code);
        of_code.sort();
        assert_eq!(
            values, of_code,
            "{constant} of {name_of_crate}: on the left docs/limits.md, on the right the code"
        );
    }
}

/// The names of the constants `MAX_…` in the files of a folder, without those of its tests.
fn names_of_limits(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.ends_with("tests") {
            continue;
        }
        if path.is_dir() {
            names_of_limits(&path, names);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let constants = text.lines().filter_map(|line| {
                let (_, after) = line.split_once("const MAX_")?;
                after.split_once(": ").map(|(name, _)| format!("MAX_{name}"))
            });
            names.extend(constants);
        }
    }
}

#[test]
fn every_limit_of_the_data_services_engine_is_in_the_table() {
    let documented = documented();
    for name_of_crate in ["data-services", "data-services/kinds"] {
        let mut names = BTreeSet::new();
        names_of_limits(&root().join(name_of_crate).join("src"), &mut names);
        assert!(!names.is_empty(), "no limits in {name_of_crate}");
        for name in names {
            assert!(
                documented.contains_key(&(name_of_crate.to_owned(), name.clone())),
                "docs/limits.md lacks {name} of {name_of_crate}"
            );
        }
    }
}

#[test]
fn every_public_limit_of_the_contract_is_in_the_table() {
    let documented = documented();
    let files = [
        ("pubsub-api/events", "wire.rs"),
        ("pubsub-api", "subscriber.rs"),
        ("pubsub-api", "batch.rs"),
        ("pubsub-api", "database/row.rs"),
        ("pubsub-api/topics", "topic.rs"),
        ("pubsub-api/msgpack", "lib.rs"),
    ];
    for (name_of_crate, file) in files {
        let text = fs::read_to_string(root().join(name_of_crate).join("src").join(file)).unwrap();
        let names = text.lines().filter_map(|line| {
            let (name, _) = line.trim_start().strip_prefix("pub const ")?.split_once(':')?;
            (name.starts_with("MAX_") && !name.contains("RESERVED")).then(|| name.to_owned())
        });
        for name in names {
            assert!(
                documented.contains_key(&(name_of_crate.to_owned(), name.clone())),
                "docs/limits.md lacks {name} of {name_of_crate}"
            );
        }
    }
}
