use std::sync::OnceLock;

use pubsub_api::{Posture, Result, Verdict};
use tokio::net::TcpStream;

use super::counters::LinkCounters;
use super::desired_subscriptions::DesiredSubscriptions;
use super::heard_publishers::HeardPublishers;
use super::queue::Queue;
use crate::ZmtpSettings;
use crate::connect::{self, ConnectError, Connected};
use crate::keys::AgentKeys;
use crate::protocol::SocketType;
use crate::request::dealer::requester_state::RequesterState;

/// What a subscriber and its links share.
#[derive(Debug)]
pub(crate) struct SubscriberState {
    pub(crate) settings: ZmtpSettings,
    pub(crate) wanted: DesiredSubscriptions,
    pub(crate) queue: Queue,
    pub(crate) counters: LinkCounters,
    pub(crate) requester: RequesterState,
    pub(crate) heard_publishers: HeardPublishers,
    /// Of CURVE, once the subscriber was started.
    pub(crate) keys: OnceLock<AgentKeys>,
}

impl SubscriberState {
    pub(crate) fn new(settings: ZmtpSettings) -> Self {
        let queue = Queue::new(settings.recv_queue_events);
        let (counters, requester) = (LinkCounters::default(), RequesterState::default());
        Self {
            settings,
            wanted: DesiredSubscriptions::default(),
            queue,
            counters,
            requester,
            heard_publishers: HeardPublishers::default(),
            keys: OnceLock::new(),
        }
    }

    /// Reads the key file, unless that was done.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings), if a key is missing or not for this process alone.
    pub(crate) fn read_keys(&self) -> Result<()> {
        if let (Some(curve), None) = (&self.settings.curve, self.keys.get()) {
            let keys = curve.client()?;
            self.keys.get_or_init(|| keys);
        }
        Ok(())
    }

    /// Connects to a publisher, with its keys if the mechanism is CURVE.
    pub(crate) async fn connect(
        &self,
        publisher: &str,
        address: &str,
        own: SocketType,
    ) -> std::result::Result<Connected<TcpStream>, ConnectError> {
        let keys = match self.settings.curve {
            None => None,
            Some(_) => {
                let keys = self.keys.get().and_then(|keys| keys.of_publisher(publisher));
                Some(keys.ok_or(ConnectError::NoKey)?)
            }
        };
        connect::tcp(address, own, &self.settings, keys.as_ref()).await
    }

    /// Whether publishers prove who they are.
    pub(super) fn posture(&self) -> Posture {
        match &self.settings.curve {
            Some(_) => {
                Posture::new(ASPECT, Verdict::Good, "authenticated and encrypted (CURVE), by publisher_keys")
            }
            None => Posture::new(
                ASPECT,
                Verdict::Open,
                "not authenticated: whoever has their address is believed",
            )
            .remedy("drivers.zmtp.mechanism = \"curve\" authenticates them"),
        }
    }
}

const ASPECT: &str = "publishers";
