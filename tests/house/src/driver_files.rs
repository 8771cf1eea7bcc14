use std::collections::BTreeMap;

/// The files that a driver's crate lacks, of those that it should have by what it registers.
///
/// Every driver has `README.md`, `src/lib.rs` and `src/settings.rs`. One that carries events has `publisher.rs` and
/// `subscriber.rs`; one with a wire of its own has `wire.rs` too, and a database `database.rs`. If a crate is both, what
/// carries events may stand in `src/pubsub/`.
///
/// `lib` is the text of `src/lib.rs` and of the files that register, `paths` are those below the crate's folder.
#[must_use]
pub fn missing_files(lib: &str, paths: &[&str]) -> Vec<String> {
    let mut wanted = vec!["README.md", "src/lib.rs", "src/settings.rs"];
    let mut events = Vec::new();
    if registers(lib, "Driver") {
        events.extend(["publisher.rs", "subscriber.rs"]);
        if lib.contains("across_processes: true") {
            events.push("wire.rs");
        }
    }
    if registers(lib, "DatabaseDriver") {
        wanted.push("src/database.rs");
    }
    let has = |path: &str| paths.contains(&path);
    let missing = wanted.into_iter().filter(|path| !has(path)).map(str::to_owned);
    let without = |name: &&str| !has(&format!("src/{name}")) && !has(&format!("src/pubsub/{name}"));
    missing.chain(events.into_iter().filter(without).map(|name| format!("src/{name}"))).collect()
}

/// The words before `_` with which two or more files begin in the folders `publisher` and `subscriber` of a driver's crate:
/// each is a folder that was not made. A driver with several sockets has a folder for each.
///
/// `paths` are those below the crate's folder.
#[must_use]
pub fn shared_prefixes(paths: &[&str]) -> Vec<String> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for path in paths {
        let Some((folder, file)) = path.rsplit_once('/') else { continue };
        let is_end = folder.ends_with("/publisher") || folder.ends_with("/subscriber");
        if let Some((word, _)) = file.split_once('_')
            && is_end
        {
            *times.entry(format!("{folder}/{word}_*")).or_default() += 1;
        }
    }
    times.into_iter().filter(|(_, times)| *times > 1).map(|(prefix, _)| prefix).collect()
}

/// Whether `inventory::submit! { TYPE {` stands there.
fn registers(text: &str, kind: &str) -> bool {
    let begins = |rest: &str| {
        let rest = rest.trim_start().strip_prefix('{').unwrap_or(rest).trim_start();
        rest.strip_prefix(kind).is_some_and(|rest| rest.trim_start().starts_with('{'))
    };
    text.split("inventory::submit!").skip(1).any(begins)
}

#[cfg(test)]
mod tests {
    use super::{missing_files, shared_prefixes};

    const CARRIES: &str = "inventory::submit! {\n    Driver {\n across_processes: true }}";
    const STORES: &str = "inventory::submit! { DatabaseDriver { across_processes: true } }";

    #[test]
    fn a_driver_without_its_files_is_found() {
        let all = ["README.md", "src/settings.rs", "src/publisher.rs", "src/subscriber.rs", "src/wire.rs"];
        assert_eq!(missing_files(CARRIES, &["src/lib.rs"]), all);
        assert_eq!(
            missing_files(STORES, &["src/lib.rs", "src/settings.rs", "README.md"]),
            ["src/database.rs"]
        );
    }

    #[test]
    fn files_that_begin_with_one_word_belong_into_a_folder() {
        let paths =
            ["src/subscriber/sub_link.rs", "src/subscriber/sub_queue.rs", "src/subscriber/pull_queue.rs"];
        assert_eq!(shared_prefixes(&paths), ["src/subscriber/sub_*"]);
        assert_eq!(shared_prefixes(&["src/subscriber/sub/a_b.rs", "src/subscriber/sub/a_c.rs"]), [""; 0]);
    }

    #[test]
    fn a_driver_of_both_kinds_may_have_a_folder_for_events() {
        let both = format!("{CARRIES}\n{STORES}");
        let paths = [
            "README.md",
            "src/lib.rs",
            "src/settings.rs",
            "src/database.rs",
            "src/pubsub/publisher.rs",
            "src/pubsub/subscriber.rs",
            "src/pubsub/wire.rs",
        ];
        assert_eq!(missing_files(&both, &paths), Vec::<String>::new());
    }
}
