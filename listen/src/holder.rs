use std::fmt;
use std::fs;

/// The process that holds an address, as far as this process can see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A process that exists now.
    Process {
        /// Its id in our pid namespace.
        pid: u32,
        /// Its command name, proc_pid_comm(5).
        command: String,
    },
    /// Not visible: a process of another user or pid namespace, or one that has ended.
    Unseen,
}

impl Holder {
    /// The process `pid`, if it is visible. The kernel writes 0 for a process of another pid namespace.
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
            Self::Unseen => f.write_str("a process that is not visible from here"),
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
