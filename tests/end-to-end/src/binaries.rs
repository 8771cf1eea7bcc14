use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// The packages whose programs are tested.
const PACKAGES: [&str; 4] = ["publisher-service", "subscriber-agent", "skimmer", "examples"];

/// The path of a program of this workspace, such as `publisher-service`.
///
/// If the environment variable `SKIMMER_BIN_DIR` is set, the programs in that folder are used. Otherwise they are built, once
/// per test process, with the profile and the target folder of the test.
///
/// # Panics
/// If the programs cannot be built, or the folder does not contain the program.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| std::env::var_os("SKIMMER_BIN_DIR").map_or_else(build, PathBuf::from));
    let path = folder.join(name);
    assert!(
        path.is_file(),
        "{} is missing (SKIMMER_BIN_DIR, or cargo build --workspace --bins --examples)",
        path.display()
    );
    path
}

/// The path of a program of the package `examples`, such as `subscribe`, found or built as [`binary`] does.
///
/// # Panics
/// If the programs cannot be built, or their folder does not contain the program.
#[must_use]
pub fn example(name: &str) -> PathBuf {
    binary(&format!("examples/{name}"))
}

/// Builds all programs and returns the folder with them.
fn build() -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args([
        "build",
        "--bins",
        "--examples",
        "--message-format=json",
    ]);
    cargo.args(PACKAGES.iter().flat_map(|package| ["-p", package]));
    cargo.args(["--profile", &profile()]);
    if let Some(target) = target_folder() {
        cargo.arg("--target-dir").arg(target);
    }
    let output = cargo.output().expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{PACKAGES:?} cannot be built:\n{errors}");
    let lines = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let mut messages = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let is_program = |message: &Value| message["target"]["kind"][0] == "bin";
    let program = messages.find_map(|message| {
        message["executable"].as_str().filter(|_| is_program(&message)).map(PathBuf::from)
    });
    program.expect("cargo names its programs").parent().expect("a program lies in a folder").to_path_buf()
}

/// The path of this test: `TARGET/PROFILE/deps/TEST`.
fn own_folders() -> Vec<PathBuf> {
    let test = std::env::current_exe().expect("a test has a path");
    test.ancestors().map(Path::to_path_buf).collect()
}

fn profile() -> String {
    let folders = own_folders();
    let name = folders.get(2).and_then(|folder| folder.file_name()).and_then(|name| name.to_str());
    match name {
        Some("debug") | None => "dev".to_owned(),
        Some(profile) => profile.to_owned(),
    }
}

fn target_folder() -> Option<PathBuf> {
    own_folders().get(3).cloned()
}
