//! The README's blocks *Use*, *Secure* and *Operate*, run as they are printed.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use end_to_end::{Folder, binary, fixed_port, key_of};
use serde_json::Value;

const README: &str = include_str!("../../../../README.md");

/// The first indented lines of a section.
fn block(title: &str) -> String {
    let (_, section) = README.split_once(&format!("\n## {title}\n")).unwrap_or_default();
    let lines = section.lines().skip_while(|line| !line.starts_with("    "));
    let block = lines.take_while(|line| line.is_empty() || line.starts_with("    "));
    block.map(|line| line.trim_start().to_owned() + "\n").collect()
}

/// What a reader sees before they end the programs: the handler, which has a process of its own, wrote both events.
const SEEN: &str = "until [[ $(wc -l < run/changes.jsonl) -ge 2 ]]; do sleep 0.1; done";

/// The folder of the programs of this test.
fn programs() -> String {
    let skimmer = binary("skimmer");
    skimmer.parent().unwrap_or(&skimmer).display().to_string()
}

/// Runs a script in a folder. Everything is as printed; only the port is the test's own.
#[expect(clippy::expect_used, reason = "a test ends where an expectation fails")]
fn run(script: &str, folder: &Path) -> Output {
    let mut bash = Command::new("timeout");
    bash.args(["120", "bash", "-c", script]).current_dir(folder).stdin(Stdio::null());
    bash.env("SKIMMER_PUBLISHER_PORT", fixed_port().to_string()).output().expect("bash runs")
}

/// The block for `bash`, with the programs of this test in the place of those that its first line builds.
fn script() -> String {
    let programs = programs();
    let block = block("Use");
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
    let bash = run(&script(), &work);
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

/// What an operator does next: an event arrives, a stranger is refused, a revoked agent is disconnected.
const AFTER_SECURE: &str = r#"
seen() { until grep -q "$1" agent.log; do sleep 0.1; done; }
seen '"notice":"live"'
skimmer pub --config skimmer.toml --table lport --key port-1 --action set --value v --topic tenant-1
seen '"key":"port-1"'
! SKIMMER_DRIVERS_ZMTP_MECHANISM=null SKIMMER_DRIVERS_ZMTP_PUBLISHER_KEYS= \
    skimmer sub --config skimmer.toml --topic tenant-1 --count 1 --timeout 2s 2> stranger.log
skimmer status --config skimmer.toml | grep 'refused'
sed -i '/compute-7/d' keys/agents
seen '"notice":"link_down"'
echo 'all was seen'
"#;

#[test]
fn the_secure_block_of_the_readme_runs_as_printed() {
    let folder = Folder::new();
    let prepare = "export SKIMMER_STATE_DIR=$PWD/run SKIMMER_PUBLISHER_MULTIPROC_SOCKET=$PWD/run/workers\n\
                   mkdir run && skimmer config sample > skimmer.toml";
    let secure = block("Secure").trim().to_owned();
    assert_eq!(secure.lines().count(), 5, "{secure}");
    let secure = secure.replacen("--topic tenant-1 &", "--topic tenant-1 > agent.log &", 1);
    let script = format!(
        "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\nexport PATH={}:$PATH\n{prepare}\n{secure}\n{AFTER_SECURE}",
        programs()
    );
    let bash = run(&script, folder.path());
    let (stdout, stderr) = (String::from_utf8_lossy(&bash.stdout), String::from_utf8_lossy(&bash.stderr));
    assert!(bash.status.success() && stdout.contains("all was seen"), "{stdout}\n{stderr}");
    assert!(stdout.contains("(wrong_mechanism, "), "the stranger is remembered: {stdout}");
}

#[test]
fn the_operate_block_of_the_readme_runs_as_printed() {
    let folder = Folder::new();
    let prepare = "export SKIMMER_STATE_DIR=$PWD/run SKIMMER_PUBLISHER_MULTIPROC_SOCKET=$PWD/run/workers\n\
                   mkdir run && skimmer config sample > skimmer.toml";
    let operate = block("Operate").trim().to_owned();
    assert_eq!(operate.lines().count(), 6, "{operate}");
    // The ports are the test's own.
    let (service, agent) = (fixed_port(), fixed_port());
    let operate = operate.replace(":9466", &format!(":{service}")).replace(":9467", &format!(":{agent}"));
    let script = format!(
        "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\nexport PATH={}:$PATH\n{prepare}\n{operate}",
        programs()
    );
    let bash = run(&script, folder.path());
    let (stdout, stderr) = (String::from_utf8_lossy(&bash.stdout), String::from_utf8_lossy(&bash.stderr));
    assert!(bash.status.success(), "{stdout}\n{stderr}");
    for wanted in ["[+]network: ", "[+]topics: ", "skimmer_ready 1.0", r#""status_version":1"#, "0 failed"] {
        assert!(stdout.contains(wanted), "{wanted} in {stdout}\n{stderr}");
    }
}
