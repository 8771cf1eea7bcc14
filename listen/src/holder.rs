use std::fmt;
use std::fs;

/// Who holds an address, as far as this process can see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A process that exists now.
    Process {
        /// Its number in our pid namespace.
        pid: u32,
        /// Its command name, proc_pid_comm(5).
        command: String,
    },
    /// Somebody, but hidden from us: another user's, in another pid namespace, or gone.
    Unseen,
}

impl Holder {
    /// The process `pid`, if it is visible from here. The kernel writes 0 for one of another pid namespace.
    pub(crate) fn of(pid: u32) -> Self {
        match fs::read_to_string(format!("/proc/{pid}/comm")) {
            Ok(command) => Self::Process { pid, command: command.trim_end().to_owned() },
            Err(_) => Self::Unseen,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { pid, command } => write!(f, "pid {pid} ({})", command.escape_debug()),
            Self::Unseen => f.write_str("a process that cannot be seen from here"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visible_process_is_named_by_number_and_command() {
        let pid = std::process::id();
        let text = Holder::of(pid).to_string();
        assert!(text.starts_with(&format!("pid {pid} (")), "{text}");
    }

    #[test]
    fn a_process_of_another_namespace_is_not_named() {
        assert_eq!(Holder::of(0), Holder::Unseen);
    }
}
