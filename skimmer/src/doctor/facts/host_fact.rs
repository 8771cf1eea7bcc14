use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{statfs, statvfs};
use rustix::system::uname;

/// What the kernel of this host says of itself. `None` where it cannot be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HostFact {
    pub(crate) name: String,
    /// `net.core.somaxconn`.
    pub(crate) somaxconn: Option<u64>,
    /// The third value of `net.ipv4.tcp_wmem`, in bytes.
    pub(crate) send_buffer_max: Option<u64>,
    /// The third value of `net.ipv4.tcp_rmem`, in bytes.
    pub(crate) receive_buffer_max: Option<u64>,
    /// `net.ipv4.ip_local_port_range`.
    pub(crate) ephemeral_ports: Option<(u64, u64)>,
    /// `net.ipv4.ip_local_reserved_ports`, as text.
    pub(crate) reserved_ports: String,
    /// The entries of the connection tracker, and their bound.
    pub(crate) conntrack: Option<(u64, u64)>,
    /// Connections that listeners of this host could not accept since the start of the host.
    pub(crate) listen_overflows: Option<u64>,
    /// In bytes.
    pub(crate) memory_available: Option<u64>,
}

/// A folder, and the file system under it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FolderFact {
    pub(crate) path: std::path::PathBuf,
    /// Why it cannot be read.
    pub(crate) problem: Option<String>,
    pub(crate) mode: u32,
    /// Free for programs that are not root's, in bytes.
    pub(crate) free_bytes: u64,
    pub(crate) total_bytes: u64,
    pub(crate) free_files: u64,
    /// The files of the file system; 0 if it does not count them.
    pub(crate) total_files: u64,
    /// What the folder and its subfolders occupy already, in bytes.
    pub(crate) used_bytes: u64,
    /// `nfs`, `tmpfs` … if it is one that matters.
    pub(crate) file_system: Option<&'static str>,
}

/// The numbers of statfs(2).
const FILE_SYSTEMS: [(u64, &str); 4] =
    [(0x6969, "nfs"), (0x0102_1994, "tmpfs"), (0xff53_4d42, "cifs"), (0x6573_5546, "fuse")];

/// The most files whose size is read.
const MAX_FILES: usize = 10_000;

impl HostFact {
    pub(crate) fn read() -> Self {
        let conntrack = |name: &str| number(&format!("/proc/sys/net/netfilter/nf_conntrack_{name}"), 0);
        Self {
            name: uname().nodename().to_string_lossy().into_owned(),
            somaxconn: number("/proc/sys/net/core/somaxconn", 0),
            send_buffer_max: number("/proc/sys/net/ipv4/tcp_wmem", 2),
            receive_buffer_max: number("/proc/sys/net/ipv4/tcp_rmem", 2),
            ephemeral_ports: number("/proc/sys/net/ipv4/ip_local_port_range", 0)
                .zip(number("/proc/sys/net/ipv4/ip_local_port_range", 1)),
            reserved_ports: text("/proc/sys/net/ipv4/ip_local_reserved_ports").unwrap_or_default(),
            conntrack: conntrack("count").zip(conntrack("max")),
            listen_overflows: text("/proc/net/netstat").and_then(|text| listen_overflows(&text)),
            memory_available: text("/proc/meminfo").and_then(|text| memory_available(&text)),
        }
    }
}

impl FolderFact {
    pub(crate) fn read(path: &Path) -> Self {
        let unreadable =
            |problem: String| Self { path: path.to_owned(), problem: Some(problem), ..Self::default() };
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => metadata,
            Ok(_) => return unreadable("it is not a folder".to_owned()),
            Err(error) => return unreadable(error.to_string()),
        };
        if let Err(error) = std::fs::read_dir(path) {
            return Self { mode: metadata.mode() & 0o7777, ..unreadable(error.to_string()) };
        }
        let Ok(space) = statvfs(path) else { return unreadable("its file system cannot be read".to_owned()) };
        let kind = statfs(path).ok().and_then(|found| u64::try_from(found.f_type).ok());
        let known =
            FILE_SYSTEMS.iter().find(|(number, _)| Some(*number) == kind.map(|kind| kind & 0xffff_ffff));
        Self {
            path: path.to_owned(),
            problem: None,
            mode: metadata.mode() & 0o7777,
            free_bytes: space.f_bavail.saturating_mul(space.f_frsize),
            total_bytes: space.f_blocks.saturating_mul(space.f_frsize),
            free_files: space.f_favail,
            total_files: space.f_files,
            used_bytes: used(path, &mut MAX_FILES.clone()),
            file_system: known.map(|(_, name)| *name),
        }
    }
}

/// What the files of a folder occupy; at most `left` files are looked at.
fn used(folder: &Path, left: &mut usize) -> u64 {
    let mut bytes = 0_u64;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Some(fewer) = left.checked_sub(1) else { break };
        *left = fewer;
        let Ok(metadata) = entry.metadata() else { continue };
        bytes += match metadata.is_dir() {
            true => used(&entry.path(), left),
            false => metadata.blocks().saturating_mul(512),
        };
    }
    bytes
}

fn text(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// One of the numbers of a file of them.
fn number(path: &str, place: usize) -> Option<u64> {
    text(path)?.split_whitespace().nth(place)?.parse().ok()
}

/// `ListenOverflows` of `/proc/net/netstat`: a line of names, and a line of values, for each protocol.
fn listen_overflows(netstat: &str) -> Option<u64> {
    let mut lines = netstat.lines().filter(|line| line.starts_with("TcpExt:"));
    let (names, values) = (lines.next()?, lines.next()?);
    let place = names.split_whitespace().position(|name| name == "ListenOverflows")?;
    values.split_whitespace().nth(place)?.parse().ok()
}

fn memory_available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::{FolderFact, HostFact, listen_overflows, memory_available};

    #[test]
    fn numbers_of_the_kernel_are_found_by_name() {
        let netstat = "IpExt: A B\nIpExt: 1 2\nTcpExt: SyncookiesSent ListenOverflows\nTcpExt: 3 4\n";
        assert_eq!(listen_overflows(netstat), Some(4));
        assert_eq!(listen_overflows("TcpExt: A\nTcpExt: 1\n"), None);
        assert_eq!(memory_available("MemTotal: 8 kB\nMemAvailable:    4 kB\n"), Some(4096));
    }

    #[test]
    fn this_host_and_a_folder_of_it_can_be_read() {
        let host = HostFact::read();
        assert!(!host.name.is_empty() && host.somaxconn.is_some() && host.memory_available.is_some());
        let folder = FolderFact::read(&std::env::temp_dir());
        assert!(folder.problem.is_none() && folder.total_bytes > 0, "{folder:?}");
        let none = FolderFact::read(std::path::Path::new("/nowhere/at/all"));
        assert!(none.problem.is_some());
    }
}
