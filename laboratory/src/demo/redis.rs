use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use pubsub_api::{Error, ErrorKind, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// A separate Redis server for the demo, on a free port, without persistence. It is killed when this value is dropped.
pub(super) struct Redis {
    address: String,
    _child: Child,
}

/// The timeout for the first reply.
const START_TIMEOUT: Duration = Duration::from_secs(20);

impl Redis {
    pub(super) async fn start(folder: &Path) -> Result<Self> {
        let failed = |what: &str, error: std::io::Error| {
            Error::new(ErrorKind::Unavailable, format!("{what} (on Debian: apt-get install redis-server)"))
                .with_source(error)
        };
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.map_err(|error| failed("cannot find a free port for redis-server", error))?.port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed("cannot start redis-server", error))?;
        let redis = Self { address: format!("127.0.0.1:{port}"), _child: child };
        let replies = async {
            while !replies(&redis.address).await {
                sleep(Duration::from_millis(20)).await;
            }
        };
        match timeout(START_TIMEOUT, replies).await {
            Ok(()) => Ok(redis),
            Err(_) => {
                let text =
                    format!("redis-server at {} did not reply within {START_TIMEOUT:?}", redis.address);
                Err(Error::new(ErrorKind::Unavailable, text))
            }
        }
    }

    /// The settings that use this server as broker and database.
    pub(super) fn settings(&self) -> Vec<String> {
        vec![
            "pub_sub_driver=redis_db_pubsub_driver".to_owned(),
            "nb_db_class=redis_nb_db_driver".to_owned(),
            format!("drivers.redis.hosts={}", self.address),
        ]
    }
}

async fn replies(address: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(address).await else { return false };
    let mut reply = [0; 7];
    stream.write_all(b"PING\r\n").await.is_ok()
        && stream.read_exact(&mut reply).await.is_ok()
        && reply == *b"+PONG\r\n"
}
