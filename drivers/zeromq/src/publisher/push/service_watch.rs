use std::io;
use std::path::{Path, PathBuf};

use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

/// Detects the end of the service process. PUSH detects it only when a write fails, after it has accepted events that are then
/// lost.
///
/// The watch is a second, silent connection. A service may close a silent connection (libzmq does after 30 s). Then the watch
/// reconnects, and the service has ended only if another process accepts the connection, or none.
#[derive(Debug)]
pub(super) struct ServiceWatch {
    path: PathBuf,
    stream: UnixStream,
}

impl ServiceWatch {
    pub(super) async fn start(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), stream: UnixStream::connect(path).await? })
    }

    /// Returns when the process has ended. Cancel-safe: it changes nothing at the service.
    pub(super) async fn gone(&mut self) {
        let mut greeting = [0; 64];
        loop {
            if self.stream.read(&mut greeting).await.is_ok_and(|count| count > 0) {
                continue;
            }
            let Ok(again) = UnixStream::connect(&self.path).await else { return };
            let same = pid(&self.stream).is_some() && pid(&self.stream) == pid(&again);
            if !same {
                return;
            }
            self.stream = again;
        }
    }
}

/// The id of the process that listens at the other end.
fn pid(stream: &UnixStream) -> Option<i32> {
    stream.peer_cred().ok().and_then(|credentials| credentials.pid())
}
