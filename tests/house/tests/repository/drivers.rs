use std::collections::BTreeSet;

use house::{files, missing_files, shared_prefixes};

/// What drivers lack today.
const LACKING: &[&str] = &[];

#[test]
fn drivers_have_the_same_files_for_the_same_things() {
    let all = files(&["rs", "md", "toml"]).unwrap();
    let of_drivers = all.iter().filter_map(|file| file.path.strip_prefix("drivers/")?.split_once('/'));
    let drivers: BTreeSet<&str> =
        of_drivers.map(|(driver, _)| driver).filter(|driver| *driver != "all").collect();
    assert!(drivers.len() >= 5, "{drivers:?}");
    let mut lacking = Vec::new();
    for driver in drivers {
        let below = format!("drivers/{driver}/");
        let own: Vec<_> = all.iter().filter(|file| file.path.starts_with(&below)).collect();
        let paths: Vec<&str> = own.iter().filter_map(|file| file.path.strip_prefix(&below)).collect();
        let sources = own.iter().filter(|file| file.path.ends_with(".rs") && !file.path.contains("/tests/"));
        let text: Vec<&str> = sources.map(|file| file.text.as_str()).collect();
        let missing = missing_files(&text.join("\n"), &paths);
        let folders = shared_prefixes(&paths);
        lacking.extend(missing.into_iter().chain(folders).map(|path| format!("{driver}: {path}")));
    }
    super::assert_exactly(
        &lacking,
        LACKING,
        "files that a driver should have, and files that should be in a folder of their own",
        "no longer lacking; take them off LACKING",
    );
}
