use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::{Publisher, Result, Status, Topic};

use crate::ZmtpSettings;
use crate::wire::closed;

/// Under construction.
#[derive(Debug)]
pub struct PubPublisher {
    _settings: ZmtpSettings,
}

impl PubPublisher {
    pub(crate) fn new(settings: ZmtpSettings) -> Self {
        Self { _settings: settings }
    }
}

#[async_trait]
impl Publisher for PubPublisher {
    async fn initialize(&self) -> Result<()> {
        Err(closed("publisher"))
    }
    async fn send(&self, _topic: &Topic, _payload: Bytes) -> Result<()> {
        Err(closed("publisher"))
    }
    async fn flush(&self) -> Result<()> {
        Err(closed("publisher"))
    }
    async fn close(&self) -> Result<()> {
        Ok(())
    }
    fn endpoint(&self) -> Option<String> {
        None
    }
    fn status(&self) -> Status {
        Status::default()
    }
}
