//! The crate `settings` knows no setting by name: tables and rules come from its caller.

#![expect(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

use std::fs;
use std::path::{Path, PathBuf};

use settings::shown_settings;

/// The options that Dragonflow declares, of which some have the names of our settings.
const OPTIONS_OF_DRAGONFLOW: &str = "declared.rs";

fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn no_setting_is_named_in_the_crate_that_loads_them() {
    let settings = all_settings::defaults(&[]).unwrap();
    let names: Vec<String> =
        shown_settings(&settings).map(|entry| format!("\"{}\"", entry.setting.name)).collect();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let mut found = Vec::new();
    let files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../src"));
    for file in files.iter().filter(|file| !file.ends_with(OPTIONS_OF_DRAGONFLOW)) {
        let text = fs::read_to_string(file).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let named = |line: &&str| names.iter().any(|name| line.contains(name));
        found.extend(
            text.lines().filter(is_code).filter(named).map(|line| format!("{}: {line}", file.display())),
        );
    }
    assert!(names.len() > 30, "{names:?}");
    assert!(found.is_empty(), "{found:#?}");
}
