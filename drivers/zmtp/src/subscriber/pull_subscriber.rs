use async_trait::async_trait;
use pubsub_api::{Incoming, Result, Status, Subscriber};

use crate::ZmtpSettings;
use crate::wire::closed;

/// Under construction.
#[derive(Debug)]
pub struct PullSubscriber {
    _settings: ZmtpSettings,
}

impl PullSubscriber {
    pub(crate) fn new(settings: ZmtpSettings) -> Self {
        Self { _settings: settings }
    }
}

#[async_trait]
impl Subscriber for PullSubscriber {
    async fn initialize(&self) -> Result<()> {
        Err(closed("subscriber"))
    }
    async fn recv(&self) -> Result<Incoming> {
        Err(closed("subscriber"))
    }
    async fn close(&self) {}
    fn endpoint(&self) -> Option<String> {
        None
    }
    fn status(&self) -> Status {
        Status::default()
    }
}
