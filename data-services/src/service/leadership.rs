use std::fmt;

use serde::Deserialize;

use crate::node::{LEAD, NewCall, RELEASE};
use crate::{CallError, CallErrorKind, CallOptions, NodeId, ServiceHandle, ServiceId};

/// The right of one service to call the [leader-only methods](crate::ServiceBuilder::leader_only_method) of another.
///
/// The led service has one leader at a time, and checks each call: what a former leader still calls is denied. The heartbeats
/// of the leader's node renew the right. It ends with the value, with the leading service or its node, when the led node counts
/// the leader's node as [down](crate::NodeOptions::down_after) (5 s), and when the led service or its node is started again.
/// The leader learns of that by the denial of its next call, and can become the leader again.
///
/// Each instance of a service has a leader of its own. A service that becomes the leader again keeps only the
/// latest value: the end of an earlier one has no effect.
pub struct Leadership {
    leader: ServiceHandle,
    led: Led,
    /// The number of this leadership.
    term: u64,
    is_released: bool,
}

/// What is led.
#[derive(Debug, Clone, Deserialize)]
struct Led {
    node: NodeId,
    service: ServiceId,
}

/// Leadership of other services.
impl ServiceHandle {
    /// Becomes the leader of one service that listens on `address`, or stays it.
    ///
    /// # Errors
    /// [`CallErrorKind::Denied`] if another is the leader: the text names it. As [`call`](Self::call) otherwise.
    pub async fn lead(&self, address: &str) -> Result<Leadership, CallError> {
        self.lead_with(address, CallOptions::default()).await
    }

    /// Becomes the leader as [`lead`](Self::lead) does, with options: of the service of one node, for example.
    ///
    /// # Errors
    /// As `lead`.
    pub async fn lead_with(&self, address: &str, options: CallOptions) -> Result<Leadership, CallError> {
        let term = fastrand::u64(..);
        let answer = self.call_with(address, LEAD, term, options).await?;
        let led = Led::deserialize(answer).map_err(|error| {
            let text = format!("the reply of {address} about its leader is invalid: {error}");
            CallError::new(CallErrorKind::Remote, text)
        })?;
        Ok(Leadership { leader: self.clone(), led, term, is_released: false })
    }
}

impl Leadership {
    /// Returns the service that is led.
    #[must_use]
    pub fn service(&self) -> &ServiceId {
        &self.led.service
    }

    /// Returns the node of that service: calls of leader-only methods go [there](CallOptions::on).
    #[must_use]
    pub fn node(&self) -> &NodeId {
        &self.led.node
    }

    /// Ends it, and waits until it has ended. A value that is dropped ends it too, a little later.
    ///
    /// # Errors
    /// [`CallErrorKind::Denied`] if another is the leader already. As [`ServiceHandle::call`] otherwise: it ends with this
    /// node then.
    pub async fn release(mut self) -> Result<(), CallError> {
        self.is_released = true;
        let call = self.releasing()?;
        self.leader.node().call(call).await.map(drop)
    }

    fn releasing(&self) -> Result<NewCall, CallError> {
        let Led { node, service } = &self.led;
        self.leader.new_call(service.as_str(), RELEASE, self.term, CallOptions::on(node.clone()))
    }
}

impl Drop for Leadership {
    fn drop(&mut self) {
        if !self.is_released
            && let Ok(call) = self.releasing()
        {
            self.leader.node().cast(call);
        }
    }
}

impl fmt::Debug for Leadership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leadership").field("leader", self.leader.id()).field("led", &self.led).finish()
    }
}
