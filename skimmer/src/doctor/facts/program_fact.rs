use std::path::Path;
use std::time::Duration;

use service_kit::{StatusDocument, request_status};
use tokio::time::timeout;

use super::{SocketFact, SocketState};

/// A program of this host, as its status socket shows it.
#[derive(Debug, Clone)]
pub(crate) struct ProgramFact {
    pub(crate) name: String,
    /// Its status socket.
    pub(crate) socket: SocketFact,
    pub(crate) state: ProgramState,
    /// Its file descriptors, if this user may see them.
    pub(crate) descriptors: Option<Descriptors>,
    /// What its endpoint for operators replies: the checks that are not met. `None` if it has no endpoint.
    pub(crate) unmet: Option<Result<Vec<String>, String>>,
}

#[derive(Debug, Clone)]
pub(crate) enum ProgramState {
    Runs(Box<StatusDocument>),
    /// Nothing listens at its socket.
    Absent,
    /// Something listens, and the reply is missing or not one.
    Mute(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Descriptors {
    /// The most that the process may have.
    pub(crate) limit: u64,
    /// Those that it has; `None` if this user may not see them.
    pub(crate) open: Option<u64>,
}

impl ProgramFact {
    pub(crate) async fn read(state_dir: &Path, name: &str, within: Duration) -> Self {
        let socket = SocketFact::read(&state_dir.join(format!("{name}.status")), within).await;
        let state = match socket.state {
            SocketState::Listens => match timeout(within, request_status(&socket.path)).await {
                Ok(Ok(document)) => ProgramState::Runs(Box::new(document)),
                Ok(Err(error)) => ProgramState::Mute(without_path(&error.to_string(), &socket.path)),
                Err(_) => ProgramState::Mute(format!("no reply within {within:?}")),
            },
            SocketState::Silent => ProgramState::Mute(format!("it does not accept within {within:?}")),
            _ => ProgramState::Absent,
        };
        let descriptors = match &state {
            ProgramState::Runs(document) => Descriptors::of(document.pid),
            _ => None,
        };
        Self { name: name.to_owned(), socket, state, descriptors, unmet: None }
    }

    pub(crate) fn document(&self) -> Option<&StatusDocument> {
        match &self.state {
            ProgramState::Runs(document) => Some(document),
            ProgramState::Absent | ProgramState::Mute(_) => None,
        }
    }
}

/// An error of the socket, without its path, which the check names.
fn without_path(error: &str, path: &Path) -> String {
    error.strip_prefix(&format!("{}: ", path.display())).unwrap_or(error).to_owned()
}

impl Descriptors {
    fn of(pid: u32) -> Option<Self> {
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
        let open = std::fs::read_dir(format!("/proc/{pid}/fd")).ok().map(|entries| entries.count() as u64);
        Some(Self { limit: max_open_files(&limits)?, open })
    }
}

/// The soft limit in a file `limits` (proc(5)).
fn max_open_files(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::max_open_files;

    #[test]
    fn the_soft_limit_of_open_files_is_read() {
        let limits =
            "Max processes   unlimited   unlimited   processes\nMax open files   1024   4096   files\n";
        assert_eq!(max_open_files(limits), Some(1024));
        assert_eq!(max_open_files("Max open files  unlimited unlimited files"), Some(u64::MAX));
        assert_eq!(max_open_files(""), None);
    }
}
