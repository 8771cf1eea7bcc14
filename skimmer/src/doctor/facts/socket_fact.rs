use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::timeout;

/// A Unix socket of a program, as a client finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SocketFact {
    pub(crate) path: PathBuf,
    pub(crate) state: SocketState,
    /// The permission bits; 0 if the file does not exist.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SocketState {
    /// A program listens.
    Listens,
    /// The file is there, and no program listens.
    Stale,
    Missing,
    /// Another kind of file.
    NoSocket,
    /// This user may not connect, or may not look into the folder.
    Denied,
    /// It does not accept the connection within the time.
    Silent,
}

impl SocketFact {
    /// Connects, and disconnects.
    pub(crate) async fn read(path: &Path, within: Duration) -> Self {
        let fact = |state, metadata: Option<&std::fs::Metadata>| Self {
            path: path.to_owned(),
            state,
            mode: metadata.map_or(0, |metadata| metadata.mode() & 0o7777),
            uid: metadata.map_or(0, MetadataExt::uid),
            gid: metadata.map_or(0, MetadataExt::gid),
        };
        let metadata = match std::fs::symlink_metadata(path) {
            Ok(metadata) if metadata.file_type().is_socket() || metadata.is_symlink() => metadata,
            Ok(metadata) => return fact(SocketState::NoSocket, Some(&metadata)),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return fact(SocketState::Denied, None);
            }
            Err(_) => return fact(SocketState::Missing, None),
        };
        let state = match timeout(within, UnixStream::connect(path)).await {
            Ok(Ok(_)) => SocketState::Listens,
            Ok(Err(error)) if error.kind() == ErrorKind::PermissionDenied => SocketState::Denied,
            Ok(Err(error)) if error.kind() == ErrorKind::NotFound => SocketState::Missing,
            Ok(Err(_)) => SocketState::Stale,
            Err(_) => SocketState::Silent,
        };
        fact(state, Some(&metadata))
    }
}
