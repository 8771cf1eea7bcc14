use std::process::ExitCode;

use pubsub_api::{ErrorKind, Result};

use crate::stderr::{finish, report};

/// Returns the exit status at the end of `main`. An error is written to stderr and decides the status: 78 settings, 69
/// unavailable, 64 usage, 1 any other error (`sysexits.h`).
///
/// It waits at most two seconds until this error and the earlier log lines are written to stderr. The process exits even if
/// nothing reads its stderr.
///
/// | kind | status | name in `sysexits.h` |
/// |---|--:|---|
/// | `Settings` | 78 | `EX_CONFIG` |
/// | `Unavailable`, `Overloaded`, `InDoubt` | 69 | `EX_UNAVAILABLE` |
/// | `Unsupported` | 64 | `EX_USAGE` |
/// | any other | 1 | |
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

/// Returns the exit status for invalid arguments, 64, after printing the explanation; 0 for `--help` and `--version`.
#[must_use]
pub fn usage(explanation: &clap::Error) -> ExitCode {
    const EX_USAGE: u8 = 64;
    // If stderr cannot be written to, the exit status is the only report.
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
