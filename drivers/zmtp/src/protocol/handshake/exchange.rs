use std::sync::Arc;
use std::time::SystemTime;

use crate::protocol::curve::{
    AuthorizedAgent, ClientExchange, ClientKeys, Introduction, ServerExchange, ServerKeys, Session,
};
use crate::protocol::{GREETING_BYTES, Greeting, Mechanism, ProtocolError};

/// What the mechanism exchanges after the greetings.
#[derive(Debug)]
pub(super) enum Exchange {
    /// A READY of either side.
    Null,
    CurveClient(Box<ClientExchange>),
    CurveServer(ServerExchange),
}

/// How far a client of CURVE is: what a server that closes then means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CurveStage {
    /// It awaits WELCOME: a server closes that does not have the key which the client expects.
    AwaitsWelcome,
    /// It awaits READY: a server closes that does not accept the key of the client.
    AwaitsReady,
}

/// A peer that proved its key.
pub(super) enum Proved {
    Server { metadata: Vec<u8>, session: Session },
    Client(Introduction),
}

impl Exchange {
    pub(super) fn client(keys: &ClientKeys) -> Result<Self, ProtocolError> {
        Ok(Self::CurveClient(Box::new(ClientExchange::new(keys.clone())?)))
    }

    pub(super) fn server(keys: &Arc<ServerKeys>, began: SystemTime) -> Self {
        Self::CurveServer(ServerExchange::new(Arc::clone(keys), began))
    }

    pub(super) fn mechanism(&self) -> Mechanism {
        match self {
            Self::Null => Mechanism::Null,
            Self::CurveClient(_) | Self::CurveServer(_) => Mechanism::Curve,
        }
    }

    pub(super) fn greeting(&self) -> [u8; GREETING_BYTES] {
        match self {
            Self::Null | Self::CurveClient(_) => Greeting::encode(self.mechanism()),
            Self::CurveServer(_) => Greeting::encode_as_server(self.mechanism()),
        }
    }

    /// The greetings are complete: a client sends its first command.
    pub(super) fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), ProtocolError> {
        match self {
            Self::CurveClient(client) => client.begin(out),
            Self::Null | Self::CurveServer(_) => Ok(()),
        }
    }

    /// A command of CURVE, with what a client states of itself; the peer when it has proved its key.
    pub(super) fn take(
        &mut self,
        body: &[u8],
        metadata: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Proved>, ProtocolError> {
        match self {
            Self::Null => Err(ProtocolError::NotReady),
            Self::CurveServer(server) => Ok(server.take(body, out)?.map(Proved::Client)),
            Self::CurveClient(client) => {
                let taken = client.take(body, metadata, out)?;
                Ok(taken.map(|(metadata, session)| Proved::Server { metadata, session }))
            }
        }
    }

    pub(super) fn stage(&self) -> Option<CurveStage> {
        match self {
            Self::CurveClient(client) if client.awaits_welcome() => Some(CurveStage::AwaitsWelcome),
            Self::CurveClient(client) if client.awaits_ready() => Some(CurveStage::AwaitsReady),
            _ => None,
        }
    }
}

impl Proved {
    pub(super) fn metadata(&self) -> &[u8] {
        match self {
            Self::Server { metadata, .. } => metadata,
            Self::Client(client) => &client.metadata,
        }
    }

    /// What is known of a client by its key.
    pub(super) fn agent(&self) -> Option<&AuthorizedAgent> {
        match self {
            Self::Server { .. } => None,
            Self::Client(client) => Some(&client.agent),
        }
    }
}
