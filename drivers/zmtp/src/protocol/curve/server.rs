use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use key_files::random;
use subtle::ConstantTimeEq;

use super::authorized::AuthorizedAgents;
use super::authorized_agent::AuthorizedAgent;
use super::commands::{
    CLIENT_NONCE, COOKIE_BOX_BYTES, COOKIE_NONCE, HELLO, HELLO_BOX_BYTES, HELLO_NONCE, HELLO_PADDING_BYTES,
    HELLO_TEXT, INITIATE, INITIATE_NONCE, Parts, READY, READY_NONCE, SERVER_NONCE, VERSION, VOUCH_BOX_BYTES,
    VOUCH_NONCE, WELCOME, WELCOME_NONCE, numbered, random_nonce,
};
use super::keys::{PublicKey, SecretKey};
use super::secret_box::BoxKey;
use super::session::Session;
use crate::protocol::frame::put_command_body;
use crate::protocol::ready::read_ready;
use crate::protocol::{Command, ProtocolError};

/// What a server is known by, and whom it knows.
#[derive(Debug)]
pub struct ServerKeys {
    own: SecretKey,
    public: PublicKey,
    authorized: RwLock<Arc<AuthorizedAgents>>,
}

impl ServerKeys {
    /// The keys of a server.
    #[must_use]
    pub fn new(own: SecretKey, authorized: AuthorizedAgents) -> Self {
        Self { public: own.public(), own, authorized: RwLock::new(Arc::new(authorized)) }
    }

