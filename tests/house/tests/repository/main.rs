//! The repository, checked by the functions of this crate.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod circles;
mod drivers;
mod guarantees;
mod links;
mod names;
mod pauses;

/// Fails if what was found differs from what is expected, naming both kinds of difference.
fn assert_exactly(found: &[String], expected: &[&str], new: &str, gone: &str) {
    let unexpected: Vec<&String> = found.iter().filter(|one| !expected.contains(&one.as_str())).collect();
    let missing: Vec<&&str> =
        expected.iter().filter(|one| !found.iter().any(|other| other == **one)).collect();
    assert!(unexpected.is_empty(), "{new}: {unexpected:#?}");
    assert!(missing.is_empty(), "{gone}: {missing:#?}");
}
