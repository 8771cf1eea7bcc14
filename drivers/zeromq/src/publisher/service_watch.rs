use std::io;
use std::path::{Path, PathBuf};

use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

/// Notices the end of the process behind a socket, which PUSH itself learns only when a write fails: by then it has
/// taken events that are lost.
///
/// It is a second connection, on which nothing is ever said. A service may close it for its silence (libzmq does after
/// 30 s): then the watch connects again, and only if another process answers, or none, is the first one gone.
#[derive(Debug)]
pub(super) struct ServiceWatch {
    path: PathBuf,
    stream: UnixStream,
}

impl ServiceWatch {
    pub(super) async fn start(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), stream: UnixStream::connect(path).await? })
    }

    /// Returns when the process is gone. Cancel-safe: it only looks.
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

/// The process that listens at the other end.
fn pid(stream: &UnixStream) -> Option<i32> {
    stream.peer_cred().ok().and_then(|credentials| credentials.pid())
}
