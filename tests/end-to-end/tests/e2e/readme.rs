//! The README's *Use* block, run as it is printed.

use std::process::{Command, Stdio};

use end_to_end::{Folder, binary, fixed_port, key_of};
use serde_json::Value;

const README: &str = include_str!("../../../../README.md");

/// The indented lines of the section *Use*.
fn use_block() -> String {
    let (_, section) = README.split_once("\n## Use\n").unwrap_or_default();
    let lines = section.lines().skip_while(|line| !line.starts_with("    "));
    let block = lines.take_while(|line| line.is_empty() || line.starts_with("    "));
    block.map(|line| line.trim_start().to_owned() + "\n").collect()
}

/// What a reader sees before they end the programs: the handler, which has a process of its own, wrote both events.
const SEEN: &str = "until [[ $(wc -l < run/changes.jsonl) -ge 2 ]]; do sleep 0.1; done";

/// The block for `bash`, with the programs of this test in the place of those that its first line builds.
fn script() -> String {
    let skimmer = binary("skimmer");
    let programs = skimmer.parent().unwrap_or(&skimmer).display().to_string();
    let block = use_block();
    let (build, rest) = block.split_once(" && ").unwrap_or_default();
    let programs_only = "cargo build --release -p skimmer -p publisher-service -p subscriber-agent";
    assert_eq!(build, programs_only, "the first line builds, then sets PATH");
    let rest = rest.replacen("$PWD/target/release", &programs, 1).replacen(
        "\nkill ",
        &format!("\n{SEEN}\nkill "),
        1,
    );
    assert!(rest.contains(SEEN), "the block ends the programs in a line of its own");
    format!("set -euo pipefail -o monitor\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{rest}")
}

#[test]
fn the_use_block_of_the_readme_runs_as_printed() {
    let folder = Folder::new();
    let work = folder.path().join("clone");
    std::fs::create_dir(&work).expect("the test's folder can be written");
    let mut bash = Command::new("timeout");
    bash.args(["120", "bash", "-c", &script()]).current_dir(&work).stdin(Stdio::null());
    // Everything else is as printed: only the port is the test's own.
    let bash = bash.env("SKIMMER_PUBLISHER_PORT", fixed_port().to_string()).output().expect("bash runs");
    let stdout = String::from_utf8_lossy(&bash.stdout);
    let stderr = String::from_utf8_lossy(&bash.stderr);
    assert!(bash.status.success(), "{}\nstdout: {stdout}\nstderr: {stderr}", bash.status);
    for wanted in
        ["ok, ", r#""notice":"ready""#, "published 1 events", "publisher-service", r#""id":"port-2""#]
    {
        assert!(format!("{stdout}{stderr}").contains(wanted), "{wanted} in\n{stdout}\n{stderr}");
    }
    let changes = std::fs::read_to_string(work.join("run/changes.jsonl")).expect("the handler wrote");
    let mut keys: Vec<String> = changes
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON lines"))
        .map(|event| key_of(&event).1.to_owned())
        .collect();
    keys.sort();
    assert_eq!(keys, ["port-1", "port-2"]);
}
