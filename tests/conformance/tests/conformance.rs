//! Runs the conformance suite over every driver of this build.

use std::process::ExitCode;

use drivers as _;
use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or_else(test_threads);
    match conformance::trials() {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(failure) => {
            eprintln!("cannot run the conformance suite: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The number of trials at a time that the environment variable of the standard test harness asks for.
fn test_threads() -> Option<usize> {
    std::env::var("RUST_TEST_THREADS").ok()?.parse().ok()
}
