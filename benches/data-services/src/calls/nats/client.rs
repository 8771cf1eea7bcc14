use std::net::SocketAddr;

use bench_kit::{cannot, failure};
use bytes::{Bytes, BytesMut};
use pubsub_api::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use super::message::Received;

/// The bound of what waits to be written. A caller that writes more waits.
const WAITING: usize = 4096;

/// The number of pieces that are written at once.
const BATCH: usize = 256;

const READ_BYTES: usize = 64 * 1024;

/// The reading end of a connection to a server of NATS; a task writes.
#[derive(Debug)]
pub(super) struct Client {
    read: OwnedReadHalf,
    arrived: BytesMut,
    out: mpsc::Sender<Bytes>,
}

impl Client {
    /// Connects, subscribes to a subject, and waits until that is in force.
    pub(super) async fn connect(server: SocketAddr, subject: &str) -> Result<Self> {
        let stream = TcpStream::connect(server).await.map_err(cannot("connect to NATS"))?;
        stream.set_nodelay(true).map_err(cannot("connect to NATS"))?;
        let (read, write) = stream.into_split();
        let (out, waiting) = mpsc::channel(WAITING);
        tokio::spawn(write_all(write, waiting));
        let mut client = Self { read, arrived: BytesMut::with_capacity(READ_BYTES), out };
        let opening =
            format!("CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\nSUB {subject} 1\r\nPING\r\n");
        client.send(opening.into()).await?;
        while client.next().await? != Received::Pong {}
        Ok(client)
    }

    /// Where others write.
    pub(super) fn out(&self) -> mpsc::Sender<Bytes> {
        self.out.clone()
    }

    async fn send(&self, bytes: Bytes) -> Result<()> {
        self.out.send(bytes).await.map_err(cannot("write to NATS"))
    }

    /// Waits for the next thing that the server sends. Answers a PING.
    pub(super) async fn next(&mut self) -> Result<Received> {
        loop {
            match Received::take(&mut self.arrived)? {
                Some(Received::Ping) => self.send(Bytes::from_static(b"PONG\r\n")).await?,
                Some(received) => return Ok(received),
                None => {
                    self.arrived.reserve(READ_BYTES);
                    let read = self.read.read_buf(&mut self.arrived).await;
                    if read.map_err(cannot("read from NATS"))? == 0 {
                        return Err(failure("the NATS server has closed the connection"));
                    }
                }
            }
        }
    }
}

/// A message to be published.
pub(super) fn publish(subject: &str, reply: &str, payload: &[u8]) -> Bytes {
    let head =
        format!("PUB {subject} {reply}{}{}\r\n", if reply.is_empty() { "" } else { " " }, payload.len());
    [head.as_bytes(), payload, b"\r\n"].concat().into()
}

/// Writes what waits, together.
async fn write_all(mut write: OwnedWriteHalf, mut waiting: mpsc::Receiver<Bytes>) {
    let (mut pieces, mut bytes) = (Vec::new(), Vec::new());
    while waiting.recv_many(&mut pieces, BATCH).await > 0 {
        bytes.clear();
        pieces.drain(..).for_each(|piece: Bytes| bytes.extend_from_slice(&piece));
        if write.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
