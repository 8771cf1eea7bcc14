use std::fmt;
use std::sync::Arc;

use pubsub_api::{Error, ErrorKind, Result};
use serde::Serialize;

/// The name of a subscription, unique on its node: chosen by the subscriber, or random.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct SubscriptionId(Arc<str>);

impl SubscriptionId {
    /// Takes a name of 1 to 100 bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a shorter or longer one.
    pub fn new(id: impl Into<String>) -> Result<Self> {
        let id = id.into();
        if id.is_empty() || id.len() > crate::MAX_NAME_BYTES {
            let text = format!(
                "a subscription id has 1 to {} bytes, this one has {}",
                crate::MAX_NAME_BYTES,
                id.len()
            );
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        Ok(Self(id.into()))
    }

    /// Draws a random one: 32 hexadecimal digits.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("{:032x}", fastrand::u128(..)).into())
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
