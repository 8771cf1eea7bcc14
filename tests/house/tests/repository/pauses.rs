use house::{SourceFile, files, unexplained_pauses};

/// Whether the file is part of tests, or of what tests share.
fn is_of_tests(file: &SourceFile) -> bool {
    file.path.starts_with("tests/") || file.path.contains("/tests/") || file.path.ends_with("/tests.rs")
}

#[test]
fn a_test_pauses_only_with_a_reason() {
    let of_tests: Vec<SourceFile> = files(&["rs"]).unwrap().into_iter().filter(is_of_tests).collect();
    assert!(of_tests.len() > 100, "{} files", of_tests.len());
    let pauses = |file: &SourceFile| {
        unexplained_pauses(&file.text).into_iter().map(|pause| format!("{}:{pause}", file.path)).collect()
    };
    let found: Vec<String> = of_tests.iter().flat_map::<Vec<String>, _>(pauses).collect();
    assert!(
        found.is_empty(),
        "wait for a condition with a deadline, or write the reason of the pause above it: {found:#?}"
    );
}
