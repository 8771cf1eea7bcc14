use std::path::{Path, PathBuf};

use end_to_end::{Folder, Launch, Program};
use serde_json::Value;

/// Starts a peer, called `name` in failures, and waits until it is ready.
///
/// # Panics
/// If there is no interpreter, or the peer does not start; the text explains what to do.
#[track_caller]
pub(crate) fn start(folder: &Folder, name: &str, script: &str, arguments: &[&str]) -> Program {
    let interpreter = interpreter();
    // The path is absolute, and so takes the place of the folder of Skimmer's programs.
    let program = Launch::new(&interpreter, name, folder.path());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(script);
    let program = program.args(["-B".into(), script]).args(arguments).start();
    program.wait_for("its readiness", |line| line["ready"] == true);
    program
}

/// Runs a peer until it exits, with `input` on its stdin, and returns its lines.
///
/// # Panics
/// If there is no interpreter, or the peer fails.
#[must_use]
#[track_caller]
pub fn ask(folder: &Folder, script: &str, input: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(script);
    let program = Launch::new(&interpreter(), script, folder.path());
    program.args(["-B".into(), path]).run_with(input).expect(0).lines()
}

fn interpreter() -> String {
    let Some(named) = std::env::var_os("INTEROP_PYTHON") else {
        panic!("no Python with pyzmq and msgpack: run ./test, which makes one and names it in INTEROP_PYTHON")
    };
    let path = PathBuf::from(&named);
    assert!(
        path.is_absolute() && path.is_file(),
        "INTEROP_PYTHON = {named:?} is not an absolute path of a program"
    );
    path.into_os_string().into_string().expect("a path in UTF-8")
}
