//! Runs the conformance suite over every driver of this build.

use std::process::ExitCode;

use drivers as _;
use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match conformance::trials() {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(failure) => {
            eprintln!("cannot run the conformance suite: {failure}");
            ExitCode::FAILURE
        }
    }
}
