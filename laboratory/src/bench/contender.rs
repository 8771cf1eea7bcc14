use super::service::ServiceKind;

/// A system that is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Contender {
    /// A service, with the pusher and the subscribers of this bench.
    Service(ServiceKind),
    /// The pusher, service and subscribers of a peer, with the command that measures them.
    Whole(String),
}

impl Contender {
    /// The name of a contender that is a command: its last file name.
    pub(super) fn name_of_command(command: &str) -> String {
        command.rsplit(['/', ' ']).next().unwrap_or(command).to_owned()
    }

    /// The description for the report.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Service(kind) => format!("our pusher and subscribers; service: {}", kind.describe()),
            Self::Whole(command) => format!("pusher, service and subscribers of {command}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Contender;

    #[test]
    fn a_command_is_called_after_the_file_at_its_end() {
        for (command, name) in [("python3 peers/whole.py", "whole.py"), ("/usr/bin/theirs", "theirs")] {
            assert_eq!(Contender::name_of_command(command), name);
        }
    }
}
