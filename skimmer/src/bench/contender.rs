use super::service::ServiceKind;

/// One of those whose runs take turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Contender {
    /// A service, with our pusher and our subscribers.
    Service(ServiceKind),
    /// Somebody else's pusher, service and subscribers, by the command that measures them.
    Whole(String),
}

impl Contender {
    /// What a contender that is a command is called: the file at the end of it.
    pub(super) fn name_of_command(command: &str) -> String {
        command.rsplit(['/', ' ']).next().unwrap_or(command).to_owned()
    }

    /// What it is, for the report.
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
