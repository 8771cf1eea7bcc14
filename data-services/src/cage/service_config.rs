use pubsub_api::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::ServiceId;

/// What a cage creates a service from: an entry `[[service]]` of the services file, or the argument of a call of `create`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig {
    /// The name of the service.
    pub id: String,
    /// The name of its [kind](crate::ServiceKind).
    pub kind: String,
    /// Addresses on which it listens besides its name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Whether one instance of the service is active at a time ([`ServiceBuilder::active_standby`](crate::ServiceBuilder)).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub active_standby: bool,
    /// The options of the kind.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub options: Map<String, Json>,
}

impl ServiceConfig {
    /// A configuration without addresses and options.
    #[must_use]
    pub fn new(id: impl Into<String>, kind: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            kind: kind.into(),
            addresses: Vec::new(),
            active_standby: false,
            options: Map::new(),
        }
    }

    /// Sets an option.
    #[must_use]
    pub fn option(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.options.insert(name.to_owned(), value.into());
        self
    }

    /// Returns the checked name.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if it is invalid.
    pub fn service_id(&self) -> Result<ServiceId> {
        ServiceId::new(self.id.clone())
    }

    /// Reads the options into the type of the kind, which should refuse unknown fields.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] with the service, the kind and the reason.
    pub fn options<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(Json::Object(self.options.clone())).map_err(|error| {
            let text = format!("service {} has invalid options for the kind {}: {error}", self.id, self.kind);
            Error::new(ErrorKind::Settings, text)
        })
    }
}
