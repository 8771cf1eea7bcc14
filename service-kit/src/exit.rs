use std::process::ExitCode;

use pubsub_api::{ErrorKind, Result};

use crate::stderr::{finish, report};

/// The end of `main`: an error is written to stderr as one sentence, and decides the exit status: 78 settings, 69
/// unavailable, 64 usage, 1 else (`sysexits.h`).
///
/// It waits until stderr has taken this and what was logged before, at most two seconds: a process whose stderr nobody
/// reads ends all the same.
#[must_use]
pub fn exit_code(outcome: &Result<()>) -> ExitCode {
    let code = match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(format_args!("error: {error}"));
            ExitCode::from(exit_status(error.kind()))
        }
    };
    finish();
    code
}

fn exit_status(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Settings => 78,
        ErrorKind::Unavailable | ErrorKind::Overloaded | ErrorKind::InDoubt => 69,
        ErrorKind::Unsupported => 64,
        _ => 1,
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

#[cfg(test)]
mod tests {
    use pubsub_api::ErrorKind;

    use super::exit_status;

    #[test]
    fn the_exit_status_follows_from_the_kind_of_the_error() {
        for (kind, status) in [
            (ErrorKind::Settings, 78),
            (ErrorKind::Unavailable, 69),
            (ErrorKind::Overloaded, 69),
            (ErrorKind::InDoubt, 69),
            (ErrorKind::Unsupported, 64),
            (ErrorKind::Invalid, 1),
            (ErrorKind::Internal, 1),
        ] {
            assert_eq!(exit_status(kind), status, "{kind:?}");
        }
    }
}
