//! A listener that sends what a test demands, and nothing of itself.

use bytes::{Buf, BytesMut};
use drivers_zmtp::protocol::{
    Command, Decoded, EventDecoder, Handshake, PeerDecoder, PeerMessage, ProtocolError, SocketType, put_event,
};
use pubsub_api::{Envelope, hello};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::ends::within;

/// One connection, its handshake complete.
pub(crate) struct Peer<S> {
    pub(crate) stream: S,
    arrived: BytesMut,
    events: EventDecoder,
}

/// What the other side sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Subscribe(String),
    Cancel(String),
    Ping,
    Pong,
    End,
}

/// A port to connect to.
pub(crate) async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    (listener, address)
}

/// The next connection to `listener`, met as a PUB of ZMTP 3.`minor`.
pub(crate) async fn accept(listener: &TcpListener, minor: u8) -> Peer<TcpStream> {
    let (stream, _) = within("a connection", listener.accept()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    Peer::meet(stream, minor).await.unwrap()
}

/// What a publisher and a plain PULL serve; any other peer is refused with ERROR.
const PLAIN: &[SocketType] = &[SocketType::Sub, SocketType::Push];

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    /// Shakes hands as a listener does.
    pub(crate) async fn meet(stream: S, minor: u8) -> Result<Self, ProtocolError> {
        Self::meet_any(stream, minor, PLAIN).await
    }

    /// The same for a listener that serves these.
    pub(crate) async fn meet_any(
        mut stream: S,
        minor: u8,
        serves: &'static [SocketType],
    ) -> Result<Self, ProtocolError> {
        let mut out = Vec::new();
        let mut handshake = Handshake::listener(serves, &mut out);
        let (mut arrived, mut said_bytes) = (BytesMut::new(), 0);
        loop {
            if let Some(announced) = 11_usize.checked_sub(said_bytes).and_then(|at| out.get_mut(at)) {
                *announced = minor;
            }
            said_bytes += out.len();
            stream.write_all(&out).await.unwrap();
            out.clear();
            let (used, peer) = match handshake.take(&arrived, &mut out) {
                Ok(taken) => taken,
                Err(error) => {
                    stream.write_all(&out).await.unwrap();
                    return Err(error);
                }
            };
            arrived.advance(used);
            if peer.is_some() {
                stream.write_all(&out).await.unwrap();
                return Ok(Self { arrived, ..Self::met(stream) });
            }
            let count = within("the handshake", stream.read_buf(&mut arrived)).await.unwrap();
            assert!(count > 0 || !out.is_empty(), "it left during the handshake");
        }
    }

    /// One whose handshake is complete already.
    pub(crate) fn met(stream: S) -> Self {
        Self { stream, arrived: BytesMut::new(), events: EventDecoder::default() }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        within("room in the socket", self.stream.write_all(bytes)).await.unwrap();
    }

    pub(crate) async fn event(&mut self, topic: &str, payload: &[u8]) {
        let mut bytes = Vec::new();
        put_event(&mut bytes, topic.as_bytes(), payload);
        self.write(&bytes).await;
    }

    pub(crate) async fn hello(&mut self) {
        self.event("$hello", &hello_payload()).await;
    }

    pub(crate) async fn ping(&mut self, context: &[u8]) {
        let mut bytes = Vec::new();
        Command::Ping { ttl: 0, context }.put(&mut bytes);
        self.write(&bytes).await;
    }

    pub(crate) async fn pong(&mut self) {
        let mut bytes = Vec::new();
        Command::Pong.put(&mut bytes);
        self.write(&bytes).await;
    }

    /// The next frame of a subscriber.
    pub(crate) async fn said(&mut self) -> Said {
        loop {
            let (used, said) = PeerDecoder::default().next(&self.arrived).unwrap();
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let said = match said {
                PeerMessage::Incomplete => None,
                PeerMessage::Subscribe(prefix) => Some(Said::Subscribe(text(prefix))),
                PeerMessage::Cancel(prefix) => Some(Said::Cancel(text(prefix))),
                PeerMessage::Ping { .. } => Some(Said::Ping),
                PeerMessage::Pong => Some(Said::Pong),
                PeerMessage::Other => panic!("a frame that nobody may send: {:?}", &self.arrived[..used]),
            };
            self.arrived.advance(used);
            match said {
                Some(said) => return said,
                None if !self.read().await => return Said::End,
                None => {}
            }
        }
    }

    /// What a subscriber asks for, up to `$hello`.
    pub(crate) async fn asked(&mut self) -> Vec<String> {
        let mut asked = Vec::new();
        loop {
            match self.said().await {
                Said::Subscribe(prefix) => asked.push(prefix),
                other => panic!("a subscription was due, and {other:?} came"),
            }
            if asked.last().is_some_and(|last| last == "$hello") {
                return asked;
            }
        }
    }

    /// The next event of a worker, or `Err` with what else came; `Ok(None)` at the end.
    pub(crate) async fn taken(&mut self) -> Result<Option<(String, Vec<u8>)>, Said> {
        loop {
            let (used, decoded) = self.events.next(&self.arrived).unwrap();
            let taken = match decoded {
                Decoded::Incomplete => None,
                Decoded::Event { topic, payload } => {
                    let topic = String::from_utf8(self.arrived[topic].to_vec()).unwrap();
                    Some(Ok(Some((topic, self.arrived[payload].to_vec()))))
                }
                Decoded::Command(Command::Ping { .. }) => Some(Err(Said::Ping)),
                Decoded::Command(Command::Pong) => Some(Err(Said::Pong)),
                other => panic!("nobody sends that: {other:?}"),
            };
            self.arrived.advance(used);
            match taken {
                Some(taken) => return taken,
                None if !self.read().await => return Ok(None),
                None => {}
            }
        }
    }

    /// Waits for bytes; `false` at the end, which may be a reset.
    async fn read(&mut self) -> bool {
        let read = within("something to be said", self.stream.read_buf(&mut self.arrived)).await;
        read.is_ok_and(|count| count > 0)
    }
}

pub(crate) fn hello_payload() -> Vec<u8> {
    Envelope::pack(&hello::event("by hand", None)).unwrap().payload.to_vec()
}
