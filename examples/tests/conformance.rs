//! Runs the conformance suite over the driver in `driver.rs`, the only one of this test.

use std::process::ExitCode;

use example_driver as _;
use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match conformance::driver_trials() {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(failure) => {
            eprintln!("cannot run the conformance suite: {failure}");
            ExitCode::FAILURE
        }
    }
}
