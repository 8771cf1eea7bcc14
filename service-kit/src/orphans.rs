use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

/// The child processes whose exit status is read by their owner and not by `reap_orphans`.
static OWN: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Starts a command. Until the returned [`OwnChild`] is dropped, `reap_orphans` leaves its exit status to the caller.
///
/// # Errors
/// The error of starting the command.
///
/// ```
/// use service_kit::spawn_child;
/// use std::process::ExitStatus;
///
/// async fn run(command: &mut tokio::process::Command) -> std::io::Result<ExitStatus> {
///     let (mut child, _own) = spawn_child(command)?;
///     child.wait().await
/// }
/// ```
pub fn spawn_child(command: &mut Command) -> io::Result<(Child, OwnChild)> {
    // The lock is held until the process id is noted, because the child may exit before that.
    let mut own = own();
    let child = command.spawn()?;
    let pid = child.id().unwrap_or_default();
    own.insert(pid);
    Ok((child, OwnChild(pid)))
}

/// A child process whose exit status the caller reads.
#[derive(Debug)]
pub struct OwnChild(u32);

impl Drop for OwnChild {
    fn drop(&mut self) {
        own().remove(&self.0);
    }
}

fn own() -> MutexGuard<'static, BTreeSet<u32>> {
    OWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As process 1 of a container, reaps orphaned processes, which would otherwise stay as zombies (pid_namespaces(7)). In any
/// other process it does nothing.
pub(crate) fn reap_orphans() {
    if std::process::id() != 1 {
        return;
    }
    match signal(SignalKind::child()) {
        Ok(mut ended) => drop(tokio::spawn(async move {
            while ended.recv().await.is_some() {
                reap();
            }
        })),
        Err(error) => tracing::warn!(
            id = "SK0116",
            "cannot handle SIGCHLD, so orphaned processes stay as zombies: {error}"
        ),
    }
}

fn reap() {
    let own = own();
    for pid in zombies() {
        if own.contains(&pid) {
            continue;
        }
        let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { continue };
        // tokio may have reaped a dropped child already.
        let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    }
}

/// The process ids of our children that have exited and were not reaped.
fn zombies() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let is_ours = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        is_zombie_of(&stat, std::process::id())
    };
    pids.filter(is_ours).collect()
}

/// Reads state and parent, fields 3 and 4 of proc_pid_stat(5). Field 2 is a name that may contain any character.
fn is_zombie_of(stat: &str, parent: u32) -> bool {
    let mut fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    fields.next() == Some("Z") && fields.next().is_some_and(|field| field == parent.to_string())
}

#[cfg(test)]
mod tests {
    use super::is_zombie_of;

    #[test]
    fn a_zombie_is_recognized_by_its_state_and_parent_whatever_its_name() {
        assert!(is_zombie_of("17 (sh) Z 1 17 17 0 -1", 1));
        assert!(is_zombie_of("17 (a) S 2 (b) Z 1 17", 1));
        assert!(!is_zombie_of("17 (sh) S 1 17 17 0 -1", 1));
        assert!(!is_zombie_of("17 (sh) Z 12 17 17 0 -1", 1));
        assert!(!is_zombie_of("", 1));
    }
}
