use std::process::ExitCode;

use pubsub_api::Result;

/// The end of `main`: an error goes to stderr as one sentence, and decides the exit status
/// ([`Error::exit_status`](pubsub_api::Error::exit_status)).
#[must_use]
pub fn exit_code(outcome: &Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_status())
        }
    }
}

/// The end of `main` when the arguments were wrong: 64 with the explanation; `--help` and `--version` are 0.
#[must_use]
pub fn usage(explanation: &clap::Error) -> ExitCode {
    const EX_USAGE: u8 = 64;
    // Nothing is left to do if the explanation cannot be written.
    let _ = explanation.print();
    if explanation.use_stderr() { ExitCode::from(EX_USAGE) } else { ExitCode::SUCCESS }
}