    /// Its public key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Who may connect now.
    #[must_use]
    pub fn authorized(&self) -> Arc<AuthorizedAgents> {
        Arc::clone(&self.authorized.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on these may connect.
    pub fn authorize(&self, agents: AuthorizedAgents) {
        *self.authorized.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(agents);
    }
}

/// The server's side of a handshake.
///
/// Between WELCOME and INITIATE it keeps 40 bytes: the transient keys are in the cookie, which the client sends back. The key of
/// the cookie is made for this connection and used once, so a recorded INITIATE opens nowhere else.
#[derive(Debug)]
pub(in crate::protocol) struct ServerExchange {
    keys: Arc<ServerKeys>,
    /// When the handshake began: keys that expired before are refused.
    began: SystemTime,
    state: State,
}

#[derive(Debug)]
enum State {
    AwaitsHello,
    AwaitsInitiate {
        cookie_key: BoxKey,
        /// The number of HELLO's nonce.
        number: u64,
    },
    Done,
}

/// A client that proved its key, and may connect.
#[derive(Debug)]
pub(in crate::protocol) struct Introduction {
    pub(in crate::protocol) agent: AuthorizedAgent,
    pub(in crate::protocol) metadata: Vec<u8>,
    /// The key of the connection.
    key: BoxKey,
    /// The number of INITIATE's nonce.
    number: u64,
}

/// The number of READY's nonce; those of messages follow.
const READY_NUMBER: u64 = 1;

impl ServerExchange {
    pub(in crate::protocol) fn new(keys: Arc<ServerKeys>, began: SystemTime) -> Self {
        Self { keys, began, state: State::AwaitsHello }
    }

    /// Takes the body of a command. Returns the client when it has proved its key: then READY is due, or an ERROR.
    pub(in crate::protocol) fn take(
        &mut self,
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Introduction>, ProtocolError> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::AwaitsHello => {
                self.state = self.take_hello(body, out)?;
                Ok(None)
            }
            State::AwaitsInitiate { cookie_key, number } => {
                self.take_initiate(body, &cookie_key, number, out).map(Some)
            }
            State::Done => Err(ProtocolError::CurveUnexpectedCommand),
        }
    }

    /// Opens HELLO, and sends WELCOME.
    fn take_hello(&self, body: &[u8], out: &mut Vec<u8>) -> Result<State, ProtocolError> {
        let wrong = ProtocolError::CurveBadHello;
        let mut parts = Parts::of(body, HELLO, wrong)?;
        if parts.take()? != &VERSION {
            return Err(wrong);
        }
        let _: &[u8; HELLO_PADDING_BYTES] = parts.take()?;
        let client = PublicKey::new(*parts.take()?);
        let number = *parts.take()?;
        let sealed: &[u8; HELLO_BOX_BYTES] = parts.take()?;
        parts.end()?;
        let long_term = BoxKey::between(&self.keys.own, &client).ok_or(wrong)?;
        let text = long_term.open(numbered(HELLO_NONCE, number), sealed).ok_or(wrong)?;
        if !bool::from(text.ct_eq(&HELLO_TEXT)) {
            return Err(wrong);
        }

        let (transient, cookie_key) = (SecretKey::generate()?, BoxKey::new(random()?));
        let mut text = transient.public().as_bytes().to_vec();
        text.extend(bake(&cookie_key, &client, &transient)?);
        let random = random::<16>()?;
        let sealed = long_term.seal(random_nonce(WELCOME_NONCE, &random), &text);
        put_command_body(out, &[WELCOME, random.as_slice(), &sealed]);
        Ok(State::AwaitsInitiate { cookie_key, number: u64::from_be_bytes(number) })
    }

    fn take_initiate(
        &self,
        body: &[u8],
        cookie_key: &BoxKey,
        hello_number: u64,
        out: &mut Vec<u8>,
    ) -> Result<Introduction, ProtocolError> {
        let wrong = ProtocolError::CurveBadInitiate;
        let mut parts = Parts::of(body, INITIATE, wrong)?;
        let nonce = random_nonce(COOKIE_NONCE, parts.take()?);
        let cookie: &[u8; COOKIE_BOX_BYTES] = parts.take()?;
        let number = *parts.take()?;
        let cookie = cookie_key.open(nonce, cookie).ok_or(wrong)?;
        let mut in_cookie = Parts::of_text(&cookie, wrong);
        let (transient_client, transient) =
            (PublicKey::new(*in_cookie.take()?), SecretKey::from_bytes(*in_cookie.take()?));
        let key = BoxKey::between(&transient, &transient_client).ok_or(wrong)?;
        let text = key.open(numbered(INITIATE_NONCE, number), parts.rest()).ok_or(wrong)?;
        let number = u64::from_be_bytes(number);
        if number <= hello_number {
            return Err(ProtocolError::CurveBadNonce);
        }
        let mut parts = Parts::of_text(&text, wrong);
        let client = PublicKey::new(*parts.take()?);
        let nonce = random_nonce(VOUCH_NONCE, parts.take()?);
        let vouch: &[u8; VOUCH_BOX_BYTES] = parts.take()?;
        let vouched =
            BoxKey::between(&transient, &client).and_then(|key| key.open(nonce, vouch)).ok_or(wrong)?;
        let is_vouched =
            vouched.ct_eq(&[*transient_client.as_bytes(), *self.keys.public.as_bytes()].concat());
        if !bool::from(is_vouched) {
            return Err(wrong);
        }
        let metadata = parts.rest();
        let refused = |error, out| {
            refuse(metadata, out);
            Err(error)
        };
        let Some(agent) = self.keys.authorized().get(&client).cloned() else {
            return refused(ProtocolError::CurveUnknownKey { key: client }, out);
        };
        if agent.is_expired(self.began) {
            return refused(ProtocolError::CurveKeyExpired { key: client }, out);
        }
        Ok(Introduction { agent, metadata: metadata.to_vec(), key, number })
    }
}

impl Introduction {
    /// Sends READY with what the client is to know of this end. Returns the session.
    pub(in crate::protocol) fn ready(&self, metadata: &[u8], out: &mut Vec<u8>) -> Session {
        let number = READY_NUMBER.to_be_bytes();
        let sealed = self.key.seal(numbered(READY_NONCE, number), metadata);
        put_command_body(out, &[READY, &number, &sealed]);
        Session::new(
            (self.key.stream(SERVER_NONCE), READY_NUMBER),
            (self.key.stream(CLIENT_NONCE), self.number),
        )
    }
}

/// Tells a client of ours why it is refused; it tries again. A libzmq client (4.3.5) never does after an ERROR, and does after
/// the connection is closed without one.
fn refuse(metadata: &[u8], out: &mut Vec<u8>) {
    if read_ready(metadata).is_ok_and(|ready| ready.node.is_some()) {
        Command::Error(b"unknown key").put(out);
    }
}

/// A cookie: the transient keys, sealed so that only this connection opens it.
fn bake(key: &BoxKey, client: &PublicKey, transient: &SecretKey) -> Result<Vec<u8>, ProtocolError> {
    let random = random::<16>()?;
    let mut text = zeroize::Zeroizing::new(client.as_bytes().to_vec());
    text.extend_from_slice(transient.as_bytes());
    let mut cookie = random.to_vec();
    cookie.extend(key.seal(random_nonce(COOKIE_NONCE, &random), &text));
    Ok(cookie)
}
