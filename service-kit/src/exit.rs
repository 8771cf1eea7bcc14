use std::process::ExitCode;

use pubsub_api::Result;

use crate::stderr::{finish, report};

/// The end of `main`: an error is written to stderr as one sentence, and decides the exit status
/// ([`Error::exit_status`](pubsub_api::Error::exit_status)).
///
/// It waits until stderr has taken this and what was logged before, at most two seconds: a process whose stderr nobody
/// reads ends all the same.
#[must_use]
pub fn exit_code(outcome: &Result<()>) -> ExitCode {
    let code = match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(format_args!("error: {error}"));
            ExitCode::from(error.exit_status())
        }
    };
    finish();
    code
}

/// The end of `main` when the arguments were wrong: 64 with the explanation; `--help` and `--version` are 0.
#[must_use]
pub fn usage(explanation: &clap::Error) -> ExitCode {
    const EX_USAGE: u8 = 64;
    // Nothing is left to do if the explanation cannot be written.
    let _ = explanation.print();
    if explanation.use_stderr() { ExitCode::from(EX_USAGE) } else { ExitCode::SUCCESS }
}
