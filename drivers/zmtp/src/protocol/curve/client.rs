use std::sync::Arc;

use key_files::random;

use super::commands::{
    CLIENT_NONCE, COOKIE_BYTES, ERROR, HELLO, HELLO_NONCE, HELLO_PADDING_BYTES, HELLO_TEXT, INITIATE,
    INITIATE_NONCE, Parts, READY, READY_NONCE, SERVER_NONCE, VERSION, VOUCH_NONCE, WELCOME,
    WELCOME_BOX_BYTES, WELCOME_NONCE, numbered, random_nonce,
};
use super::keys::{PublicKey, SecretKey};
use super::secret_box::BoxKey;
use super::session::Session;
use crate::protocol::ProtocolError;
use crate::protocol::frame::put_command_body;

/// What a client connects with: its own key, and that of the server which it expects.
#[derive(Debug, Clone)]
pub struct ClientKeys {
    own: Arc<SecretKey>,
    server: PublicKey,
}

impl ClientKeys {
    /// The keys for connections to the server with this public key.
    #[must_use]
    pub fn new(own: Arc<SecretKey>, server: PublicKey) -> Self {
        Self { own, server }
    }
}

/// The client's side of a handshake.
///
/// HELLO proves that the client knows the server's key, WELCOME that the server has the secret one, INITIATE that the client
/// has its own, and READY is the first that is for this connection alone.
#[derive(Debug)]
pub(in crate::protocol) struct ClientExchange {
    keys: ClientKeys,
    transient: SecretKey,
    state: State,
}

#[derive(Debug)]
enum State {
    /// HELLO was not sent yet.
    Silent,
    AwaitsWelcome,
    /// With the key of the connection.
    AwaitsReady(BoxKey),
    Done,
}

/// The numbers of the first nonces; those of messages follow.
const HELLO_NUMBER: u64 = 1;
const INITIATE_NUMBER: u64 = 2;

impl ClientExchange {
    pub(in crate::protocol) fn new(keys: ClientKeys) -> Result<Self, ProtocolError> {
        Ok(Self { keys, transient: SecretKey::generate()?, state: State::Silent })
    }

    /// Whether WELCOME is awaited: the server has not proved its key yet.
    pub(in crate::protocol) fn awaits_welcome(&self) -> bool {
        matches!(self.state, State::AwaitsWelcome)
    }

    /// Whether READY is awaited: the server knows who wants to connect.
    pub(in crate::protocol) fn awaits_ready(&self) -> bool {
        matches!(self.state, State::AwaitsReady(_))
    }

    /// Sends HELLO.
    pub(in crate::protocol) fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), ProtocolError> {
        let State::Silent = self.state else { return Ok(()) };
        let number = HELLO_NUMBER.to_be_bytes();
        let key = BoxKey::between(&self.transient, &self.keys.server).ok_or(ProtocolError::CurveBadKey)?;
        let sealed = key.seal(numbered(HELLO_NONCE, number), &HELLO_TEXT);
        let (public, padding) = (self.transient.public(), [0; HELLO_PADDING_BYTES]);
        put_command_body(out, &[HELLO, &VERSION, &padding, public.as_bytes(), &number, &sealed]);
        self.state = State::AwaitsWelcome;
        Ok(())
    }

    /// Takes the body of a command; `metadata` is for the server. Returns that of the server, with the session, when the
    /// handshake is complete.
    pub(in crate::protocol) fn take(
        &mut self,
        body: &[u8],
        metadata: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<(Vec<u8>, Session)>, ProtocolError> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::AwaitsReady(_) if body.starts_with(ERROR) => Err(ProtocolError::CurveKeyRefused),
            State::AwaitsWelcome => {
                let key = self.take_welcome(body, metadata, out)?;
                self.state = State::AwaitsReady(key);
                Ok(None)
            }
            State::AwaitsReady(key) => take_ready(&key, body).map(Some),
            State::Silent | State::Done => Err(ProtocolError::CurveUnexpectedCommand),
        }
    }

    /// Opens WELCOME, and sends INITIATE.
    fn take_welcome(&self, body: &[u8], metadata: &[u8], out: &mut Vec<u8>) -> Result<BoxKey, ProtocolError> {
        let wrong = ProtocolError::CurveBadWelcome;
        let mut parts = Parts::of(body, WELCOME, wrong)?;
        let nonce = random_nonce(WELCOME_NONCE, parts.take()?);
        let sealed: &[u8; WELCOME_BOX_BYTES] = parts.take()?;
        parts.end()?;
        let long_term =
            BoxKey::between(&self.transient, &self.keys.server).ok_or(ProtocolError::CurveBadKey)?;
        let text = long_term.open(nonce, sealed).ok_or(wrong)?;
        let mut parts = Parts::of_text(&text, wrong);
        let server = PublicKey::new(*parts.take()?);
        let cookie: &[u8; COOKIE_BYTES] = parts.take()?;
        let connection = BoxKey::between(&self.transient, &server).ok_or(wrong)?;

        let (number, vouch) = (INITIATE_NUMBER.to_be_bytes(), self.vouch(&server)?);
        let mut text = self.keys.own.public().as_bytes().to_vec();
        text.extend_from_slice(&vouch);
        text.extend_from_slice(metadata);
        let sealed = connection.seal(numbered(INITIATE_NONCE, number), &text);
        put_command_body(out, &[INITIATE, cookie, &number, &sealed]);
        Ok(connection)
    }

    /// Proves that the owner of our long-term key made the transient one, for this server.
    fn vouch(&self, server: &PublicKey) -> Result<Vec<u8>, ProtocolError> {
        let key = BoxKey::between(&self.keys.own, server).ok_or(ProtocolError::CurveBadWelcome)?;
        let random = random::<16>()?;
        let mut text = self.transient.public().as_bytes().to_vec();
        text.extend_from_slice(self.keys.server.as_bytes());
        let mut vouch = random.to_vec();
        vouch.extend(key.seal(random_nonce(VOUCH_NONCE, &random), &text));
        Ok(vouch)
    }
}

fn take_ready(key: &BoxKey, body: &[u8]) -> Result<(Vec<u8>, Session), ProtocolError> {
    let mut parts = Parts::of(body, READY, ProtocolError::CurveBadReady)?;
    let number = *parts.take()?;
    let metadata =
        key.open(numbered(READY_NONCE, number), parts.rest()).ok_or(ProtocolError::CurveBadReady)?;
    let session = Session::new(
        (key.stream(CLIENT_NONCE), INITIATE_NUMBER),
        (key.stream(SERVER_NONCE), u64::from_be_bytes(number)),
    );
    Ok((metadata.to_vec(), session))
}
